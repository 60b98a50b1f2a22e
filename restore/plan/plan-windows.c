/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Windows' own recovery would have said to the same backup and the same disks (FORMAT.md
 * section 6): it wants the backup directly below the share's root, the firmware that the source
 * had, and as many fixed disks as there were, each at least as large as the disk it replaces;
 * it counts neither USB disks nor the one that holds the backup. For people who come from
 * there.
 *
 * The codes are those of the VSS error list that Microsoft publishes (vsserror.h); which of
 * two that fit comes first is not documented, so the more special one does.
 */
#include "plan-map.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "plan-rules.h"

/* What people report for paths on a share */
#define PATH_MAX_ON_SHARE 110

#define FOLDER "WindowsImageBackup/"

struct windows_view {
	const struct plan_map *map;
	const struct map_source *system; /* NULL: none of the source disks */
	size_t fixed;			 /* disks that it would look at */
	size_t excluded;		 /* of these, excluded by the user */
	const struct disk *first;	 /* of those that are left; NULL: none */
	uint64_t largest;
};

static bool is_fixed(const struct disk *disk)
{
	unsigned out =
		DISK_REMOVABLE | DISK_BOOT_MEDIUM | DISK_HOLDS_SOURCE | DISK_READ_ONLY;

	return !disk->is_file && !(disk->protection & out) &&
	       strcmp(disk->bus, "usb") != 0;
}

static bool is_usable(const struct plan_map *map, const struct disk *disk)
{
	return is_fixed(disk) && !plan_map_excludes(map, disk);
}

static bool is_critical(const struct map_source *source)
{
	return source->system ||
	       (source->source->critical.origin && source->source->critical.value);
}

static struct windows_view look(const struct plan_map *map)
{
	struct windows_view view = { .map = map };

	for (size_t s = 0; s < map->source_count; s++)
		if (map->sources[s].system)
			view.system = &map->sources[s];
	for (size_t i = 0; i < map->disks->count; i++) {
		const struct disk *disk = &map->disks->disks[i];

		view.fixed += is_fixed(disk);
		view.excluded += is_fixed(disk) && plan_map_excludes(map, disk);
		if (!is_usable(map, disk))
			continue;
		if (!view.first)
			view.first = disk;
		if (disk->size > view.largest)
			view.largest = disk->size;
	}
	return view;
}

/* -- the backup ---- */

/* What of a share's address lies below the share; NULL: not a share. */
static const char *below_share(const char *source)
{
	const char *share;

	if (strncasecmp(source, "smb://", 6) != 0)
		return NULL;
	share = strchr(source + 6, '/');
	if (!share || !strchr(share + 1, '/'))
		return "";
	return strchr(share + 1, '/') + 1;
}

static bool path_is_too_long(const struct windows_view *view, struct text *why)
{
	const char *below = below_share(view->map->source);
	size_t length;

	if (!below)
		return false;
	length = strlen(below) + (below[0] != '\0') + strlen(view->map->version->path);
	if (length <= PATH_MAX_ON_SHARE)
		return false;
	text_add(why, "the path on the share has %zu characters, about %d are too many",
		 length, PATH_MAX_ON_SHARE);
	return true;
}

static bool is_elsewhere(const struct windows_view *view, struct text *why)
{
	const char *below = below_share(view->map->source);
	const char *path = view->map->version->path;

	if (!below || (!below[0] && strncasecmp(path, FOLDER, strlen(FOLDER)) == 0))
		return false;
	text_add(why,
		 "'%s%s%s' is not WindowsImageBackup directly below the share's root",
		 below, below[0] ? "/" : "", path);
	return true;
}

