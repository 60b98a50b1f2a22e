/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disk, partition and backup of 'bmr restore-systemstate': see systemstate.h. */
#include "systemstate.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>
#include <partition/boot-medium.h>

/* -- the disk ---------------------------------------------------------------------- */

static int check_disk(const struct disk *disk, struct err *err)
{
	static const unsigned refused = DISK_BOOT_MEDIUM | DISK_READ_ONLY | DISK_HELD |
					DISK_MOUNTED | DISK_HOLDS_SOURCE |
					DISK_NO_IDENTITY | DISK_SAME_IDENTITY;

	if (!disk)
		return err_set(err, -ENODEV, "no disk");
	if (disk->protection & refused)
		return err_set(err, -EACCES, "'%s': nothing is written to it: %s",
			       disk->path, disk->protection_text);
	if (!disk->exists)
		return err_set(err, -ENOENT, "'%s': there is no such disk", disk->path);
	if (!disk->layout || !disk->layout->count)
		return err_set(err, -ENOENT, "'%s': no partitions: %s", disk->path,
			       disk->content ? disk->content : "");
	return 0;
}

static const struct disk_partition *named_partition(const struct disk_layout *layout,
						    const char *name)
{
	for (size_t i = 0; i < layout->count; i++) {
		char slot[16];

		snprintf(slot, sizeof(slot), "%u", layout->partitions[i].slot);
		if (strcmp(name, slot) == 0)
			return &layout->partitions[i];
	}
	return NULL;
}

static int find_partition(const struct systemstate_cli *cli,
			  struct systemstate_place *place, bool *ret_half,
			  struct err *err)
{
	const struct disk_partition *half = NULL;
	int r = state_find_half(place->disk, &half, err);

	if (r < 0)
		return r;
	place->partition =
		cli->volume ? named_partition(place->disk->layout, cli->volume) : half;
	*ret_half = half && place->partition == half;
	if (half && !*ret_half)
		return err_set(err, -EBUSY,
			       "partition %u: a change has stopped half-way: --finish "
			       "brings it to its end",
			       half->slot);
	if (cli->volume && !place->partition)
		return err_set(err, -ENOENT, "'%s': no partition %s: %s",
			       place->disk->path, cli->volume, place->disk->content);
	if (cli->finish && !*ret_half)
		return err_set(err, -ENOENT,
			       "'%s': no change of a partition has stopped half-way",
			       place->disk->path);
	return 0;
}

/* The backup is not open yet: a disk that it lies on is refused once it is. */
int systemstate_find_disk(const struct systemstate_cli *cli,
			  struct systemstate_place *place, bool *ret_half,
			  struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	const char *sources[] = { cli->source.text, NULL };
	struct disk_list_wishes wishes = { .boot_medium = boot_medium,
					   .source_paths = sources };
	int r = disk_list_read(&wishes, &place->disks, err);

	if (r == 0)
		r = disk_find(&place->disks, cli->disk, 0, &place->disk, err);
	if (r == 0)
		r = check_disk(place->disk, err);
	return r < 0 ? r : find_partition(cli, place, ret_half, err);
}

/* -- the backup -------------------------------------------------------------------- */

static int find_windows(struct systemstate_place *place, struct err *err)
{
	for (size_t i = 0; i < place->backup.version->volume_count; i++) {
		const struct backup_volume *volume = &place->backup.version->volumes[i];

		if (volume->role != ROLE_WINDOWS || volume->health == HEALTH_DAMAGED)
			continue;
		if (place->windows)
			return err_set(
				err, -EEXIST,
				"the backup has two volumes with Windows: '%s', '%s'",
				place->windows->image_path, volume->image_path);
		place->windows = volume;
	}
	if (!place->windows)
		return err_set(err, -ENOENT,
			       "the backup has no volume with Windows that can be read");
	return 0;
}

