/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr image: looks at one disk image and takes it apart, without a backup around it. */
#include "command.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/block-target.h>
#include <base/checked.h>
#include <restore/image.h>

/* Bytes copied at a time: as large as the fast reads of a share (SAFETY.md section 3). */
#define COPY_SIZE (4 * MiB)
/* Zeros are left out in pieces of this size: what file systems allocate at least. */
#define HOLE_SIZE (64 * KiB)

static int open_image(const char *path, struct image_info *ret_info,
		      struct block_source **ret, struct err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	AUTO(tree_freep) struct tree *tree = NULL;
	struct block_source *file = NULL;
	struct err ignored = { 0 };
	int r;

	if (!folder)
		return err_nomem(err);
	r = source_file_open(path, &file, err);
	if (r < 0)
		return r;
	/* Only a differencing image needs it, and says so. */
	if (tree_local_open(folder, &tree, &ignored) < 0)
		return image_open(file, ret_info, ret, err);
	return image_open_beside(file, tree, "", ret_info, ret, err);
}

/* -- info ---- */

static enum exit_status run_info(int argc, char **argv)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	AUTO_FREE char *text = NULL, *problem = NULL;
	const char *path = NULL;
	struct image_info info;
	struct err err = { 0 };
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (argv[i][0] == '-' || path)
			return command_usage(&command_image, "'%s' is not known here",
					     argv[i]);
		else
			path = argv[i];
	}
	if (!path)
		return command_usage(&command_image, "no image is named");
	if (open_image(path, &info, &disk, &err) < 0 ||
	    image_describe(disk, &info, json, &text, &problem, &err) < 0)
		return command_fail(&command_image, &err);
	fputs(text, stdout);
	if (json)
		putchar('\n');
	if (problem) {
		fflush(stdout);
		err_set(&err, -EBADMSG, "%s", problem);
		return command_fail(&command_image, &err);
	}
	return EXIT_DONE;
}

/* -- extract ---- */

struct extract {
	struct block_source *source;
	struct block_target *target;
	uint8_t *buffer; /* COPY_SIZE */
};

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* Writes what is not zero, in whole pieces of HOLE_SIZE. */
static int write_piece(struct extract *extract, uint64_t offset, size_t length,
		       struct err *err)
{
	for (size_t done = 0; done < length; done += HOLE_SIZE) {
		size_t part = (size_t)min_u64(HOLE_SIZE, length - done);
		int r = 0;

		if (!is_zero(extract->buffer + done, part))
			r = target_write(extract->target, extract->buffer + done,
					 offset + done, part, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_extent(const struct extent *extent, void *context, struct err *err)
{
	struct extract *extract = context;
	uint64_t offset = extent->offset, length = extent->length;

	if (extent->kind != EXTENT_DATA)
		return 0;
	while (length) {
		size_t part = (size_t)min_u64(COPY_SIZE, length);
		int r = source_read(extract->source, extract->buffer, offset, part, err);

		if (r == 0)
			r = write_piece(extract, offset, part, err);
		if (r < 0)
			return r;
		offset += part;
		length -= part;
	}
	return 0;
}

static int create_file(const char *path, uint64_t size, struct block_target **ret,
		       struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int r;

	if (fd < 0 && errno == EEXIST)
		return err_set(
			err, -EEXIST,
			"'%s': exists already, is not overwritten: name another file",
			path);
	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", path);
	if (ftruncate(fd, (off_t)size) < 0)
		r = err_errno(err, errno, "'%s': growing to %" PRIu64 " bytes", path,
			      size);
	else
		r = target_file_from_fd(TAKE_FD(fd), path, size, 512, false, ret, err);
	if (r < 0)
		unlink(path);
	return r;
}

static int extract_to(struct block_source *source, const char *path, struct err *err)
{
	AUTO(target_freep) struct block_target *target = NULL;
	AUTO_FREE uint8_t *buffer = malloc(COPY_SIZE);
	struct extract extract = { .source = source, .buffer = buffer };
	int r;

	if (!buffer)
		return err_nomem(err);
	r = create_file(path, source->size, &target, err);
	if (r < 0)
		return r;
	extract.target = target;
	r = source_walk(source, 0, source->size, copy_extent, &extract, err);
	if (r == 0)
		r = target_flush(target, err);
	if (r < 0)
		unlink(path); /* half a disk must not pass for one */
	return r;
}

/* Makes *disk the partition of this slot. */
static int choose_partition(struct block_source **disk, unsigned slot, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	struct block_source *whole = *disk;
	int r = layout_read(whole, whole->sector_size, &layout, NULL, err);

	for (size_t i = 0; r == 0 && i < layout->count; i++) {
		const struct disk_partition *partition = &layout->partitions[i];

		if (partition->slot != slot)
			continue;
		*disk = NULL;
		return source_slice_new(whole, true, partition->offset, partition->length,
					whole->name, disk, err);
	}
	if (r < 0)
		return r;
	return err_set(err, -ENOENT,
		       "'%s': no partition %u; 'bmr image info' lists what is there",
		       whole->name, slot);
}

static bool parse_slot(const char *text, unsigned *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value == 0 || value > UINT16_MAX)
		return false;
	*ret = (unsigned)value;
	return true;
}

/* slot 0: the whole disk. */
static int extract(const char *image, unsigned slot, const char *out, struct err *err)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	struct image_info info;
	int r = open_image(image, &info, &disk, err);

	if (r < 0)
		return r;
	if (!disk)
		return err_set(err, -EINVAL, "'%s': is not open", image);
	if (slot) {
		r = choose_partition(&disk, slot, err);
		if (r < 0 || !disk)
			return r;
	}
	return extract_to(disk, out, err);
}

static enum exit_status run_extract(int argc, char **argv)
{
	const char *paths[2];
	struct err err = { 0 };
	unsigned slot = 0;
	int count = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--partition") == 0) {
			if (++i == argc || !parse_slot(argv[i], &slot))
				return command_usage(
					&command_image,
					"--partition needs a number from 1 on");
		} else if (argv[i][0] == '-' || count == 2) {
			return command_usage(&command_image, "'%s' is not known here",
					     argv[i]);
		} else {
			paths[count++] = argv[i];
		}
	}
	if (count != 2)
		return command_usage(&command_image,
				     "an image and a file to create are needed");
	if (extract(paths[0], slot, paths[1], &err) < 0)
		return command_fail(&command_image, &err);
	return EXIT_DONE;
}

static enum exit_status run_image(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "info") == 0)
		return run_info(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "extract") == 0)
		return run_extract(argc - 1, argv + 1);
	return command_usage(&command_image, "'info' or 'extract' is needed");
}

const struct command command_image = {
	.name = "image",
	.group = "Images",
	.usage = "image info FILE [--json] | image extract FILE OUT [--partition N]",
	.summary = "Look into one VHD, VHDX or raw image, or write it out as a raw disk",
	.help = "  info             what the file is, and the partitions and volumes in "
		"it\n"
		"  extract          write the virtual disk to OUT, a sparse file that "
		"does not exist\n"
		"                   The parents of a differencing image are looked for "
		"by "
		"their ids\n"
		"                   in the folder of FILE, and read with it.\n"
		"  --json           for machines\n"
		"  --partition N    only the partition of this number\n",
	.run = run_image,
};
