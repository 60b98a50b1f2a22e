/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disks that must not be written to (SAFETY.md section 2): each reason is one
 * function that goes over all disks; a table at the end lists them.
 */
#include "disk-guard.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <base/text.h>

#include "disk-identity.h"
#include "mounts.h"

/* dm on loop on md on a partition … deeper than that is a ring. */
#define STACK_MAX 8

/* -- which disk is this device on? ---- */

static struct disk_entry *find_by_number(const struct disk_entries *all, dev_t number,
					 const char **ret_name)
{
	for (size_t i = 0; i < all->count; i++) {
		struct disk_entry *entry = &all->entries[i];

		*ret_name = entry->sys.whole.name;
		if (entry->sys.whole.number == number)
			return entry;
		for (size_t j = 0; j < entry->sys.partition_count; j++) {
			*ret_name = entry->sys.partitions[j].name;
			if (entry->sys.partitions[j].number == number)
				return entry;
		}
	}
	return NULL;
}

static struct disk_entry *find_by_name(const struct disk_entries *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++) {
		struct disk_entry *entry = &all->entries[i];

		if (strcmp(entry->sys.whole.name, name) == 0)
			return entry;
		for (size_t j = 0; j < entry->sys.partition_count; j++)
			if (strcmp(entry->sys.partitions[j].name, name) == 0)
				return entry;
	}
	return NULL;
}

/* "/dev/sda1" -> sda1; NULL for anything else. */
static const char *device_name(const char *path)
{
	return strncmp(path, "/dev/", 5) == 0 && !strchr(path + 5, '/') ? path + 5 : NULL;
}

/* -- mounts and swap ---- */

static int guard_mounts(struct disk_entries *all, const struct disk_list_wishes *wishes,
			struct err *err)
{
	AUTO(mounts_clear) struct mounts mounts = { 0 };
	int r = mounts_read(all->root, &mounts, err);

	for (size_t i = 0; i < mounts.count && r == 0; i++) {
		const struct mount *mount = &mounts.mounts[i];
		const char *name = NULL, *source = device_name(mount->source);
		struct disk_entry *entry = find_by_number(all, mount->number, &name);

		/* btrfs and others have device numbers of their own. */
		if (!entry && source)
			entry = find_by_name(all, name = source);
		if (entry)
			r = disk_protect(&entry->disk, DISK_MOUNTED, err,
					 "it is in use: %s is mounted on '%s'", name,
					 mount->point);
	}
	return r;
}

static int guard_swap(struct disk_entries *all, const struct disk_list_wishes *wishes,
		      struct err *err)
{
	AUTO_FREE char *path = text_format("%s/proc/swaps", all->root);
	AUTO_FCLOSE FILE *file = path ? fopen(path, "re") : NULL;
	char line[512];
	int r = 0;

	if (!path)
		return err_nomem(err);
	while (file && r == 0 && fgets(line, sizeof(line), file)) {
		struct disk_entry *entry = NULL;

		line[strcspn(line, " \t\n")] = '\0';
		if (device_name(line))
			entry = find_by_name(all, device_name(line));
		if (entry)
			r = disk_protect(&entry->disk, DISK_MOUNTED, err,
					 "it is in use: %s is swap space",
					 device_name(line));
	}
	return r;
}

/* -- holders ---- */

struct holder_walk {
	struct disk *disk;
	const char *held; /* name of the disk or partition */
};

static int add_holder(const char *name, void *context, struct err *err)
{
	struct holder_walk *walk = context;

	return disk_protect(walk->disk, DISK_HELD, err, "it is in use: %s stands on %s",
			    name, walk->held);
}

static int guard_holders_of(struct disk_entry *entry, const char *name, const char *below,
			    struct err *err)
{
	AUTO_FREE char *folder = text_format("%s%s/holders", entry->sys.folder, below);
	struct holder_walk walk = { .disk = &entry->disk, .held = name };

	if (!folder)
		return err_nomem(err);
	return sysfs_walk(folder, add_holder, &walk, err);
}