static int check_holder(const struct systemstate_cli *cli,
			struct systemstate_place *place, struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	AUTO_FREE char *holder = NULL;
	AUTO(disk_list_clear) struct disk_list list = { 0 };
	const char *holders[] = { NULL, NULL };
	struct disk_list_wishes wishes = { .boot_medium = boot_medium,
					   .source_paths = holders };
	struct disk *disk = NULL;
	int r = source_holder(&cli->source, place->backup.version->path, &holder, err);

	if (r < 0 || !holder)
		return r;
	holders[0] = holder;
	r = disk_list_read(&wishes, &list, err);
	if (r == 0)
		r = disk_find(&list, cli->disk, 0, &disk, err);
	return r < 0 ? r : check_disk(disk, err);
}

static int open_backup(const struct systemstate_cli *cli, struct systemstate_place *place,
		       struct err *err)
{
	const struct source_choice choice = { cli->machine,
					      cli->version ? cli->version : "newest",
					      cli->progress_fd };
	uint64_t length;
	int r = source_backup_open(&cli->source, &choice, &place->display, &place->backup,
				   err);

	if (r == 0)
		r = check_holder(cli, place, err);
	if (r == 0)
		r = find_windows(place, err);
	return r < 0 ? r
		     : reader_open_volume(place->backup.reader, place->windows,
					  &place->windows_number, &length, err);
}

/* -- the partition ----------------------------------------------------------------- */

static int open_partition(struct systemstate_place *place,
			  const struct disk_partition *partition, unsigned *ret,
			  struct err *err)
{
	AUTO_FREE char *name = text_format("%u", partition->slot);
	uint64_t length;

	if (!name)
		return err_nomem(err);
	return reader_open_plain(place->target, name, ret, &length, err);
}

#define HIVE "Windows/System32/config/SYSTEM"

/* How Windows is started from a partition without it. */
static const struct start {
	enum volume_role role;
	const char *manager;
	bool on_esp; /* a partition of that type, FAT; else one of any type, NTFS */
	const char *none, *damaged;
} starts[] = {
	{ ROLE_ESP, "EFI/Microsoft/Boot/bootmgfw.efi", true,
	  "boot files of the set stay as they are: the disk has no EFI system partition, "
	  "or more than one, with EFI/Microsoft/Boot/bootmgfw.efi",
	  "boot files of the set stay as they are on the disk: the EFI system partition "
	  "of "
	  "the backup that holds them is damaged, or not FAT" },
	{ ROLE_SYSTEM, "bootmgr", false,
	  "boot files of the set stay as they are: the disk has no partition, or more "
	  "than one, that has bootmgr and no Windows",
	  "boot files of the set stay as they are on the disk: the volume of the backup "
	  "that holds them is damaged, or not NTFS" },
};

/* What cannot be read has no such file. */
static bool has_file(struct systemstate_place *place,
		     const struct disk_partition *partition, const char *path)
{
	const struct item_address address = { 0, path };
	struct item item = { 0 };
	unsigned number = 0;
	bool found;

	if (open_partition(place, partition, &number, NULL) < 0)
		return false;
	found = reader_find(place->target, number, &address, &item, NULL) == 0;
	item_clear(&item);
	return reader_close_volume(place->target, number, NULL) == 0 && found;
}

static int search_windows(struct systemstate_place *place, struct err *err)
{
	const struct disk_layout *layout = place->disk->layout;

	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *partition = &layout->partitions[i];

		if (!has_file(place, partition, HIVE))
			continue;
		if (place->partition)
			return err_set(
				err, -EEXIST,
				"'%s': Windows is on partition %u and on partition "
				"%u: choose by --volume",
				place->disk->path, place->partition->slot,
				partition->slot);
		place->partition = partition;
	}
	if (!place->partition)
		return err_set(err, -ENOENT,
			       "'%s': no partition with a Windows that can be read: %s; "
			       "--volume N says why one cannot",
			       place->disk->path, place->disk->content);
	return 0;
}

