/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What efibootmgr lists, of versions 17 and 18, and where nothing may be installed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/cleanup.h>

#include "install.h"

static const char listing[] =
	"BootCurrent: 0001\nTimeout: 0 seconds\nBootOrder: 0001,000A,0000\n"
	"Boot0000* UiApp\nBoot0001* UEFI Misc Device\nBoot000A* Windows Boot Manager\n"
	"Boot0002* openbmr-old\nBoot0003* openbmr\tHD(1,GPT,c12a)/File(\\EFI)\n"
	"BootNext: 0001\n";

static void the_entry_is_found_by_its_whole_label(void **state)
{
	char number[BOOT_NUMBER_SIZE];

	assert_true(boot_entry_find(listing, "openbmr", number));
	assert_string_equal(number, "0003");
	assert_true(boot_entry_find(listing, "Windows Boot Manager", number));
	assert_string_equal(number, "000A");
	assert_false(boot_entry_find(listing, "open", number));
	assert_false(boot_entry_find("", "openbmr", number));
	assert_false(boot_entry_find("Boot00", "openbmr", number));
	assert_false(boot_entry_find("BootOrder: 0001", "0001", number));
}

static void an_entry_that_is_not_active_is_found_too(void **state)
{
	char number[BOOT_NUMBER_SIZE];

	assert_true(boot_entry_find("Boot0007  openbmr", "openbmr", number));
	assert_string_equal(number, "0007");
}

static void the_new_entry_is_last_in_the_order(void **state)
{
	AUTO_FREE char *order = boot_order_with(listing, "0003");
	AUTO_FREE char *alone = boot_order_with("Boot0003* openbmr\n", "0003");

	assert_string_equal(order, "0001,000A,0000,0003");
	assert_string_equal(alone, "0003");
}

static void what_is_no_mounted_fat_is_refused(void **state)
{
	struct err err = { 0 };

	assert_int_equal(install_run("/dev/null", "/proc", &err), -EINVAL);
	assert_string_equal(err.text, "'/proc': no FAT file system is mounted there: "
				      "mount the EFI system partition");
	assert_int_equal(install_run("/dev/null", "/nonexistent", &err), -ENOENT);
	assert_int_equal(install_remove("/nonexistent", &err), -ENOENT);
	assert_non_null(strstr(err.text, "nothing is installed there"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_entry_is_found_by_its_whole_label),
		cmocka_unit_test(an_entry_that_is_not_active_is_found_too),
		cmocka_unit_test(the_new_entry_is_last_in_the_order),
		cmocka_unit_test(what_is_no_mounted_fat_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
