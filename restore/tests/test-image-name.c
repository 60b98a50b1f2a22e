/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What names of image files say. The first two are real ones (FORMAT.md section 2). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evidence/image-name.h"

static void a_name_of_an_mbr_volume_carries_signature_and_offset(void **state)
{
	struct image_name name =
		image_name_read("9546e6c7-0000-0000-0000-100000000000.vhdx");

	assert_int_equal(name.kind, IMAGE_NAME_MBR);
	assert_int_equal(name.mbr_signature, 0x9546e6c7);
	assert_int_equal(name.offset, 1 << 20);
	name = image_name_read("C3C7F9C3-0000-0000-0000-501F00000000.VHDX");
	assert_int_equal(name.kind, IMAGE_NAME_MBR);
	assert_int_equal(name.mbr_signature, 0xc3c7f9c3);
	assert_int_equal(name.offset, 501 << 20);
}

static void offsets_beyond_4_gib_are_read(void **state)
{
	struct image_name name =
		image_name_read("9546e6c7-0000-0000-0002-100019000000.vhdx");

	assert_int_equal(name.kind, IMAGE_NAME_MBR);
	assert_int_equal(name.offset, 0x1900100200);
}

static void a_guid_that_cannot_be_signature_and_offset_is_a_guid(void **state)
{
	static const char *const names[] = {
		"00000000-0000-0000-0000-100000000000.vhdx", /* no signature */
		"9546e6c7-0000-0000-0000-000000000000.vhdx", /* no offset */
		"9546e6c7-0000-0000-0100-100000000000.vhdx", /* not on a sector */
		"9546e6c7-0001-0000-0000-100000000000.vhdx",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(image_name_read(names[i]).kind, IMAGE_NAME_GUID);
}

static void a_time_based_guid_says_nothing_about_the_partition(void **state)
{
	assert_true(
		image_name_read("9b9cfbc3-369e-11e9-a17c-806e6f6e6963.vhd").is_random);
	assert_false(
		image_name_read("5b8a4d4c-7c0f-4d1e-9b8e-2f6f0c1f2f3a.vhdx").is_random);
}

static void the_esp_has_a_name_of_its_own(void **state)
{
	assert_int_equal(image_name_read("Esp.vhdx").kind, IMAGE_NAME_ESP);
	assert_int_equal(image_name_read("ESP.VHD").kind, IMAGE_NAME_ESP);
	assert_int_equal(image_name_read("esp").kind, IMAGE_NAME_OTHER);
	assert_int_equal(image_name_read("Espresso.vhdx").kind, IMAGE_NAME_OTHER);
}

static void a_packed_image_has_the_name_of_the_image(void **state)
{
	struct image_name name =
		image_name_read("9546E6C7-0000-0000-0000-100000000000.VHDX.ZST");

	assert_true(name.has_extension && name.is_packed);
	assert_int_equal(name.kind, IMAGE_NAME_MBR);
	assert_int_equal(name.offset, 1 << 20);
	assert_int_equal(image_name_read("Esp.vhd.zst").kind, IMAGE_NAME_ESP);
	assert_false(image_name_read("Esp.vhd").is_packed);
	assert_false(image_name_read("Esp.zst").has_extension);
	assert_false(image_name_read(".zst").has_extension);
}

static void a_copy_has_the_name_of_its_original(void **state)
{
	static const char *const copies[] = {
		"9546e6c7-0000-0000-0000-100000000000 (2).vhdx",
		"9546e6c7-0000-0000-0000-100000000000 - Copy.vhdx",
		"9546e6c7-0000-0000-0000-100000000000 - Kopie (3).vhdx.zst",
	};

	for (size_t i = 0; i < 3; i++) {
		struct image_name name = image_name_read(copies[i]);

		assert_int_equal(name.kind, IMAGE_NAME_MBR);
		assert_int_equal(name.offset, 1048576);
		assert_true(name.has_extension);
	}
	assert_int_equal(image_name_read("Esp - Copy.vhd").kind, IMAGE_NAME_ESP);
	assert_int_equal(image_name_read("C - copy.vhdx").kind, IMAGE_NAME_OTHER);
}

static void other_names_say_nothing(void **state)
{
	struct image_name name = image_name_read("drive C.vhdx");

	assert_int_equal(name.kind, IMAGE_NAME_OTHER);
	assert_true(name.has_extension);
	assert_false(image_name_read("BackupSpecs.xml").has_extension);
	assert_int_equal(image_name_read("").kind, IMAGE_NAME_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_of_an_mbr_volume_carries_signature_and_offset),
		cmocka_unit_test(offsets_beyond_4_gib_are_read),
		cmocka_unit_test(a_guid_that_cannot_be_signature_and_offset_is_a_guid),
		cmocka_unit_test(a_time_based_guid_says_nothing_about_the_partition),
		cmocka_unit_test(the_esp_has_a_name_of_its_own),
		cmocka_unit_test(a_packed_image_has_the_name_of_the_image),
		cmocka_unit_test(a_copy_has_the_name_of_its_original),
		cmocka_unit_test(other_names_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
