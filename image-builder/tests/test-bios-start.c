/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What grub-bios-setup writes, byte by byte; that it starts is for qemu-tests/test_boot.py. */
#include "testing.h"

#include "bios-start.h"

#define SECTOR 512

static uint8_t boot_image[SECTOR], core_image[3 * SECTOR + 1];

static void make_images(void)
{
	memset(boot_image, 0x11, sizeof(boot_image));
	memcpy(boot_image + SECTOR - 2, "\x55\xaa", 2);
	memset(core_image, 0x22, sizeof(core_image));
}

static int join(size_t boot_length, size_t core_length, struct bios_start *ret,
		struct err *err)
{
	const struct content boot = { .bytes = boot_image, .length = boot_length };
	const struct content core = { .bytes = core_image, .length = core_length };

	return bios_start_join(&boot, &core, ret, err);
}

static void the_boot_sector_names_the_first_sector_of_the_core(void **state)
{
	static const uint8_t sector_128[] = { 128, 0, 0, 0, 0, 0, 0, 0 };
	struct bios_start bios = { 0 };
	struct err err;

	make_images();
	assert_int_equal(join(SECTOR, sizeof(core_image), &bios, &err), 0);
	assert_memory_equal(bios.boot_code + 0x5c, sector_128, sizeof(sector_128));
	assert_memory_equal(bios.boot_code + 0x66, "\x90\x90", 2);
	assert_memory_equal(bios.boot_code, boot_image, 0x5c);
	assert_memory_equal(bios.boot_code + 0x68, boot_image + 0x68, 440 - 0x68);
	bios_start_clear(&bios);
}

static void the_core_names_its_own_other_sectors(void **state)
{
	static const uint8_t list[] = { 129, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0x22, 0x22 };
	struct bios_start bios = { 0 };
	struct err err;

	make_images();
	assert_int_equal(join(SECTOR, sizeof(core_image), &bios, &err), 0);
	assert_int_equal(bios.core_length, 4 * SECTOR);
	assert_memory_equal(bios.core + SECTOR - sizeof(list), list, sizeof(list));
	assert_memory_equal(bios.core + SECTOR, core_image + SECTOR, 2 * SECTOR + 1);
	assert_int_equal(bios.core[3 * SECTOR + 1], 0);
	bios_start_clear(&bios);
}

static void what_is_no_boot_sector_is_refused(void **state)
{
	struct bios_start bios;
	struct err err;

	make_images();
	assert_failed(join(SECTOR - 1, sizeof(core_image), &bios, &err), -EBADMSG,
		      "'boot.img': is no boot sector");
	boot_image[SECTOR - 1] = 0;
	assert_failed(join(SECTOR, sizeof(core_image), &bios, &err), -EBADMSG,
		      "'boot.img': is no boot sector");
}

static void a_core_of_one_sector_is_refused(void **state)
{
	struct bios_start bios;
	struct err err;

	make_images();
	assert_failed(join(SECTOR, SECTOR, &bios, &err), -EBADMSG,
		      "GRUB's core: 512 bytes, must be more than one sector");
}

static void a_core_that_does_not_fit_is_refused(void **state)
{
	static uint8_t large[BIOS_CORE_MAX + 1];
	const struct content boot = { .bytes = boot_image, .length = SECTOR };
	const struct content core = { .bytes = large, .length = sizeof(large) };
	struct bios_start bios;
	struct err err;

	make_images();
	assert_failed(bios_start_join(&boot, &core, &bios, &err), -ENOSPC,
		      "GRUB's core: 983041 bytes, room is for 983040");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_boot_sector_names_the_first_sector_of_the_core),
		cmocka_unit_test(the_core_names_its_own_other_sectors),
		cmocka_unit_test(what_is_no_boot_sector_is_refused),
		cmocka_unit_test(a_core_of_one_sector_is_refused),
		cmocka_unit_test(a_core_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
