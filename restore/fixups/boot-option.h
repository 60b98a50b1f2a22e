/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A firmware's boot entry, Boot#### (UEFI 2.10, 3.1.3): what it says and where it leads. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <base/guid.h>

#define BOOT_OPTION_ACTIVE UINT32_C(1) /* LOAD_OPTION_ACTIVE */

struct boot_option {
	uint32_t attributes;
	char description[128]; /* UTF-8, cut */
	bool has_partition;    /* it leads to a partition of a GPT disk */
	struct guid partition;
	uint64_t first_lba, sectors;
	char file[256]; /* "\EFI\…", UTF-8, cut; "": none */
};

/* -EBADMSG: no boot entry. */
int boot_option_parse(const uint8_t *bytes, size_t length, struct boot_option *ret,
		      struct err *err) MUST_CHECK;
