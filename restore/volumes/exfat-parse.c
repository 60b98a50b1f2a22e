/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exFAT's structures: see exfat-parse.h. */
#include "exfat-parse.h"

#include <inttypes.h>
#include <time.h>

#include <base/checked.h>
#include <base/fuzzing.h>

/* 3.1 */
struct boot_disk {
	uint8_t jump[3];       /* 0 */
	uint8_t name[8];       /* 3 */
	uint8_t zero[53];      /* 11 */
	le64 partition;	       /* 64: sectors */
	le64 sectors;	       /* 72 */
	le32 fat;	       /* 80: sectors */
	le32 fat_sectors;      /* 84 */
	le32 heap;	       /* 88: sectors */
	le32 clusters;	       /* 92 */
	le32 root;	       /* 96: cluster */
	le32 serial;	       /* 100 */
	le16 revision;	       /* 104 */
	le16 flags;	       /* 106: bit 0: the second FAT is in use */
	uint8_t sector_shift;  /* 108 */
	uint8_t cluster_shift; /* 109: sectors */
	uint8_t fats;	       /* 110 */
	uint8_t rest[401];     /* 111 */
};
_Static_assert(sizeof(struct boot_disk) == 512, "exFAT boot sector");

/* 7.4 */
struct file_disk {
	uint8_t type;	       /* 0 */
	uint8_t secondaries;   /* 1 */
	le16 checksum;	       /* 2 */
	le16 attributes;       /* 4 */
	le16 reserved;	       /* 6 */
	le32 created;	       /* 8 */
	le32 modified;	       /* 12 */
	le32 accessed;	       /* 16 */
	uint8_t fractions[2];  /* 20 */
	uint8_t created_zone;  /* 22 */
	uint8_t modified_zone; /* 23 */
	uint8_t rest[8];       /* 24 */
};
_Static_assert(sizeof(struct file_disk) == EXFAT_ENTRY_SIZE, "file entry");

#define ATTRIBUTE_FOLDER 0x10
#define ZONE_IS_VALID	 0x80

/* 7.6 */
struct stream_disk {
	uint8_t type;	     /* 0 */
	uint8_t flags;	     /* 1 */
	uint8_t reserved;    /* 2 */
	uint8_t name_length; /* 3: UTF-16 units */
	le16 name_hash;	     /* 4 */
	le16 reserved_2;     /* 6 */
	le64 valid;	     /* 8: bytes */
	le32 reserved_3;     /* 16 */
	le32 first;	     /* 20: cluster */
	le64 size;	     /* 24: bytes */
};
_Static_assert(sizeof(struct stream_disk) == EXFAT_ENTRY_SIZE, "stream entry");

#define STREAM_HAS_CLUSTERS  0x01
#define STREAM_IS_CONTIGUOUS 0x02

#define NAME_PART 15u /* UTF-16 units of one name entry, from its byte 2 on */

/* -- boot region ------------------------------------------------------------------ */

static int check_shape(const struct exfat_shape *shape, uint64_t size, struct err *err)
{
	uint64_t needed = (uint64_t)shape->clusters * 4 + 8;

	if (!shape->clusters || shape->heap > size ||
	    (uint64_t)shape->clusters > (size - shape->heap) / shape->cluster_size)
		return err_set(err, -EBADMSG,
			       "exFAT boot sector: %" PRIu32 " clusters of %" PRIu32
			       " bytes from %" PRIu64 " on, the volume has %" PRIu64,
			       shape->clusters, shape->cluster_size, shape->heap, size);
	if (shape->fat_size < needed ||
	    !range_within(shape->fat, shape->fat_size, shape->heap))
		return err_set(err, -EBADMSG,
			       "exFAT boot sector: a table of %" PRIu64
			       " bytes at %" PRIu64 " for %" PRIu32
			       " clusters from %" PRIu64 " on",
			       shape->fat_size, shape->fat, shape->clusters, shape->heap);
	return 0;
}

int exfat_parse_boot(const uint8_t boot[512], uint64_t size, struct exfat_shape *ret,
		     struct err *err)
{
	struct exfat_shape shape;
	struct boot_disk disk;
	int r;

	memcpy(&disk, boot, sizeof(disk));
	if (disk.sector_shift < 9 || disk.sector_shift > 12 ||
	    disk.cluster_shift > 25 - disk.sector_shift || disk.fats < 1 || disk.fats > 2)
		return err_set(
			err, -EBADMSG,
			"exFAT boot sector: sectors of 2^%u bytes, clusters of 2^%u "
			"sectors, %u tables",
			disk.sector_shift, disk.cluster_shift, disk.fats);
	shape = (struct exfat_shape){
		.sector_size = 1u << disk.sector_shift,
		.cluster_size = 1u << (disk.sector_shift + disk.cluster_shift),
		.fat = (uint64_t)get_le32(disk.fat) << disk.sector_shift,
		.fat_size = (uint64_t)get_le32(disk.fat_sectors) << disk.sector_shift,
		.heap = (uint64_t)get_le32(disk.heap) << disk.sector_shift,
		.clusters = get_le32(disk.clusters),
		.root = get_le32(disk.root),
	};
	if (disk.fats == 2 && (get_le16(disk.flags) & 1))
		shape.fat += shape.fat_size;
	r = check_shape(&shape, size, err);
	if (r == 0)
		*ret = shape;
	return r;
}

