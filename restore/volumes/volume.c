/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a volume is, by its boot sector: one function per family of file systems and a
 * table. Pure. The layouts are those of Microsoft's FAT specification (fatgen103), exFAT
 * specification (section 3.1), and of NTFS and ReFS as their boot sectors show.
 */
#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/cleanup.h>
#include <restore/volume.h>

#define BOOT_SIZE 4096

/* NTFS, and the first 64 bytes of FAT, where the fields in use are the same. */
struct bios_boot_disk {
	uint8_t jump[3];	     /* 0 */
	char oem[8];		     /* 3: "NTFS    "; FAT: anything */
	le16 sector_size;	     /* 11: bytes */
	uint8_t cluster_sectors;     /* 13: NTFS: above 128, 2^(256 - x) */
	le16 reserved_sectors;	     /* 14: FAT */
	uint8_t fats;		     /* 16: FAT */
	le16 root_entries;	     /* 17: FAT12, FAT16 */
	le16 sectors16;		     /* 19: FAT, 0: see 32 */
	uint8_t media;		     /* 21 */
	le16 fat_sectors16;	     /* 22: FAT12, FAT16 */
	le16 track_sectors;	     /* 24 */
	le16 heads;		     /* 26 */
	le32 hidden_sectors;	     /* 28 */
	le32 sectors32;		     /* 32: FAT */
	le32 fat_sectors32;	     /* 36: FAT32 */
	le64 ntfs_sectors;	     /* 40: without the backup boot sector */
	le64 ntfs_mft;		     /* 48: cluster */
	le64 ntfs_mft_copy;	     /* 56: cluster */
	int8_t ntfs_record_clusters; /* 64: negative: 2^-x bytes */
	uint8_t reserved[3];	     /* 65 */
	le32 ntfs_index_clusters;    /* 68 */
	le64 ntfs_serial;	     /* 72 */
};
_Static_assert(sizeof(struct bios_boot_disk) == 80, "boot sector");

struct exfat_boot_disk {
	uint8_t jump[3];       /* 0 */
	char name[8];	       /* 3: "EXFAT   " */
	uint8_t zero[53];      /* 11 */
	le64 partition_offset; /* 64: sectors */
	le64 sectors;	       /* 72 */
	le32 fat_offset;       /* 80: sectors */
	le32 fat_length;       /* 84: sectors */
	le32 heap_offset;      /* 88: sectors */
	le32 clusters;	       /* 92 */
	le32 root;	       /* 96: cluster */
	le32 serial;	       /* 100 */
	le16 revision;	       /* 104 */
	le16 flags;	       /* 106 */
	uint8_t sector_shift;  /* 108: 9 to 12 */
	uint8_t cluster_shift; /* 109: sectors, so that a cluster has at most 32 MiB */
};

struct refs_boot_disk {
	uint8_t jump[3];      /* 0 */
	char name[8];	      /* 3: "ReFS" and zeros */
	uint8_t zero[5];      /* 11 */
	char mark[4];	      /* 16: "FSRS" */
	le16 length;	      /* 20 */
	le16 checksum;	      /* 22 */
	le64 sectors;	      /* 24 */
	le32 sector_size;     /* 32: bytes */
	le32 cluster_sectors; /* 36 */
	uint8_t version[2];   /* 40 */
	uint8_t reserved[14]; /* 42 */
	le64 serial;	      /* 56 */
};
_Static_assert(sizeof(struct refs_boot_disk) == 64, "ReFS boot sector");

static const char *const file_system_texts[] = {
	[FS_UNKNOWN] = "unknown", [FS_NTFS] = "NTFS",	[FS_FAT32] = "FAT32",
	[FS_FAT16] = "FAT16",	  [FS_FAT12] = "FAT12", [FS_EXFAT] = "exFAT",
	[FS_REFS] = "ReFS",
};

const char *file_system_text(enum file_system fs)
{
	return (size_t)fs < ARRAY_SIZE(file_system_texts) ? file_system_texts[fs]
							  : "unknown";
}

static bool is_sector_size(uint64_t size)
{
	return is_power_of_two(size) && size >= 512 && size <= 4096;
}

/* Has the boot sector the mark of all boot sectors? */
static bool has_mark(const uint8_t *boot)
{
	return boot[510] == 0x55 && boot[511] == 0xaa;
}

static int check_sector_size(const char *fs, uint64_t sector_size, struct err *err)
{
	if (is_sector_size(sector_size))
		return 0;
	return err_set(err, -EBADMSG,
		       "%s boot sector: sector size %" PRIu64
		       ", must be a power of two from 512 to 4096",
		       fs, sector_size);
}

static int check_cluster_size(const char *fs, uint64_t cluster_size, uint64_t limit,
			      struct err *err)
{
	if (is_power_of_two(cluster_size) && cluster_size <= limit)
		return 0;
	return err_set(err, -EBADMSG,
		       "%s boot sector: cluster size %" PRIu64
		       ", must be a power of two up to %" PRIu64,
		       fs, cluster_size, limit);
}

