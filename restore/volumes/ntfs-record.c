/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first file records of an NTFS volume: see ntfs-record.h. */
#include "ntfs-record.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/cleanup.h>

#define RECORD_MAX    4096 /* Windows writes 1024, and 4096 on disks with such sectors */
#define INDEX_MAX     65536
#define FIXUP_SECTOR  512 /* whatever the disk's sectors are */
#define ATTRIBUTE_END 0xffffffff
#define TYPE_DATA     0x80
#define IN_USE	      1
#define IS_FOLDER     2

struct ntfs_boot_disk {
	uint8_t jump_and_name[11]; /* 0 */
	le16 sector_size;	   /* 11 */
	uint8_t cluster_sectors;   /* 13 */
	uint8_t unused_1[26];	   /* 14 */
	le64 sectors;		   /* 40 */
	le64 mft, mft_copy;	   /* 48: clusters */
	uint8_t record_clusters;   /* 64 */
	uint8_t unused_2[3];	   /* 65 */
	uint8_t index_clusters;	   /* 68 */
};
_Static_assert(sizeof(struct ntfs_boot_disk) == 69, "NTFS boot sector");

struct ntfs_record_disk {
	char signature[4];    /* 0: FILE */
	le16 fixups;	      /* 4: where they lie */
	le16 fixup_count;     /* 6: one, and one for each sector */
	le64 log_number;      /* 8 */
	le16 sequence;	      /* 16 */
	le16 links;	      /* 18 */
	le16 attributes;      /* 20: where the first lies */
	le16 flags;	      /* 22 */
	le32 bytes_in_use;    /* 24 */
	le32 bytes_allocated; /* 28 */
	le64 base;	      /* 32 */
	le16 next;	      /* 40 */
};
_Static_assert(sizeof(struct ntfs_record_disk) == 42, "head of a file record");

struct ntfs_attribute_disk {
	le32 type;	      /* 0 */
	le32 length;	      /* 4 */
	uint8_t non_resident; /* 8 */
	uint8_t name_length;  /* 9 */
	le16 name;	      /* 10 */
	le16 flags;	      /* 12 */
	le16 id;	      /* 14 */
	le32 value_length; /* 16: resident; else the lower half of the first cluster's number */
	le16 value;	   /* 20: resident */
	le16 reserved; /* 22 */
};
_Static_assert(sizeof(struct ntfs_attribute_disk) == 24, "of a resident attribute");

#define RUNS_FIELD	    32 /* of an attribute that is not resident: where its runs lie */
#define NON_RESIDENT_HEADER 64

static const struct needed_record {
	const char *name;
	unsigned number;
	bool folder;
} needed_records[] = {
	{ "$MFT", 0, false },		{ "$MFTMirr", 1, false }, { "$Volume", 3, false },
	{ "the root folder", 5, true }, { "$Bitmap", 6, false },
};

/* -- the boot sector ---------------------------------------------------------------------- */

/* A count of clusters, or as a negative number the power of two of bytes. */
static uint64_t size_of(uint8_t value, uint32_t cluster_size)
{
	if (value < 128)
		return (uint64_t)value * cluster_size;
	return value >= 256 - 31 ? UINT64_C(1) << (256 - value) : 0;
}

