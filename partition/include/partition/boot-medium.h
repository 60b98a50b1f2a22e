/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the boot application told Linux about the device it was started from: the value of
 * openbmr.boot= on the kernel command line, as struct disk_list_wishes takes it. NULL where
 * there is none. The caller frees. */
char *boot_medium_read(void);
