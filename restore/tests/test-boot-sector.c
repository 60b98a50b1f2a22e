/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot sectors of volumes that move or get other sectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <base/bytes.h>

#include "volumes/boot-sector.h"

static void put16(uint8_t *at, uint16_t value)
{
	le16 v = put_le16(value);

	memcpy(at, &v, sizeof(v));
}

static uint64_t get(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

static void set_up(uint8_t boot[512], uint16_t sector, uint8_t cluster, uint64_t sectors)
{
	le64 total = put_le64(sectors);

	memset(boot, 0, 512);
	memcpy(boot + 3, "NTFS    ", 8);
	put16(boot + 0x0b, sector);
	boot[0x0d] = cluster;
	memcpy(boot + 0x28, &total, sizeof(total));
	boot[0x30] = 77; /* cluster of $MFT */
	boot[0x40] = 0xf6;
}

static void sectors_change_and_clusters_stay(void **state)
{
	static const struct {
		uint16_t from, to;
		uint8_t cluster, new_cluster;
		uint64_t total, new_total;
	} cases[] = {
		{ 512, 4096, 8, 1, 8 * 1000 + 7, 1000 },
		{ 4096, 512, 1, 8, 1000, 8000 },
		{ 512, 4096, 128, 16, 128 * 10, 160 },
		{ 4096, 512, 16, 128, 160, 1280 },
		{ 4096, 512, 32, 0xf8, 320, 2560 }, /* 256 sectors are 2 to the power of 8 */
		{ 512, 4096, 0xf8, 32, 2560, 320 },
		{ 512, 512, 8, 8, 8007, 8007 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t boot[512];
		struct err err = { 0 };

		set_up(boot, cases[i].from, cases[i].cluster, cases[i].total);
		assert_int_equal(boot_sector_adapt_ntfs(boot, cases[i].to, 1 << 20, &err),
				 0);
		assert_int_equal(get(boot + 0x0b, 2), cases[i].to);
		assert_int_equal(boot[0x0d], cases[i].new_cluster);
		assert_int_equal(get(boot + 0x28, 8), cases[i].new_total);
		assert_int_equal(get(boot + 0x1c, 4), (1 << 20) / cases[i].to);
		assert_int_equal(boot[0x30], 77);
		assert_int_equal(boot[0x40], 0xf6);
	}
}

static void clusters_smaller_than_a_sector_are_refused(void **state)
{
	uint8_t boot[512];
	struct err err = { 0 };

	set_up(boot, 512, 4, 8000);
	assert_int_equal(boot_sector_adapt_ntfs(boot, 4096, 0, &err), -ENOTSUP);
	assert_string_equal(err.text,
			    "NTFS with clusters of 2048 bytes cannot have sectors of "
			    "4096");
}

static void what_is_no_boot_sector_is_not_changed(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} spoiled[] = { { 3, 'X' }, { 0x0d, 0 }, { 0x0d, 0x81 }, { 0x0c, 0 } };

	for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
		uint8_t boot[512], before[512];
		struct err err = { 0 };

		set_up(boot, 512, 8, 8000);
		boot[spoiled[i].at] = spoiled[i].value;
		memcpy(before, boot, sizeof(boot));
		assert_int_equal(boot_sector_adapt_ntfs(boot, 4096, 0, &err), -EBADMSG);
		assert_string_equal(err.text, "no NTFS boot sector");
		assert_memory_equal(boot, before, sizeof(boot));
	}
}

static void fat32_moves_with_its_copy(void **state)
{
	uint8_t head[8 * 512] = { 0 };
	struct err err = { 0 };

	put16(head + 6 * 512 + 510, 0xaa55);
	assert_int_equal(boot_sector_move_fat(head, sizeof(head), 512, 4 << 20, &err), 0);
	assert_int_equal(boot_sector_hidden(head), (4 << 20) / 512);
	/* it does not say that there is a copy */
	assert_int_equal(get(head + 6 * 512 + 0x1c, 4), 0);
	put16(head + 0x32, 6);
	assert_int_equal(boot_sector_move_fat(head, sizeof(head), 512, 5 << 20, &err), 0);
	assert_int_equal(get(head + 0x1c, 4), (5 << 20) / 512);
	assert_int_equal(get(head + 6 * 512 + 0x1c, 4), (5 << 20) / 512);
	put16(head + 0x16, 200); /* FAT16 has no copy: sector 6 is something else */
	assert_int_equal(boot_sector_move_fat(head, sizeof(head), 512, 6 << 20, &err), 0);
	assert_int_equal(get(head + 0x1c, 4), (6 << 20) / 512);
	assert_int_equal(get(head + 6 * 512 + 0x1c, 4), (5 << 20) / 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sectors_change_and_clusters_stay),
		cmocka_unit_test(clusters_smaller_than_a_sector_are_refused),
		cmocka_unit_test(what_is_no_boot_sector_is_not_changed),
		cmocka_unit_test(fat32_moves_with_its_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