static bool firmware_differs(const struct windows_view *view, struct text *why)
{
	const struct backup_version *version = view->map->version;
	enum plan_firmware here = view->map->choices->firmware;

	if (here == PLAN_FIRMWARE_UNKNOWN || !version->firmware_origin.origin ||
	    version->uefi == (here == PLAN_FIRMWARE_UEFI))
		return false;
	text_add(why,
		 "the system image was created on a computer using %s and this computer "
		 "is using %s",
		 version->uefi ? "EFI" : "BIOS", version->uefi ? "BIOS" : "EFI");
	return true;
}

/* -- the disks ---- */

static bool no_fixed_disk(const struct windows_view *view, struct text *why)
{
	text_add(why, "no fixed disk");
	return view->fixed == 0;
}

static bool none_is_left(const struct windows_view *view, struct text *why)
{
	text_add(why, "no fixed disk is left after exclusion");
	return view->fixed == view->excluded;
}

static bool critical_is_excluded(const struct windows_view *view, struct text *why)
{
	const struct plan_map *map = view->map;

	for (size_t i = 0; i < map->disks->count; i++) {
		const struct disk *disk = &map->disks->disks[i];

		for (size_t s = 0; s < map->source_count; s++) {
			if (!plan_map_excludes(map, disk) ||
			    !is_critical(&map->sources[s]) ||
			    !plan_map_carries_ids(disk, map->sources[s].source))
				continue;
			text_add(why,
				 "'%s' was critical at the time of the backup and is "
				 "excluded",
				 disk->path);
			return true;
		}
	}
	return false;
}

static bool critical_is_dynamic(const struct windows_view *view, struct text *why)
{
	const struct plan_map *map = view->map;

	for (size_t s = 0; s < map->source_count; s++) {
		if (!is_critical(&map->sources[s]) ||
		    !plan_dynamic_type(map->sources[s].source))
			continue;
		text_add(why, "a critical volume is on source disk %zu, which has %s",
			 map->sources[s].number,
			 plan_dynamic_type(map->sources[s].source));
		return true;
	}
	return false;
}

/* "Hidden" are the types of FAT and NTFS with 0x10 added, and 0x27, a hidden NTFS. */
static bool is_hidden(uint64_t mbr_type)
{
	static const uint8_t hidden[] = {
		0x11, 0x14, 0x16, 0x17, 0x1b, 0x1c, 0x1e, 0x27
	};

	return memchr(hidden, (int)mbr_type, sizeof(hidden)) != NULL;
}

static bool system_is_hidden(const struct windows_view *view, struct text *why)
{
	const struct source_disk *disk = view->system ? view->system->source : NULL;
	const struct backup_volume *volumes = view->map->version->volumes;

	for (size_t i = 0; disk && i < disk->partition_count; i++) {
		const struct source_partition *p = &disk->partitions[i];

		if (!p->mbr_active.origin || !p->mbr_active.value)
			continue;
		if (!is_hidden(p->mbr_type.value) &&
		    (p->volume < 0 || volumes[p->volume].fs.fs != FS_UNKNOWN))
			continue;
		text_add(why,
			 "the active partition is hidden or its file system is not "
			 "recognised (type %02" PRIx64 ")",
			 p->mbr_type.value);
		return true;
	}
	return false;
}

static bool all_are_too_small(const struct windows_view *view, struct text *why)
{
	uint64_t needed = view->system ? view->system->size : 0;

	text_add(why,
		 "no disk can be used for the system disk, which had %" PRIu64
		 " bytes; the largest has %" PRIu64,
		 needed, view->largest);
	return view->largest < needed;
}

/* Drive 80h of the BIOS; taken to be the first in the list. */
static bool first_is_too_small(const struct windows_view *view, struct text *why)
{
	if (view->map->choices->firmware != PLAN_FIRMWARE_BIOS || !view->system ||
	    view->first->size >= view->system->size)
		return false;
	text_add(why,
		 "the disk that the BIOS starts from, if it is '%s', is too small for "
		 "the system disk, which had %" PRIu64 " bytes",
		 view->first->path, view->system->size);
	return true;
}

