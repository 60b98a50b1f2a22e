/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the recovery environment needs to start: the boot application, PID 1 and the builder of the
 * image must be of one opinion. */
#pragma once

/* The environment unpacked (120 MiB) beside its archive and the kernel. Measured with 2 MiB of
 * files more or less: with 416 MiB everything is there, with 384 the kernel stops in the middle
 * of unpacking. */
#define BOOT_MEMORY_LEAST_MIB 416
#define BOOT_MEMORY_SLACK_MIB 24 /* that the firmware keeps for itself */

/* The last file of the initramfs: where it is, nothing is missing. */
#define INITRAMFS_END_PATH "/etc/openbmr.end"
