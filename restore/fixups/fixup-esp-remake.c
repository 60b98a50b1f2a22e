/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "FAT with other sectors": FAT cannot be converted, so the volume is made anew by
 * mkfs.fat with the target's sectors, in memory, and every file is copied into it by mtools.
 * The fallback loader, which every EFI system partition gets, is added on the way.
 */
#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/spawn.h>
#include <base/text.h>

#include "fixup.h"
#include "forecast/pe.h"
#include "volumes/fat-make.h"
#include "volumes/fat-scratch.h"
#include "volumes/fat.h"

/* A program gets one volume as standard input, the other as standard output. */
#define TARGET_PATH "/proc/self/fd/1"

#define BOOT_MANAGER "EFI/Microsoft/Boot/bootmgfw.efi"
#define MANAGER_MAX  (64 * MiB) /* real ones have 1.5 to 3 MB */

/* Windows' own ESP has some 200 files, vendors add a few. */
#define FILES_MAX 10000

/* The first day that FAT can say: equal input gives equal bytes. */
static const char *const made_when[] = { "SOURCE_DATE_EPOCH=315532800", "TZ=UTC",
					 "MTOOLS_SKIP_CHECK=1", NULL };

struct remake {
	struct fixup_job *job;
	int from, to; /* volumes in memory */
	bool has_folder;
};

static bool remake_applies(const struct restore_plan *plan,
			   const struct plan_partition *partition)
{
	return partition->volume && partition->volume != plan->made_esp &&
	       plan_remakes(plan, partition->volume);
}

static int run_tool(const struct remake *remake, const char *const *argv, int input,
		    int output, struct err *err)
{
	struct spawn spawn = {
		.argv = argv, .env = made_when, .input_fd = input, .output_fd = output
	};
	struct err fault = { 0 };
	int r = spawn_run(&spawn, NULL, &fault);

	return r < 0 ? err_set(err, r, "'%s': %s", remake->job->volume->name, fault.text)
		     : 0;
}

/* Serial number and label of the old volume; FAT32 has them elsewhere than FAT16. */
static int read_names(struct remake *remake, uint32_t *ret_serial, char label[12],
		      struct err *err)
{
	uint8_t boot[512];
	size_t at = remake->job->partition->volume->fs.fs == FS_FAT32 ? 0x43 : 0x27;
	le32 number;
	int r = source_read(remake->job->volume, boot, 0, sizeof(boot), err);

	if (r < 0)
		return r;
	memcpy(&number, boot + at, sizeof(number));
	*ret_serial = get_le32(number);
	memcpy(label, boot + at + 4, 11);
	label[11] = '\0';
	for (char *c = label; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = ' ';
	for (size_t i = 11; i > 0 && label[i - 1] == ' '; i--)
		label[i - 1] = '\0';
	return 0;
}

static int make_volume(struct remake *remake, uint64_t length, uint32_t sector,
		       struct err *err)
{
	char label[12];
	struct fat_format format = { .length = length,
				     .sector_size = sector,
				     .label = label };
	int r = read_names(remake, &format.serial, label, err);

