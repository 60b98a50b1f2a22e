/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The base block of a hive or of one of its logs: identity, checksum, and what Windows calls
 * a dirty hive. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

#include "hive-format.h"

/* A SYSTEM hive of a large server is below 100 MiB, a boot store below 1 MiB. */
#define HIVE_MAX_SIZE (256u << 20)

/* Bytes of one file, borrowed. length 0: there is none. */
struct hive_file {
	const uint8_t *bytes;
	size_t length;
};

/* Reads the base block. -EBADMSG: too short, too large, no magic; nothing else is judged. */
int hive_base_read(const struct hive_file *file, const char *what,
		   struct hive_base_disk *ret, struct err *err) MUST_CHECK;

uint32_t hive_base_checksum(const struct hive_base_disk *base);
bool hive_base_checksum_is_right(const struct hive_base_disk *base);

/* Was it not written to its end? Then its logs hold what is missing. */
bool hive_base_is_dirty(const struct hive_base_disk *base);

/* Writes the block of a hive that is complete: both sequence numbers, type, checksum. bytes
 * hold HIVE_BASE_SIZE. */
void hive_base_seal(uint8_t *bytes, uint32_t sequence);
