/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices of a sysfs made here, and lines of kernels' logs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/spawn.h>

#include "hw.h"

static void assert_missing(const char *line, const char *device, const char *firmware)
{
	AUTO_FREE char *found_device = NULL;
	AUTO_FREE char *found = NULL;

	assert_true(hw_firmware_missing(line, &found_device, &found));
	assert_string_equal(found_device, device);
	assert_string_equal(found, firmware);
}

static void missing_firmware_is_read_from_both_kinds_of_lines(void **state)
{
	assert_missing("tg3 0000:03:00.0: firmware: failed to load tigon/tg3.bin (-2)",
		       "0000:03:00.0", "tigon/tg3.bin");
	assert_missing("r8169 0000:02:00.0: Direct firmware load for rtl_nic/x-1.fw "
		       "failed with error -2",
		       "0000:02:00.0", "rtl_nic/x-1.fw");
}

static void other_lines_say_nothing_of_firmware(void **state)
{
	static const char *const lines[] = {
		"",
		"firmware: failed to load ",
		": firmware: failed to load x",
		"e1000e 0000:00:19.0: firmware: direct-loading firmware x",
		"Direct firmware load for x failed",
		"tg3 0000:03:00.0: link is up",
	};
	char *device = NULL, *firmware = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_false(hw_firmware_missing(lines[i], &device, &firmware));
}

/* A machine with a card that wants firmware, a disk controller with driver, a bridge, a USB
 * stick and a virtual card. */
static const char make_sysfs[] =
	"cd \"$0\" && mkdir -p sys/drivers/ahci && cd sys && "
	"device() { mkdir -p bus/$1/devices/$2; printf '%s\\n' \"$3\" "
	">bus/$1/devices/$2/modalias; [ -z \"$4\" ] || printf '0x%s\\n' $4 "
	">bus/$1/devices/$2/class; }; "
	"device pci 0000:03:00.0 pci:v000014E4d00001657bc02sc00i00 020000; "
	"device pci 0000:00:1f.2 pci:v00008086d00002922bc01sc06i01 010601; "
	"ln -s ../../../../drivers/ahci bus/pci/devices/0000:00:1f.2/driver; "
	"device pci 0000:00:00.0 pci:v00008086d000029C0bc06sc00i00 060000; "
	"device usb 1-1 usb:v0781p5581; "
	"device usb 1-1:1.0 usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip50in00; "
	"device virtio virtio0 \"$(printf 'virtio:d00000001v00001AF4\\033')\"";

static void devices_are_listed_with_kind_driver_and_missing_firmware(void **state)
{
	char folder[] = "/tmp/openbmr-hw-XXXXXX";
	AUTO(hw_list_clear) struct hw_list list = { 0 };
	struct err err = { 0 };

	assert_non_null(mkdtemp(folder));
	const char *make[] = { "sh", "-ec", make_sysfs, folder, NULL };
	const char *clean[] = { "rm", "-r", folder, NULL };

	assert_int_equal(spawn_run(&(struct spawn){ .argv = make }, NULL, &err), 0);
	assert_int_equal(hw_list_read(folder,
				      "x 0000:03:00.0: firmware: failed to load a (-2)\n"
				      "x 0000:03:00.0: firmware: failed to load b (-2)\n"
				      "x 0000:09:00.0: firmware: failed to load c (-2)",
				      &list, &err),
			 0);
	assert_int_equal(spawn_run(&(struct spawn){ .argv = clean }, NULL, &err), 0);

	assert_int_equal(list.count, 5);
	assert_string_equal(list.devices[0].name, "0000:00:00.0");
	assert_string_equal(list.devices[0].kind, "bridge");
	assert_false(list.devices[0].needed);
	assert_string_equal(list.devices[1].driver, "ahci");
	assert_string_equal(list.devices[1].kind, "storage");
	assert_null(list.devices[1].firmware);
	assert_null(list.devices[2].driver);
	assert_string_equal(list.devices[2].firmware, "b");
	assert_string_equal(list.devices[2].kind, "network");
	assert_string_equal(list.devices[3].name, "1-1:1.0");
	assert_string_equal(list.devices[3].kind, "storage");
	assert_string_equal(list.devices[4].kind, "network");
	assert_string_equal(list.devices[4].alias, "virtio:d00000001v00001AF4?");
}

static void a_machine_without_any_bus_has_no_devices(void **state)
{
	AUTO(hw_list_clear) struct hw_list list = { 0 };
	struct err err = { 0 };

	assert_int_equal(hw_list_read("/nonexistent", "", &list, &err), 0);
	assert_int_equal(list.count, 0);
}

static void a_folder_that_is_not_there_holds_no_drivers(void **state)
{
	struct err err = { 0 };
	size_t failed = 7;

	assert_int_equal(hw_drivers_load("/nonexistent", &failed, &err), 0);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_firmware_is_read_from_both_kinds_of_lines),
		cmocka_unit_test(other_lines_say_nothing_of_firmware),
		cmocka_unit_test(
			devices_are_listed_with_kind_driver_and_missing_firmware),
		cmocka_unit_test(a_machine_without_any_bus_has_no_devices),
		cmocka_unit_test(a_folder_that_is_not_there_holds_no_drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