static int check_fs_size(const char *fs, uint64_t sectors, uint32_t sector_size,
			 uint64_t volume_size, uint64_t *ret, struct err *err)
{
	uint64_t size;

	if (sectors && checked_mul(sectors, sector_size, &size) && size <= volume_size) {
		*ret = size;
		return 0;
	}
	return err_set(err, -EBADMSG,
		       "%s boot sector: %" PRIu64
		       " sectors of %u bytes, the volume has %" PRIu64 " bytes",
		       fs, sectors, sector_size, volume_size);
}

/* -- NTFS ---- */

#define NTFS_CLUSTER_MAX (2 * MiB) /* since Windows 10 1709 */

static bool is_ntfs(const uint8_t *boot)
{
	return memcmp(boot + 3, "NTFS    ", 8) == 0;
}

static uint64_t ntfs_cluster_sectors(uint8_t value)
{
	if (value <= 128)
		return value;
	return value >= 256 - 31 ? UINT64_C(1) << (256 - value) : 0;
}

static int identify_ntfs(const uint8_t *boot, uint64_t volume_size,
			 struct volume_info *info, struct err *err)
{
	struct bios_boot_disk disk;
	uint64_t cluster_size, clusters;
	int r;

	memcpy(&disk, boot, sizeof(disk));
	info->sector_size = get_le16(disk.sector_size);
	r = check_sector_size("NTFS", info->sector_size, err);
	if (r < 0)
		return r;
	cluster_size = ntfs_cluster_sectors(disk.cluster_sectors) * info->sector_size;
	r = check_cluster_size("NTFS", cluster_size, NTFS_CLUSTER_MAX, err);
	if (r < 0)
		return r;
	r = check_fs_size("NTFS", get_le64(disk.ntfs_sectors), info->sector_size,
			  volume_size, &info->fs_size, err);
	if (r < 0)
		return r;
	clusters = info->fs_size / cluster_size;
	if (get_le64(disk.ntfs_mft) >= clusters ||
	    get_le64(disk.ntfs_mft_copy) >= clusters)
		return err_set(
			err, -EBADMSG,
			"NTFS boot sector: $MFT at cluster %" PRIu64
			", its copy at %" PRIu64 ", there are %" PRIu64 " clusters",
			get_le64(disk.ntfs_mft), get_le64(disk.ntfs_mft_copy), clusters);
	if (disk.ntfs_record_clusters == 0)
		return err_set(err, -EBADMSG, "NTFS boot sector: file records of size 0");
	info->cluster_size = (uint32_t)cluster_size;
	info->hidden_bytes = (uint64_t)get_le32(disk.hidden_sectors) * info->sector_size;
	info->serial = get_le64(disk.ntfs_serial);
	return 0;
}

/* -- FAT ---- */

#define FAT_CLUSTER_MAX (256 * KiB)

/* FAT has no mark of its own but texts that its specification calls meaningless. So it is
 * known by fields that only a FAT has so; a boot sector that lacks one is not a damaged
 * FAT but something else. */
static bool is_fat(const uint8_t *boot)
{
	struct bios_boot_disk disk;

	memcpy(&disk, boot, sizeof(disk));
	return has_mark(boot) && (boot[0] == 0xeb || boot[0] == 0xe9) &&
	       is_sector_size(get_le16(disk.sector_size)) &&
	       is_power_of_two(disk.cluster_sectors) && get_le16(disk.reserved_sectors) &&
	       (disk.fats == 1 || disk.fats == 2) &&
	       (disk.media == 0xf0 || disk.media >= 0xf8) &&
	       (get_le16(disk.fat_sectors16) || get_le32(disk.fat_sectors32));
}

/* The kind of a FAT is a matter of its number of clusters and of nothing else. */
static enum file_system fat_kind(uint64_t clusters)
{
	if (clusters < 4085)
		return FS_FAT12;
	return clusters < 65525 ? FS_FAT16 : FS_FAT32;
}

static int identify_fat(const uint8_t *boot, uint64_t volume_size,
			struct volume_info *info, struct err *err)
{
	struct bios_boot_disk disk;
	uint64_t sectors, meta, fat_sectors;
	bool is_fat32;
	int r;
	le32 serial;