static bool first_is_a_data_disk(const struct windows_view *view, struct text *why)
{
	const struct plan_map *map = view->map;

	for (size_t s = 0; s < map->source_count; s++) {
		if (map->choices->firmware != PLAN_FIRMWARE_BIOS ||
		    map->sources[s].system ||
		    !plan_map_carries_ids(view->first, map->sources[s].source))
			continue;
		text_add(why,
			 "the disk that the BIOS starts from, if it is '%s', is a "
			 "data disk of the backup",
			 view->first->path);
		return true;
	}
	return false;
}

static int compare_sizes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static size_t smallest_that_fits(const struct disk_list *disks, const bool *taken,
				 uint64_t size)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < disks->count; i++)
		if (!taken[i] && disks->disks[i].size >= size &&
		    (best == SIZE_MAX || disks->disks[i].size < disks->disks[best].size))
			best = i;
	return best;
}

/* Largest source disk first, each takes the smallest disk that is left and large enough:
 * where that fails, nothing else would do. */
static bool finds_each(const struct windows_view *view, bool critical, struct text *why)
{
	const struct plan_map *map = view->map;
	AUTO_FREE uint64_t *sizes = calloc(map->source_count + 1, sizeof(*sizes));
	AUTO_FREE bool *taken = calloc(map->disks->count + 1, sizeof(*taken));
	size_t count = 0;

	if (!sizes || !taken) {
		why->failed = true;
		return true;
	}
	for (size_t s = 0; s < map->source_count; s++)
		if (!critical || is_critical(&map->sources[s]))
			sizes[count++] = map->sources[s].size;
	for (size_t i = 0; i < map->disks->count; i++)
		taken[i] = !is_usable(map, &map->disks->disks[i]);
	qsort(sizes, count, sizeof(*sizes), compare_sizes);
	for (size_t s = 0; s < count; s++) {
		size_t best = smallest_that_fits(map->disks, taken, sizes[s]);

		if (best == SIZE_MAX)
			return false;
		taken[best] = true;
	}
	return true;
}

static bool critical_do_not_fit(const struct windows_view *view, struct text *why)
{
	text_add(why, "not as many suitable disks as there were critical ones, each the "
		      "same size or larger");
	return !finds_each(view, true, why);
}

static bool not_all_fit(const struct windows_view *view, struct text *why)
{
	text_add(why, "too few disks, or too small ones: %zu fixed disks for %zu",
		 view->fixed - view->excluded, view->map->source_count);
	return !finds_each(view, false, why);
}

/* -- all ---- */

/* The first that is true is what it says. */
static const struct {
	const char *says;
	bool (*is_true)(const struct windows_view *view, struct text *why);
} answers[] = {
	{ "would have stopped with 0x80070001", path_is_too_long },
	{ "would not have found the backup", is_elsewhere },
	{ "would have refused, different firmware", firmware_differs },
	{ "would have stopped with 0x80042413", no_fixed_disk },
	{ "would have stopped with 0x80042414", none_is_left },
	{ "would have stopped with 0x80042415", critical_is_excluded },
	{ "would have stopped with 0x80042411", critical_is_dynamic },
	{ "would have stopped with 0x80042416", system_is_hidden },
	{ "would have stopped with 0x80042412", all_are_too_small },
	{ "would have stopped with 0x80042407", first_is_too_small },
	{ "would have stopped with 0x80042406", first_is_a_data_disk },
	{ "would have stopped with 0x80042408", critical_do_not_fit },
	{ "would have stopped with 0x80042401", not_all_fit },
};

char *plan_windows_verdict(const struct plan_map *map)
{
	struct windows_view view = look(map);

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct text why = { 0 };
		bool is_true = answers[i].is_true(&view, &why);
		AUTO_FREE char *text = text_take(&why);

		if (!text)
			return NULL;
		if (is_true)
			return text_format("%s: %s", answers[i].says, text);
	}
	return text_format("%s", "");
}
