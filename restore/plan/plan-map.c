/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which disk of this machine takes which source disk: what the user names; else the disk that
 * carries the source disk's ids. A disk that would only fit by its size is proposed and must
 * be named: nothing is erased for its size alone (SAFETY.md section 2).
 */
#include "plan-map.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "plan-rules.h"

#define RULE "mapping"

#define SELECTOR_SIZE 300 /* texts of sysfs have at most 256 bytes */

bool plan_map_excludes(const struct plan_map *map, const struct disk *disk)
{
	for (size_t i = 0; i < map->choices->excluded_count; i++)
		if (map->choices->excluded[i] == disk)
			return true;
	return false;
}

/* What the machine starts from: the EFI system partition, else what has the boot manager,
 * else Windows. */
static unsigned system_score(const struct backup_version *version,
			     const struct source_disk *disk)
{
	static const unsigned scores[] = {
		[ROLE_ESP] = 3, [ROLE_SYSTEM] = 2, [ROLE_WINDOWS] = 1, [ROLE_RECOVERY] = 0
	};
	unsigned best = 0;

	for (size_t i = 0; i < disk->partition_count; i++) {
		int volume = disk->partitions[i].volume;

		if (volume >= 0 && scores[version->volumes[volume].role] > best)
			best = scores[version->volumes[volume].role];
	}
	return best;
}

static uint64_t space_needed(const struct source_disk *disk)
{
	uint64_t needed = 0, end;

	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct source_partition *p = &disk->partitions[i];

		if (checked_add(p->new_offset ? p->new_offset : p->offset.value,
				p->new_length ? p->new_length : p->length.value, &end))
			needed = max_u64(needed, end);
	}
	return needed;
}

static int collect_sources(struct plan_map *map, const struct plan_wishes *wishes,
			   struct err *err)
{
	const struct backup_version *version = map->version;
	size_t system = 0;
	unsigned best = 0;

	map->sources = calloc(version->disk_count + 1, sizeof(*map->sources));
	if (!map->sources)
		return err_nomem(err);
	for (size_t i = 0; i < version->disk_count; i++) {
		const struct source_disk *disk = &version->disks[i];
		unsigned score = system_score(version, disk);

		if (!plan_chooses_disk(wishes, version, disk))
			continue;
		if (score > best) {
			best = score;
			system = map->source_count;
		}
		map->sources[map->source_count++] = (struct map_source){
			.number = i,
			.source = disk,
			.size = disk->size.origin ? disk->size.value : 0,
			.needed = space_needed(disk),
		};
	}
	map->sources[system].system = true;
	return 0;
}

/* -- by name ---- */

static struct map_source *find_source(const struct plan_map *map, int number)
{
	for (size_t i = 0; i < map->source_count; i++) {
		struct map_source *source = &map->sources[i];

		if (number < 0 ? source->system : source->number == (size_t)number)
			return source;
	}
	return NULL;
}

static int take_named(struct plan_map *map, struct err *err)
{
	for (size_t i = 0; i < map->choices->named_count; i++) {
		const struct plan_named *named = &map->choices->named[i];
		bool only = map->choices->named_count == 1 && map->source_count == 1;
		struct map_source *source = find_source(
			map, only && named->source_disk <= 0 ? -1 : named->source_disk);

		if (!source)
			return err_set(
				err, -EINVAL,
				"source disk %d: no volume of it is to be restored, "
				"or there is no such disk; 'bmr show' numbers them "
				"from 0",
				named->source_disk);
		if (source->target && source->target != named->disk)
			return err_set(
				err, -EINVAL,
				"source disk %zu is given two targets, '%s' and '%s'",
				source->number, source->target->path, named->disk->path);
		if (plan_map_excludes(map, named->disk))
			return err_set(err, -EINVAL,
				       "'%s' is excluded and named as a target",
				       named->disk->path);
		source->named_twice = source->named;
		source->target = named->disk;
		source->named = true;
	}
	return 0;
}

/* -- by identity, then by size ---- */

static bool is_taken(const struct plan_map *map, const struct disk *disk)
{
	for (size_t i = 0; i < map->source_count; i++)
		if (map->sources[i].target == disk)
			return true;
	return false;
}

static bool is_free(const struct plan_map *map, const struct disk *disk)
{
	return !disk->is_file && !disk->protection && !is_taken(map, disk) &&
	       !plan_map_excludes(map, disk);
}

