/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The boot code of MBR disks: see mbr-boot.S. */
#pragma once

#include <stdint.h>

#define MBR_BOOT_CODE_LENGTH 440 /* as layout_compose() takes it */

extern const uint8_t mbr_boot_code[MBR_BOOT_CODE_LENGTH];
