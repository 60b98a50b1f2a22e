/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies in a range of a disk: file system and label. */
#pragma once

#include <stdint.h>

#include <base/err.h>

struct probe_result {
	char kind[32]; /* "NTFS", "FAT", "BitLocker", "LVM", …; "" where nothing is known
			*/
	char label[64]; /* UTF-8, printable; "" where there is none */
};

/* Reads only. Finding nothing, or two things at once, is no error. */
int probe_range(int fd, uint64_t offset, uint64_t length, struct probe_result *ret,
		struct err *err) MUST_CHECK;
