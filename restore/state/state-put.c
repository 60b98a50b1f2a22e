/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files get the content that the set has: see state-parts.h. */
#include "state-parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/checked.h>
#include <base/text.h>

#include "hives/hive-load.h"

enum fate { FATE_SAME, FATE_REPLACED, FATE_ADDED };

/* A record, an entry of a folder, the folders above a copy. */
#define BESIDE_A_FILE (16 * KiB)

struct work {
	struct state_put *put;
	const struct state_files *files;
	enum fate *fates; /* of each file */
	uint64_t memory;  /* bytes that the overlay needs, and twice the volume */
};

static int tell(struct state_put *put, enum plan_severity severity, struct err *err,
		const char *format, ...) PRINTF(4, 5);

static int tell(struct state_put *put, enum plan_severity severity, struct err *err,
		const char *format, ...)
{
	AUTO_FREE char *text = NULL;
	va_list args;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	if (!text)
		return err_nomem(err);
	for (char *c = text; *c; c++) /* paths for people are Windows' */
		if (*c == '/')
			*c = '\\';
	return put->tell(put->context, severity, text, err);
}

/* -- before anything is changed ------------------------------------------------------ */

static int open_content(struct state_put *put, const struct state_file *file,
			struct block_source **ret, struct err *err)
{
	struct item_address address = { 0, file->path };

	return items_read(put->from, &address, "", ret, err);
}

static int check_source(const struct state_file *file, struct err *err)
{
	if (item_content_readable(file->content))
		return 0;
	return err_set(err, -ENOTSUP, "'%s': cannot be had from the backup: %s",
		       file->path, item_content_text(file->content));
}

static int judge(struct work *work, size_t index, struct err *err)
{
	const struct state_file *file = &work->files->files[index];
	AUTO(source_freep) struct block_source *content = NULL;
	const struct state_volume_ops *ops = work->put->to->ops;
	struct state_look look = { 0 };
	struct err fault = { 0 };
	bool same = false;
	int r = check_source(file, err);

	if (r < 0)
		return r;
	r = ops->look(work->put->to, file->path, &look, &fault);
	if (r == -ENOENT) {
		work->fates[index] = FATE_ADDED;
		work->memory += file->size + BESIDE_A_FILE;
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "%s", fault.text);
	if (!look.replaceable)
		return err_set(
			err, -ENOTSUP,
			"'%s': cannot be replaced: it is a folder, a link, encrypted "
			"or compressed by Windows 10 on the volume that is there",
			file->path);
	r = open_content(work->put, file, &content, err);
	if (r == 0)
		r = ops->equals(work->put->to, file->path, content, &same, err);
	if (r < 0 || same)
		return r;
	work->fates[index] = FATE_REPLACED;
	work->memory += file->size + (ops->moves ? 0 : look.size) + 2 * BESIDE_A_FILE;
	return 0;
}

/* The bytes that change are in memory, and on the volume once more: in the log of the change. */
static int check_room(struct work *work, struct err *err)
{
	char need[SIZE_TEXT_SIZE], have[SIZE_TEXT_SIZE];
	uint64_t bytes = work->put->free;

	if (work->memory > work->put->limit)
		return err_set(
			err, -EFBIG,
			"%s would change, and the memory of this machine takes %s: "
			"choose by --only (registry, boot, catalogs)",
			size_format(work->memory, need),
			size_format(work->put->limit, have));
	if (bytes / 2 >= work->memory)
		return 0;
	return err_set(err, -ENOSPC,
		       "the volume has %s free, and %s are needed: the new files%s, and "
		       "all of it once more while it is written",
		       size_format(bytes, have), size_format(2 * work->memory, need),
		       work->put->to->ops->moves ? "" : ", the old ones beside");
}

static int judge_all(struct work *work, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < work->files->count && r == 0; i++)
		r = judge(work, i, err);
	return r < 0 ? r : check_room(work, err);
}

/* -- folders ------------------------------------------------------------------------- */

static int make_folder(struct state_put *put, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *above =
		slash ? strndup(path, (size_t)(slash - path)) : strdup("");
	struct state_look look = { 0 };
	struct err fault = { 0 };
	int r;

	if (!above)
		return err_nomem(err);
	r = put->to->ops->look(put->to, path, &look, &fault);
	if (r == 0 && look.is_folder)
		return 0;
	if (r != -ENOENT)
		return err_set(err, r < 0 ? r : -ENOTDIR, "'%s': is no folder", path);
	return put->to->ops->make_folder(put->to, above, slash ? slash + 1 : path, err);
}

/* Makes each folder of a path that is not there. */
static int make_folders(struct state_put *put, const char *path, struct err *err)
{
	int r = 0;

	for (const char *end = path; r == 0 && *end;) {
		AUTO_FREE char *part = NULL;

		end += strcspn(end + 1, "/") + 1;
		part = strndup(path, (size_t)(end - path));
		r = part ? make_folder(put, part, err) : err_nomem(err);
	}
	return r;
}

/* "Windows/System32/config" of a file's path; "" in the root. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path)) : strdup("");
}

/* -- changes ------------------------------------------------------------------------- */

/* *ret: where the old one is kept. */
static int keep_old(struct state_put *put, const char *path, char **ret, struct err *err)
{
	AUTO_FREE char *below = folder_of(path);
	AUTO_FREE char *folder =
		below ? text_format("%s%s%s", put->folder, below[0] ? "/" : "", below)
		      : NULL;
	const char *slash = strrchr(path, '/');
	int r = folder ? make_folders(put, folder, err) : err_nomem(err);

	if (r == 0)
		r = put->to->ops->keep(put->to, path, folder, err);
	if (r < 0)
		return r;
	*ret = text_format("%s/%s", folder, slash ? slash + 1 : path);
	return *ret ? 0 : err_nomem(err);
}

