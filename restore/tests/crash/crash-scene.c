/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small machine of the crash harness: see crash-scene.h. */
#include "crash-scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>

#include "engine/journal-mirror.h"

#define ESP_LENGTH  (12 * CRASH_PIECE)
#define MSR_LENGTH  (4 * CRASH_PIECE)
#define DATA_LENGTH (20 * CRASH_PIECE)
/* The last MiB, which is wiped, begins within the data. */
#define DISK_SIZE (2 * MiB + 18 * CRASH_PIECE)

#define CHECKPOINT (4 * CRASH_PIECE)
#define TAIL	   (2 * CRASH_PIECE)

/* -- seams: what would cost a process or a scratch file for each restore --------------- */

static struct table_image composed;
static const struct restore_plan *composed_for;

int __real_layout_compose(const struct disk_layout *layout, const uint8_t *boot_code,
			  struct table_image *ret, struct err *err);
int __wrap_layout_compose(const struct disk_layout *layout, const uint8_t *boot_code,
			  struct table_image *ret, struct err *err);

/* libfdisk's scratch file costs more than the whole restore: composed once, then copied. */
int __wrap_layout_compose(const struct disk_layout *layout, const uint8_t *boot_code,
			  struct table_image *ret, struct err *err)
{
	struct table_image copy = { .count = composed.count };

	if (!composed_for)
		return __real_layout_compose(layout, boot_code, ret, err);
	for (size_t i = 0; i < composed.count; i++) {
		copy.pieces[i] = composed.pieces[i];
		copy.pieces[i].bytes = malloc(copy.pieces[i].length + 1);
		if (!copy.pieces[i].bytes) {
			table_image_clear(&copy);
			return err_nomem(err);
		}
		memcpy(copy.pieces[i].bytes, composed.pieces[i].bytes,
		       copy.pieces[i].length);
	}
	*ret = copy;
	return 0;
}

bool __wrap_fixups_apply(const struct restore_plan *plan,
			 const struct plan_partition *partition);
int __wrap_fixups_run(const struct restore_plan *plan,
		      const struct plan_partition *partition, struct block_source *volume,
		      fixup_report *report, void *context, struct patch_list *ret,
		      struct err *err);

bool __wrap_fixups_apply(const struct restore_plan *plan,
			 const struct plan_partition *partition)
{
	return partition == &plan->partitions[0];
}

/* Two patches of the ESP: one over stored bytes, one over zeros. */
int __wrap_fixups_run(const struct restore_plan *plan,
		      const struct plan_partition *partition, struct block_source *volume,
		      fixup_report *report, void *context, struct patch_list *ret,
		      struct err *err)
{
	static const uint64_t offsets[] = { 2 * CRASH_PIECE + 4096, 3 * CRASH_PIECE };

	ret->patches = calloc(ARRAY_SIZE(offsets), sizeof(*ret->patches));
	if (!ret->patches)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint8_t *bytes = malloc(4096);

		if (!bytes)
			return err_nomem(err);
		memset(bytes, 0xf0 + (int)i, 4096);
		ret->patches[ret->count++] = (struct patch){ offsets[i], 4096, bytes };
	}
	return 0;
}

ssize_t __wrap_getrandom(void *buffer, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *buffer, size_t length, unsigned flags)
{
	static uint8_t
		number; /* every run is the same, but that its restore has an id of its own */

	memset(buffer, ++number, length);
	return (ssize_t)length;
}

/* -- allocations that fail --------------------------------------------------------------- */

static size_t allocations, failing_allocation;

size_t crash_fail_allocation(size_t number)
{
	size_t before = allocations;

	allocations = 0;
	failing_allocation = number;
	return before;
}

static bool allocation_fails(void)
{
	return ++allocations == failing_allocation;
}

#define WRAP(type, name, failed, parameters, arguments)                                  \
	type __real_##name parameters;                                                   \
	type __wrap_##name parameters;                                                   \
	type __wrap_##name parameters                                                    \
	{                                                                                \
		return allocation_fails() ? (failed) : __real_##name arguments;          \
	}

