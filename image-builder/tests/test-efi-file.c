/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "efi-file.h"

#define HEADER_OFFSET  64
#define SECTION_OFFSET (HEADER_OFFSET + 24 + 16)
#define SIZE	       (SECTION_OFFSET + 2 * 40)

/* Two sections; the first ends at 0x2345, the second at 0x3010. */
static void make_pe(uint8_t pe[SIZE])
{
	static const uint8_t head[] = { 'P', 'E', 0, 0, 0x64, 0x86, 2, 0 };

	memset(pe, 0, SIZE);
	memcpy(pe, "MZ", 2);
	pe[0x3c] = HEADER_OFFSET;
	memcpy(pe + HEADER_OFFSET, head, sizeof(head));
	pe[HEADER_OFFSET + 20] = 16; /* length of the optional header */
	memcpy(pe + SECTION_OFFSET + 8, "\x45\x13\0\0\0\x10\0\0", 8);
	memcpy(pe + SECTION_OFFSET + 40 + 8, "\x10\0\0\0\0\x30\0\0", 8);
}

static int end_of(const uint8_t *pe, size_t length, uint64_t *ret, struct err *err)
{
	struct content content = { .bytes = (uint8_t *)pe, .length = length };

	return pe_sections_end(&content, "x.efi", ret, err);
}

static void the_end_is_that_of_the_highest_section(void **state)
{
	uint8_t pe[SIZE];
	uint64_t end = 0;
	struct err err;

	make_pe(pe);
	assert_int_equal(end_of(pe, SIZE, &end, &err), 0);
	assert_int_equal(end, 0x3010);
	pe[HEADER_OFFSET + 6] = 1;
	assert_int_equal(end_of(pe, SIZE, &end, &err), 0);
	assert_int_equal(end, 0x2345);
}

static void what_is_no_pe_file_is_refused(void **state)
{
	uint8_t pe[SIZE];
	uint64_t end = 0;
	struct err err;

	make_pe(pe);
	pe[0] = 'X';
	assert_failed(end_of(pe, SIZE, &end, &err), -EBADMSG,
		      "'x.efi': is no EFI application: no MZ header");
	assert_failed(end_of(pe, 0x3f, &end, &err), -EBADMSG,
		      "'x.efi': is no EFI application: no MZ header");
	make_pe(pe);
	pe[0x3f] = 0xff;
	assert_failed(end_of(pe, SIZE, &end, &err), -EBADMSG,
		      "'x.efi': is no EFI application: PE header beyond the end");
	make_pe(pe);
	pe[HEADER_OFFSET + 1] = 'X';
	assert_failed(end_of(pe, SIZE, &end, &err), -EBADMSG,
		      "'x.efi': is no EFI application: no PE signature");
	make_pe(pe);
	assert_failed(end_of(pe, SIZE - 1, &end, &err), -EBADMSG,
		      "'x.efi': is no EFI application: section table beyond the end");
	pe[HEADER_OFFSET + 6] = 3;
	assert_failed(end_of(pe, SIZE, &end, &err), -EBADMSG,
		      "'x.efi': is no EFI application: section table beyond the end");
	assert_int_equal(end, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_is_that_of_the_highest_section),
		cmocka_unit_test(what_is_no_pe_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
