/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integers on disk, checked arithmetic, GUIDs, checksums. */
#include "testing.h"

#include <base/bytes.h>
#include <base/crc32c.h>
#include <base/guid.h>

/* -- bytes.h ---- */

static void integers_on_disk_have_their_order_and_no_padding(void **state)
{
	struct {
		uint8_t odd;
		le64 little;
		be32 big;
	} disk = { .little = put_le64(0x0102030405060708), .big = put_be32(0x01020304) };

	assert_int_equal(sizeof(disk), 13);
	assert_memory_equal(disk.little.b, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	assert_memory_equal(disk.big.b, "\x01\x02\x03\x04", 4);
	assert_int_equal(get_le64(disk.little), 0x0102030405060708);
	assert_int_equal(get_be32(disk.big), 0x01020304);
	assert_int_equal(get_le16((le16){ { 0x34, 0x12 } }), 0x1234);
	assert_int_equal(get_be16((be16){ { 0x12, 0x34 } }), 0x1234);
	assert_int_equal(get_le32(put_le32(UINT32_MAX)), UINT32_MAX);
	assert_int_equal(get_be64(put_be64(UINT64_MAX - 1)), UINT64_MAX - 1);
}

/* -- checked.h ---- */

static void an_overflow_is_told_and_leaves_the_result_alone(void **state)
{
	uint64_t x = 7;

	assert_false(checked_add(UINT64_MAX, 1, &x));
	assert_false(checked_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &x));
	assert_false(checked_align_up(UINT64_MAX - 1, 4096, &x));
	assert_int_equal(x, 7);
	assert_true(checked_add(UINT64_MAX - 1, 1, &x));
	assert_int_equal(x, UINT64_MAX);
	assert_true(checked_mul(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &x));
	assert_int_equal(x, UINT64_C(0xffffffff00000000));
	assert_true(checked_align_up(4097, 4096, &x));
	assert_int_equal(x, 8192);
}

static void ranges_are_compared_without_overflow(void **state)
{
	assert_true(range_within(0, 0, 0));
	assert_true(range_within(10, 0, 10));
	assert_true(range_within(4, 6, 10));
	assert_false(range_within(4, 7, 10));
	assert_false(range_within(11, 0, 10));
	assert_false(range_within(8, UINT64_MAX, 10));
	assert_true(ranges_overlap(0, 5, 4, 1));
	assert_false(ranges_overlap(0, 4, 4, 1));
	assert_false(ranges_overlap(0, 5, 2, 0));
}

static void zero_is_no_power_of_two(void **state)
{
	assert_false(is_power_of_two(0));
	assert_true(is_power_of_two(1));
	assert_false(is_power_of_two(3));
	assert_true(is_power_of_two(UINT64_C(1) << 63));
}

/* -- guid.h ---- */

/* The EFI system partition's type and its bytes on disk (UEFI 5.3.3, appendix A). */
#define ESP_TEXT "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
static const struct guid esp = { { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba,
				   0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b } };

static void a_guid_is_printed_in_groups_of_mixed_order(void **state)
{
	char text[GUID_TEXT_SIZE];

	assert_string_equal(guid_format(&esp, text), ESP_TEXT);
}

static void a_guid_is_read_in_either_case_with_or_without_braces(void **state)
{
	static const char *const texts[] = {
		ESP_TEXT,
		"C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
		"{c12a7328-F81F-11d2-ba4b-00a0c93ec93B}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct guid guid = { 0 };

		assert_int_equal(guid_parse(texts[i], strlen(texts[i]), &guid), 0);
		assert_true(guid_equal(&guid, &esp));
	}
}

static void what_is_not_a_guid_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93bb",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93g",
		"c12a7328-f81f-11d2-ba4b000a0c93ec93b",
		"c12a73280f81f-11d2-ba4b-00a0c93ec93b",
		"{c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93b}",
		"{c12a7328-f81f-11d2-ba4b-00a0c93ec93b)",
		" c12a7328-f81f-11d2-ba4b-00a0c93ec93b ",
	};
	struct guid guid = esp;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(guid_parse(texts[i], strlen(texts[i]), &guid), -EINVAL);
	assert_true(guid_equal(&guid, &esp));
}

static void the_initialiser_gives_the_bytes_on_disk(void **state)
{
	static const struct guid same = GUID_INIT(0xc12a7328, 0xf81f, 0x11d2, 0xba, 0x4b,
						  0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b);
	static const struct guid zero;

	assert_true(guid_equal(&same, &esp));
	assert_false(guid_is_zero(&esp));
	assert_true(guid_is_zero(&zero));
}

/* -- crc32c.h ---- */

static void checksums_match_the_published_vectors(void **state)
{
	uint8_t ascending[32], zeros[32] = { 0 };

	for (unsigned i = 0; i < sizeof(ascending); i++)
		ascending[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926);
	/* RFC 3720 B.4 */
	assert_int_equal(crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
	assert_int_equal(crc32c(0, ascending, sizeof(ascending)), 0x46dd794e);
	assert_int_equal(crc32c(0, "", 0), 0);
	assert_int_equal(crc32(0, "", 0), 0);
}

/* One bit at a time: nothing in common with the code under test but the polynomial. */
static uint32_t crc_by_bits(uint32_t polynomial, const uint8_t *bytes, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < 8 * length; i++) {
		uint32_t bit = (crc ^ bytes[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (bit ? polynomial : 0);
	}
	return ~crc;
}

static void checksums_do_not_depend_on_pieces_or_alignment(void **state)
{
	uint8_t bytes[300];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 89 + 7);
	for (size_t start = 0; start < 9; start++) {
		size_t length = sizeof(bytes) - start;
		uint32_t castagnoli = crc_by_bits(0x82f63b78, bytes + start, length);
		uint32_t ieee = crc_by_bits(0xedb88320, bytes + start, length);

		for (size_t cut = 0; cut <= length; cut += 7) {
			const uint8_t *rest = bytes + start + cut;
			uint32_t first_c = crc32c(0, bytes + start, cut);
			uint32_t first = crc32(0, bytes + start, cut);

			assert_int_equal(crc32c(first_c, rest, length - cut), castagnoli);
			assert_int_equal(crc32(first, rest, length - cut), ieee);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_on_disk_have_their_order_and_no_padding),
		cmocka_unit_test(an_overflow_is_told_and_leaves_the_result_alone),
		cmocka_unit_test(ranges_are_compared_without_overflow),
		cmocka_unit_test(zero_is_no_power_of_two),
		cmocka_unit_test(a_guid_is_printed_in_groups_of_mixed_order),
		cmocka_unit_test(a_guid_is_read_in_either_case_with_or_without_braces),
		cmocka_unit_test(what_is_not_a_guid_is_refused),
		cmocka_unit_test(the_initialiser_gives_the_bytes_on_disk),
		cmocka_unit_test(checksums_match_the_published_vectors),
		cmocka_unit_test(checksums_do_not_depend_on_pieces_or_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
