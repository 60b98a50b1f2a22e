/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which images belong together: see set-split.h. */
#include "set-split.h"

#include <string.h>

/* A name that says nothing has no GUID. */
static bool has_guid(const struct image_name *name)
{
	return name->kind == IMAGE_NAME_GUID || name->kind == IMAGE_NAME_MBR;
}

bool split_same_volume(const struct split_image *a, const struct split_image *b)
{
	const struct backup_volume *v = a->volume, *w = b->volume;

	if (has_guid(a->name) && has_guid(b->name))
		return guid_equal(&a->name->guid, &b->name->guid);
	return v->length && v->length == w->length && v->fs.serial &&
	       v->fs.serial == w->fs.serial && v->fs.hidden_bytes == w->fs.hidden_bytes;
}

/* -- what links two images -------------------------------------------------------- */

static bool store_names(const struct bcd_store *store, const struct image_name *name)
{
	const struct bcd_device *devices[] = { &store->boot_manager, &store->windows,
					       &store->recovery };

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		const struct bcd_device *device = devices[i];

		if (device->kind == BCD_DEVICE_GPT && name->kind == IMAGE_NAME_GUID &&
		    guid_equal(&device->partition_id, &name->guid))
			return true;
		if (device->kind == BCD_DEVICE_MBR && name->kind == IMAGE_NAME_MBR &&
		    device->mbr_signature == name->mbr_signature &&
		    device->offset == name->offset)
			return true;
	}
	return false;
}

static bool hive_names(const struct mounted_devices *mounted,
		       const struct image_name *name)
{
	for (size_t i = 0; mounted && i < mounted->count; i++) {
		const struct mounted_device *device = &mounted->devices[i];

		if (device->has_volume && guid_equal(&device->volume, &name->guid))
			return true;
		if (device->kind == MOUNTED_GPT &&
		    guid_equal(&device->partition_id, &name->guid))
			return true;
		if (device->kind == MOUNTED_MBR && name->kind == IMAGE_NAME_MBR &&
		    device->mbr_signature == name->mbr_signature &&
		    device->offset == name->offset)
			return true;
	}
	return false;
}

static bool tells_of(const struct split_image *a, const struct split_image *b)
{
	const struct image_finds *finds = a->finds;

	if (!has_guid(b->name))
		return false;
	return (finds->has_uefi && store_names(&finds->uefi, b->name)) ||
	       (finds->has_bios && store_names(&finds->bios, b->name)) ||
	       hive_names(finds->mounted, b->name);
}

/* A store that starts the same Windows: two ESPs of one machine at two times. */
static bool same_store(const struct split_image *a, const struct split_image *b)
{
	return a->finds->has_uefi && b->finds->has_uefi &&
	       a->finds->uefi.windows.kind != BCD_DEVICE_OTHER &&
	       bcd_device_equal(&a->finds->uefi.windows, &b->finds->uefi.windows);
}

static bool same_machine(const struct split_image *a, const struct split_image *b)
{
	if (a->name->kind == IMAGE_NAME_MBR && b->name->kind == IMAGE_NAME_MBR &&
	    a->name->mbr_signature == b->name->mbr_signature)
		return true;
	return (a->is_listed && b->is_listed) || split_same_volume(a, b) ||
	       same_store(a, b) || tells_of(a, b) || tells_of(b, a);
}

/* -- machines --------------------------------------------------------------------- */

/* All images of group from go to group to. */
static void join(unsigned *groups, size_t count, unsigned from, unsigned to)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == from)
			groups[i] = to;
}

static bool has_windows(const struct split_image *images, size_t count,
			const unsigned *groups, unsigned group)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == group && images[i].volume->role == ROLE_WINDOWS)
			return true;
	return false;
}

static int64_t distance(const struct split_image *a, const struct split_image *b)
{
	return a->mtime_s > b->mtime_s ? a->mtime_s - b->mtime_s
				       : b->mtime_s - a->mtime_s;
}

/* Of the images that hold_windows calls true, the nearest in time to image. */
static size_t nearest(const struct split_image *images, size_t count,
		      const bool *holds_windows, size_t image)
{
	size_t found = count;

	for (size_t i = 0; i < count; i++)
		if (holds_windows[i] &&
		    (found == count || distance(&images[i], &images[image]) <
					       distance(&images[found], &images[image])))
			found = i;
	return found;
}

