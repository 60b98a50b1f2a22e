/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the disk that the user names: see disk_find() in partition/disks.h. */
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <base/checked.h>
#include <base/text.h>

#include <partition/disks.h>

#include "disk-identity.h"

/* What a disk is looked for by. */
struct selector {
	const char *text;     /* as given, for messages */
	const char *value;    /* behind the prefix */
	uint64_t least, most; /* bytes, for a size */
	bool (*matches)(const struct disk *disk, const struct selector *selector);
};

/* -- sizes ---- */

static const struct unit {
	const char *name;
	uint64_t factor;
} units[] = {
	{ "", 1 },
	{ "K", 1000 },
	{ "M", 1000000 },
	{ "G", 1000000000 },
	{ "T", UINT64_C(1000000000000) },
	{ "Ki", KiB },
	{ "Mi", MiB },
	{ "Gi", GiB },
	{ "Ti", TiB },
};

/* Reads "900G" up to length; false where it is no size. */
static bool parse_size(const char *text, size_t length, uint64_t *ret)
{
	uint64_t value = 0;
	size_t digits = 0;

	while (digits < length && text[digits] >= '0' && text[digits] <= '9') {
		if (!checked_mul(value, 10, &value) ||
		    !checked_add(value, (uint64_t)(text[digits] - '0'), &value))
			return false;
		digits++;
	}
	if (length - digits && text[length - 1] == 'B')
		length--;
	for (size_t i = 0; i < ARRAY_SIZE(units) && digits; i++)
		if (strlen(units[i].name) == length - digits &&
		    strncasecmp(units[i].name, text + digits, length - digits) == 0)
			return checked_mul(value, units[i].factor, ret);
	return false;
}

static int parse_range(struct selector *selector, struct err *err)
{
	const char *dots = strstr(selector->value, "..");

	if (dots &&
	    parse_size(selector->value, (size_t)(dots - selector->value),
		       &selector->least) &&
	    parse_size(dots + 2, strlen(dots + 2), &selector->most) &&
	    selector->least <= selector->most)
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': not a range of sizes such as size:900G..1100G",
		       selector->text);
}

/* -- what matches ---- */

static bool matches_serial(const struct disk *disk, const struct selector *selector)
{
	return disk_serial_matches(disk, selector->value);
}

static bool matches_wwn(const struct disk *disk, const struct selector *selector)
{
	return disk_wwn_matches(disk, selector->value);
}

static bool matches_either(const struct disk *disk, const struct selector *selector)
{
	return matches_serial(disk, selector) || matches_wwn(disk, selector);
}

static bool matches_path(const struct disk *disk, const struct selector *selector)
{
	return strcmp(disk->path, selector->value) == 0;
}

/* Only disks that nobody would mean are passed over: one that is in use or has no
 * identity still makes the range ambiguous. */
static bool matches_size(const struct disk *disk, const struct selector *selector)
{
	const unsigned not_meant =
		DISK_BOOT_MEDIUM | DISK_HOLDS_SOURCE | DISK_READ_ONLY | DISK_REMOVABLE;

	return !disk->is_file && !(disk->protection & not_meant) &&
	       disk->size >= selector->least && disk->size <= selector->most;
}

static void add_disk_name(struct text *text, const struct disk *disk)
{
	char size[SIZE_TEXT_SIZE];

	text_add(text, "%s%s (%s%s, %s)", text->length ? ", " : "", disk->path,
		 disk->serial[0] ? "serial " : "",
		 disk->serial[0] ? disk->serial
		 : disk->wwn[0]	 ? disk->wwn
				 : "no serial",
		 size_format(disk->size, size));
}

static int no_disk(const struct disk_list *list, const char *which, struct err *err)
{
	AUTO(text_clear) struct text all = { 0 }, file = { 0 };

	for (size_t i = 0; i < list->count; i++)
		if (!list->disks[i].is_file)
			add_disk_name(&all, &list->disks[i]);
	/* Without a folder it is taken for an id, unless there is such a file. */
	if (strchr(which, '.') && !strchr(which, '/'))
		text_add(&file, "; an image file is meant? name it './%s'", which);
	return err_set(err, -ENODEV, "'%s': no disk matches; %s%s%s", which,
		       all.length ? "there are: " : "there are none",
		       all.length && all.string ? all.string : "",
		       file.string ? file.string : "");
}

static int find_matching(struct disk_list *list, const struct selector *selector,
			 struct disk **ret, struct err *err)
{
	AUTO(text_clear) struct text names = { 0 };
	struct disk *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!selector->matches(&list->disks[i], selector))
			continue;
		found = &list->disks[i];
		count++;
		add_disk_name(&names, found);
	}
	if (count > 1)
		return err_set(err, -EEXIST, "'%s': %zu disks match: %s", selector->text,
			       count, names.string ? names.string : "");
	if (!found)
		return no_disk(list, selector->text, err);
	*ret = found;
	return 0;
}

