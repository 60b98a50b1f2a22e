/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments of mkfs.fat and mtools: see fat.h. */
#include "fat.h"

#include <stdlib.h>
#include <string.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

#define SECTOR_SIZE 512
#define KIB	    1024

static int format(const struct fat_volume *volume, struct err *err)
{
	const uintmax_t sector = volume->offset / SECTOR_SIZE;
	AUTO_FREE char *bits = text_format("-F%u", volume->bits);
	AUTO_FREE char *offset = text_format("--offset=%ju", sector);
	AUTO_FREE char *hidden = text_format("-h%ju", sector);
	AUTO_FREE char *id = text_format("-i%08x", volume->id);
	AUTO_FREE char *blocks = text_format("%ju", (uintmax_t)(volume->length / KIB));
	const char *argv[] = { "mkfs.fat",    bits,   "-s2",  "--invariant",
			       "-nOPENBMR",   id,     hidden, offset,
			       volume->image, blocks, NULL };

	if (!bits || !offset || !hidden || !id || !blocks)
		return err_nomem(err);
	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

struct mtools {
	char *drive; /* -iFILE@@OFFSET */
	char *epoch; /* the time that mtools puts on files */
};

static void mtools_clear(struct mtools *mtools)
{
	free(mtools->drive);
	free(mtools->epoch);
}

static int mtools_open(const struct fat_volume *volume, struct mtools *ret,
		       struct err *err)
{
	ret->drive = text_format("-i%s@@%ju", volume->image, (uintmax_t)volume->offset);
	ret->epoch = text_format("SOURCE_DATE_EPOCH=%u", volume->mtime_s);
	return ret->drive && ret->epoch ? 0 : err_nomem(err);
}

static int mtools_run(const struct mtools *mtools, const char *const *words,
		      struct err *err)
{
	const char *env[] = { mtools->epoch, "TZ=UTC", "MTOOLS_SKIP_CHECK=1", NULL };
	const char *argv[8] = { words[0], mtools->drive };

	for (size_t i = 1; words[i]; i++)
		argv[i + 1] = words[i];
	return spawn_run(&(struct spawn){ .argv = argv, .env = env }, NULL, err);
}

static int copy_in(const struct mtools *mtools, const struct image_file *file,
		   struct err *err)
{
	AUTO_FREE char *target = text_format("::/%s", file->name);
	const char *words[] = { "mcopy", "-o", file->source, target, NULL };

	return target ? mtools_run(mtools, words, err) : err_nomem(err);
}

/* Is the folder of this length above one of the files? */
static bool has_folder(const struct image_file *files, size_t count, const char *folder,
		       size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(files[i].name, folder, length) == 0 &&
		    files[i].name[length] == '/')
			return true;
	return false;
}

/* The folders above files[which] that no file before it has made. */
static int make_folders(const struct mtools *mtools, const struct image_file *files,
			size_t which, struct err *err)
{
	const char *name = files[which].name;

	for (const char *end = strchr(name, '/'); end; end = strchr(end + 1, '/')) {
		AUTO_FREE char *folder = text_format("::/%.*s", (int)(end - name), name);
		const char *words[] = { "mmd", folder, NULL };
		int r;

		if (!folder)
			return err_nomem(err);
		if (has_folder(files, which, name, (size_t)(end - name)))
			continue;
		r = mtools_run(mtools, words, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int fat_write(const struct fat_volume *volume, const struct image_file *files,
	      size_t count, struct err *err)
{
	AUTO(mtools_clear) struct mtools mtools = { 0 };
	int r = mtools_open(volume, &mtools, err);

	if (r == 0)
		r = format(volume, err);
	for (size_t i = 0; i < count && r == 0; i++) {
		r = make_folders(&mtools, files, i, err);
		if (r == 0)
			r = copy_in(&mtools, &files[i], err);
	}
	return r;
}

int fat_add(const struct fat_volume *volume, const struct image_file *files, size_t count,
	    struct err *err)
{
	AUTO(mtools_clear) struct mtools mtools = { 0 };
	int r = mtools_open(volume, &mtools, err);

	for (size_t i = 0; i < count && r == 0; i++)
		r = copy_in(&mtools, &files[i], err);
	return r;
}
