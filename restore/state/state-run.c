/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's side of a change of a volume's state: see restore/system-state.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <base/checked.h>

#include "engine/disk-open.h"
#include "redo.h"
#include "state-process.h"

struct state_change {
	struct patch_list patches;
	int64_t time;
};

void state_change_free(struct state_change *change)
{
	if (!change)
		return;
	patch_list_clear(&change->patches);
	free(change);
}

int state_parse_classes(const char *text, unsigned *ret, struct err *err)
{
	return state_classes_parse(text, ret, err);
}

void state_folder_name(int64_t time, char ret[STATE_FOLDER_SIZE])
{
	time_t seconds = (time_t)time;
	struct tm tm = { 0 };
	char date[32] = "undated";

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d-%H%M%S", &tm);
	snprintf(ret, STATE_FOLDER_SIZE, STATE_FOLDER "%s", date);
}

bool state_wants_boot(unsigned classes)
{
	return !classes || classes >> STATE_BOOT & 1;
}

/* -- working it out ------------------------------------------------------------------ */

/* The process may have 1 GiB in all (reader-jail.c), and reads hives whole. */
#define CHANGE_MAX (640 * MiB)

/* What changes lies in the process and then here. */
#define PART_OF_MEMORY 3

static uint64_t change_limit(void)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib, limit = CHANGE_MAX;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			limit = min_u64(limit, kib * KiB / PART_OF_MEMORY);
	return limit;
}

int state_work_out(const struct state_backup *backup, const struct state_target *target,
		   const struct state_options *options, struct state_change **ret,
		   struct state_sum *ret_sum, struct err *err)
{
	AUTO(state_change_freep) struct state_change *change = calloc(1, sizeof(*change));
	const struct state_question question = { backup, target, options,
						 change_limit() };
	struct state_sum sum = { 0 };
	const struct fixup_work work = {
		.process = state_process,
		.context = &question,
		.image_size = target->length,
		.volume_size = target->length,
		.max_notes = 4 * STATE_FILES_MAX,
		.answer = &sum,
		.answer_size = sizeof(sum),
		.report = options->report,
		.report_context = options->context,
	};
	int r;

	if (!change)
		return err_nomem(err);
	change->time = options->time;
	r = fixup_work_run(&work, &change->patches, err);
	if (r < 0)
		return r;
	*ret_sum = sum;
	*ret = change->patches.count ? TAKE_PTR(change) : NULL;
	return 0;
}

/* -- the disk ------------------------------------------------------------------------ */

static int open_place(const struct disk *disk, const struct disk_partition *partition,
		      struct redo_place *ret, struct err *err)
{
	struct block_target *target = NULL;
	struct gate *gate = NULL;
	int r = disk_open_for_writing(disk, disk->size, &target, err);

	if (r == 0)
		r = gate_new(target, &gate, err);
	if (r < 0)
		return r;
	*ret = (struct redo_place){ gate, partition->offset, partition->length,
				    disk->sector_size };
	return 0;
}

int state_write(const struct state_change *change, const struct disk *disk,
		const struct disk_partition *partition, struct err *err)
{
	struct redo_place place = { 0 };
	int r = open_place(disk, partition, &place, err);

	if (r == 0)
		r = redo_write(&place, &change->patches, change->time, err);
	gate_free(place.gate);
	return r;
}

int state_finish(const struct disk *disk, const struct disk_partition *partition,
		 struct err *err)
{
	struct redo_place place = { 0 };
	int r = open_place(disk, partition, &place, err);

	if (r == 0)
		r = redo_finish(&place, err);
	gate_free(place.gate);
	return r;
}

static int is_half(struct block_source *disk, const struct disk_partition *partition,
		   bool *ret, struct err *err)
{
	struct redo_pointer pointer;
	struct err fault = { 0 };
	uint8_t sector[512];
	int r = source_read(disk, sector, partition->offset, sizeof(sector), err);

	if (r == 0)
		*ret = redo_pointer_decode(sector, &pointer, &fault) != -ENOEXEC;
	return r;
}

int state_find_half(const struct disk *disk, const struct disk_partition **ret,
		    struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	size_t count = disk->layout ? disk->layout->count : 0;
	int r = count ? disk_open_for_reading(disk, &source, err) : 0;

	*ret = NULL;
	for (size_t i = 0; r == 0 && !*ret && i < count; i++) {
		const struct disk_partition *partition = &disk->layout->partitions[i];
		bool half = false;

		if (partition->length < REDO_PAGE)
			continue;
		r = is_half(source, partition, &half, err);
		if (half)
			*ret = partition;
	}
	return r;
}
