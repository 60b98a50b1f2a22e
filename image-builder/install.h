/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The environment on a machine's own EFI system partition, as a recovery partition would be:
 * files in EFI/openbmr and a firmware entry at the end of the boot order. Where the partition
 * has no EFI/debian, shim and GRUB come along, so that it starts under Secure Boot with stock
 * keys; else (GRUB finds its settings only there) it is openbmr.efi alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

/* image: openbmr.img; esp: where the partition is mounted. What was installed before is
 * replaced. -EINVAL: no mounted FAT; -ENOSPC: with both sizes. */
int install_run(const char *image, const char *esp, struct err *err) MUST_CHECK;

/* Removes files and entry. -ENOENT: nothing is installed there. */
int install_remove(const char *esp, struct err *err) MUST_CHECK;

#define BOOT_NUMBER_SIZE 5 /* "0003" */

/* Pure, for what efibootmgr lists: the number of the first entry with this label. */
bool boot_entry_find(const char *listing, const char *label, char ret[BOOT_NUMBER_SIZE]);

/* The boot order of a listing with number at its end. NULL: no memory. */
char *boot_order_with(const char *listing, const char *number);
