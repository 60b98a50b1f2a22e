/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A share as destination of files. What a server answers is parsed by libsmbclient in this process,
 * which therefore gives up its rights and the network before it says the first word: only the relay
 * reaches the server, as for a source.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <base/sandbox.h>
#include <base/text.h>
#include <net/smb-relay.h>

#include "files-target.h"
#include "share.h"

struct target_share {
	struct file_target target;
	struct tree *tree;
	struct smb_relay *relay;
};

/* A folder of the share is its path; "" is the destination. */
static const char *folder_path(const void *folder)
{
	return folder ? folder : "";
}

static struct tree *tree_of(struct file_target *target)
{
	return ((struct target_share *)target)->tree;
}

static int share_enter(struct file_target *target, void *folder, const char *name,
		       void **ret, struct err *err)
{
	AUTO_FREE char *path = tree_path_join(folder_path(folder), name);
	int r = path ? smb_make_folder(tree_of(target), path, err) : err_nomem(err);

	if (r == 0)
		*ret = TAKE_PTR(path);
	return r;
}

/* Servers change the times of a folder when files are made in it, and set them late. */
static int share_leave(struct file_target *target, void *folder,
		       const struct file_times *times, struct err *err)
{
	free(folder);
	return 0;
}

static int share_create(struct file_target *target, void *folder, const char *name,
			uint64_t size, void **ret, struct err *err)
{
	AUTO_FREE char *path = tree_path_join(folder_path(folder), name);
	struct smb_file *file = NULL;
	int r = path ? smb_create(tree_of(target), path, size, &file, err)
		     : err_nomem(err);

	if (r == 0)
		*ret = file;
	return r;
}

static int share_write(struct file_target *target, void *file, const void *bytes,
		       uint64_t offset, size_t length, struct err *err)
{
	return smb_write(file, bytes, offset, length, err);
}

static int64_t seconds(int64_t ticks)
{
	return ticks / 10000000;
}

static int share_finish(struct file_target *target, void *file,
			const struct file_times *times, struct err *err)
{
	struct smb_times both;
	int64_t modified = times->modified, accessed = times->accessed;

	if (modified == ITEM_NO_TIME)
		return smb_finish(file, NULL, err);
	both.modified_s = seconds(modified);
	both.accessed_s = seconds(accessed == ITEM_NO_TIME ? modified : accessed);
	return smb_finish(file, &both, err);
}

static void share_abandon(struct file_target *target, void *file)
{
	smb_abandon(file);
}

/* A close on a share is answered when the server has it. */
static int share_flush(struct file_target *target, struct err *err)
{
	return 0;
}

static void share_close(struct file_target *target)
{
	struct target_share *own = (struct target_share *)target;

	tree_close(own->tree);
	smb_relay_free(own->relay);
	free(target->name);
	free(own);
}

static const struct file_target_ops share_ops = {
	.enter = share_enter,
	.leave = share_leave,
	.create = share_create,
	.write = share_write,
	.finish = share_finish,
	.abandon = share_abandon,
	.flush = share_flush,
	.close = share_close,
};

/* -- opening ---------------------------------------------------------------------- */

/* nobody and nogroup, the same number on every Linux. */
#define NOBODY 65534

/* What libsmbclient loads at run time lies where its own client may read. */
static const char *const programs[] = { "/usr/bin/smbclient", NULL };

static int get_login(const struct files_cli *cli, const struct smb_location *location,
		     struct credentials *ret, struct err *err)
{
	const char *file =
		cli->to_credentials ? cli->to_credentials : cli->source.credentials;
	int r = source_keep_secrets(err);

	if (r < 0)
		return r;
	return file ? credentials_read(file, ret, NULL, err)
		    : credentials_prompt(location, ret, err);
}

/* Of the network: all but the relay; then of this machine: all but what is open. */
static int give_up_rights(struct smb_relay *relay, struct err *err)
{
	const struct sandbox sandbox = { .programs = programs };
	bool is_root = geteuid() == 0;
	int r;

	/* Where a container forbids it, the rest must do. */
	if (is_root && unshare(CLONE_NEWNET) < 0 && errno != EPERM && errno != EINVAL &&
	    errno != ENOSPC)
		return err_errno(err, errno, "a network namespace");
	r = smb_relay_listen(relay, err);
	if (r < 0)
		return r;
	if (is_root && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return err_errno(err, errno, "becoming user %d (nobody)", NOBODY);
	return sandbox_enter(&sandbox, err);
}

static int open_tree(const struct files_cli *cli, struct target_share *own,
		     struct err *err)
{
	struct smb_options options = { 0 };
	struct smb_location location = { 0 };
	struct credentials credentials = { 0 };
	int r = smb_location_parse(cli->to, &location, err);

	if (r == 0)
		r = get_login(cli, &location, &credentials, err);
	if (r == 0)
		r = smb_relay_start(&location, cli->source.require_encryption,
				    &credentials, &own->relay, err);
	if (r == 0)
		r = give_up_rights(own->relay, err);
	options.relay = own->relay;
	if (r == 0)
		r = smb_tree_open(&location, &credentials, &options, &own->tree, err);
	credentials_clear(&credentials);
	smb_location_clear(&location);
	return r;
}

int files_share_open(const struct files_cli *cli, struct file_target **ret,
		     struct err *err)
{
	struct target_share *own = calloc(1, sizeof(*own));
	int r;

	if (!own)
		return err_nomem(err);
	own->target = (struct file_target){ .ops = &share_ops, .windows_names = true };
	r = open_tree(cli, own, err);
	if (r == 0) {
		own->target.name = strdup(own->tree->name);
		r = own->target.name ? 0 : err_nomem(err);
	}
	if (r < 0) {
		share_close(&own->target);
		return r;
	}
	*ret = &own->target;
	return 0;
}
