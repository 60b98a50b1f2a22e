/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens a folder, a share or disks in a reader process: see source.h. */
#include "source.h"

#include <linux/magic.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <base/log.h>
#include <base/terminal.h>
#include <base/text.h>
#include <partition/disks.h>
#include <restore/disk-tree.h>
#include <restore/partition-tree.h>

#include <partition/boot-medium.h>

#include "share.h"

#define DISK_PREFIX "disk:"

enum source_kind { SOURCE_FOLDER, SOURCE_SHARE, SOURCE_DISKS, SOURCE_IMAGE };

/* What is not there is a folder that is not there. */
static enum source_kind source_kind(const struct source_options *options)
{
	struct stat st;

	if (smb_is_location(options->text))
		return SOURCE_SHARE;
	if (strncmp(options->text, DISK_PREFIX, strlen(DISK_PREFIX)) == 0)
		return SOURCE_DISKS;
	if (stat(options->text, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return SOURCE_IMAGE;
	return SOURCE_FOLDER;
}

int source_holder(const struct source_options *options, const char *version_path,
		  char **ret, struct err *err)
{
	AUTO_FREE char *label = NULL;

	*ret = NULL;
	switch (source_kind(options)) {
	case SOURCE_SHARE:
		return 0;
	case SOURCE_DISKS:
		label = disk_tree_label(version_path);
		*ret = label ? text_format("/dev/%s", label) : NULL;
		break;
	default:
		*ret = strdup(options->text);
	}
	return *ret ? 0 : err_nomem(err);
}

const char *source_side(const struct source_options *options)
{
	return source_kind(options) == SOURCE_SHARE ? "network" : "source";
}

bool source_take_encryption(struct source_options *options, const char *text)
{
	options->require_encryption = strcmp(text, "required") == 0;
	return options->require_encryption || strcmp(text, "if-offered") == 0;
}

bool source_take_retry(struct source_options *options, const char *text)
{
	uint64_t seconds;

	if (!duration_parse(text, &seconds))
		return false;
	options->retry_ms = seconds * 1000;
	return true;
}

/* -- in the reader process -------------------------------------------------------- */

static int open_folder(void *context, struct tree **ret, struct err *err)
{
	return tree_local_open(context, ret, err);
}

/* Paths of devices or image files, and their short names. */
struct disks {
	const char *name; /* SOURCE, borrowed */
	size_t count;
	char **paths; /* owned, and NULL at the end */
	struct unlock_keys keys;
};

static void disks_clear(struct disks *disks)
{
	unlock_clear(&disks->keys);
	for (size_t i = 0; i < disks->count; i++)
		free(disks->paths[i]);
	free(disks->paths);
}

static const char *label_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A device is a disk as it is, a file can be any kind of image of one. */
static int open_disk(const char *path, struct block_source **ret, struct err *err)
{
	struct block_source *file = NULL;
	struct image_info info;
	int r = source_file_open(path, &file, err);

	if (r < 0)
		return r;
	if (!file->sector_size)
		return image_open(file, &info, ret, err);
	*ret = file;
	return 0;
}

/* A disk that fails does not hide the others. */
static int open_disks(void *context, struct tree **ret, struct err *err)
{
	struct disks *disks = context;
	AUTO_FREE struct disk_tree_disk *opened = calloc(disks->count, sizeof(*opened));
	size_t count = 0;
	int r = 0;

	if (!opened)
		return err_nomem(err);
	for (size_t i = 0; i < disks->count; i++) {
		r = open_disk(disks->paths[i], &opened[count].disk, err);
		if (r < 0)
			log_debug("%s, ignoring", err->text);
		else
			opened[count++].label = label_of(disks->paths[i]);
	}
	if (!count && r < 0)
		return r;
	r = disk_tree_new(opened, count, &disks->keys, disks->name, ret, err);
	unlock_clear(&disks->keys);
	return r;
}

/* -- in this process -------------------------------------------------------------- */

/* FUSE lets nobody but the user who mounted it look into a mount, root and all
 * capabilities included. */
static int explain_local(const char *path, int r, struct err *err)
{
	struct statfs fs;

	if (r != -EACCES || statfs(path, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC)
		return r;
	return err_set(
		err, -EACCES,
		"'%s': a FUSE mount that only its owner may read, and the reader process "
		"is nobody: mount it with the option allow_other",
		path);
}

static int start_local(const struct source_options *options, struct reader **ret,
		       struct err *err)
{
	const char *readable[] = { options->text, NULL };
	struct reader_options reader = {
		.open_tree = open_folder,
		.context = (void *)options->text,
		.readable = readable,
		.local = true,
	};
	int r = reader_start(&reader, ret, err);

	return r < 0 ? explain_local(options->text, r, err) : 0;
}

/* -- disks ------------------------------------------------------------------------ */

static int add_path(struct disks *disks, const char *path, struct err *err)
{
	char **grown = reallocarray(disks->paths, disks->count + 2, sizeof(*grown));

	if (!grown)
		return err_nomem(err);
	disks->paths = grown;
	grown[disks->count + 1] = NULL;
	grown[disks->count] = strdup(path);
	return grown[disks->count++] ? 0 : err_nomem(err);
}

static int add_found(struct disks *disks, struct disk_list *list, const char *which,
		     struct err *err)
{
	struct disk *disk = NULL;
	int r = 0;

	if (strcmp(which, "auto") != 0) {
		r = disk_find(list, which, 0, &disk, err);
		return r < 0 ? r : add_path(disks, disk->path, err);
	}
	for (size_t i = 0; i < list->count && r == 0; i++)
		r = add_path(disks, list->disks[i].path, err);
	if (r == 0 && !disks->count)
		return err_set(err, -ENODEV, "'%s': no disks in this machine",
			       disks->name);
	return r;
}

static int find_disks(const struct source_options *options, struct disks *disks,
		      struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	struct disk_list_wishes wishes = { .boot_medium = boot_medium };
	struct disk_list list = { 0 };
	int r = disk_list_read(&wishes, &list, err);

	if (r < 0)
		return r;
	r = add_found(disks, &list, options->text + strlen(DISK_PREFIX), err);
	disk_list_clear(&list);
	return r;
}

/* -- BitLocker -------------------------------------------------------------------- */

#define UNLOCK_TRIES 3

/* Asks until it is a key at all. What was typed is wiped. */
static int ask_key(const char *name, struct unlock_keys *keys, struct err *err)
{
	AUTO_FREE char *question = text_format(
		"Password or recovery key of the BitLocker volume (%s): ", name);
	char *typed = NULL;
	int r;

	if (!question)
		return err_nomem(err);
	r = terminal_ask(question, true, &typed, err);
	if (r < 0)
		return r;
	unlock_clear(keys);
	r = unlock_add_typed(keys, typed, err);
	explicit_bzero(typed, strlen(typed));
	free(typed);
	return r;
}

static bool is_about_keys(int r)
{
	return r == -ENOKEY || r == -EKEYREJECTED;
}

/* A person gets three tries. */
static int start_asking(struct disks *disks, const struct reader_options *reader,
			struct reader **ret, struct err *err)
{
	int r = source_keep_secrets(err);

	if (r == 0)
		r = -EKEYREJECTED;
	for (unsigned try = 1; is_about_keys(r) && try <= UNLOCK_TRIES; try++) {
		r = ask_key(disks->name, &disks->keys, err);
		if (r == 0)
			r = reader_start(reader, ret, err);
		else if (r == -EINVAL) /* mistyped */
			r = -EKEYREJECTED;
		if (is_about_keys(r))
			log_warning("try %u of %u: %s", try, UNLOCK_TRIES, err->text);
	}
	return r;
}

static int start_locked(const struct source_options *options, struct disks *disks,
			const struct reader_options *reader, struct reader **ret,
			struct err *err)
{
	bool asks = options->unlock && strcmp(options->unlock, "prompt") == 0;
	int r = options->unlock ? source_keep_secrets(err) : 0;

	if (r == 0 && options->unlock && !asks)
		r = unlock_read(options->unlock, &disks->keys, err);
	if (r < 0)
		return r;
	if (!asks) {
		r = reader_start(reader, ret, err);
		asks = r == -ENOKEY && options->may_prompt && terminal_is_there();
	}
	return asks ? start_asking(disks, reader, ret, err) : r;
}

static int start_disks(const struct source_options *options, bool is_image,
		       struct reader **ret, struct err *err)
{
	AUTO(disks_clear) struct disks disks = { .name = options->text };
	struct reader_options reader = {
		.open_tree = open_disks,
		.context = &disks,
		.local = true,
	};
	int r = is_image ? add_path(&disks, options->text, err)
			 : find_disks(options, &disks, err);

	if (r < 0)
		return r;
	reader.readable = (const char *const *)disks.paths;
	return start_locked(options, &disks, &reader, ret, err);
}

static int open_partitions(void *context, struct tree **ret, struct err *err)
{
	struct block_source *disk = NULL;
	int r = open_disk(context, &disk, err);

	return r < 0 ? r : partition_tree_new(disk, ret, err);
}

int source_start_partitions(const char *path, struct reader **ret, struct err *err)
{
	const char *readable[] = { path, NULL };
	struct reader_options reader = {
		.open_tree = open_partitions,
		.context = (void *)path,
		.readable = readable,
		.local = true,
	};

	return reader_start(&reader, ret, err);
}

static int start_share(const struct source_options *options, struct reader **ret,
		       struct err *err)
{
	AUTO(share_clear) struct share share = { 0 };
	struct reader_options reader = { .connect = share_connect,
					 .prepare = share_listen,
					 .retry_ms = options->retry_ms,
					 .open_tree = share_open,
					 .context = &share };
	const char *protection;
	int r;

	/* The text itself is not repeated: somebody may have written a password into it.
	 */
	r = smb_location_parse(options->text, &share.location, err);
	if (r == 0)
		r = share_log_in(options, &share, err);
	if (r == 0)
		r = share_make_relay(options, &share, err);
	if (r == 0)
		r = reader_start(&reader, ret, err);
	if (r < 0)
		return r;
	protection = smb_protection_text(smb_relay_protection(share.relay));
	log_info("'%s': the connection is %s", share.location.host, protection);
	if (options->ret_protection)
		*options->ret_protection = protection;
	return 0;
}

int source_start(const struct source_options *options, struct reader **ret,
		 struct err *err)
{
	switch (source_kind(options)) {
	case SOURCE_SHARE:
		return start_share(options, ret, err);
	case SOURCE_DISKS:
		return start_disks(options, false, ret, err);
	case SOURCE_IMAGE:
		return start_disks(options, true, ret, err);
	default:
		return start_local(options, ret, err);
	}
}
