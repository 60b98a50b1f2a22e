/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New files on a share: see net/smb.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <base/checked.h>

#include "smb-internal.h"
#include "smb-url.h"
#include "watchdog.h"

/* One call writes at most this much: libsmbclient keeps all of it in memory once more. */
#define WRITE_MAX (8u << 20)

struct smb_file {
	struct tree_smb *smb; /* borrowed */
	SMBCFILE *file;
	char *name, *url; /* owned */
};

static void file_free(struct smb_file *file)
{
	if (!file)
		return;
	free(file->name);
	free(file->url);
	free(file);
}
DEFINE_FREEP(struct smb_file, file, file_free)

static int file_new(struct tree *tree, const char *path, struct smb_file **ret,
		    struct err *err)
{
	AUTO(file_freep) struct smb_file *file = calloc(1, sizeof(*file));
	struct tree_smb *smb = (struct tree_smb *)tree;

	if (!file)
		return err_nomem(err);
	file->smb = smb;
	file->name = tree_path_join(tree->name, path);
	file->url = smb_url_path(&smb->relayed, path);
	if (!file->name || !file->url)
		return err_nomem(err);
	if (smb->tree.lost)
		return smb_explain_path(smb, file->name, "writing", smb->tree.lost, err);
	*ret = TAKE_PTR(file);
	return 0;
}

/* Ends what a dead server would hold up; returns the errno value of the call, 0: it worked. */
static int end_call(struct tree_smb *smb, bool worked)
{
	int code = errno ? errno : EIO;

	if (!watchdog_stop())
		return worked ? 0 : code;
	smb->tree.lost = ETIMEDOUT;
	return ETIMEDOUT;
}

static void begin_call(struct tree_smb *smb)
{
	errno = 0;
	watchdog_start(smb->timeout_ms + GRACE_MS);
}

static bool is_folder(struct smb_file *file)
{
	struct stat st = { 0 };
	int code;

	begin_call(file->smb);
	code = end_call(file->smb, smbc_getFunctionStat(file->smb->context)(
					   file->smb->context, file->url, &st) == 0);
	return code == 0 && S_ISDIR(st.st_mode);
}

int smb_make_folder(struct tree *tree, const char *path, struct err *err)
{
	AUTO(file_freep) struct smb_file *folder = NULL;
	int code, r = file_new(tree, path, &folder, err);

	if (r < 0 || !folder)
		return r;
	begin_call(folder->smb);
	code = end_call(folder->smb,
			smbc_getFunctionMkdir(folder->smb->context)(
				folder->smb->context, folder->url, 0777) == 0);
	if (code == 0 || (code == EEXIST && is_folder(folder)))
		return 0;
	if (code == EEXIST)
		return err_set(err, -EEXIST, "'%s': a file, no folder, is there",
			       folder->name);
	return smb_explain_path(folder->smb, folder->name, "making the folder", code,
				err);
}

void smb_abandon(struct smb_file *file)
{
	SMBCCTX *context = file->smb->context;

	if (!file->smb->tree.lost) {
		watchdog_start(file->smb->timeout_ms + GRACE_MS);
		smbc_getFunctionClose(context)(context, file->file);
		smbc_getFunctionUnlink(context)(context, file->url);
		if (watchdog_stop())
			file->smb->tree.lost = ETIMEDOUT;
	}
	file_free(file);
}

static int set_size(struct smb_file *file, uint64_t size, struct err *err)
{
	SMBCCTX *context = file->smb->context;
	int code;

	if (!size)
		return 0;
	begin_call(file->smb);
	code = end_call(file->smb, smbc_getFunctionFtruncate(context)(context, file->file,
								      (off_t)size) == 0);
	return code ? smb_explain_path(file->smb, file->name, "setting the size", code,
				       err)
		    : 0;
}

int smb_create(struct tree *tree, const char *path, uint64_t size, struct smb_file **ret,
	       struct err *err)
{
	AUTO(file_freep) struct smb_file *file = NULL;
	int code, r = file_new(tree, path, &file, err);

	if (r < 0 || !file)
		return r;
	begin_call(file->smb);
	file->file = smbc_getFunctionOpen(file->smb->context)(
		file->smb->context, file->url, O_RDWR | O_CREAT | O_EXCL, 0666);
	code = end_call(file->smb, file->file != NULL);
	if (code == EEXIST)
		return err_set(err, -EEXIST,
			       "'%s' is there already and is not overwritten",
			       file->name);
	if (code)
		return smb_explain_path(file->smb, file->name, "making the file", code,
					err);
	r = set_size(file, size, err);
	if (r < 0) {
		smb_abandon(TAKE_PTR(file));
		return r;
	}
	*ret = TAKE_PTR(file);
	return 0;
}

static int write_part(struct smb_file *file, const uint8_t *from, size_t length,
		      size_t *ret_written, struct err *err)
{
	SMBCCTX *context = file->smb->context;
	ssize_t n;
	int code;

	begin_call(file->smb);
	n = smbc_getFunctionWrite(context)(context, file->file, from, length);
	code = end_call(file->smb, n > 0);
	if (code)
		return smb_explain_path(file->smb, file->name, "writing", code, err);
	*ret_written = min_u64((uint64_t)n, length);
	return 0;
}

int smb_write(struct smb_file *file, const void *bytes, uint64_t offset, size_t length,
	      struct err *err)
{
	SMBCCTX *context = file->smb->context;
	const uint8_t *from = bytes;

	if (file->smb->tree.lost)
		return smb_explain_path(file->smb, file->name, "writing",
					file->smb->tree.lost, err);
	if (smbc_getFunctionLseek(context)(context, file->file, (off_t)offset, SEEK_SET) <
	    0)
		return err_errno(err, errno, "'%s': seeking to %" PRIu64, file->name,
				 offset);
	while (length) {
		size_t done = 0;
		int r = write_part(file, from, min_u64(length, WRITE_MAX), &done, err);

		if (r < 0)
			return r;
		from += done;
		length -= done;
	}
	return 0;
}

/* By name, and after the close, which counts as a change. */
static int set_times(struct smb_file *file, const struct smb_times *times)
{
	SMBCCTX *context = file->smb->context;
	struct timeval both[2] = { { .tv_sec = times->accessed_s },
				   { .tv_sec = times->modified_s } };

	begin_call(file->smb);
	return end_call(file->smb,
			smbc_getFunctionUtimes(context)(context, file->url, both) == 0);
}

int smb_finish(struct smb_file *opened, const struct smb_times *times, struct err *err)
{
	AUTO(file_freep) struct smb_file *file = opened;
	SMBCCTX *context = file->smb->context;
	int code;

	if (file->smb->tree.lost)
		return smb_explain_path(file->smb, file->name, "closing",
					file->smb->tree.lost, err);
	begin_call(file->smb);
	code = end_call(file->smb,
			smbc_getFunctionClose(context)(context, file->file) == 0);
	if (code)
		return smb_explain_path(file->smb, file->name, "closing", code, err);
	code = times ? set_times(file, times) : 0;
	return code ? smb_explain_path(file->smb, file->name, "setting the times", code,
				       err)
		    : 0;
}
