/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which disks a stick's image may be written to. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/checked.h>

#include "device.h"

static char path[] = "/dev/sdx", model[] = "Cruzer", usb[] = "usb", sata[] = "ata";

static struct disk stick(void)
{
	return (struct disk){ .path = path,
			      .model = model,
			      .bus = usb,
			      .size = 4 * GiB,
			      .protection = DISK_REMOVABLE };
}

static void refused(const struct disk *disk, int code, const char *words)
{
	struct err err = { 0 };

	assert_int_equal(device_check(disk, 128 * MiB, &err), code);
	assert_non_null(strstr(err.text, "'/dev/sdx'"));
	assert_non_null(strstr(err.text, words));
}

static void a_stick_may_be_written(void **state)
{
	struct disk disk = stick();
	struct err err = { 0 };

	assert_int_equal(device_check(&disk, 128 * MiB, &err), 0);
	disk.protection = 0; /* USB disks often claim not to be removable */
	assert_int_equal(device_check(&disk, 128 * MiB, &err), 0);
	disk.bus = sata;
	disk.protection = DISK_REMOVABLE;
	disk.size = 128 * MiB;
	assert_int_equal(device_check(&disk, 128 * MiB, &err), 0);
}

static void a_disk_that_is_not_removable_is_refused(void **state)
{
	struct disk disk = stick();

	disk.bus = sata;
	disk.protection = 0;
	refused(&disk, -EPERM, "(ata, Cruzer): is neither removable nor on USB");
}

static void a_disk_that_is_too_small_is_refused_with_both_sizes(void **state)
{
	struct disk disk = stick();

	disk.size = 128 * MiB - 512;
	refused(&disk, -ENOSPC, "the image needs 128 MiB");
}

static void each_protection_has_its_reason(void **state)
{
	static const struct {
		unsigned bit;
		const char *words;
	} cases[] = {
		{ DISK_READ_ONLY, "is read-only" },
		{ DISK_MOUNTED, "is mounted: unmount it" },
		{ DISK_HELD, "is in use by device-mapper" },
		{ DISK_BOOT_MEDIUM, "is what this machine was started from" },
		{ DISK_HOLDS_SOURCE, "holds the image" },
		{ DISK_SAME_IDENTITY, "has the same identity as another disk" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct disk disk = stick();

		disk.protection |= cases[i].bit;
		refused(&disk, -EPERM, cases[i].words);
	}
}

static void a_file_is_no_stick(void **state)
{
	struct disk disk = stick();

	disk.is_file = true;
	refused(&disk, -EPERM, "a file; --output writes files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stick_may_be_written),
		cmocka_unit_test(a_disk_that_is_not_removable_is_refused),
		cmocka_unit_test(a_disk_that_is_too_small_is_refused_with_both_sizes),
		cmocka_unit_test(each_protection_has_its_reason),
		cmocka_unit_test(a_file_is_no_stick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