int ntfs_geometry_parse(const uint8_t *boot, struct ntfs_geometry *ret, struct err *err)
{
	struct ntfs_boot_disk disk;
	uint64_t sector, cluster, record, index;

	memcpy(&disk, boot, sizeof(disk));
	sector = get_le16(disk.sector_size);
	/* a power of two is one of sectors here */
	cluster = disk.cluster_sectors <= 128 ? disk.cluster_sectors * sector
					      : size_of(disk.cluster_sectors, 0) * sector;
	record = size_of(disk.record_clusters, (uint32_t)cluster);
	index = size_of(disk.index_clusters, (uint32_t)cluster);
	if (!sector || !cluster || cluster > UINT32_MAX || !is_power_of_two(record) ||
	    record < FIXUP_SECTOR || record > RECORD_MAX)
		return err_set(err, -EBADMSG,
			       "boot sector with file records of %" PRIu64
			       " bytes, must be a power of two from 512 to %u",
			       record, RECORD_MAX);
	if (!is_power_of_two(index) || index < FIXUP_SECTOR || index > INDEX_MAX)
		return err_set(err, -EBADMSG,
			       "boot sector with index records of %" PRIu64
			       " bytes, must be a power of two from 512 to %u",
			       index, INDEX_MAX);
	*ret = (struct ntfs_geometry){
		.cluster_size = (uint32_t)cluster,
		.clusters = get_le64(disk.sectors) / (cluster / sector),
		.record_size = (uint32_t)record,
		.index_size = (uint32_t)index,
	};
	if (!checked_mul(get_le64(disk.mft), cluster, &ret->mft))
		return err_set(err, -EBADMSG, "boot sector with $MFT at cluster %" PRIu64,
			       get_le64(disk.mft));
	return 0;
}

/* -- one record ---------------------------------------------------------------------------- */

/* The last two bytes of each sector stand in the head; in their place is a number that is the
 * same in all sectors of one write. */
static const char *undo_fixups(uint8_t *record, uint32_t size,
			       const struct ntfs_record_disk *head)
{
	size_t at = get_le16(head->fixups), count = get_le16(head->fixup_count);

	if (count != size / FIXUP_SECTOR + 1 || at % 2 || at < sizeof(*head) ||
	    at + 2 * count > FIXUP_SECTOR - 2)
		return "its update sequence does not fit";
	for (size_t sector = 1; sector < count; sector++) {
		uint8_t *end = record + sector * FIXUP_SECTOR - 2;

		if (memcmp(end, record + at, 2) != 0)
			return "its sectors are not of one write";
		memcpy(end, record + at + 2 * sector, 2);
	}
	return NULL;
}

