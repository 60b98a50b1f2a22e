/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a disk is, from its folder in sysfs, and whether two disks are the same. */
#pragma once

#include <partition/disks.h>

/* Fills model, serial, WWN, bus, size, sector sizes, rotational and the bits read-only,
 * removable and no identity. */
int disk_identify(const char *folder, struct disk *disk, struct err *err) MUST_CHECK;

/* Could one be taken for the other: the same WWN, or, where not both have one, the same
 * serial? */
bool disk_is_mistakable(const struct disk *a, const struct disk *b);

/* Does a user's text name this WWN? Case, and what stands before the digits (naa., 0x,
 * …), do not count. */
bool disk_wwn_matches(const struct disk *disk, const char *text);
bool disk_serial_matches(const struct disk *disk, const char *text);

/* Sets a bit, with its line of the text if it is new. */
int disk_protect(struct disk *disk, enum disk_protection bit, struct err *err,
		 const char *format, ...) PRINTF(4, 5) MUST_CHECK;
