/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The value FirmwareVariable of a UEFI store's boot manager: Windows keeps a copy of the
 * firmware's boot entry in it, with a device path whose hard-drive node (UEFI 10.3.5.1) names the
 * EFI system partition by its number, start, size and id. Pure: bytes in, the same number out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/guid.h>

struct boot_variable_place {
	uint32_t slot;
	uint64_t first_lba, sectors;
	struct guid id;
};

/* Replaces what names the partition old wherever it stands. Returns whether anything changed. */
bool boot_variable_patch(uint8_t *bytes, size_t length, const struct guid *old,
			 const struct boot_variable_place *place);
