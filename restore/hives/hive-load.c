/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hives out of volumes: see hive-load.h. */
#include "hive-load.h"

#include <base/cleanup.h>
#include <base/text.h>

/* The last one is of systems before Windows Vista, and of no use where there are others. */
const char *const hive_log_suffixes[HIVE_LOG_COUNT] = { ".LOG1", ".LOG2", ".LOG" };

struct loaded {
	uint8_t *bytes[1 + HIVE_LOG_COUNT]; /* owned: hive, logs */
	size_t lengths[1 + HIVE_LOG_COUNT];
};

static void loaded_clear(struct loaded *loaded)
{
	for (size_t i = 0; i < ARRAY_SIZE(loaded->bytes); i++)
		free(loaded->bytes[i]);
}

static int load_logs(struct block_source *volume, const struct volume_info *info,
		     const char *path, struct loaded *loaded, struct err *err)
{
	for (size_t i = 0; i < HIVE_LOG_COUNT; i++) {
		AUTO_FREE char *log = text_format("%s%s", path, hive_log_suffixes[i]);
		struct err fault = { 0 };
		int r;

		if (!log)
			return err_nomem(err);
		r = volume_read_file(volume, info, log, HIVE_MAX_SIZE,
				     &loaded->bytes[1 + i], &loaded->lengths[1 + i],
				     &fault);
		if (r < 0 && r != -ENOENT)
			return err_set(err, r, "%s", fault.text);
	}
	return 0;
}

static struct hive_files files_of(const struct loaded *loaded, const char *what)
{
	struct hive_files files = { .what = what };
	size_t first = loaded->lengths[1] || loaded->lengths[2] ? 1 : HIVE_LOG_COUNT;

	files.primary = (struct hive_file){ loaded->bytes[0], loaded->lengths[0] };
	for (size_t i = 0; i < 2 && first + i <= HIVE_LOG_COUNT; i++)
		files.logs[i] = (struct hive_file){ loaded->bytes[first + i],
						    loaded->lengths[first + i] };
	return files;
}

int hive_load(struct block_source *volume, const struct volume_info *info,
	      const char *path, struct hive_image *ret, struct err *err)
{
	AUTO(loaded_clear) struct loaded loaded = { 0 };
	struct hive_base_disk base;
	struct hive_files files;
	int r = volume_read_file(volume, info, path, HIVE_MAX_SIZE, &loaded.bytes[0],
				 &loaded.lengths[0], err);

	if (r < 0)
		return r;
	files = files_of(&loaded, path);
	r = hive_base_read(&files.primary, path, &base, err);
	if (r == 0 && hive_base_is_dirty(&base))
		r = load_logs(volume, info, path, &loaded, err);
	if (r < 0)
		return r;
	files = files_of(&loaded, path);
	return hive_recover(&files, ret, err);
}
