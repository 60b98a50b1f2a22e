/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The decompressors of XPRESS (Huffman) and LZX, of wimlib. unpack.c is the only file that knows
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <base/err.h>

struct decompressor;

/* chunk_size: bytes of a chunk when unpacked, a power of two up to 64 KiB (XPRESS) or 2 MiB. */
int decompressor_new(bool lzx, size_t chunk_size, struct decompressor **ret,
		     struct err *err) MUST_CHECK;
void decompressor_free(struct decompressor *decompressor); /* NULL is fine */
DEFINE_FREEP(struct decompressor, decompressor, decompressor_free)

/* Exactly to_length bytes. -EBADMSG without a text: damaged. */
int decompressor_run(struct decompressor *decompressor, const uint8_t *from,
		     size_t from_length, uint8_t *to, size_t to_length) MUST_CHECK;
