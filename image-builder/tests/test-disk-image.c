/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image is judged by sgdisk, fsck.fat and mtools. */
#include "testing.h"

#include "disk-image.h"

static void write_image(void **state, const char *name)
{
	char efi[512], answer[512];
	uint8_t core[1024];
	struct image_file files[] = {
		{ .source = efi, .name = "EFI/BOOT/BOOTX64.EFI" },
		{ .source = efi, .name = "EFI/BOOT/grubx64.efi" },
		{ .source = efi, .name = "EFI/debian/grub.cfg" },
		{ .source = answer, .name = "openbmr.ini" },
	};
	struct bios_start bios = { .boot_code = "code",
				   .core = core,
				   .core_length = sizeof(core) };
	struct disk_image image = {
		.files = files, .count = 4, .bios = &bios, .mtime_s = 1704067200
	};
	struct err err = { 0 };

	snprintf(efi, sizeof(efi), "%s", in(state, "efi"));
	snprintf(answer, sizeof(answer), "%s", in(state, "answer"));
	memset(core, 'c', sizeof(core));
	write_file(efi, "the application");
	write_file(answer, "format = 1\n");
	if (disk_image_write(&image, in(state, name), &err) < 0)
		fail_msg("%s", err.text);
}

static char *shell(void **state, const char *script)
{
	const char *argv[] = { "sh", "-ec", script, "sh", *state, NULL };

	return judge(argv);
}

static void the_table_is_sound_and_its_partition_is_basic_data(void **state)
{
	char *output;

	write_image(state, "img");
	output = shell(state, "cd \"$1\"; sgdisk -v img; sgdisk -i1 img; stat -c %s img");
	assert_non_null(strstr(output, "No problems found."));
	assert_non_null(strstr(output, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"));
	assert_non_null(strstr(output, "First sector: 2048 "));
	assert_non_null(strstr(output, "'OPENBMR'"));
	assert_non_null(strstr(output, "134217728")); /* 128 MiB */
	free(output);
}

static void the_file_system_is_sound_and_holds_the_files(void **state)
{
	char *output;

	write_image(state, "img");
	output = shell(state,
		       "cd \"$1\"; dd if=img of=fat bs=1M skip=1 count=126 status=none;"
		       "fsck.fat -nv fat; mtype -i img@@1M ::/EFI/BOOT/BOOTX64.EFI;"
		       "echo; mtype -i img@@1M ::/openbmr.ini;"
		       "TZ=UTC mdir -i img@@1M ::/EFI/BOOT");
	assert_non_null(strstr(output, "2 FATs, 32 bit entries"));
	assert_non_null(strstr(output, "2048 hidden sectors"));
	assert_non_null(strstr(output, "the application\nformat = 1\n"));
	assert_non_null(strstr(output, "BOOTX64  EFI        15 2024-01-01"));
	free(output);
}

static void the_loader_for_bios_lies_in_a_partition_of_its_own(void **state)
{
	char *output;

	write_image(state, "img");
	output = shell(state, "cd \"$1\"; sgdisk -i2 img; head -c 4 img; echo;"
			      "dd if=img bs=512 skip=128 count=2 status=none | tr -d c |"
			      "wc -c; dd if=img bs=512 skip=130 count=1 status=none |"
			      "tr -d '\\0' | wc -c");
	assert_non_null(strstr(output, "21686148-6449-6E6F-744E-656564454649"));
	assert_non_null(strstr(output, "First sector: 128 "));
	assert_non_null(strstr(output, "\ncode\n0\n0\n"));
	free(output);
}

static void two_images_of_the_same_files_are_the_same(void **state)
{
	write_image(state, "a");
	write_image(state, "b");
	free(shell(state, "cd \"$1\"; cmp a b"));
}

static void a_file_that_is_missing_is_named(void **state)
{
	struct image_file file = { .source = "/nonexistent/x.efi", .name = "x.efi" };
	struct disk_image image = { .files = &file, .count = 1 };
	struct err err;

	assert_failed(
		disk_image_write(&image, in(state, "img"), &err), -ENOENT,
		"'/nonexistent/x.efi': opening for reading: No such file or directory");
	assert_int_not_equal(access(in(state, "img"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(the_table_is_sound_and_its_partition_is_basic_data),
		scratch_test(the_file_system_is_sound_and_holds_the_files),
		scratch_test(the_loader_for_bios_lies_in_a_partition_of_its_own),
		scratch_test(two_images_of_the_same_files_are_the_same),
		scratch_test(a_file_that_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