	if (r == 0)
		r = fat_make(&format, &remake->to, err);
	return r < 0 ? err_add(err, "'%s'", remake->job->volume->name) : 0;
}

static int make_folder(struct remake *remake, const char *mtools_path, struct err *err)
{
	const char *const argv[] = { "mmd", "-i", TARGET_PATH, mtools_path, NULL };

	return run_tool(remake, argv, 0, remake->to, err);
}

static int copy_file(struct remake *remake, const char *mtools_from,
		     const char *mtools_to, struct err *err)
{
	const char *const get[] = {
		"mcopy", "-i", FAT_VOLUME_PATH, mtools_from, "-", NULL
	};
	const char *const put[] = {
		"mcopy", "-n", "-i", TARGET_PATH, "-", mtools_to, NULL
	};
	AUTO_CLOSE int content = -1;
	int r = fat_memory_file("file", 0, &content, err);

	if (r == 0)
		r = run_tool(remake, get, remake->from, content, err);
	if (r == 0 && lseek(content, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "a file in memory");
	return r < 0 ? r : run_tool(remake, put, content, remake->to, err);
}

/* A line of 'mdir -b -/': "::/EFI/Boot/" or "::/EFI/Boot/bootx64.efi". */
static int copy_line(struct remake *remake, char *line, struct err *err)
{
	size_t length = strlen(line);
	AUTO_FREE char *checked = NULL;
	bool is_folder = length > 3 && line[length - 1] == '/';

	if (strncmp(line, "::/", 3) != 0)
		return err_set(err, -EBADMSG, "'%s': FAT is damaged: mdir says '%.80s'",
			       remake->job->volume->name, line);
	if (is_folder)
		line[length - 1] = '\0';
	checked = fat_mtools_path(line + 3, err);
	if (!checked)
		return err->code;
	remake->has_folder |= strcasecmp(line + 3, "EFI/Boot") == 0;
	if (is_folder)
		return make_folder(remake, checked, err);
	return copy_file(remake, checked, checked, err);
}

static int copy_all(struct remake *remake, struct err *err)
{
	const char *const argv[] = { "mdir",	      "-b",  "-a", "-/", "-i",
				     FAT_VOLUME_PATH, "::/", NULL };
	struct spawn spawn = { .argv = argv, .env = made_when, .input_fd = remake->from };
	AUTO_FREE char *listing = NULL;
	unsigned count = 0;
	char *rest;
	int r = spawn_run(&spawn, &listing, err);

	if (r < 0)
		return err_add(err, "'%s'", remake->job->volume->name);
	rest = listing;
	for (char *line = strsep(&rest, "\n"); r == 0 && line;
	     line = strsep(&rest, "\n")) {
		if (!line[0])
			continue;
		if (++count > FILES_MAX)
			return err_set(err, -EFBIG,
				       "'%s': more than %d files and folders",
				       remake->job->volume->name, FILES_MAX);
		r = copy_line(remake, line, err);
	}
	return r;
}

/* As in the fix-up "EFI fallback loader". */
static int add_fallback(struct remake *remake, struct err *err)
{
	const struct fixup_job *job = remake->job;
	AUTO_FREE uint8_t *manager = NULL;
	AUTO_FREE char *path = NULL;
	struct err none = { 0 };
	size_t length = 0;
	int r = 0;

	if (!job->plan->uefi || job->partition->volume->role != ROLE_ESP ||
	    fat_read_scratch(job->volume, remake->from, BOOT_MANAGER, MANAGER_MAX,
			     &manager, &length, &none) < 0)
		return 0;
	path = text_format("::/EFI/Boot/%s", pe_fallback_name(manager, length));
	if (!path)
		return err_nomem(err);
	if (fat_find_file(job->volume, remake->from, path + strlen("::/"), path, &none) ==
	    0)
		return 0;
	if (!remake->has_folder)
		r = make_folder(remake, "::/EFI/Boot", err);
	if (r == 0)
		r = copy_file(remake, "::/" BOOT_MANAGER, path, err);
	if (r < 0)
		return r;
	return fixup_note(remake->job, PLAN_NOTE, err,
			  "\\EFI\\Boot\\%s: absent → copy of "
			  "\\EFI\\Microsoft\\Boot\\bootmgfw.efi",
			  strrchr(path, '/') + 1);
}

static int run_remake(struct fixup_job *job, struct err *err)
{
	const struct restore_plan *plan = job->plan;
	uint64_t length =
		plan->after->partitions[job->partition - plan->partitions].length;
	uint32_t sector = plan->after->sector_size;
	struct remake remake = { .job = job, .from = -1, .to = -1 };
	AUTO_FREE char *text = text_format("FAT: made anew with sectors of %u bytes, all "
					   "files copied",
					   sector);
	int r = fat_scratch_copy(job->volume, &remake.from, err);

	if (r == 0)
		r = make_volume(&remake, length, sector, err);
	if (r == 0)
		r = copy_all(&remake, err);
	if (r == 0)
		r = add_fallback(&remake, err);
	if (r == 0)
		r = fat_visit_data(remake.to, length, fixup_take_change, job, err);
	if (remake.from >= 0)
		close(remake.from);
	if (remake.to >= 0)
		close(remake.to);
	if (r == 0)
		r = text ? job->note(job, PLAN_NOTE, text, err) : err_nomem(err);
	return r;
}

const struct fixup fixup_esp_remake = {
	.name = "FAT with other sectors",
	.reshapes = true,
	.applies = remake_applies,
	.run = run_remake,
};