	memcpy(&disk, boot, sizeof(disk));
	info->sector_size = get_le16(disk.sector_size);
	info->cluster_size = info->sector_size * disk.cluster_sectors;
	r = check_cluster_size("FAT", info->cluster_size, FAT_CLUSTER_MAX, err);
	if (r < 0)
		return r;
	sectors = get_le16(disk.sectors16) ? get_le16(disk.sectors16)
					   : get_le32(disk.sectors32);
	r = check_fs_size("FAT", sectors, info->sector_size, volume_size, &info->fs_size,
			  err);
	if (r < 0)
		return r;
	is_fat32 = get_le16(disk.fat_sectors16) == 0;
	fat_sectors =
		is_fat32 ? get_le32(disk.fat_sectors32) : get_le16(disk.fat_sectors16);
	meta = get_le16(disk.reserved_sectors) + fat_sectors * disk.fats +
	       ((uint64_t)get_le16(disk.root_entries) * 32 + info->sector_size - 1) /
		       info->sector_size;
	if (meta >= sectors)
		return err_set(err, -EBADMSG,
			       "FAT boot sector: tables of %" PRIu64
			       " sectors in a file system of %" PRIu64,
			       meta, sectors);
	/* A FAT32 of few clusters is made by mkfs and by Windows for small system
	 * partitions: its layout says what it is. */
	info->fs =
		is_fat32 ? FS_FAT32 : fat_kind((sectors - meta) / disk.cluster_sectors);
	memcpy(&serial, boot + (is_fat32 ? 67 : 39), sizeof(serial));
	info->serial = get_le32(serial);
	info->hidden_bytes = (uint64_t)get_le32(disk.hidden_sectors) * info->sector_size;
	return 0;
}

/* -- exFAT ---- */

#define EXFAT_CLUSTER_MAX (32 * MiB) /* exFAT specification, 3.1.15 */

static bool is_exfat(const uint8_t *boot)
{
	return memcmp(boot + 3, "EXFAT   ", 8) == 0;
}

static int identify_exfat(const uint8_t *boot, uint64_t volume_size,
			  struct volume_info *info, struct err *err)
{
	struct exfat_boot_disk disk;
	uint64_t cluster_size;
	int r;

	memcpy(&disk, boot, sizeof(disk));
	if (disk.sector_shift < 9 || disk.sector_shift > 12 || disk.cluster_shift > 25)
		return err_set(
			err, -EBADMSG,
			"exFAT boot sector: sectors of 2^%u bytes, clusters of 2^%u "
			"sectors, must be 9 to 12 and at most 25",
			disk.sector_shift, disk.cluster_shift);
	info->sector_size = 1u << disk.sector_shift;
	cluster_size = UINT64_C(1) << (disk.sector_shift + disk.cluster_shift);
	r = check_cluster_size("exFAT", cluster_size, EXFAT_CLUSTER_MAX, err);
	if (r == 0)
		r = check_fs_size("exFAT", get_le64(disk.sectors), info->sector_size,
				  volume_size, &info->fs_size, err);
	if (r < 0)
		return r;
	info->cluster_size = (uint32_t)cluster_size;
	if (!checked_mul(get_le64(disk.partition_offset), info->sector_size,
			 &info->hidden_bytes))
		info->hidden_bytes = 0; /* the specification lets anything stand there */
	info->serial = get_le32(disk.serial);
	return 0;
}

/* -- ReFS ---- */

static bool is_refs(const uint8_t *boot)
{
	return memcmp(boot + 3, "ReFS\0\0\0\0", 8) == 0 &&
	       memcmp(boot + 16, "FSRS", 4) == 0;
}

static int identify_refs(const uint8_t *boot, uint64_t volume_size,
			 struct volume_info *info, struct err *err)
{
	struct refs_boot_disk disk;
	uint64_t cluster_size;
	int r;

	memcpy(&disk, boot, sizeof(disk));
	info->sector_size = get_le32(disk.sector_size);
	r = check_sector_size("ReFS", info->sector_size, err);
	if (r < 0)
		return r;
	cluster_size = (uint64_t)get_le32(disk.cluster_sectors) * info->sector_size;
	r = check_cluster_size("ReFS", cluster_size, 64 * KiB, err);
	if (r == 0)
		r = check_fs_size("ReFS", get_le64(disk.sectors), info->sector_size,
				  volume_size, &info->fs_size, err);
	if (r < 0)
		return r;
	info->cluster_size = (uint32_t)cluster_size;
	info->serial = get_le64(disk.serial);
	return 0;
}

/* -- all ---- */

struct fs_kind {
	enum file_system fs; /* FAT: replaced by the exact kind */
	bool (*is)(const uint8_t *boot);
	int (*identify)(const uint8_t *boot, uint64_t volume_size,
			struct volume_info *info, struct err *err);
};

/* FAT last: it has no mark of its own. */
static const struct fs_kind fs_kinds[] = {
	{ FS_NTFS, is_ntfs, identify_ntfs },
	{ FS_EXFAT, is_exfat, identify_exfat },
	{ FS_REFS, is_refs, identify_refs },
	{ FS_FAT32, is_fat, identify_fat },
};

int volume_identify(const uint8_t boot[BOOT_SIZE], uint64_t size, struct volume_info *ret,
		    struct err *err)
{
	struct volume_info info = { .fs = FS_UNKNOWN };

	for (size_t i = 0; i < ARRAY_SIZE(fs_kinds); i++) {
		int r;

		if (!fs_kinds[i].is(boot))
			continue;
		info.fs = fs_kinds[i].fs;
		r = fs_kinds[i].identify(boot, size, &info, err);
		if (r < 0)
			return r;
		break;
	}
	*ret = info;
	return 0;
}
