/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot sectors of volumes that move, or whose disk has other sectors. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

/* Lets an NTFS boot sector (512 bytes) say sectors of sector_size bytes and a start on the
 * disk of start bytes. Clusters, and with them all of the file system, stay as they are.
 * -EBADMSG: no NTFS boot sector; -ENOTSUP: clusters are smaller than a sector. */
int boot_sector_adapt_ntfs(uint8_t boot[512], uint32_t sector_size, uint64_t start,
			   struct err *err) MUST_CHECK;

/* What a boot sector of NTFS or FAT says about its volume's start on the disk: sectors. */
uint32_t boot_sector_hidden(const uint8_t boot[512]);

/* The same for the start of a FAT volume; head is length bytes of it, and the copy of a FAT32
 * boot sector is changed too where it lies within. */
int boot_sector_move_fat(uint8_t *head, uint32_t length, uint32_t sector_size,
			 uint64_t start, struct err *err) MUST_CHECK;
