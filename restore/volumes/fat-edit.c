/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a copy of a FAT volume: see fat-edit.h. */
#include "fat-edit.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/spawn.h>
#include <base/text.h>

#include "fat-listing.h"
#include "fat-scratch.h"
#include "fat.h"

#define PAGE	   4096u
#define PIECE_SIZE MiB

struct fat_edit {
	struct block_source *volume;
	int fd; /* the copy */
};

int fat_edit_open(struct block_source *volume, struct fat_edit **ret, struct err *err)
{
	AUTO_FREE struct fat_edit *edit = calloc(1, sizeof(*edit));
	int r;

	if (!edit)
		return err_nomem(err);
	edit->volume = volume;
	r = fat_scratch_copy(volume, &edit->fd, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(edit);
	return 0;
}

void fat_edit_close(struct fat_edit *edit)
{
	if (!edit)
		return;
	close(edit->fd);
	free(edit);
}

int fat_edit_exists(struct fat_edit *edit, const char *path, bool *ret, struct err *err)
{
	AUTO_FREE char *mtools_path = fat_mtools_path(path, err);
	struct err fault = { 0 };
	int r;

	if (!mtools_path)
		return err ? err->code : -EINVAL;
	r = fat_find_file(edit->volume, edit->fd, path, mtools_path, &fault);
	if (r < 0 && r != -ENOENT)
		return err_set(err, r, "%s", fault.text);
	*ret = r == 0;
	return 0;
}

static int read_attributes(struct fat_edit *edit, const char *path, uint32_t *ret,
			   struct err *err)
{
	AUTO_FREE char *mtools_path = fat_mtools_path(path, err);
	const char *const argv[] = { "mattrib", "-i", FAT_VOLUME_PATH, mtools_path,
				     NULL };
	const struct spawn spawn = { .argv = argv,
				     .env = fat_mtools_environment,
				     .input_fd = edit->fd };
	AUTO_FREE char *output = NULL;
	int r = mtools_path ? spawn_run(&spawn, &output, err) : -EINVAL;

	if (r == 0)
		r = fat_attributes_parse(output, ret, err);
	return r < 0 ? err_add(err, "'%s'", edit->volume->name), r : 0;
}

int fat_edit_look(struct fat_edit *edit, const char *path, struct item *ret,
		  struct err *err)
{
	AUTO(item_clear) struct item item = { 0 };
	int r = fat_find_scratch(edit->volume, edit->fd, path, &item, err);

	if (r == 0 && item.kind == ITEM_FILE)
		r = read_attributes(edit, path, &item.attributes, err);
	if (r < 0)
		return r;
	*ret = item;
	item = (struct item){ 0 };
	return 0;
}

int fat_edit_check(struct fat_edit *edit, struct err *err)
{
	return fat_check(edit->volume, edit->fd, err);
}

/* A program gets the volume as standard output where it reads a file from its input. */
#define OUTPUT_PATH "/proc/self/fd/1"

/* content: standard input of the program, -1: it is the volume. */
static int run_mtools(struct fat_edit *edit, const char *const *argv, int content,
		      int64_t time, struct err *err)
{
	AUTO_FREE char *epoch = text_format("SOURCE_DATE_EPOCH=%" PRId64, time);
	const char *env[] = { fat_mtools_environment[0], "TZ=UTC", epoch, NULL };
	struct spawn spawn = { .argv = argv, .env = env };
	AUTO_FREE char *output = NULL;
	struct err fault = { 0 };
	int r;

	if (!epoch)
		return err_nomem(err);
	spawn.input_fd = content < 0 ? edit->fd : content;
	spawn.output_fd = content < 0 ? 0 : edit->fd;
	r = spawn_run(&spawn, &output, &fault);
	if (r == 0 && output[0])
		r = err_set(&fault, -EIO, "%s: %.*s", argv[0], (int)strcspn(output, "\n"),
			    output);
	if (r == 0)
		return 0;
	if (strcasestr(fault.text, "full"))
		return err_set(err, -ENOSPC, "'%s': the FAT volume is full: %s",
			       edit->volume->name, fault.text);
	return err_set(err, r, "'%s': %s", edit->volume->name, fault.text);
}

/* mtools_path: "::/EFI" */
static int make_if_missing(struct fat_edit *edit, const char *mtools_path, int64_t time,
			   struct err *err)
{
	const char *const list[] = { "mdir",	      "-b",	   "-i",
				     FAT_VOLUME_PATH, mtools_path, NULL };
	const char *const make[] = { "mmd", "-i", FAT_VOLUME_PATH, mtools_path, NULL };
	struct spawn look = { .argv = list,
			      .env = fat_mtools_environment,
			      .input_fd = edit->fd };
	struct err none = { 0 };

	if (spawn_run(&look, NULL, &none) == 0)
		return 0;
	return run_mtools(edit, make, -1, time, err);
}

int fat_edit_make_folder(struct fat_edit *edit, const char *path, int64_t time,
			 struct err *err)
{
	AUTO_FREE char *parent = fat_mtools_path(path, err);
	int r = 0;

	if (!parent)
		return err_add(err, "making a folder of a FAT volume");
	for (char *slash = strchr(parent + strlen("::/"), '/'); r == 0 && slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = make_if_missing(edit, parent, time, err);
		*slash = '/';
	}
	return r < 0 ? r : make_if_missing(edit, parent, time, err);
}

int fat_edit_copy(struct fat_edit *edit, const char *from, const char *folder,
		  const char *name, int64_t time, struct err *err)
{
	AUTO_FREE char *source = fat_mtools_path(from, err);
	AUTO_FREE char *target = text_format("::/%s/%s", folder, name);
	const char *const copy[] = { "mcopy",	      "-m",   "-n",   "-i",
				     FAT_VOLUME_PATH, source, target, NULL };
	int r;

	if (!source || !target)
		return err_add(err, "copying within a FAT volume");
	r = fat_edit_make_folder(edit, folder, time, err);
	return r < 0 ? r : run_mtools(edit, copy, -1, time, err);
}

int fat_edit_move(struct fat_edit *edit, const char *from, const char *to, int64_t time,
		  struct err *err)
{
	AUTO_FREE char *source = fat_mtools_path(from, err);
	AUTO_FREE char *target = fat_mtools_path(to, err);
	const char *const move[] = {
		"mmove", "-i", FAT_VOLUME_PATH, source, target, NULL
	};

	if (!source || !target)
		return err_add(err, "moving within a FAT volume");
	return run_mtools(edit, move, -1, time, err);
}

int fat_edit_mark(struct fat_edit *edit, const char *path, uint32_t attributes,
		  struct err *err)
{
	AUTO_FREE char *target = fat_mtools_path(path, err);
	const char *mark[8] = { "mattrib" };
	size_t count = 1;

	if (!target)
		return err_add(err, "giving attributes to a file of a FAT volume");
	if (attributes & ITEM_READONLY)
		mark[count++] = "+r";
	if (attributes & ITEM_HIDDEN)
		mark[count++] = "+h";
	if (attributes & ITEM_SYSTEM)
		mark[count++] = "+s";
	if (count == 1)
		return 0;
	mark[count++] = "-i";
	mark[count++] = FAT_VOLUME_PATH;
	mark[count++] = target;
	return run_mtools(edit, mark, -1, 0, err);
}

int fat_edit_read(struct fat_edit *edit, const char *path, size_t limit, uint8_t **ret,
		  size_t *ret_length, struct err *err)
{
	return fat_read_scratch(edit->volume, edit->fd, path, limit, ret, ret_length,
				err);
}

int fat_edit_write(struct fat_edit *edit, const char *path, const void *bytes,
		   size_t length, int64_t time, struct err *err)
{
	AUTO_FREE char *target = fat_mtools_path(path, err);
	const char *const copy[] = {
		"mcopy", "-o", "-i", OUTPUT_PATH, "-", target, NULL
	};
	AUTO_CLOSE int content = -1;
	int r;

	if (!target)
		return err_add(err, "writing a file of a FAT volume");
	r = fat_memory_file("file", 0, &content, err);
	if (r == 0)
		r = fat_memory_write(content, bytes, length, 0, err);
	return r < 0 ? r : run_mtools(edit, copy, content, time, err);
}

/* -- what changed ---- */

struct change_walk {
	struct fat_edit *edit;
	overlay_visit *visit;
	void *context;
	uint8_t *before, *after; /* PIECE_SIZE each */
};

static int compare_piece(struct change_walk *walk, uint64_t offset, size_t length,
			 struct err *err)
{
	size_t at = 0;
	int r = source_read(walk->edit->volume, walk->before, offset, length, err);

	if (r < 0)
		return r;
	if (pread(walk->edit->fd, walk->after, length, (off_t)offset) != (ssize_t)length)
		return err_set(err, -EIO, "'%s': its copy in memory cannot be read",
			       walk->edit->volume->name);
	while (r == 0 && at < length) {
		size_t end = at;

		while (end < length && memcmp(walk->before + end, walk->after + end,
					      min_u64(PAGE, length - end)) != 0)
			end += min_u64(PAGE, length - end);
		if (end > at)
			r = walk->visit(offset + at, walk->after + at, end - at,
					walk->context, err);
		at = end + min_u64(PAGE, length - end);
	}
	return r;
}

/* What mtools wrote is data in the copy, even where it wrote zeros; what is a hole there
 * was zeros before. */
static int walk_data(struct change_walk *walk, struct err *err)
{
	uint64_t size = walk->edit->volume->size;
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && at < size) {
		off_t data = lseek(walk->edit->fd, (off_t)at, SEEK_DATA);
		off_t hole;

		if (data < 0 && errno == ENXIO)
			return 0;
		hole = data < 0 ? data : lseek(walk->edit->fd, data, SEEK_HOLE);
		if (hole < 0)
			return err_errno(err, errno, "looking through a copy in memory");
		for (at = align_down((uint64_t)data, PAGE);
		     r == 0 && at < (uint64_t)hole;) {
			uint64_t end =
				min_u64(at + PIECE_SIZE, min_u64((uint64_t)hole, size));

			r = compare_piece(walk, at, end - at, err);
			at = end;
		}
	}
	return r;
}

int fat_edit_changes(struct fat_edit *edit, overlay_visit *visit, void *context,
		     struct err *err)
{
	AUTO_FREE uint8_t *before = malloc(PIECE_SIZE);
	AUTO_FREE uint8_t *after = malloc(PIECE_SIZE);
	struct change_walk walk = { edit, visit, context, before, after };

	if (!before || !after)
		return err_nomem(err);
	return walk_data(&walk, err);
}
