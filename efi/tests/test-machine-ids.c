/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMBIOS tables, whole and damaged, and the names made of them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "machine-ids.h"

/* A BIOS structure with one string, then the system's with three; as QEMU lays them out. */
static const uint8_t whole[] = {
	0,    0x18, 0,	  0,	1,    0,    0,	  0,	0,    0,    0,	  0,	0,
	0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  'B',	0,
	0,    1,    0x1b, 0,	1,    1,    2,	  0,	3,    0x4c, 0x4c, 0x45, 0x44,
	0x42, 0x00, 0x10, 0x35, 0x80, 0x42, 0xb4, 0xc0, 0x4f, 0x4a, 0x30, 0x32, 6,
	0,    0,    'D',  0,	'P',  0,    'S',  '6',	'/',  '2',  ' ',  0,	0,
};

static struct machine_ids read_copy(const uint8_t *table, size_t size)
{
	struct machine_ids ids = { 0 };
	uint8_t *copy = malloc(size ? size : 1); /* ASan sees what reads behind it */

	memcpy(copy, table, size);
	machine_ids_from_smbios(copy, size, &ids);
	free(copy);
	return ids;
}

static void uuid_and_serial_number_become_names(void **state)
{
	struct machine_ids ids = read_copy(whole, sizeof(whole));
	char name[ANSWER_NAME_SIZE];

	assert_true(answer_place_name(&ids, 0, name));
	assert_string_equal(name, "by-uuid/44454c4c-0042-3510-8042-b4c04f4a3032");
	assert_true(answer_place_name(&ids, 1, name));
	assert_string_equal(name, "by-serial/S6_2");
	assert_false(answer_place_name(&ids, 2, name));
	assert_true(answer_place_name(&ids, 3, name));
	assert_string_equal(name, "openbmr");
}

static void the_address_of_the_card_is_a_name_with_hyphens(void **state)
{
	struct machine_ids ids = { .has_mac = true,
				   .mac = { 0x52, 0x54, 0, 0x12, 0x34, 0xff } };
	char name[ANSWER_NAME_SIZE];

	assert_true(answer_place_name(&ids, 2, name));
	assert_string_equal(name, "by-mac/52-54-00-12-34-ff");
	assert_false(answer_place_name(&ids, 0, name));
	assert_false(answer_place_name(&ids, 1, name));
}

static void an_empty_uuid_is_none(void **state)
{
	for (unsigned int fill = 0; fill <= 0xff; fill += 0xff) {
		uint8_t table[sizeof(whole)];
		struct machine_ids ids;

		memcpy(table, whole, sizeof(whole));
		memset(table + 35, (int)fill, 16);
		ids = read_copy(table, sizeof(table));
		assert_false(ids.has_uuid);
		assert_string_equal(ids.serial, "S6_2");
	}
}

static void a_serial_number_never_leaves_its_folder(void **state)
{
	uint8_t table[sizeof(whole)];

	memcpy(table, whole, sizeof(whole));
	memcpy(table + 58, "../x", 4);
	assert_string_equal(read_copy(table, sizeof(table)).serial, "");
	memcpy(table + 58, "/../", 4);
	assert_string_equal(read_copy(table, sizeof(table)).serial, "_.._");
}

static void damaged_tables_give_less_and_are_read_within_their_bounds(void **state)
{
	for (size_t size = 0; size < sizeof(whole); size++)
		(void)read_copy(whole, size);
	for (size_t at = 0; at < sizeof(whole); at++)
		for (unsigned int value = 0; value < 256; value++) {
			uint8_t table[sizeof(whole)];
			struct machine_ids ids;

			memcpy(table, whole, sizeof(whole));
			table[at] = (uint8_t)value;
			ids = read_copy(table, sizeof(table));
			assert_true(strlen(ids.serial) < SERIAL_SIZE);
			assert_null(strchr(ids.serial, '/'));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuid_and_serial_number_become_names),
		cmocka_unit_test(the_address_of_the_card_is_a_name_with_hyphens),
		cmocka_unit_test(an_empty_uuid_is_none),
		cmocka_unit_test(a_serial_number_never_leaves_its_folder),
		cmocka_unit_test(
			damaged_tables_give_less_and_are_read_within_their_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