/* 3.4: without VolumeFlags and PercentInUse, which change. */
bool exfat_boot_is_sound(const uint8_t *region, uint32_t sector_size)
{
	uint32_t sum = 0;
	le32 stored;

	for (uint32_t i = 0; i < sector_size * (EXFAT_BOOT_SECTORS - 1); i++)
		if (i != 106 && i != 107 && i != 112)
			sum = (sum << 31 | sum >> 1) + region[i];
	memcpy(&stored, region + sector_size * (EXFAT_BOOT_SECTORS - 1), sizeof(stored));
	return get_le32(stored) == sum;
}

/* -- entries ---------------------------------------------------------------------- */

unsigned exfat_set_length(const uint8_t entry[EXFAT_ENTRY_SIZE])
{
	struct file_disk disk;

	memcpy(&disk, entry, sizeof(disk));
	if (disk.type != EXFAT_FILE || disk.secondaries + 1u > EXFAT_ENTRIES_MAX)
		return 1;
	return disk.secondaries + 1u;
}

/* 6.3.3 */
static uint16_t set_checksum(const uint8_t *entries, unsigned count)
{
	uint16_t sum = 0;

	for (unsigned i = 0; i < count * EXFAT_ENTRY_SIZE; i++)
		if (i != 2 && i != 3)
			sum = (uint16_t)((uint16_t)(sum << 15 | sum >> 1) + entries[i]);
	return sum;
}

/* 7.4.8: local time of two seconds, and its distance from UTC in quarters of an hour, if
 * the writer knew it. */
static int64_t parse_time(uint32_t stamp, uint8_t zone)
{
	struct tm tm = {
		.tm_year = (int)(stamp >> 25) + 80,
		.tm_mon = (int)(stamp >> 21 & 15) - 1,
		.tm_mday = (int)(stamp >> 16 & 31),
		.tm_hour = (int)(stamp >> 11 & 31),
		.tm_min = (int)(stamp >> 5 & 63),
		.tm_sec = (int)(stamp & 31) * 2,
	};
	int quarters = zone & 0x7f;
	int64_t time = timegm(&tm);

	if (!stamp || time <= 0)
		return 0;
	if (zone & ZONE_IS_VALID)
		time -= (quarters < 64 ? quarters : quarters - 128) * INT64_C(900);
	return time > 0 ? time : 0;
}

static int take_name(const uint8_t *entries, unsigned count, size_t units,
		     struct exfat_node *ret, struct err *err)
{
	size_t taken = 0;

	for (unsigned i = 2; i < count && taken < units; i++) {
		const uint8_t *entry = entries + i * EXFAT_ENTRY_SIZE;
		size_t part = min_u64(units - taken, NAME_PART);

		if (entry[0] != EXFAT_NAME)
			break;
		memcpy(ret->name + 2 * taken, entry + 2, 2 * part);
		taken += part;
	}
	if (!units || taken < units)
		return err_set(err, -EBADMSG, "a name of %zu characters, %zu are there",
			       units, taken);
	ret->name_length = 2 * units;
	return 0;
}

int exfat_parse_set(const uint8_t *entries, unsigned count, struct exfat_node *ret,
		    struct err *err)
{
	struct stream_disk stream;
	struct file_disk file;

	if (count < 3)
		return err_set(err, -EBADMSG, "a file of %u entries, at least 3", count);
	memcpy(&file, entries, sizeof(file));
	memcpy(&stream, entries + EXFAT_ENTRY_SIZE, sizeof(stream));
	if (set_checksum(entries, count) != get_le16(file.checksum) && !CHECKSUMS_IGNORED)
		return err_set(err, -EBADMSG,
			       "the checksum of a file's entries is wrong");
	if (stream.type != EXFAT_STREAM)
		return err_set(err, -EBADMSG, "an entry of type %#x where the stream is",
			       stream.type);
	*ret = (struct exfat_node){
		.is_folder = get_le16(file.attributes) & ATTRIBUTE_FOLDER,
		.is_contiguous = stream.flags & STREAM_IS_CONTIGUOUS,
		.first = stream.flags & STREAM_HAS_CLUSTERS ? get_le32(stream.first) : 0,
		.size = get_le64(stream.size),
		.valid = get_le64(stream.valid),
		.mtime_s = parse_time(get_le32(file.modified), file.modified_zone),
	};
	if (ret->valid > ret->size || (ret->size && !ret->first))
		return err_set(err, -EBADMSG,
			       "a file of %" PRIu64 " bytes, %" PRIu64
			       " of them valid, from cluster %" PRIu32,
			       ret->size, ret->valid, ret->first);
	return take_name(entries, count, stream.name_length, ret, err);
}
