/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BCD stores: which partitions the boot manager, Windows and its recovery environment are
 * started from (FORMAT.md section 5). Reading a store takes the bytes of its hive.
 */
#pragma once

#include <stdbool.h>

#include "bcd-element.h"
#include "hives/hive.h"

/* kind is BCD_DEVICE_OTHER where the store does not say. */
struct bcd_store {
	struct bcd_device boot_manager; /* the ESP, or the active partition */
	struct bcd_device windows;	/* of the default loader, else of the first one */
	struct bcd_device recovery;	/* of the recovery environment's ramdisk */
	bool uefi;			/* the default loader is an EFI program */
	bool has_loader;
	bool dirty; /* the hive was not written to its end */
};

/* what names the store in messages. */
int bcd_store_read(const void *bytes, size_t length, const char *what,
		   struct bcd_store *ret, struct err *err) MUST_CHECK;
