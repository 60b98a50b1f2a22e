/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loader for machines without UEFI: GRUB's boot sector and its core, which finds
 * EFI/debian/grub.cfg, or its copy, on the first GPT partition of the disk that it was started
 * from, and says so where there is none (boot/bios-start.cfg). What grub-bios-setup does to a disk
 * as root is done here to the bytes.
 */
#pragma once

#include "sysroot.h"

/* Where the core lies on the disk: behind the entries of a GPT, in front of 1 MiB. */
#define BIOS_CORE_OFFSET (UINT64_C(64) << 10)
#define BIOS_CORE_MAX	 ((UINT64_C(1) << 20) - BIOS_CORE_OFFSET)

#define BIOS_BOOT_CODE_LENGTH 440 /* in front of the MBR's signature and table */

struct bios_start {
	uint8_t boot_code[BIOS_BOOT_CODE_LENGTH];
	uint8_t *core; /* owned; whole sectors */
	size_t core_length;
};

/* Runs grub-mkimage on the modules of the package grub-pc-bin; commands: a file with what the core
 * does, plain commands without words of scripts; scratch: a file, removed in the end. -ENOENT: the
 * package is not in the sysroot. */
int bios_start_make(const struct sysroot *sysroot, const char *commands,
		    const char *scratch, struct bios_start *ret,
		    struct err *err) MUST_CHECK;
void bios_start_clear(struct bios_start *bios);

/* Puts boot.img and a core together: tells each sector where the next ones lie. -EBADMSG:
 * not GRUB's; -ENOSPC: no room for the core. */
int bios_start_join(const struct content *boot, const struct content *core,
		    struct bios_start *ret, struct err *err) MUST_CHECK;
