/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Marvin32: see marvin32.h. */
#include "marvin32.h"

#include <base/bytes.h>

static uint32_t rotate(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

/* Modulo 2^32, as the hash is defined. */
static void mix(uint32_t *low, uint32_t *high, uint32_t word)
{
	*low += word;
	*high ^= *low;
	*low = rotate(*low, 20) + *high;
	*high = rotate(*high, 9) ^ *low;
	*low = rotate(*low, 27) + *high;
	*high = rotate(*high, 19);
}

uint64_t marvin32(uint64_t seed, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;
	uint32_t low = (uint32_t)seed, high = (uint32_t)(seed >> 32);
	le32 word;

	for (; length >= sizeof(word); length -= sizeof(word), next += sizeof(word)) {
		memcpy(&word, next, sizeof(word));
		mix(&low, &high, get_le32(word));
	}
	/* what is left, and a mark where it ends */
	word = put_le32(0);
	memcpy(word.b, next, length);
	word.b[length] = 0x80;
	mix(&low, &high, get_le32(word));
	mix(&low, &high, 0);
	return (uint64_t)high << 32 | low;
}
