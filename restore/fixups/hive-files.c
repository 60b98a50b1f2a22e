/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hive and its logs on a volume: see hive-files.h. */
#include "hive-files.h"

#include <base/text.h>

#include "hives/hive-load.h"

/* *ret stays NULL where there is no such file. */
static int read_log(struct volume_edit *edit, const char *path, const char *end,
		    uint8_t **ret, size_t *ret_length, struct err *err)
{
	AUTO_FREE char *log = text_format("%s%s", path, end);
	struct err fault = { 0 };
	int r;

	if (!log)
		return err_nomem(err);
	r = volume_edit_read(edit, log, HIVE_MAX_SIZE, ret, ret_length, &fault);
	return r < 0 && r != -ENOENT ? err_set(err, r, "%s", fault.text) : 0;
}

static int read_logs(struct volume_edit *edit, const char *path, uint8_t **bytes,
		     struct hive_files *files, struct err *err)
{
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < HIVE_LOG_COUNT; i++) {
		uint8_t *log = NULL;
		size_t length = 0;

		r = read_log(edit, path, hive_log_suffixes[i], &log, &length, err);
		if (r < 0 || !length || count == ARRAY_SIZE(files->logs)) {
			free(log);
			continue;
		}
		bytes[count] = log;
		files->logs[count++] = (struct hive_file){ log, length };
	}
	return r;
}

int hive_files_open(struct volume_edit *edit, const char *path, struct hive_editor **ret,
		    enum hive_recovery *ret_how, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	uint8_t *logs[2] = { NULL, NULL };
	struct hive_files files = { .what = path };
	struct hive_image image = { 0 };
	size_t length = 0;
	int r = volume_edit_read(edit, path, HIVE_MAX_SIZE, &bytes, &length, err);

	if (r == 0)
		r = read_logs(edit, path, logs, &files, err);
	files.primary = (struct hive_file){ bytes, length };
	if (r == 0)
		r = hive_recover(&files, &image, err);
	free(logs[0]);
	free(logs[1]);
	if (r < 0)
		return r;
	*ret_how = image.how;
	return hive_editor_new(&image, path, ret, err);
}

static int empty_log(struct volume_edit *edit, const char *path, const char *end,
		     struct err *err)
{
	AUTO_FREE char *log = text_format("%s%s", path, end);
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r = log ? read_log(edit, path, end, &bytes, &length, err) : err_nomem(err);

	if (r < 0 || !length)
		return r;
	return volume_edit_write(edit, log, "", 0, err);
}

int hive_files_save(struct volume_edit *edit, const char *path,
		    struct hive_editor *editor, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;
	int r = hive_editor_commit(editor, &bytes, &length, err);

	if (r == 0)
		r = volume_edit_write(edit, path, bytes, length, err);
	for (size_t i = 0; r == 0 && i < HIVE_LOG_COUNT; i++)
		r = empty_log(edit, path, hive_log_suffixes[i], err);
	return r;
}
