/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <partition/disks.h>

/* What the boot application told Linux about the device it was started from: the value of
 * openbmr.boot= on the kernel command line, as struct disk_list_wishes takes it. NULL where
 * there is none. The caller frees. */
char *boot_medium_read(void);

/* The device of the partition that medium (as above) names, among the disks of a list that was made
 * with it: "/dev/sdb1". *ret: the caller frees. -ENODEV: it is on none of them. */
int boot_medium_partition(const struct disk_list *list, const char *medium, char **ret,
			  struct err *err) MUST_CHECK;
