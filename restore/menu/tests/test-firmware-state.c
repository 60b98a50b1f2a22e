/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the first screen says of Secure Boot and shim, out of a folder like the firmware's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>

#include "../firmware-state.h"

#define SECURE_BOOT "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SBAT_LEVEL  "SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23"

static char folder[] = "/tmp/bmr-firmware-XXXXXX";

static void path_of(const char *name, char ret[200])
{
	snprintf(ret, 200, "%s/efivars/%s", folder, name);
}

/* NULL: there is no such variable. */
static void variable(const char *name, const char *value, size_t length)
{
	AUTO_FCLOSE FILE *file = NULL;
	char path[200];

	path_of(name, path);
	unlink(path);
	if (!value)
		return;
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite("\6\0\0\0", 1, 4, file), 4);
	assert_int_equal(fwrite(value, 1, length, file), length);
}

static void says(const char *expected)
{
	struct text text = { 0 };
	AUTO_FREE char *line = NULL;

	firmware_state_add(folder, &text);
	line = text_take(&text);
	assert_string_equal(line, expected);
}

static void secure_boot_is_on_off_or_unknown(void **state)
{
	variable(SECURE_BOOT, NULL, 0);
	says("Firmware: UEFI; Secure Boot is not known to it.");
	variable(SECURE_BOOT, "\0", 1);
	says("Firmware: UEFI, Secure Boot is off.");
	variable(SECURE_BOOT, "\1", 1);
	says("Firmware: UEFI, Secure Boot is on.");
	variable(SECURE_BOOT, "\1\1", 2);
	says("Firmware: UEFI; Secure Boot is not known to it.");
}

static void the_level_of_shim_is_told_where_shim_was_there(void **state)
{
	static const char level[] = "sbat,1,2024010900\nshim,4\ngrub,3\n";

	variable(SECURE_BOOT, "\1", 1);
	variable(SBAT_LEVEL, level, sizeof(level) - 1);
	says("Firmware: UEFI, Secure Boot is on. Started by shim, SBAT level "
	     "2024010900.");
	variable(SBAT_LEVEL, "no,1,2\n", 7);
	says("Firmware: UEFI, Secure Boot is on.");
	variable(SBAT_LEVEL, NULL, 0);
}

static void a_level_is_the_date_in_its_first_line_and_nothing_else(void **state)
{
	static const char *const none[] = {
		"",
		"sbat,1,",
		"sbat,1",
		"sbat,1,x",
		"sbat,1,\n2024",
		"grub,1,2024010900",
		"sbat,1,202401090020240109002024010900",
	};
	char level[SBAT_LEVEL_SIZE];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(sbat_level_parse(none[i], strlen(none[i]), level));
	assert_true(sbat_level_parse("sbat,1,2022\x1b[31m", 16, level));
	assert_string_equal(level, "2022");
	/* not a byte behind its end */
	assert_true(sbat_level_parse("sbat,1,2022", 9, level));
	assert_string_equal(level, "20");
}

static void without_the_folder_it_is_a_bios(void **state)
{
	struct text text = { 0 };
	AUTO_FREE char *line = NULL;

	firmware_state_add("/nowhere", &text);
	line = text_take(&text);
	assert_string_equal(line, "Firmware: BIOS.");
}

static int make_folder(void **state)
{
	char path[200];

	if (!mkdtemp(folder))
		return -1;
	path_of("", path);
	return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
	char path[200];

	variable(SECURE_BOOT, NULL, 0);
	variable(SBAT_LEVEL, NULL, 0);
	path_of("", path);
	return rmdir(path) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secure_boot_is_on_off_or_unknown),
		cmocka_unit_test(the_level_of_shim_is_told_where_shim_was_there),
		cmocka_unit_test(a_level_is_the_date_in_its_first_line_and_nothing_else),
		cmocka_unit_test(without_the_folder_it_is_a_bios),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