static int guard_holders(struct disk_entries *all, const struct disk_list_wishes *wishes,
			 struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < all->count && r == 0; i++) {
		struct disk_entry *entry = &all->entries[i];

		r = guard_holders_of(entry, entry->sys.whole.name, "", err);
		for (size_t j = 0; j < entry->sys.partition_count && r == 0; j++) {
			char below[sizeof(entry->sys.partitions[j].name) + 1];

			snprintf(below, sizeof(below), "/%s",
				 entry->sys.partitions[j].name);
			r = guard_holders_of(entry, below + 1, below, err);
		}
	}
	return r;
}

/* What a loop device stands on, as a path; false where the folder is not one's. */
static bool loop_backing(const char *folder, char path[PATH_MAX])
{
	size_t length = sysfs_bytes(folder, "loop/backing_file", path, PATH_MAX - 1);

	if (length && path[length - 1] == '\n')
		length--;
	path[length] = '\0';
	return length > 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* A loop device over a disk or partition is not among its holders. */
struct loop_walk {
	struct disk_entries *all; /* or NULL */
	struct disk *file;	  /* or NULL */
	const char *root;
};

static int visit_loop(const char *name, void *context, struct err *err)
{
	struct loop_walk *walk = context;
	struct disk_entry *entry = NULL;
	AUTO_FREE char *folder = NULL;
	char backing[PATH_MAX];

	if (strncmp(name, "loop", 4) != 0)
		return 0;
	folder = text_format("%s/sys/block/%s", walk->root, name);
	if (!folder)
		return err_nomem(err);
	if (!loop_backing(folder, backing))
		return 0;
	if (walk->file && same_file(backing, walk->file->path))
		return disk_protect(walk->file, DISK_HELD, err,
				    "it is in use: /dev/%s stands on it", name);
	if (walk->all && device_name(backing))
		entry = find_by_name(walk->all, device_name(backing));
	if (!entry)
		return 0;
	return disk_protect(&entry->disk, DISK_HELD, err, "it is in use: %s stands on %s",
			    name, device_name(backing));
}

static int guard_loops(struct disk_entries *all, const struct disk_list_wishes *wishes,
		       struct err *err)
{
	AUTO_FREE char *folder = text_format("%s/sys/block", all->root);
	struct loop_walk walk = { .all = all, .root = all->root };

	return folder ? sysfs_walk(folder, visit_loop, &walk, err) : err_nomem(err);
}

int disk_guard_file(struct disk *file, struct err *err)
{
	struct loop_walk walk = { .file = file, .root = "" };

	return sysfs_walk("/sys/block", visit_loop, &walk, err);
}

/* -- boot medium ---- */

static bool layout_has_partition(const struct disk_layout *layout,
				 const char *boot_medium)
{
	unsigned signature, number;
	struct guid id;

	if (!layout)
		return false;
	if (sscanf(boot_medium, "mbr:%x:%u", &signature, &number) == 2)
		return layout->style == TABLE_MBR && layout->mbr_signature == signature;
	if (guid_parse(boot_medium, strlen(boot_medium), &id) < 0)
		return false;
	for (size_t i = 0; layout->style == TABLE_GPT && i < layout->count; i++)
		if (guid_equal(&layout->partitions[i].id, &id))
			return true;
	return false;
}

static int guard_boot_medium(struct disk_entries *all,
			     const struct disk_list_wishes *wishes, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < all->count && wishes->boot_medium && r == 0; i++)
		if (layout_has_partition(all->entries[i].disk.layout,
					 wishes->boot_medium))
			r = disk_protect(&all->entries[i].disk, DISK_BOOT_MEDIUM, err,
					 "this environment was started from it");
	return r;
}

/* -- source paths ---- */

struct source_walk {
	struct disk_entries *all;
	const char *path; /* for the text */
	const char *folder;
	unsigned depth;
};

static int protect_below(struct source_walk *walk, dev_t number, struct err *err);

