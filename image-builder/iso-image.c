/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments of xorriso: see iso-image.h, and BOOT.md (Media) for the choice of options. */
#include "iso-image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

#define MIB	  (UINT64_C(1) << 20)
#define FAT_SPARE (2 * MIB) /* for an answer file that somebody puts on the stick */
#define FILES_MAX 16

/* Below 4085 clusters of 1 KiB a FAT would have 12 bits, which mkfs.fat refuses to make 16. */
#define FAT_SIZE_MIN (8 * MIB)

static int measure(const struct iso_image *image, uint64_t *ret_size, struct err *err)
{
	uint64_t size = FAT_SPARE;

	for (size_t i = 0; i < image->boot_count; i++) {
		struct stat st;

		if (stat(image->boot_files[i].source, &st) < 0)
			return err_errno(err, errno, "'%s'", image->boot_files[i].source);
		size += (uint64_t)st.st_size;
	}
	*ret_size = max_u64(FAT_SIZE_MIN, align_down(size, MIB) + MIB);
	return 0;
}

static int make_fat(const struct iso_image *image, struct err *err)
{
	struct fat_volume volume = { .image = image->scratch,
				     .bits = 16,
				     .id = image->mtime_s,
				     .mtime_s = image->mtime_s };
	AUTO_CLOSE int fd =
		open(image->scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = measure(image, &volume.length, err);

	if (r < 0)
		return r;
	if (fd < 0 || ftruncate(fd, (off_t)volume.length) < 0)
		return err_errno(err, errno, "'%s': creating", image->scratch);
	return fat_write(&volume, image->boot_files, image->boot_count, err);
}

/* "NAME=SOURCE" of each file; a '=' or '\' in a path would need a '\' in front. */
static int make_grafts(const struct iso_image *image, char *grafts[FILES_MAX],
		       struct err *err)
{
	for (size_t i = 0; i < image->count; i++) {
		if (i == FILES_MAX || strpbrk(image->files[i].source, "=\\"))
			return err_set(err, -EINVAL,
				       "'%s': '=' and '\\' in a path, or more than %d "
				       "files, do not go to an ISO image",
				       image->files[i].source, FILES_MAX);
		grafts[i] = text_format("%s=%s", image->files[i].name,
					image->files[i].source);
		if (!grafts[i])
			return err_nomem(err);
	}
	return 0;
}

static int run_xorriso(const struct iso_image *image, char *const grafts[FILES_MAX],
		       const char *output, struct err *err)
{
	AUTO_FREE char *epoch = text_format("SOURCE_DATE_EPOCH=%u", image->mtime_s);
	AUTO_FREE char *date = text_format("=%u", image->mtime_s);
	const char *env[] = { epoch, "TZ=UTC", NULL };
	const char *argv[32 + FILES_MAX] = { "xorriso",
					     "-no_rc",
					     "-report_about",
					     "SORRY",
					     "-as",
					     "mkisofs",
					     "-quiet",
					     "-o",
					     output,
					     "-V",
					     "OPENBMR",
					     "-J",
					     "-r",
					     "-partition_offset",
					     "16",
					     "-append_partition",
					     "2",
					     "0xef",
					     image->scratch,
					     "-appended_part_as_gpt",
					     "-c",
					     "/boot.cat",
					     "-e",
					     "--interval:appended_partition_2:all::",
					     "-no-emul-boot",
					     "--set_all_file_dates",
					     date,
					     "-graft-points" };
	size_t used = 0;

	if (!epoch || !date)
		return err_nomem(err);
	while (argv[used])
		used++;
	for (size_t i = 0; i < image->count; i++)
		argv[used++] = grafts[i];
	return spawn_run(&(struct spawn){ .argv = argv, .env = env }, NULL, err);
}

int iso_image_write(const struct iso_image *image, const char *output, struct err *err)
{
	char *grafts[FILES_MAX] = { NULL };
	int r = make_fat(image, err);

	if (r == 0)
		r = make_grafts(image, grafts, err);
	if (r == 0)
		r = run_xorriso(image, grafts, output, err);
	for (size_t i = 0; i < FILES_MAX; i++)
		free(grafts[i]);
	(void)unlink(image->scratch);
	if (r < 0)
		(void)unlink(output); /* half an image must not look like one */
	return r;
}
