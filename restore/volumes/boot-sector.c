/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot sectors of volumes that move: see boot-sector.h. */
#include "boot-sector.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <base/bytes.h>

/* What NTFS and FAT have in common, and what NTFS adds. */
struct boot_sector_disk {
	uint8_t jump[3];
	uint8_t oem[8];		     /* 0x03 */
	le16 bytes_per_sector;	     /* 0x0b */
	uint8_t sectors_per_cluster; /* 0x0d; NTFS: above 0x80: 2 to the power of 256 - x */
	uint8_t unused[14];	     /* 0x0e */
	le32 hidden_sectors;	     /* 0x1c: start on the disk */
	uint8_t fat32[8];	     /* 0x20 */
	le64 total_sectors;	     /* 0x28; NTFS */
	uint8_t rest[462];
	uint8_t signature[2]; /* 0x1fe */
};
_Static_assert(offsetof(struct boot_sector_disk, hidden_sectors) == 0x1c, "BPB");
_Static_assert(sizeof(struct boot_sector_disk) == 512, "boot sector");

#define FAT32_SECTORS_PER_FAT_16 0x16 /* le16: 0 on FAT32 */
#define FAT32_BACKUP_SECTOR	 0x32 /* le16: where the copy is; 0: there is none */

static uint32_t decode_cluster(uint8_t sectors)
{
	if (sectors <= 0x80)
		return sectors;
	return 256 - sectors < 32 ? UINT32_C(1) << (256 - sectors) : 0;
}

/* Windows writes up to 128 sectors as they are, more as a power of two. */
static uint8_t encode_cluster(uint32_t sectors)
{
	return sectors <= 0x80 ? (uint8_t)sectors
			       : (uint8_t)(256 - __builtin_ctz(sectors));
}

uint32_t boot_sector_hidden(const uint8_t boot[512])
{
	struct boot_sector_disk disk;

	memcpy(&disk, boot, sizeof(disk));
	return get_le32(disk.hidden_sectors);
}

static int hidden_sectors(uint64_t start, uint32_t sector_size, le32 *ret,
			  struct err *err)
{
	if (start / sector_size > UINT32_MAX)
		return err_set(err, -ENOTSUP,
			       "a boot sector cannot say a start at byte %" PRIu64,
			       start);
	*ret = put_le32((uint32_t)(start / sector_size));
	return 0;
}

int boot_sector_adapt_ntfs(uint8_t boot[512], uint32_t sector_size, uint64_t start,
			   struct err *err)
{
	struct boot_sector_disk disk;
	uint32_t old_sector, old_count, cluster;
	int r;

	memcpy(&disk, boot, sizeof(disk));
	old_sector = get_le16(disk.bytes_per_sector);
	old_count = decode_cluster(disk.sectors_per_cluster);
	if (memcmp(disk.oem, "NTFS    ", 8) != 0 || !old_sector || !old_count ||
	    old_count > UINT32_MAX / old_sector)
		return err_set(err, -EBADMSG, "no NTFS boot sector");
	cluster = old_sector * old_count;
	if (cluster < sector_size || cluster % sector_size)
		return err_set(err, -ENOTSUP,
			       "NTFS with clusters of %u bytes cannot have sectors of %u",
			       cluster, sector_size);
	/* MBR disks beyond 2 TiB do not exist; on GPT the field is of no use there. */
	r = hidden_sectors(start, sector_size, &disk.hidden_sectors, NULL);
	if (r < 0)
		disk.hidden_sectors = put_le32(0);
	if (old_sector != sector_size) {
		uint64_t clusters = get_le64(disk.total_sectors) / old_count;

		disk.bytes_per_sector = put_le16((uint16_t)sector_size);
		disk.sectors_per_cluster = encode_cluster(cluster / sector_size);
		disk.total_sectors = put_le64(clusters * (cluster / sector_size));
	}
	memcpy(boot, &disk, sizeof(disk));
	return 0;
}

static int move_one(uint8_t *sector, uint32_t sector_size, uint64_t start,
		    struct err *err)
{
	struct boot_sector_disk disk;
	int r;

	memcpy(&disk, sector, sizeof(disk));
	r = hidden_sectors(start, sector_size, &disk.hidden_sectors, err);
	if (r == 0)
		memcpy(sector, &disk, sizeof(disk));
	return r;
}

int boot_sector_move_fat(uint8_t *head, uint32_t length, uint32_t sector_size,
			 uint64_t start, struct err *err)
{
	bool is_fat32 = head[FAT32_SECTORS_PER_FAT_16] == 0 &&
			head[FAT32_SECTORS_PER_FAT_16 + 1] == 0;
	uint64_t copy = (uint64_t)sector_size *
			(head[FAT32_BACKUP_SECTOR] | head[FAT32_BACKUP_SECTOR + 1] << 8);
	int r = move_one(head, sector_size, start, err);

	/* Only what is a copy is kept one. */
	if (r == 0 && is_fat32 && copy && copy + 512 <= length &&
	    head[copy + 510] == 0x55 && head[copy + 511] == 0xaa)
		r = move_one(head + copy, sector_size, start, err);
	return r;
}