/* -- names and paths ---- */

/* A name such as sda says nothing about which disk it will be at the next start. */
static int refuse_name(const struct disk *disk, const char *which, struct err *err)
{
	if (disk->serial[0])
		return err_set(
			err, -EINVAL,
			"'%s': such names change from start to start; name the disk by "
			"serial:%s",
			which, disk->serial);
	if (disk->wwn[0])
		return err_set(
			err, -EINVAL,
			"'%s': such names change from start to start; name the disk by "
			"wwn:%s",
			which, disk->wwn);
	return err_set(
		err, -EINVAL,
		"'%s': such names change from start to start, and this disk has neither "
		"serial nor WWN; name it by its size",
		which);
}

/* sda or /dev/sda: the disk that has this name just now, or NULL. */
static struct disk *find_name(struct disk_list *list, const char *which)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *base = strrchr(list->disks[i].path, '/');

		if (!list->disks[i].is_file && (strcmp(list->disks[i].path, which) == 0 ||
						(base && strcmp(base + 1, which) == 0)))
			return &list->disks[i];
	}
	return NULL;
}

/* A link that udev made of the disk's identity is a name that stays. */
static int find_device(struct disk_list *list, const char *which, struct disk **ret,
		       struct err *err)
{
	AUTO_FREE char *target = realpath(which, NULL);
	struct disk *disk = target ? find_name(list, target) : NULL;

	if (!disk)
		return no_disk(list, which, err);
	if (strncmp(which, "/dev/disk/by-id/", 16) != 0)
		return refuse_name(disk, which, err);
	*ret = disk;
	return 0;
}

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0' || strcmp(folder, "/") == 0);
}

static int guard_source_files(const struct disk_list *list, struct disk *file,
			      struct err *err)
{
	AUTO_FREE char *path = file->exists ? realpath(file->path, NULL) : NULL;
	struct stat st;
	int r = 0;

	for (size_t i = 0; path && list->source_paths && list->source_paths[i] && r == 0;
	     i++)
		if (is_below(path, list->source_paths[i]))
			r = disk_protect(file, DISK_HOLDS_SOURCE, err,
					 "it lies among the backup's files, in '%s'",
					 list->source_paths[i]);
	if (r == 0 && path && list->source_paths && list->source_paths[0] &&
	    stat(path, &st) == 0 && st.st_nlink > 1)
		r = disk_protect(file, DISK_HOLDS_SOURCE, err,
				 "it has %ju names (hard links), and one of them may be "
				 "a file of the backup: give a copy of it",
				 (uintmax_t)st.st_nlink);
	return r;
}

static int add_file(struct disk_list *list, const char *path, uint32_t sector_size,
		    struct disk **ret, struct err *err)
{
	struct selector same = { .value = path, .matches = matches_path };
	struct disk *disks;
	int r;

	for (size_t i = 0; i < list->count; i++) {
		if (list->disks[i].is_file && same.matches(&list->disks[i], &same)) {
			*ret = &list->disks[i];
			return 0;
		}
	}
	disks = reallocarray(list->disks, list->count + 1, sizeof(*disks));
	if (!disks)
		return err_nomem(err);
	list->disks = disks;
	r = disk_from_file(path, sector_size, &disks[list->count], err);
	if (r < 0)
		return r;
	list->count++;
	r = guard_source_files(list, &disks[list->count - 1], err);
	if (r == 0)
		*ret = &disks[list->count - 1];
	return r;
}

/* What does not exist below /dev is a mistyped device, not a file to create. */
static bool is_device(const char *path)
{
	struct stat st = { 0 };

	if (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return S_ISBLK(st.st_mode);
	return strncmp(path, "/dev/", 5) == 0;
}

int disk_find(struct disk_list *list, const char *which, uint32_t file_sector_size,
	      struct disk **ret, struct err *err)
{
	static const struct {
		const char *prefix;
		bool (*matches)(const struct disk *disk, const struct selector *selector);
	} prefixes[] = { { "serial:", matches_serial },
			 { "wwn:", matches_wwn },
			 { "size:", matches_size } };
	struct selector selector = { which, which, 0, 0, matches_either };
	struct disk *named = find_name(list, which);
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t length = strlen(prefixes[i].prefix);

		if (strncmp(which, prefixes[i].prefix, length) != 0)
			continue;
		selector.value = which + length;
		selector.matches = prefixes[i].matches;
		r = selector.matches == matches_size ? parse_range(&selector, err) : 0;
		return r < 0 ? r : find_matching(list, &selector, ret, err);
	}
	if (named)
		return refuse_name(named, which, err);
	if (is_device(which))
		return find_device(list, which, ret, err);
	if (strchr(which, '/'))
		return add_file(list, which, file_sector_size, ret, err);
	r = find_matching(list, &selector, ret, err);
	return r == -ENODEV && access(which, F_OK) == 0
		       ? add_file(list, which, file_sector_size, ret, err)
		       : r;
}