/* Machines have a Windows volume: what is linked to none goes to the nearest in time. */
static int adopt_strays(const struct split_image *images, size_t count, unsigned *groups,
			struct split_result *ret, struct err *err)
{
	AUTO_FREE bool *holds = calloc(count + 1, sizeof(*holds));
	AUTO_FREE bool *windows = calloc(count + 1, sizeof(*windows));
	size_t first = count;
	unsigned machines = 0;

	if (!holds || !windows)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		windows[groups[i]] = has_windows(images, count, groups, groups[i]);
		holds[i] = windows[groups[i]];
		if (holds[i] && first == count)
			first = i;
	}
	for (size_t group = 0; group < count; group++)
		machines += windows[group];
	if (machines < 2) {
		memset(groups, 0, count * sizeof(*groups));
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (holds[i])
			continue;
		join(groups, count, groups[i], groups[nearest(images, count, holds, i)]);
		ret->by_time = true;
	}
	return 0;
}

/* groups: numbers below count, one per machine. */
static int find_machines(const struct split_image *images, size_t count, unsigned *groups,
			 struct split_result *ret, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		groups[i] = (unsigned)i;
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (groups[i] != groups[j] &&
			    same_machine(&images[i], &images[j]))
				join(groups, count, groups[j], groups[i]);
	return adopt_strays(images, count, groups, ret, err);
}

/* -- states of one machine -------------------------------------------------------- */

/* The images of one machine, by time. */
struct line {
	const struct split_image *images;
	size_t *order; /* indexes in images */
	size_t count;
};

static int64_t time_of(const struct line *line, size_t at)
{
	return line->images[line->order[at]].mtime_s;
}

static void sort_line(struct line *line)
{
	for (size_t i = 1; i < line->count; i++)
		for (size_t j = i; j > 0 && time_of(line, j) < time_of(line, j - 1);
		     j--) {
			size_t kept = line->order[j];

			line->order[j] = line->order[j - 1];
			line->order[j - 1] = kept;
		}
}

/* Where in [from, at) the volume of the image at is, too, at another time; at: nowhere. */
static size_t find_twin(const struct line *line, size_t from, size_t at)
{
	for (size_t i = from; i < at; i++)
		if (split_same_volume(&line->images[line->order[i]],
				      &line->images[line->order[at]]) &&
		    time_of(line, i) &&
		    time_of(line, at) - time_of(line, i) > SPLIT_SECONDS)
			return i;
	return at;
}

/* Two states of one volume lie at twin and at: the border is the longest pause between. */
static size_t find_border(const struct line *line, size_t twin, size_t at)
{
	size_t border = at;

	for (size_t i = twin + 1; i <= at; i++)
		if (time_of(line, i) - time_of(line, i - 1) >
		    time_of(line, border) - time_of(line, border - 1))
			border = i;
	return border;
}

/* Returns the number of the next set. */
static unsigned number_sets(const struct line *line, unsigned next, unsigned machine,
			    unsigned *sets, unsigned *machines, bool *ret_by_time)
{
	size_t from = 0;

	for (size_t at = 0; at < line->count; at++) {
		size_t twin = find_twin(line, from, at);

		if (twin < at) {
			size_t border = find_border(line, twin, at);

			machines[next++] = machine;
			*ret_by_time = true;
			for (size_t i = border; i < at; i++)
				sets[line->order[i]] = next;
			from = border;
		}
		sets[line->order[at]] = next;
	}
	machines[next] = machine;
	return next + 1;
}

int set_split(const struct split_image *images, size_t count, unsigned *sets,
	      unsigned *machines, struct split_result *ret, struct err *err)
{
	AUTO_FREE unsigned *groups = calloc(count + 1, sizeof(*groups));
	AUTO_FREE size_t *order = calloc(count + 1, sizeof(*order));
	int r;

	*ret = (struct split_result){ 0 };
	if (!groups || !order)
		return err_nomem(err);
	r = find_machines(images, count, groups, ret, err);
	if (r < 0)
		return r;
	for (unsigned group = 0; group < count; group++) {
		struct line line = { .images = images, .order = order };

		for (size_t i = 0; i < count; i++)
			if (groups[i] == group)
				line.order[line.count++] = i;
		if (!line.count)
			continue;
		sort_line(&line);
		ret->count = number_sets(&line, ret->count, ret->machines++, sets,
					 machines, &ret->by_time);
	}
	return 0;
}
