/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disk images: finds the kind of a file in a table. See restore/image.h. */
#include "image-parent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

#include "packed.h"

/* Raw is tried when none of these fits: it has no mark of its own. */
static const struct image_kind *const marked_kinds[] = {
	&image_kind_vhdx,
	&image_kind_vhd,
};

void image_note(struct image_info *info, const char *format, ...)
{
	size_t used = strlen(info->notes), room = sizeof(info->notes) - used;
	va_list args;
	int length;

	if (used && room > 1) {
		info->notes[used++] = '\n';
		room--;
	}
	va_start(args, format);
	length = vsnprintf(info->notes + used, room, format, args);
	va_end(args);
	if (length < 0)
		info->notes[used] = '\0';
}

void image_make_printable(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

bool image_name_ends(const char *name, const char *extension)
{
	size_t length = packed_name_length(name), tail = strlen(extension);

	return length >= tail && strncasecmp(name + length - tail, extension, tail) == 0;
}

/* By its content. */
static int find_by_mark(struct block_source *file, bool *ret_found,
			const struct image_kind **ret_kind, struct err *err)
{
	*ret_found = false;
	for (size_t i = 0; i < ARRAY_SIZE(marked_kinds) && !*ret_found; i++) {
		int r = marked_kinds[i]->probe(file, ret_found, err);

		if (r < 0)
			return r;
		*ret_kind = marked_kinds[i];
	}
	return 0;
}

int image_find_mark(struct block_source *file, const char **ret_format, struct err *err)
{
	const struct image_kind *kind = NULL;
	bool found = false;
	int r = find_by_mark(file, &found, &kind, err);

	if (r < 0)
		return r;
	*ret_format = found ? kind->format : NULL;
	return 0;
}

/* A file that is named like an image and lacks its mark is a damaged image, never a raw
 * disk: a fixed VHD that was cut short would pass for one. */
static bool find_by_name(const char *name, const struct image_kind **ret_kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(marked_kinds); i++) {
		*ret_kind = marked_kinds[i];
		if (image_name_ends(name, marked_kinds[i]->extension))
			return true;
	}
	return false;
}

static int find_kind(struct block_source *file, const struct image_kind **ret,
		     struct err *err)
{
	bool found = false;
	int r = find_by_mark(file, &found, ret, err);

	if (r < 0 || found || find_by_name(file->name, ret))
		return r;
	*ret = &image_kind_raw;
	r = image_kind_raw.probe(file, &found, err);
	if (r < 0 || found)
		return r;
	return err_set(
		err, -ENOEXEC,
		"'%s': not a disk image: neither VHDX nor VHD, and a raw disk would "
		"end its first sector in 55 aa",
		file->name);
}

static int open_with_family(struct block_source *file, struct image_family *family,
			    struct image_info *ret_info, struct block_source **ret,
			    struct err *err)
{
	AUTO(source_freep) struct block_source *owned = NULL;
	const struct image_kind *kind = &image_kind_raw;
	uint64_t stored = file->size;
	struct block_source *disk = NULL;
	struct image_info info = { 0 };
	bool packed = false;
	int r = packed_open(file, &owned, &packed, err);

	if (r == 0)
		r = find_kind(owned, &kind, err);
	if (r < 0)
		return r;
	info.format = kind->format;
	info.file_size = owned->size;
	info.mtime_ns = owned->mtime_ns > 0 ? (uint64_t)owned->mtime_ns : 0;
	if (packed)
		image_note(&info, "packed: %" PRIu64 " bytes hold %" PRIu64, stored,
			   owned->size);
	r = kind->open(TAKE_PTR(owned), family, &info, &disk, err);
	if (r < 0)
		return r;
	*ret_info = info;
	*ret = disk;
	return 0;
}

int image_open(struct block_source *file, struct image_info *ret_info,
	       struct block_source **ret, struct err *err)
{
	struct image_family family = { 0 };

	return open_with_family(file, &family, ret_info, ret, err);
}

int image_open_beside(struct block_source *file, struct tree *tree, const char *folder,
		      struct image_info *ret_info, struct block_source **ret,
		      struct err *err)
{
	struct image_family family = { .tree = tree, .folder = folder };

	return open_with_family(file, &family, ret_info, ret, err);
}

int image_open_path(struct tree *tree, const char *path, struct image_info *ret_info,
		    struct block_source **ret, struct err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder = strndup(path, slash ? (size_t)(slash - path) : 0);
	struct block_source *file = NULL;
	int r;

	if (!folder)
		return err_nomem(err);
	r = tree_open(tree, path, &file, err);
	if (r < 0)
		return r;
	return image_open_beside(file, tree, folder, ret_info, ret, err);
}