static int replace(struct state_put *put, const struct state_file *file, struct err *err)
{
	AUTO(source_freep) struct block_source *content = NULL;
	const struct state_volume_ops *ops = put->to->ops;
	AUTO_FREE char *aside = NULL;
	struct item facts = file->facts;
	struct state_look look = { 0 };
	char had[SIZE_TEXT_SIZE], has[SIZE_TEXT_SIZE];
	int r = ops->look(put->to, file->path, &look, err);

	if (r == 0)
		r = keep_old(put, file->path, &aside, err);
	if (r == 0)
		r = open_content(put, file, &content, err);
	if (ops->keeps_attributes)
		facts.attributes = look.attributes;
	if (r == 0)
		r = ops->fill(put->to, file->path, content, &facts, err);
	if (r < 0)
		return r;
	put->sum.replaced++;
	r = tell(put, PLAN_NOTE, err, "replace /%s: %s → %s (%s); old → /%s", file->path,
		 size_format(look.size, had), size_format(file->size, has), file->origin,
		 aside);
	if (r == 0 && look.names > 1)
		r = tell(
			put, PLAN_WARNING, err,
			"/%s has %u names (hard links): all of them have the new content",
			file->path, look.names);
	return r;
}

static int add(struct state_put *put, const struct state_file *file, struct err *err)
{
	AUTO(source_freep) struct block_source *content = NULL;
	AUTO_FREE char *folder = folder_of(file->path);
	const struct state_volume_ops *ops = put->to->ops;
	const char *slash = strrchr(file->path, '/');
	char has[SIZE_TEXT_SIZE];
	int r = folder ? make_folders(put, folder, err) : err_nomem(err);

	if (r == 0)
		r = ops->add(put->to, folder, slash ? slash + 1 : file->path, err);
	if (r == 0)
		r = open_content(put, file, &content, err);
	if (r == 0)
		r = ops->fill(put->to, file->path, content, &file->facts, err);
	if (r < 0)
		return r;
	put->sum.added++;
	return tell(put, PLAN_NOTE, err, "add /%s: %s (%s)%s", file->path,
		    size_format(file->size, has), file->origin, ops->added);
}

static int change(struct work *work, size_t index, struct err *err)
{
	const struct state_file *file = &work->files->files[index];
	int r = 0;

	switch (work->fates[index]) {
	case FATE_SAME:
		work->put->sum.same++;
		return 0;
	case FATE_REPLACED:
		r = replace(work->put, file, err);
		break;
	case FATE_ADDED:
		r = add(work->put, file, err);
		break;
	}
	if (r == 0 && file->streams)
		r = tell(work->put, PLAN_WARNING, err,
			 "/%s: %zu streams beside its content stay as they are on the "
			 "volume",
			 file->path, file->streams);
	return r;
}

/* -- logs of hives --------------------------------------------------------------------- */

static bool is_in_set(const struct state_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcasecmp(files->files[i].path, path) == 0)
			return true;
	return false;
}

/* Windows would replay the log of the old hive onto the new one. */
static int empty_log(struct work *work, const char *path, struct err *err)
{
	struct state_put *put = work->put;
	AUTO(source_freep) struct block_source *nothing = NULL;
	AUTO_FREE char *aside = NULL;
	struct state_look look = { 0 };
	struct err fault = { 0 };
	int r = put->to->ops->look(put->to, path, &look, &fault);

	if (r == -ENOENT || (r == 0 && !look.size))
		return 0;
	if (r < 0)
		return err_set(err, r, "%s", fault.text);
	r = keep_old(put, path, &aside, err);
	if (r == 0)
		r = source_memory_new("", 0, path, &nothing, err);
	if (r == 0)
		r = put->to->ops->fill(put->to, path, nothing, NULL, err);
	if (r < 0)
		return r;
	put->sum.emptied++;
	return tell(put, PLAN_NOTE, err, "empty /%s: a log of the old hive; old → /%s",
		    path, aside);
}

static int is_hive(struct state_put *put, const struct state_file *file, bool *ret,
		   struct err *err)
{
	AUTO(source_freep) struct block_source *content = NULL;
	uint8_t head[4] = { 0 };
	int r = file->size < sizeof(head) ? 0 : open_content(put, file, &content, err);

	if (r == 0 && content && content->size >= sizeof(head))
		r = source_read(content, head, 0, sizeof(head), err);
	if (r == 0)
		*ret = memcmp(head, "regf", 4) == 0;
	return r;
}

static int empty_logs(struct work *work, size_t index, struct err *err)
{
	const struct state_file *file = &work->files->files[index];
	bool hive = false;
	int r = 0;

	if (work->fates[index] == FATE_SAME || state_is_log(file->path))
		return 0;
	r = is_hive(work->put, file, &hive, err);
	for (size_t i = 0; hive && i < HIVE_LOG_COUNT && r == 0; i++) {
		AUTO_FREE char *log =
			text_format("%s%s", file->path, hive_log_suffixes[i]);

		if (!log)
			return err_nomem(err);
		if (!is_in_set(work->files, log))
			r = empty_log(work, log, err);
	}
	return r;
}

int state_put_all(struct state_put *put, const struct state_files *files, struct err *err)
{
	AUTO_FREE enum fate *fates = calloc(files->count + 1, sizeof(*fates));
	struct work work = { put, files, fates, 0 };
	int r = fates ? judge_all(&work, err) : err_nomem(err);

	for (size_t i = 0; i < files->count && r == 0; i++)
		r = change(&work, i, err);
	for (size_t i = 0; i < files->count && r == 0; i++)
		r = empty_logs(&work, i, err);
	return r;
}
