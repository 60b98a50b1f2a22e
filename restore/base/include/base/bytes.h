/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Integers as they lie on disk: byte-array types that do not convert by themselves, so that
 * forgetting to convert does not compile, and that have no alignment. get_x() and put_x()
 * convert.
 */
#pragma once

#include <stdint.h>
#include <string.h>

typedef struct { uint8_t b[2]; } le16;
typedef struct { uint8_t b[4]; } le32;
typedef struct { uint8_t b[8]; } le64;
typedef struct { uint8_t b[2]; } be16;
typedef struct { uint8_t b[4]; } be32;
typedef struct { uint8_t b[8]; } be64;

#define BYTES_DEFINE(type, integer, swap)                                                     \
	static inline integer get_##type(type v)                                              \
	{                                                                                     \
		integer x;                                                                    \
		memcpy(&x, v.b, sizeof(x));                                                   \
		return swap(x);                                                               \
	}                                                                                     \
	static inline type put_##type(integer x)                                              \
	{                                                                                     \
		type v;                                                                       \
		x = swap(x);                                                                  \
		memcpy(v.b, &x, sizeof(x));                                                   \
		return v;                                                                     \
	}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_SAME(x) (x)
BYTES_DEFINE(le16, uint16_t, BYTES_SAME)
BYTES_DEFINE(le32, uint32_t, BYTES_SAME)
BYTES_DEFINE(le64, uint64_t, BYTES_SAME)
BYTES_DEFINE(be16, uint16_t, __builtin_bswap16)
BYTES_DEFINE(be32, uint32_t, __builtin_bswap32)
BYTES_DEFINE(be64, uint64_t, __builtin_bswap64)
#else
#error "only little-endian hosts: Windows runs on no other"
#endif
