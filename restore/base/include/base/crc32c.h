/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32C (Castagnoli), as VHDX ([MS-VHDX] 2.2) and the journal use it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* crc is 0 for the first piece and the last result for each further one. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

/* CRC-32 (IEEE 802.3), as GPT uses it (UEFI 5.3.2). Same calling convention. */
uint32_t crc32(uint32_t crc, const void *bytes, size_t length);
