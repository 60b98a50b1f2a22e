/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The volumes and files that checks look at: see scene.h. */
#include "scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/text.h>

void scene_file_clear(struct scene_file *file)
{
	free(file->bytes);
	*file = (struct scene_file){ 0 };
}

struct scene_volume *scene_find(struct scene *scene, enum volume_role role)
{
	for (size_t i = 0; i < scene->count; i++)
		if (scene->volumes[i].role == role)
			return &scene->volumes[i];
	return NULL;
}

struct scene_volume *scene_active(struct scene *scene)
{
	for (size_t i = 0; i < scene->count; i++)
		if (scene->volumes[i].active)
			return &scene->volumes[i];
	return NULL;
}

const char *scene_name(const struct scene_volume *volume)
{
	return plan_partition_name(volume->plan, volume->index);
}

const char *scene_path(const char *path, char text[SCENE_PATH_SIZE])
{
	snprintf(text, SCENE_PATH_SIZE, "\\%s", path);
	for (char *c = text; *c; c++)
		if (*c == '/')
			*c = '\\';
	return text;
}

/* Nothing is written: the overlay is what volume_edit_open() wants. */
#define NO_CHANGES 4096

static int open_files(struct scene_volume *volume, struct err *err)
{
	uint8_t boot[4096];
	int r = volume->source->size < sizeof(boot)
			? err_set(err, -EBADMSG, "too small for a volume")
			: source_read(volume->source, boot, 0, sizeof(boot), err);

	if (r == 0)
		r = volume_identify(boot, volume->source->size, &volume->info, err);
	if (r == 0)
		r = overlay_new(volume->source, false, NO_CHANGES, &volume->overlay, err);
	return r < 0 ? r
		     : volume_edit_open(volume->overlay, &volume->info, 0, &volume->edit,
					err);
}

static int need_files(struct scene_volume *volume, struct err *err)
{
	if (!volume->opened) {
		int r = open_files(volume, &volume->failure);

		volume->opened = r < 0 ? r : 1;
	}
	if (volume->opened < 0)
		return err_set(err, volume->opened, "%s", volume->failure.text);
	return 0;
}

int scene_read(struct scene_volume *volume, const char *path, size_t limit,
	       struct scene_file *ret, struct err *err)
{
	int r = need_files(volume, err);

	return r < 0 ? r
		     : volume_edit_read(volume->edit, path, limit, &ret->bytes,
					&ret->length, err);
}

int scene_look(struct scene_volume *volume, const char *path, struct err *err)
{
	AUTO(scene_file_clear) struct scene_file file = { 0 };
	int r = scene_read(volume, path, 0, &file, err);

	/* larger than nothing, or kept in a way that only Windows reads */
	return r == -EFBIG || r == -ENOTSUP ? 0 : r;
}

int scene_say(struct scene *scene, enum forecast_colour colour, const char *name,
	      struct err *err, const char *format, ...)
{
	AUTO_FREE char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return length < 0 ? err_nomem(err) : scene->say(scene, colour, name, text, err);
}

/* -- hives ---- */

static int read_part(struct scene_volume *volume, const char *name, const char *suffix,
		     struct scene_file *ret, struct err *err)
{
	AUTO_FREE char *path = text_format("Windows/System32/config/%s%s", name, suffix);

	return path ? scene_read(volume, path, HIVE_MAX_SIZE, ret, err) : err_nomem(err);
}

int scene_recover_hive(struct scene_volume *volume, const char *name,
		       struct hive_image *ret, struct err *err)
{
	static const char *const suffixes[] = { "", ".LOG1", ".LOG2" };
	struct scene_file parts[ARRAY_SIZE(suffixes)] = { 0 };
	struct hive_files files = { .what = name };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(suffixes); i++) {
		r = read_part(volume, name, suffixes[i], &parts[i], err);
		if (r < 0 && i > 0) /* a log that is missing is none */
			r = 0;
	}
	if (r == 0) {
		files.primary = (struct hive_file){ parts[0].bytes, parts[0].length };
		for (size_t i = 0; i < 2; i++)
			files.logs[i] = (struct hive_file){ parts[i + 1].bytes,
							    parts[i + 1].length };
		r = hive_recover(&files, ret, err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		scene_file_clear(&parts[i]);
	return r;
}

int scene_load_system(struct scene *scene, struct err *err)
{
	struct scene_volume *windows = scene_find(scene, ROLE_WINDOWS);
	struct err fault = { 0 };
	int r = windows ? scene_recover_hive(windows, "SYSTEM", &scene->system, &fault)
			: -ENOENT;

	return r == -ENOMEM ? err_nomem(err) : 0;
}
