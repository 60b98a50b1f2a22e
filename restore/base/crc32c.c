/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CRC-32C and CRC-32: see base/crc32c.h. Both reflected, both by eight tables at a time
 * ("slicing by 8"); CRC-32C by the processor's own instruction where there is one.
 */
#include <string.h>

#include <base/crc32c.h>

#define POLYNOMIAL_CRC32C 0x82f63b78u /* 0x1edc6f41 reflected; RFC 3720 B.4 */
#define POLYNOMIAL_CRC32  0xedb88320u /* 0x04c11db7 reflected; IEEE 802.3 3.2.9 */

/* table[k][b]: the effect of byte b that is followed by k zero bytes. */
struct crc_tables {
	uint32_t table[8][256];
};

static struct crc_tables tables_crc32c, tables_crc32;

static void tables_fill(struct crc_tables *t, uint32_t polynomial)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
		t->table[0][b] = crc;
	}
	for (int k = 1; k < 8; k++) {
		for (uint32_t b = 0; b < 256; b++) {
			uint32_t crc = t->table[k - 1][b];

			t->table[k][b] = crc >> 8 ^ t->table[0][crc & 0xff];
		}
	}
}

static uint32_t crc_by_tables(const struct crc_tables *t, uint32_t crc, const uint8_t *p,
			      size_t length)
{
	for (; length >= 8; p += 8, length -= 8) {
		uint32_t low, high;

		memcpy(&low, p, 4);
		memcpy(&high, p + 4, 4);
		low ^= crc;
		crc = t->table[7][low & 0xff] ^ t->table[6][low >> 8 & 0xff] ^
		      t->table[5][low >> 16 & 0xff] ^ t->table[4][low >> 24] ^
		      t->table[3][high & 0xff] ^ t->table[2][high >> 8 & 0xff] ^
		      t->table[1][high >> 16 & 0xff] ^ t->table[0][high >> 24];
	}
	for (; length; p++, length--)
		crc = crc >> 8 ^ t->table[0][(crc ^ *p) & 0xff];
	return crc;
}

static uint32_t crc32c_by_tables(uint32_t crc, const uint8_t *p, size_t length)
{
	return crc_by_tables(&tables_crc32c, crc, p, length);
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
crc32c_by_sse42(uint32_t crc, const uint8_t *p, size_t length)
{
	uint64_t wide = crc;

	for (; length >= 8; p += 8, length -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; length; p++, length--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

static uint32_t (*crc32c_best)(uint32_t crc, const uint8_t *p,
			       size_t length) = crc32c_by_tables;

/* Before main, so that no call has to ask and threads need no lock. */
__attribute__((constructor)) static void crc_prepare(void)
{
	tables_fill(&tables_crc32c, POLYNOMIAL_CRC32C);
	tables_fill(&tables_crc32, POLYNOMIAL_CRC32);
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("sse4.2"))
		crc32c_best = crc32c_by_sse42;
#endif
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
	return ~crc32c_best(~crc, bytes, length);
}

uint32_t crc32(uint32_t crc, const void *bytes, size_t length)
{
	return ~crc_by_tables(&tables_crc32, ~crc, bytes, length);
}
