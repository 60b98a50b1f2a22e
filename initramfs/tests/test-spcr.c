/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ACPI's table of the firmware's console, and the line that it means. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/spawn.h>

#include "spcr.h"

/* Of a PC: the second serial line by its ports. */
static const uint8_t ports[80] = { 'S', 'P',	    'C', 'R', 80, 0,	0,
				   0,	[0x28] = 1, 8,	 0,   1,  0xf8, 2 };

static void the_address_is_read(void **state)
{
	uint8_t memory[80];
	struct spcr spcr;

	assert_true(spcr_parse(ports, sizeof(ports), &spcr));
	assert_false(spcr.in_memory);
	assert_int_equal(spcr.address, 0x2f8);
	memcpy(memory, ports, sizeof(memory));
	memory[0x28] = 0;
	memory[0x2f] = 0x09;
	assert_true(spcr_parse(memory, sizeof(memory), &spcr));
	assert_true(spcr.in_memory);
	assert_int_equal(spcr.address, 0x090002f8);
}

static void a_table_that_names_none_is_none(void **state)
{
	uint8_t table[80];
	struct spcr spcr;

	for (size_t length = 0; length < 0x34; length++) {
		uint8_t *copy = malloc(length ? length : 1);

		memcpy(copy, ports, length);
		assert_false(spcr_parse(copy, length, &spcr));
		free(copy);
	}
	memcpy(table, ports, sizeof(table));
	table[0] = 's';
	assert_false(spcr_parse(table, sizeof(table), &spcr));
	memcpy(table, ports, sizeof(table));
	table[4] = 0x33;
	assert_false(spcr_parse(table, sizeof(table), &spcr));
	memcpy(table, ports, sizeof(table));
	table[0x28] = 3;
	assert_false(spcr_parse(table, sizeof(table), &spcr));
	memcpy(table, ports, sizeof(table));
	memset(table + 0x2c, 0, 8);
	assert_false(spcr_parse(table, sizeof(table), &spcr));
}

static const char make_sysfs[] =
	"cd \"$0\"; mkdir -p sys/firmware/acpi/tables; for line in ttyS0:0x3F8 "
	"ttyS1:0x2F8 "
	"ttyS2:0x0; do mkdir -p sys/class/tty/${line%:*}; echo ${line#*:} "
	">sys/class/tty/${line%:*}/port; done; cat >sys/firmware/acpi/tables/SPCR";

static void the_line_with_this_address_is_found(void **state)
{
	char folder[] = "/tmp/openbmr-spcr-XXXXXX", name[CONSOLE_NAME_SIZE];
	const char *make[] = { "sh", "-ec", make_sysfs, folder, NULL };
	const char *clean[] = { "rm", "-r", folder, NULL };
	struct spawn spawn = { .argv = make,
			       .input = ports,
			       .input_length = sizeof(ports) };
	struct err err = { 0 };

	assert_non_null(mkdtemp(folder));
	assert_false(spcr_console(folder, name));
	assert_int_equal(spawn_run(&spawn, NULL, &err), 0);
	assert_true(spcr_console(folder, name));
	assert_string_equal(name, "ttyS1");
	assert_int_equal(spawn_run(&(struct spawn){ .argv = clean }, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_is_read),
		cmocka_unit_test(a_table_that_names_none_is_none),
		cmocka_unit_test(the_line_with_this_address_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