/* Signed, of 0 to 8 bytes. */
static int64_t packed_number(const uint8_t *bytes, size_t length)
{
	uint64_t value = 0;

	for (size_t i = 0; i < length; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	if (length && length < 8 && bytes[length - 1] & 0x80)
		value |= UINT64_MAX << (8 * length);
	return (int64_t)value;
}

/* Runs lie within the volume, and have a length. */
static const char *check_runs(const uint8_t *runs, size_t length, uint64_t clusters,
			      uint64_t *ret_first)
{
	uint64_t at = 0;
	size_t used = 0;

	*ret_first = 0;
	while (used < length && runs[used]) {
		size_t sizes = runs[used] & 15, places = runs[used] >> 4;
		int64_t count;

		if (sizes == 0 || sizes > 8 || places > 8 ||
		    sizes + places >= length - used)
			return "an attribute's list of clusters is cut off";
		count = packed_number(runs + used + 1, sizes);
		at += (uint64_t)packed_number(runs + used + 1 + sizes, places);
		if (count <= 0)
			return "an attribute has a run of no clusters";
		if (places && !range_within(at, (uint64_t)count, clusters))
			return "an attribute's clusters lie beyond the volume";
		if (!*ret_first && places)
			*ret_first = (uint64_t)count;
		used += 1 + sizes + places;
	}
	return used < length ? NULL : "an attribute's list of clusters has no end";
}

static const char *check_attribute(const uint8_t *bytes, size_t length,
				   const struct ntfs_attribute_disk *head,
				   const struct ntfs_geometry *geometry,
				   uint64_t *ret_run)
{
	uint64_t first = 0;
	const char *fault = NULL;
	size_t runs;

	if (!head->non_resident)
		return range_within(get_le16(head->value), get_le32(head->value_length),
				    length)
			       ? NULL
			       : "an attribute's value lies beyond it";
	runs = length >= NON_RESIDENT_HEADER
		       ? (size_t)bytes[RUNS_FIELD] | (size_t)bytes[RUNS_FIELD + 1] << 8
		       : length;
	if (runs >= length)
		return "an attribute's list of clusters lies beyond it";
	fault = check_runs(bytes + runs, length - runs, geometry->clusters, &first);
	if (get_le32(head->type) == TYPE_DATA && !head->name_length && !*ret_run)
		*ret_run = first * geometry->cluster_size;
	return fault;
}

static const char *check_attributes(const uint8_t *record, uint32_t size, size_t at,
				    const struct ntfs_geometry *geometry,
				    uint64_t *ret_run)
{
	if (at % 8 || at < sizeof(struct ntfs_record_disk))
		return "its attributes begin within its head";
	while (at <= size - 4) {
		struct ntfs_attribute_disk head;
		const char *fault;
		size_t length;

		memcpy(&head.type, record + at, sizeof(head.type));
		if (get_le32(head.type) == ATTRIBUTE_END)
			return NULL;
		if (size - at < sizeof(head))
			break;
		memcpy(&head, record + at, sizeof(head));
		length = get_le32(head.length);
		if (length < sizeof(head) || length % 8)
			return "an attribute's length cannot be";
		if (length > size - at)
			return "an attribute reaches beyond it";
		fault = check_attribute(record + at, length, &head, geometry, ret_run);
		if (fault)
			return fault;
		at += length;
	}
	return "its attributes have no end";
}

static const char *record_fault(uint8_t *record, const struct ntfs_geometry *geometry,
				const struct needed_record *needed, uint64_t *ret_run)
{
	struct ntfs_record_disk head;
	const char *fault;

	memcpy(&head, record, sizeof(head));
	if (memcmp(head.signature, "FILE", sizeof(head.signature)) != 0)
		return "it does not begin with 'FILE'";
	fault = undo_fixups(record, geometry->record_size, &head);
	if (fault)
		return fault;
	if (!(get_le16(head.flags) & IN_USE))
		return "it is not in use";
	if (!(get_le16(head.flags) & IS_FOLDER) == needed->folder)
		return needed->folder ? "it is no folder" : "it is a folder";
	return check_attributes(record, geometry->record_size, get_le16(head.attributes),
				geometry, ret_run);
}

int ntfs_record_check(uint8_t *record, const struct ntfs_geometry *geometry,
		      unsigned number, uint64_t *ret_run, struct err *err)
{
	const struct needed_record *needed = needed_records;
	const char *fault;
	uint64_t run = 0;

	for (size_t i = 0; i < ARRAY_SIZE(needed_records); i++)
		if (needed_records[i].number == number)
			needed = &needed_records[i];
	fault = record_fault(record, geometry, needed, &run);
	if (fault)
		return err_set(err, -EBADMSG, "the record of %s: %s", needed->name,
			       fault);
	*ret_run = run;
	return 0;
}

/* -- all of them ----------------------------------------------------------------------------- */

static int check_all(struct block_source *volume, struct err *err)
{
	uint8_t boot[512], record[RECORD_MAX];
	struct ntfs_geometry geometry;
	uint64_t first_run = UINT64_MAX;
	int r = source_read(volume, boot, 0, sizeof(boot), err);

	if (r == 0)
		r = ntfs_geometry_parse(boot, &geometry, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(needed_records); i++) {
		unsigned number = needed_records[i].number;
		uint64_t at = (uint64_t)number * geometry.record_size, run = 0;

		/* Behind the first run of $MFT they are left to the library. */
		if (at + geometry.record_size > first_run)
			break;
		if (!range_within(geometry.mft + at, geometry.record_size, volume->size))
			return err_set(err, -EBADMSG, "$MFT lies beyond the volume");
		r = source_read(volume, record, geometry.mft + at, geometry.record_size,
				err);
		if (r == 0)
			r = ntfs_record_check(record, &geometry, number, &run, err);
		if (number == 0 && run)
			first_run = run;
	}
	return r;
}

int ntfs_records_check(struct block_source *volume, struct err *err)
{
	struct err why = { 0 };
	int r = check_all(volume, &why);

	if (r == -EBADMSG)
		return err_set(err, r, "'%s': NTFS is damaged: %s", volume->name,
			       why.text);
	if (r < 0)
		return err_set(err, r, "%s", why.text);
	return 0;
}
