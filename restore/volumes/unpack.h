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

struct unpacker;

/* chunk_size: bytes of a chunk when unpacked, a power of two up to 64 KiB (XPRESS) or 2 MiB. */
int unpacker_new(bool lzx, size_t chunk_size, struct unpacker **ret,
		 struct err *err) MUST_CHECK;
void unpacker_free(struct unpacker *unpacker); /* NULL is fine */
DEFINE_FREEP(struct unpacker, unpacker, unpacker_free)

/* Exactly to_length bytes. -EBADMSG without a text: damaged. */
int unpacker_run(struct unpacker *unpacker, const uint8_t *from, size_t from_length,
		 uint8_t *to, size_t to_length) MUST_CHECK;