static int visit_slave(const char *name, void *context, struct err *err)
{
	struct source_walk *walk = context;
	AUTO_FREE char *slave = text_format("%s/slaves/%s", walk->folder, name);
	dev_t number;

	if (!slave)
		return err_nomem(err);
	return sysfs_device_number(slave, "dev", &number)
		       ? protect_below(walk, number, err)
		       : 0;
}

/* A device that is no disk of ours stands on others: dm and md have slaves, a loop device
 * has a file, which lies on something again. */
static int protect_what_it_stands_on(struct source_walk *walk, dev_t number,
				     struct err *err)
{
	AUTO_FREE char *folder = text_format("%s/sys/dev/block/%u:%u", walk->all->root,
					     major(number), minor(number));
	AUTO_FREE char *slaves = folder ? text_format("%s/slaves", folder) : NULL;
	struct source_walk next = { walk->all, walk->path, folder, walk->depth + 1 };
	char backing[PATH_MAX];
	struct stat st;

	if (!slaves)
		return err_nomem(err);
	if (next.depth > STACK_MAX)
		return 0;
	if (loop_backing(folder, backing) && stat(backing, &st) == 0)
		return protect_below(&next, S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev,
				     err);
	return sysfs_walk(slaves, visit_slave, &next, err);
}

static int protect_below(struct source_walk *walk, dev_t number, struct err *err)
{
	const char *name = NULL;
	struct disk_entry *entry = find_by_number(walk->all, number, &name);

	if (!entry)
		return protect_what_it_stands_on(walk, number, err);
	return disk_protect(&entry->disk, DISK_HOLDS_SOURCE, err,
			    "the backup or the answer file is on it: '%s'", walk->path);
}

static int guard_source(struct disk_entries *all, const struct mounts *mounts,
			const char *path, struct err *err)
{
	struct source_walk walk = { .all = all, .path = path };
	const struct mount *mount = NULL;
	AUTO_FREE char *resolved = NULL;
	const char *name = NULL;
	struct disk_entry *entry;
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, errno, "'%s'", path);
	if (S_ISBLK(st.st_mode))
		return protect_below(&walk, st.st_rdev, err);
	if (find_by_number(all, st.st_dev, &name) || major(st.st_dev) != 0)
		return protect_below(&walk, st.st_dev, err);
	/* A file system with a device number of its own: what was it mounted from? */
	resolved = realpath(path, NULL);
	if (resolved)
		mount = mounts_find(mounts, resolved);
	entry = mount && device_name(mount->source)
			? find_by_name(all, device_name(mount->source))
			: NULL;
	if (entry)
		return protect_below(&walk, entry->sys.whole.number, err);
	if (mount && stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode))
		return protect_below(&walk, st.st_rdev, err);
	return 0;
}

static int guard_sources(struct disk_entries *all, const struct disk_list_wishes *wishes,
			 struct err *err)
{
	AUTO(mounts_clear) struct mounts mounts = { 0 };
	int r = mounts_read(all->root, &mounts, err);

	for (size_t i = 0; r == 0 && wishes->source_paths && wishes->source_paths[i]; i++)
		r = guard_source(all, &mounts, wishes->source_paths[i], err);
	return r;
}

/* -- equal identities ---- */

static int guard_identities(struct disk_entries *all,
			    const struct disk_list_wishes *wishes, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct disk *disk = &all->entries[i].disk;

		for (size_t j = 0; j < all->count && r == 0; j++)
			if (i != j && disk_is_mistakable(disk, &all->entries[j].disk))
				r = disk_protect(
					disk, DISK_SAME_IDENTITY, err,
					"%s shows the same serial or WWN; detach one "
					"of them",
					all->entries[j].disk.path);
	}
	return r;
}

int disk_guard(struct disk_entries *entries, const struct disk_list_wishes *wishes,
	       struct err *err)
{
	static int (*const guards[])(struct disk_entries *,
				     const struct disk_list_wishes *, struct err *) = {
		guard_boot_medium, guard_sources, guard_mounts,	    guard_swap,
		guard_holders,	   guard_loops,	  guard_identities,
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(guards) && r == 0; i++)
		r = guards[i](entries, wishes, err);
	return r;
}