WRAP(void *, malloc, NULL, (size_t size), (size))
WRAP(void *, calloc, NULL, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, NULL, (void *old, size_t size), (old, size))
WRAP(void *, reallocarray, NULL, (void *old, size_t n, size_t size), (old, n, size))
WRAP(char *, strdup, NULL, (const char *text), (text))
WRAP(int, posix_memalign, ENOMEM, (void **ret, size_t alignment, size_t size),
     (ret, alignment, size))
WRAP(int, vasprintf, -1, (char **ret, const char *format, va_list args),
     (ret, format, args))

/* -- the machine ------------------------------------------------------------------------- */

static void fill_random(uint8_t *bytes, size_t length, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(random_next(&state) >> 32);
}

static void make_image(struct crash_scene *scene, size_t index, const char *path,
		       uint64_t length)
{
	struct crash_image *image = &scene->images[index];

	*image = (struct crash_image){ path, length, malloc(length) };
	fill_random(image->bytes, length, index + 5);
	image->bytes[510] = 0x55;
	image->bytes[511] = 0xaa;
	for (uint64_t at = 0; at < length; at += CRASH_PIECE)
		/* of those that are stored some are zeros, too */
		if (crash_image_kind(at) == RANGE_ZERO || at / CRASH_PIECE % 16 == 12)
			memset(image->bytes + at, 0, min_u64(CRASH_PIECE, length - at));
	scene->volumes[index] = (struct backup_volume){
		.image_path = (char *)path,
		.length = length,
		.role = ROLE_DATA,
		.image = { .file_size = length, .virtual_size = length + MiB },
	};
	memset(scene->volumes[index].image.unique_id.b, (int)index + 1, 16);
}

static void add_partition(struct crash_scene *scene, uint64_t offset, uint64_t length,
			  const struct guid *type)
{
	struct disk_partition *p = layout_add(scene->after);
	unsigned slot = (unsigned)scene->after->count;

	p->slot = slot;
	p->type = *type;
	memset(p->id.b, 0x20 + (int)slot, sizeof(p->id.b));
	p->offset = offset;
	p->length = length;
	if (scene->shape->style == TABLE_MBR) {
		p->type = p->id = (struct guid){ 0 };
		p->mbr_type = 7;
		p->mbr_active = slot == 1;
	}
}

static void make_layout(struct crash_scene *scene)
{
	scene->after = layout_new();
	scene->after->style = scene->shape->style;
	scene->after->sector_size = scene->shape->sector_size;
	scene->after->slots = scene->shape->style == TABLE_GPT ? 128 : 4;
	scene->after->disk_size = scene->size;
	if (scene->shape->style == TABLE_GPT)
		memset(scene->after->disk_id.b, 0x77, sizeof(scene->after->disk_id.b));
	else
		scene->after->mbr_signature = 0x12345678;
	add_partition(scene, MiB, ESP_LENGTH, &partition_type_esp);
	add_partition(scene, MiB + ESP_LENGTH, MSR_LENGTH, &partition_type_msr);
	add_partition(scene, MiB + ESP_LENGTH + MSR_LENGTH, DATA_LENGTH,
		      &partition_type_basic_data);
	for (size_t i = 0; i < 3; i++) {
		scene->sources[i].offset.value = scene->after->partitions[i].offset;
		scene->partitions[i].source = &scene->sources[i];
	}
	scene->partitions[0].volume = &scene->volumes[0];
	scene->partitions[2].volume = &scene->volumes[1];
}

static void make_plan(struct crash_scene *scene)
{
	scene->version = (struct backup_version){
		.path = (char *)"Backup 2026-08-31 210000",
		.time = { 1788210000, ORIGIN_ASRSIF },
		.id = "08/31/2026-21:00",
		.volume_count = 2,
		.volumes = scene->volumes,
	};
	scene->machine = (struct backup_machine){ .name = (char *)"SRV01" };
	scene->target = (struct disk){
		.path = (char *)"/dev/sdx",
		.exists = true,
		.serial = (char *)"S1",
		.wwn = (char *)"",
		.size = scene->size,
		.sector_size = scene->shape->sector_size,
	};
	scene->plan = (struct restore_plan){
		.machine = &scene->machine,
		.version = &scene->version,
		.disk = &scene->target,
		.wishes = { .wipe = scene->shape->wipe },
		.target_size = scene->size,
		.after = scene->after,
		.partitions = scene->partitions,
		.journal_offset = 40 * KiB,
		.journal_slot_length = 64 * KiB,
	};
}