bool plan_map_carries_ids(const struct disk *disk, const struct source_disk *source)
{
	const struct disk_layout *layout = disk->layout;

	if (!layout || layout->style != source->style.value)
		return false;
	if (layout->style == TABLE_GPT)
		return source->disk_id.origin &&
		       guid_equal(&layout->disk_id, &source->disk_id.value);
	return layout->style == TABLE_MBR && source->mbr_signature.origin &&
	       layout->mbr_signature == source->mbr_signature.value;
}

static const struct disk *find_by_ids(const struct plan_map *map,
				      const struct map_source *source)
{
	const struct disk *found = NULL;

	for (size_t i = 0; i < map->disks->count; i++) {
		const struct disk *disk = &map->disks->disks[i];

		if (!is_free(map, disk) || !plan_map_carries_ids(disk, source->source))
			continue;
		if (found)
			return NULL; /* two: only the user can tell */
		found = disk;
	}
	return found;
}

static const struct disk *find_by_size(const struct plan_map *map,
				       const struct map_source *source)
{
	const struct disk *best = NULL;

	for (size_t i = 0; i < map->disks->count; i++) {
		const struct disk *disk = &map->disks->disks[i];

		if (is_free(map, disk) && disk->size >= source->needed &&
		    (!best || disk->size < best->size))
			best = disk;
	}
	return best;
}

static void find_rest(struct plan_map *map)
{
	for (size_t i = 0; i < map->source_count; i++)
		if (!map->sources[i].target) {
			map->sources[i].target = find_by_ids(map, &map->sources[i]);
			map->sources[i].named = map->sources[i].target != NULL;
		}
	for (size_t i = 0; i < map->source_count; i++)
		if (!map->sources[i].target)
			map->sources[i].target = find_by_size(map, &map->sources[i]);
}

/* -- what is said about it ---- */

/* How the user can name it: disks without either are not proposed. */
static const char *selector(const struct disk *disk, char text[SELECTOR_SIZE])
{
	snprintf(text, SELECTOR_SIZE, "%s%s", disk->serial[0] ? "serial:" : "wwn:",
		 disk->serial[0] ? disk->serial : disk->wwn);
	return text;
}

static int tell_unnamed(const struct plan_map *map, struct restore_plan *plan,
			struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < map->source_count; i++) {
		const struct map_source *source = &map->sources[i];
		char which[SELECTOR_SIZE];

		if (source->named)
			continue;
		if (source->target)
			r = plan_find(plan, PLAN_REFUSAL, RULE, err,
				      "source disk %zu: no disk carries its ids; '%s' is "
				      "the smallest that is large enough: name it with "
				      "--disk %zu=%s",
				      source->number, source->target->path,
				      source->number, selector(source->target, which));
		else
			r = plan_find(
				plan, PLAN_REFUSAL, RULE, err,
				"source disk %zu: no disk for it; name one with "
				"--disk %zu=WHICH, or choose volumes that are not on "
				"it",
				source->number, source->number);
	}
	return r;
}

static uint64_t least_needed(const struct plan_map *map)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < map->source_count; i++)
		least = min_u64(least, map->sources[i].needed);
	return least;
}

static int tell_rejected(const struct plan_map *map, const struct disk *disk,
			 struct restore_plan *plan, struct err *err)
{
	const char *why = "not asked for; name it with --disk to use it";
	char first_line[160];

	if (plan_map_excludes(map, disk))
		why = "excluded";
	else if (disk->protection && disk->protection_text && disk->protection_text[0]) {
		snprintf(first_line, sizeof(first_line), "%.*s",
			 (int)strcspn(disk->protection_text, "\n"),
			 disk->protection_text);
		why = first_line;
	} else if (disk->size < least_needed(map)) {
		snprintf(first_line, sizeof(first_line),
			 "too small: it has %" PRIu64 " bytes, %" PRIu64 " are needed",
			 disk->size, least_needed(map));
		why = first_line;
	}
	return plan_find(plan, PLAN_NOTE, RULE, err, "'%s' (serial %s) is not used: %s",
			 disk->path, disk->serial[0] ? disk->serial : "none", why);
}

static int tell_firmware(const struct plan_map *map, struct restore_plan *plan,
			 struct err *err)
{
	const struct backup_version *version = map->version;
	enum plan_firmware here = map->choices->firmware;

