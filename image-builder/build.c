/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of a build, one after the other: see build.h. */
#include "build.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "collect.h"
#include "compress.h"
#include "cpio.h"
#include "disk-image.h"
#include "efi-file.h"

/* ARCHITECTURE: firmware reads the whole file before anything is seen. */
#define EFI_FILE_MAX 48000000

/* Names of the results and of what is looked for beside them. */
struct paths {
	char *scratch, *initramfs, *efi, *image, *missing; /* in the output folder */
	char *application, *command_line, *kernel;
};

static void paths_clear(struct paths *paths)
{
	char **all[] = { &paths->scratch,      &paths->initramfs, &paths->efi,
			 &paths->image,	       &paths->missing,	  &paths->application,
			 &paths->command_line, &paths->kernel };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		free(*all[i]);
}

static int paths_make(const struct build *build, const struct sysroot *sysroot,
		      struct paths *paths, struct err *err)
{
	const char *slash = strrchr(build->manifest, '/');

	paths->scratch = text_format("%s/modules.tmp", build->output);
	paths->initramfs = text_format("%s/initramfs.zst", build->output);
	paths->efi = text_format("%s/openbmr.efi", build->output);
	paths->image = text_format("%s/openbmr.img", build->output);
	paths->missing = text_format("%s/missing-firmware.txt", build->output);
	paths->application = text_format("%s/openbmr.efi", build->programs);
	paths->command_line =
		text_format("%.*scmdline", slash ? (int)(slash - build->manifest + 1) : 0,
			    build->manifest);
	paths->kernel =
		text_format("%s/boot/vmlinuz-%s", build->sysroot, sysroot->kernel);
	if (!paths->scratch || !paths->initramfs || !paths->efi || !paths->image ||
	    !paths->missing || !paths->application || !paths->command_line ||
	    !paths->kernel)
		return err_nomem(err);
	return 0;
}

static int read_manifest(const char *path, struct manifest *ret, struct err *err)
{
	AUTO(content_clear) struct content content = { 0 };
	AUTO_FREE char *text = NULL;
	int r = content_map(path, &content, NULL, err);

	if (r < 0)
		return r;
	text = strndup(content.length ? (const char *)content.bytes : "", content.length);
	if (!text)
		return err_nomem(err);
	return manifest_parse(path, text, ret, err);
}

static int write_missing(const char *path, struct text *missing, struct err *err)
{
	AUTO_FREE char *list = text_take(missing);
	AUTO_FCLOSE FILE *file = fopen(path, "we");

	if (!list)
		return err_nomem(err);
	if (!file)
		return err_errno(err, errno, "'%s': creating", path);
	if (fputs(list, file) < 0 || fclose(TAKE_PTR(file)) != 0)
		return err_errno(err, errno, "'%s': writing", path);
	return 0;
}

static int compress_piece(const void *bytes, size_t length, void *context,
			  struct err *err)
{
	return compressor_write(context, bytes, length, err);
}

static int write_initramfs(const struct build *build, const struct root_tree *tree,
			   const char *path, uint64_t *ret_length, struct err *err)
{
	AUTO(compressor_freep) struct compressor *compressor = NULL;
	int r = compressor_open(path, build->level, &compressor, err);

	if (r == 0)
		r = cpio_pack(tree, build->mtime_s, compress_piece, compressor, err);
	return r < 0 ? r : compressor_finish(compressor, ret_length, err);
}

static int make_tree(const struct build *build, const struct sysroot *sysroot,
		     const struct paths *paths, struct root_tree *tree, struct err *err)
{
	AUTO(manifest_clear) struct manifest manifest = { 0 };
	AUTO(text_clear) struct text missing = { 0 };
	struct collection collection = {
		.sysroot = sysroot,
		.manifest = &manifest,
		.programs = build->programs,
		.firmware = build->firmware,
		.scratch = paths->scratch,
	};
	int r = read_manifest(build->manifest, &manifest, err);

	if (r == 0)
		r = collect_tree(&collection, tree, &missing, err);
	return r < 0 ? r : write_missing(paths->missing, &missing, err);
}

static void report_size(build_report *report, const char *path, uint64_t size)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %ju bytes", path, (uintmax_t)size);
	report(line);
}

static int refuse_same_file(const struct paths *paths, struct err *err)
{
	struct stat application, result;

	if (stat(paths->application, &application) == 0 &&
	    stat(paths->efi, &result) == 0 && application.st_dev == result.st_dev &&
	    application.st_ino == result.st_ino)
		return err_set(err, -EINVAL,
			       "'%s': would be overwritten by what is made from it: "
			       "give another folder with --output",
			       paths->application);
	return 0;
}

static int write_efi(const struct paths *paths, build_report *report, struct err *err)
{
	struct efi_parts parts = {
		.application = paths->application,
		.command_line = paths->command_line,
		.initramfs = paths->initramfs,
		.kernel = paths->kernel,
	};
	struct stat st;
	int r = efi_file_write(&parts, paths->efi, err);

	if (r < 0)
		return r;
	if (stat(paths->efi, &st) < 0)
		return err_errno(err, errno, "'%s'", paths->efi);
	report_size(report, paths->efi, (uint64_t)st.st_size);
	if (st.st_size > EFI_FILE_MAX)
		report("warning: the EFI file is larger than 48 MB: slow to load over a "
		       "network");
	return 0;
}

int build_run(const struct build *build, build_report *report, struct err *err)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	AUTO(paths_clear) struct paths paths = { 0 };
	struct stick stick = { .answer = build->answer,
			       .credentials = build->credentials,
			       .mtime_s = build->mtime_s };
	uint64_t length;
	char line[128];
	int r = sysroot_open(build->sysroot, &sysroot, err);

	if (r < 0)
		return r;
	if (mkdir(build->output, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "'%s': creating the folder", build->output);
	r = paths_make(build, &sysroot, &paths, err);
	if (r == 0)
		r = refuse_same_file(&paths, err);
	if (r == 0)
		r = make_tree(build, &sysroot, &paths, &tree, err);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "kernel %s, %zu files and folders, %ju bytes",
		 sysroot.kernel, tree.count, (uintmax_t)root_tree_bytes(&tree));
	report(line);
	r = write_initramfs(build, &tree, paths.initramfs, &length, err);
	if (r < 0)
		return r;
	report_size(report, paths.initramfs, length);
	r = write_efi(&paths, report, err);
	stick.efi = paths.efi;
	return r < 0 ? r : stick_write(&stick, paths.image, err);
}

int stick_write(const struct stick *stick, const char *output, struct err *err)
{
	struct image_file files[3] = {
		{ .source = stick->efi, .name = "EFI/BOOT/BOOTX64.EFI" },
	};
	struct disk_image image = { .files = files,
				    .count = 1,
				    .mtime_s = stick->mtime_s };

	if (stick->answer)
		files[image.count++] = (struct image_file){ .source = stick->answer,
							    .name = "openbmr.ini" };
	if (stick->credentials)
		files[image.count++] = (struct image_file){ .source = stick->credentials,
							    .name = "openbmr.cred" };
	return disk_image_write(&image, output, err);
}
