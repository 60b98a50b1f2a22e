/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checksum of VHDX's structures: CRC-32C over all bytes, with the four bytes of the
 * checksum itself taken as zeros. */
#pragma once

#include <base/bytes.h>
#include <base/crc32c.h>
#include <base/fuzzing.h>

#include <stdbool.h>

static inline bool vhdx_checksum_is(const uint8_t *bytes, size_t length, size_t checksum_at)
{
	static const uint8_t zeros[sizeof(le32)];
	size_t behind = checksum_at + sizeof(le32);
	uint32_t crc;
	le32 stored;

	if (CHECKSUMS_IGNORED)
		return true;
	crc = crc32c(0, bytes, checksum_at);
	crc = crc32c(crc, zeros, sizeof(zeros));
	crc = crc32c(crc, bytes + behind, length - behind);
	memcpy(&stored, bytes + checksum_at, sizeof(stored));
	return crc == get_le32(stored);
}