	if (here == PLAN_FIRMWARE_UNKNOWN || !version->firmware_origin.origin ||
	    plan->uefi == (here == PLAN_FIRMWARE_UEFI))
		return 0;
	return plan_find(
		plan, PLAN_WARNING, "firmware", err,
		"the restored disk is one that starts by %s, and this machine was "
		"started by %s: choose %s in its firmware's settings, or convert "
		"with '--firmware %s'",
		plan->uefi ? "UEFI" : "BIOS", plan->uefi ? "BIOS" : "UEFI",
		plan->uefi ? "UEFI" : "BIOS (CSM, legacy)", plan->uefi ? "bios" : "uefi");
}

/* Only where disks were looked for, or left out on purpose. */
static int tell_all(const struct plan_map *map, struct restore_plan *plan,
		    struct err *err)
{
	AUTO_FREE char *verdict = NULL;
	bool real = true;
	int r = tell_unnamed(map, plan, err);

	for (size_t i = 0; i < map->source_count; i++)
		real = real &&
		       (!map->sources[i].target || !map->sources[i].target->is_file);
	if (r < 0 || !real)
		return r;
	for (size_t i = 0; r == 0 && i < map->disks->count; i++)
		if (!is_taken(map, &map->disks->disks[i]))
			r = tell_rejected(map, &map->disks->disks[i], plan, err);
	if (r == 0)
		r = tell_firmware(map, plan, err);
	if (r < 0)
		return r;
	verdict = plan_windows_verdict(map);
	if (!verdict)
		return err_nomem(err);
	return verdict[0] ? plan_find(plan, PLAN_NOTE, "windows-says", err,
				      "Windows' own recovery %s", verdict)
			  : 0;
}

/* -- the plans ---- */

/* The source disks that go onto the target of map->sources[first]; none if an earlier one has
 * them already. */
static size_t collect_for_target(const struct plan_map *map, size_t first,
				 const struct source_disk **sources)
{
	const struct disk *target = map->sources[first].target;
	size_t count = 0;

	if (!target)
		return 0;
	for (size_t i = 0; i < map->source_count; i++) {
		if (map->sources[i].target != target)
			continue;
		if (i < first)
			return 0;
		/* what the machine starts from gives the disk its ids */
		if (map->sources[i].system && count) {
			sources[count++] = sources[0];
			sources[0] = map->sources[i].source;
		} else {
			sources[count++] = map->sources[i].source;
		}
	}
	return count;
}

static bool has_system(const struct plan_map *map, const struct disk *target)
{
	for (size_t i = 0; i < map->source_count; i++)
		if (map->sources[i].system)
			return map->sources[i].target == target;
	return false;
}

static int make_plans(struct plan_map *map, const struct plan_order *order,
		      struct plan_set *set, struct err *err)
{
	AUTO_FREE const struct source_disk **sources =
		calloc(map->source_count + 1, sizeof(struct source_disk *));
	int r = 0;

	if (!sources)
		return err_nomem(err);
	for (int system = 0; system < 2; system++) {
		for (size_t i = 0; r == 0 && i < map->source_count; i++) {
			const struct plan_target target = {
				.disk = map->sources[i].target,
				.named_twice = map->sources[i].named_twice,
				.source_count = collect_for_target(map, i, sources),
				.sources = sources,
			};
			struct restore_plan *plan = NULL;

			if (!target.source_count ||
			    has_system(map, target.disk) != (system == 1))
				continue;
			r = plan_make_disk(order, &target, &plan, err);
			if (r == 0)
				r = plan_set_add(set, plan, err);
		}
	}
	return r;
}

int plan_set_make(const struct plan_order *order, const struct plan_choices *choices,
		  struct plan_set *ret, struct err *err)
{
	struct plan_map map = { .source = order->backup->source,
				.version = order->version,
				.disks = order->disks,
				.choices = choices };
	struct plan_set set = { 0 };
	struct restore_plan *plan = NULL;
	int r = collect_sources(&map, order->wishes, err);

	if (r == 0 && map.source_count) {
		r = take_named(&map, err);
		if (r == 0) {
			find_rest(&map);
			r = make_plans(&map, order, &set, err);
		}
		plan = set.count ? set.plans[set.count - 1] : NULL;
		if (r == 0 && plan)
			r = tell_all(&map, plan, err);
	} else if (r == 0) { /* nothing to restore: the plan says why */
		const struct plan_target target = { .disk = choices->named[0].disk };

		r = plan_make_disk(order, &target, &plan, err);
		if (r == 0)
			r = plan_set_add(&set, plan, err);
	}
	free(map.sources);
	if (r < 0) {
		plan_set_clear(&set);
		return r;
	}
	*ret = set;
	return 0;
}
