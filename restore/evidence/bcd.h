/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BCD stores: which partitions the boot manager, Windows and its recovery environment are
 * started from (FORMAT.md section 5). Decoding a device element is pure; reading a store
 * takes the bytes of its hive.
 */
#pragma once

#include <base/guid.h>

#include <stdbool.h>

#include "hive.h"

enum bcd_device_kind {
	BCD_DEVICE_OTHER, /* boot device, locate, files, ramdisks: names no partition */
	BCD_DEVICE_GPT,
	BCD_DEVICE_MBR,
};

struct bcd_device {
	enum bcd_device_kind kind;
	struct guid partition_id, disk_id; /* GPT */
	uint32_t mbr_signature;		   /* MBR */
	uint64_t offset;		   /* MBR: bytes */
};

/* One device element. -EBADMSG: too short, or a partition whose length, table style or
 * ids cannot be. */
int bcd_device_decode(const uint8_t *bytes, size_t length, struct bcd_device *ret,
		      struct err *err) MUST_CHECK;

bool bcd_device_equal(const struct bcd_device *a, const struct bcd_device *b);

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