int systemstate_open(const struct systemstate_cli *cli, struct systemstate_place *place,
		     struct err *err)
{
	int r = open_backup(cli, place, err);

	if (r == 0)
		r = source_start_partitions(place->disk->path, &place->target, err);
	if (r == 0 && !place->partition)
		r = search_windows(place, err);
	return r < 0 ? r
		     : open_partition(place, place->partition, &place->target_number,
				      err);
}

/* -- what Windows is started from ---------------------------------------------------- */

static bool may_start(struct systemstate_place *place, const struct start *start,
		      const struct disk_partition *partition)
{
	if (partition == place->partition ||
	    (start->on_esp && !partition_is_esp(place->disk->layout, partition)))
		return false;
	return has_file(place, partition, start->manager) &&
	       (start->on_esp || !has_file(place, partition, HIVE));
}

/* More than one: nobody knows which of them starts this Windows. */
static const struct disk_partition *find_starting(struct systemstate_place *place,
						  const struct start *start)
{
	const struct disk_layout *layout = place->disk->layout;
	const struct disk_partition *found = NULL;

	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *partition = &layout->partitions[i];

		if (!may_start(place, start, partition))
			continue;
		if (found)
			return NULL;
		found = partition;
	}
	return found;
}

static const struct backup_volume *find_boot_volume(const struct backup_version *version,
						    enum volume_role role)
{
	for (size_t i = 0; i < version->volume_count; i++)
		if (version->volumes[i].role == role)
			return &version->volumes[i];
	return NULL;
}

static bool has_two(const struct backup_version *version, enum volume_role role)
{
	unsigned count = 0;

	for (size_t i = 0; i < version->volume_count; i++)
		count += version->volumes[i].role == role;
	return count > 1;
}

static int say_why(const char *text, char **ret, struct err *err)
{
	*ret = strdup(text);
	return *ret ? 0 : err_nomem(err);
}

static int open_boot(struct systemstate_place *place, const struct backup_volume *volume,
		     const struct disk_partition *partition, struct err *err)
{
	uint64_t length;
	int r = reader_open_volume(place->backup.reader, volume, &place->boot_number,
				   &length, err);

	if (r == 0)
		r = open_partition(place, partition, &place->boot_target_number, err);
	if (r < 0)
		return r;
	place->boot = volume;
	place->boot_partition = partition;
	return 0;
}

static bool is_readable(const struct start *start, const struct backup_volume *volume)
{
	bool fat = volume->fs.fs == FS_FAT12 || volume->fs.fs == FS_FAT16 ||
		   volume->fs.fs == FS_FAT32;

	return volume->health != HEALTH_DAMAGED &&
	       (start->on_esp ? fat : volume->fs.fs == FS_NTFS);
}

/* A backup with an EFI system partition is of a machine that starts from that. */
int systemstate_open_boot(struct systemstate_place *place, char **ret_why,
			  struct err *err)
{
	const struct backup_volume *volume = NULL;
	const struct disk_partition *partition;
	const struct start *start = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(starts) && !volume; i++) {
		start = &starts[i];
		volume = find_boot_volume(place->backup.version, start->role);
	}
	if (!volume)
		return 0;
	if (has_two(place->backup.version, start->role))
		return say_why("boot files of the set stay as they are: the backup has "
			       "more than one volume that Windows is started from",
			       ret_why, err);
	if (!is_readable(start, volume))
		return say_why(start->damaged, ret_why, err);
	partition = find_starting(place, start);
	if (!partition)
		return say_why(start->none, ret_why, err);
	return open_boot(place, volume, partition, err);
}

void systemstate_release(struct systemstate_place *place)
{
	reader_stop(place->target);
	reader_stop(place->backup.reader);
	place->target = place->backup.reader = NULL;
}

void systemstate_clear(struct systemstate_place *place)
{
	systemstate_release(place);
	source_backup_clear(&place->backup);
	disk_list_clear(&place->disks);
}
