/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hard-drive node of a real store's FirmwareVariable, between other bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "fixups/boot-variable.h"

#define NODE_AT 7

static const uint8_t real[] = {
	'e',  'n',
	't',  'r',
	'y',  0,
	0,    /* node: */ 4,
	1,    0x2a,
	0,    1,
	0,    0,
	0,    0,
	8,    0,
	0,    0,
	0,    0,
	0,    0,
	0x20, 3,
	0,    0,
	0,    0,
	0,    0xbd,
	0x7e, 0x9b,
	0x2d, 0x16,
	0x0f, 0xef,
	0x41, 0xb0,
	0x6a, 0xfd,
	0x65, 0x26,
	0x49, 0x6b,
	0x24, 2,
	2,    /* file: */ 4,
	4,    0x46,
	0,
};

static const struct guid old_id = GUID_INIT(0x2d9b7ebd, 0x0f16, 0x41ef, 0xb0, 0x6a, 0xfd,
					    0x65, 0x26, 0x49, 0x6b, 0x24);

static void the_partition_of_the_node_is_replaced_and_nothing_else(void **state)
{
	const struct boot_variable_place place = {
		3, 0x1122334455, 0x99, { { 0xaa, 0xbb } }
	};
	uint8_t bytes[sizeof(real)];

	memcpy(bytes, real, sizeof(real));
	assert_true(boot_variable_patch(bytes, sizeof(bytes), &old_id, &place));
	assert_memory_equal(bytes, real, NODE_AT + 4);
	assert_int_equal(bytes[NODE_AT + 4], 3);
	assert_memory_equal(bytes + NODE_AT + 8, "\x55\x44\x33\x22\x11\0\0\0\x99", 9);
	assert_memory_equal(bytes + NODE_AT + 24, place.id.b, 16);
	assert_memory_equal(bytes + NODE_AT + 40, real + NODE_AT + 40,
			    sizeof(real) - NODE_AT - 40);
	assert_false(boot_variable_patch(bytes, sizeof(bytes), &old_id, &place));
}

static void the_same_place_and_other_partitions_change_nothing(void **state)
{
	const struct boot_variable_place same = { 1, 0x800, 0x32000, old_id };
	const struct guid unknown = { { 1 } };
	uint8_t bytes[sizeof(real)];

	memcpy(bytes, real, sizeof(real));
	assert_false(boot_variable_patch(bytes, sizeof(bytes), &old_id, &same));
	assert_false(boot_variable_patch(bytes, sizeof(bytes), &unknown, &same));
	/* cut off within the node */
	assert_false(boot_variable_patch(bytes, NODE_AT + 41, &old_id,
					 &(struct boot_variable_place){ 0 }));
	assert_memory_equal(bytes, real, sizeof(real));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_partition_of_the_node_is_replaced_and_nothing_else),
		cmocka_unit_test(the_same_place_and_other_partitions_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
