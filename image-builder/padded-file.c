/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two headers of a cpio archive of the kind "newc": see padded-file.h and cpio.h. */
#include "padded-file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/cleanup.h>
#include <base/text.h>

#define ALIGNMENT     4
#define HEADER_LENGTH 110

static void write_header(FILE *file, const char *name, unsigned mode, uint32_t size,
			 uint32_t mtime_s)
{
	const size_t name_length = strlen(name) + 1;
	const size_t end = (HEADER_LENGTH + name_length) % ALIGNMENT;

	/* inode, mode, uid, gid, links, time, size, 4 device numbers, name, check */
	fprintf(file, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08zx%08x", 0,
		mode, 0, 0, 1, mtime_s, size, 0, 0, 0, 0, name_length, 0);
	fwrite(name, 1, name_length, file);
	for (size_t i = end; i % ALIGNMENT; i++)
		fputc(0, file);
}

static int close_written(FILE **file, const char *output, struct err *err)
{
	if (ferror(*file) || fclose(TAKE_PTR(*file)) != 0)
		return err_errno(err, errno, "'%s': writing", output);
	return 0;
}

int padded_file_write_head(const struct padded_file *file, uint32_t mtime_s,
			   const char *output, struct err *err)
{
	AUTO_FREE char *path = text_format("openbmr/%s", file->name);
	AUTO_FCLOSE FILE *out = fopen(output, "we");

	if (!path)
		return err_nomem(err);
	if (!out)
		return err_errno(err, errno, "'%s': creating", output);
	write_header(out, "openbmr", S_IFDIR | 0755, 0, mtime_s);
	write_header(out, path, S_IFREG | file->mode, file->size, mtime_s);
	return close_written(&out, output, err);
}

int padding_write(uint32_t size, const char *output, struct err *err)
{
	AUTO_FCLOSE FILE *out = fopen(output, "we");

	if (!out)
		return err_errno(err, errno, "'%s': creating", output);
	for (uint32_t i = 0; i < size; i++)
		fputc(0, out);
	return close_written(&out, output, err);
}