/* Another system: no byte is zero by rule, and both ends carry a GPT. */
static void make_old_disk(struct crash_scene *scene)
{
	uint32_t sector = scene->shape->sector_size;

	fill_random(scene->old, scene->size, 99);
	scene->old[510] = 0x55;
	scene->old[511] = 0xaa;
	memcpy(scene->old + sector, "EFI PART", 8);
	memcpy(scene->old + scene->size - sector, "EFI PART", 8);
}

void crash_scene_make(struct crash_scene *scene, const struct crash_shape *shape)
{
	struct err err = { 0 };
	struct crash_outcome outcome;

	*scene = (struct crash_scene){ .shape = shape,
				       .size = DISK_SIZE,
				       .total = DISK_SIZE + JOURNAL_MIRROR_SIZE };
	make_image(scene, 0, "esp.vhdx", ESP_LENGTH);
	make_image(scene, 1, "c.vhdx", DATA_LENGTH);
	make_layout(scene);
	make_plan(scene);
	scene->old = calloc(1, scene->total);
	scene->whole = malloc(scene->total);
	crash_disk_init(&scene->disk, scene->total, shape->sector_size);
	make_old_disk(scene);
	composed_for = NULL;
	if (__real_layout_compose(scene->after, NULL, &composed, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	composed_for = &scene->plan;
	crash_disk_reset(&scene->disk, scene->old);
	outcome = crash_restore(scene, false);
	if (outcome.code < 0) {
		fprintf(stderr, "%s: %s\n", shape->name, outcome.err.text);
		abort();
	}
	memcpy(scene->whole, scene->disk.bytes, scene->total);
}

void crash_scene_clear(struct crash_scene *scene)
{
	table_image_clear(&composed);
	composed = (struct table_image){ 0 };
	composed_for = NULL;
	for (size_t i = 0; i < 2; i++)
		free(scene->images[i].bytes);
	layout_free(scene->after);
	free(scene->old);
	free(scene->whole);
	crash_disk_clear(&scene->disk);
}

bool crash_in_slots(const struct crash_scene *scene, uint64_t offset)
{
	const struct restore_plan *plan = &scene->plan;

	return offset >= plan->journal_offset &&
	       offset < plan->journal_offset + JOURNAL_SLOTS * plan->journal_slot_length;
}

bool crash_in_mirror(const struct crash_scene *scene, uint64_t offset)
{
	return offset >= scene->size;
}

static struct crash_scene *opened;

static int open_target(const struct restore_plan *plan, struct block_target **ret,
		       struct err *err)
{
	*ret = crash_disk_target(&opened->disk, 0, opened->size);
	return 0;
}

static int open_mirror(const struct restore_job *job, struct block_target **ret,
		       struct err *err)
{
	*ret = crash_disk_target(&opened->disk, opened->size, JOURNAL_MIRROR_SIZE);
	return 0;
}

struct crash_outcome crash_restore(struct crash_scene *scene, bool resume)
{
	struct restore_result result = { 0 };
	struct crash_outcome outcome = { 0 };
	struct restore_job job = {
		.plan = &scene->plan,
		.reader = crash_reader(scene->images, 2),
		.result = &result,
		.open_target = open_target,
		.open_mirror = open_mirror,
		.delta = { .wanted = scene->delta, .no_index = true },
		.journal = { .resume = resume,
			     .checkpoint_bytes = CHECKPOINT,
			     .tail_bytes = TAIL },
	};

	opened = scene;
	outcome.code = jobs_run(&job, 1, &outcome.err);
	outcome.resumed = result.resumed;
	outcome.resumable = result.resumable;
	outcome.whole = job.delta.whole;
	for (size_t i = 0; i < result.note_count; i++)
		outcome.warned |= result.notes[i].severity == PLAN_WARNING;
	job_clear(&job);
	restore_result_clear(&result);
	return outcome;
}
