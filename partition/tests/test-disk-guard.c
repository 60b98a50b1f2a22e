/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks that must not be written to, over machines that do not exist. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include <base/checked.h>
#include <base/spawn.h>

#include <partition/disks.h>

#include "fake-disks.h"

/* -- protection ---- */

static void a_mounted_partition_protects_its_disk(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	LIST list = { 0 };

	machine_add_partition(&machine, folder, "sda2", "8:2");
	add_sata(&machine, "sdb", SDB, "8:16", "S2");
	machine_put_text(
		&machine, "/proc/self/mountinfo",
		"22 1 0:20 / /proc rw - proc proc rw\n"
		"30 1 8:2 / /mnt/a\\040b rw,noatime shared:1 - ext4 /dev/root rw\n");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(disk_named(&list, "sda")->protection, DISK_MOUNTED);
	assert_string_equal(disk_named(&list, "sda")->protection_text,
			    "it is in use: sda2 is mounted on '/mnt/a b'");
	assert_int_equal(disk_named(&list, "sdb")->protection, 0);
}

static void a_file_system_with_its_own_number_is_found_by_its_source(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	LIST list = { 0 };

	machine_add_partition(&machine, folder, "sda2", "8:2");
	machine_put_text(&machine, "/proc/self/mountinfo",
			 "30 1 0:33 /root / rw - btrfs /dev/sda2 rw\n");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.disks[0].protection, DISK_MOUNTED);
}

static void swap_space_protects_its_disk(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	LIST list = { 0 };

	machine_add_partition(&machine, folder, "sda3", "8:3");
	machine_put_text(&machine, "/proc/swaps",
			 "Filename\t\tType\t\tSize\tUsed\tPriority\n"
			 "/dev/sda3        partition\t1048572\t0\t-2\n");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.disks[0].protection, DISK_MOUNTED);
	assert_string_equal(list.disks[0].protection_text,
			    "it is in use: sda3 is swap space");
}

static void holders_protect_a_disk(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	LIST list = { 0 };

	machine_add_partition(&machine, folder, "sda1", "8:1");
	machine_attribute(&machine, folder, "sda1/holders/dm-0", "");
	folder = add_sata(&machine, "sdb", SDB, "8:16", "S2");
	machine_attribute(&machine, folder, "holders/md127", "");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(disk_named(&list, "sda")->protection, DISK_HELD);
	assert_string_equal(disk_named(&list, "sda")->protection_text,
			    "it is in use: dm-0 stands on sda1");
	assert_int_equal(disk_named(&list, "sdb")->protection, DISK_HELD);
}

static void a_loop_device_protects_what_it_stands_on(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	LIST list = { 0 };

	machine_add_partition(&machine, folder, "sda1", "8:1");
	folder = machine_add_disk(&machine, "loop3", "virtual/loop3", "7:3", MiB, 512);
	machine_attribute(&machine, folder, "loop/backing_file", "/dev/sda1");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.disks[0].protection, DISK_HELD);
	assert_string_equal(list.disks[0].protection_text,
			    "it is in use: loop3 stands on sda1");
}

static void a_read_only_disk_is_protected(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	LIST list = { 0 };

	machine_attribute(&machine, folder, "ro", "1");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.disks[0].protection, DISK_READ_ONLY);
	assert_string_equal(list.disks[0].protection_text, "it is read-only");
}

static void the_boot_medium_is_found_by_its_partition(void **state)
{
	static const struct {
		const char *boot_medium;
		unsigned gpt, mbr;
	} cases[] = {
		{ "e15f32b9-cc19-47ab-8b31-3b098becbf81", DISK_BOOT_MEDIUM, 0 },
		{ "E15F32B9-CC19-47AB-8B31-3B098BECBF81", DISK_BOOT_MEDIUM, 0 },
		{ "e15f32b9-cc19-47ab-8b31-3b098becbf82", 0, 0 },
		{ "mbr:deb62:1", 0, DISK_BOOT_MEDIUM },
		{ "mbr:000deb62:1", 0, DISK_BOOT_MEDIUM },
		{ "mbr:000deb63:1", 0, 0 },
		{ "", 0, 0 },
	};
	MACHINE machine = machine_new();
	uint8_t mbr[512] = { 0 };

	add_sata(&machine, "sda", SDA, "8:0", "S1");
	put_gpt(&machine, "sda");
	add_sata(&machine, "sdb", SDB, "8:16", "S2");
	put_number(mbr + 440, 0x000deb62, 4);
	mbr_put_entry(mbr, 0, 0x80, 0x0c, 2048, 4096);
	put_disk_bytes(&machine, "sdb", 0, mbr, sizeof(mbr));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		LIST list = { 0 };

		read_list(
			&machine,
			(struct disk_list_wishes){ .boot_medium = cases[i].boot_medium },
			&list);
		assert_int_equal(disk_named(&list, "sda")->protection, cases[i].gpt);
		assert_int_equal(disk_named(&list, "sdb")->protection, cases[i].mbr);
	}
}

/* The device that the test's own folder lies on, as "8:1". */
static void own_number(const char *path, char text[32])
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	snprintf(text, 32, "%u:%u", major(st.st_dev), minor(st.st_dev));
}

static void the_disk_that_holds_the_source_is_protected(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	const char *const paths[] = { machine.root, NULL };
	LIST list = { 0 };
	char number[32], text[200];

	own_number(machine.root, number);
	machine_add_partition(&machine, folder, "sda1", number);
	add_sata(&machine, "sdb", SDB, "8:16", "S2");
	read_list(&machine, (struct disk_list_wishes){ .source_paths = paths }, &list);
	assert_int_equal(disk_named(&list, "sda")->protection, DISK_HOLDS_SOURCE);
	snprintf(text, sizeof(text), "the backup or the answer file is on it: '%s'",
		 machine.root);
	assert_string_equal(disk_named(&list, "sda")->protection_text, text);
	assert_int_equal(disk_named(&list, "sdb")->protection, 0);
}

static void the_source_is_followed_through_stacked_devices(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_sata(&machine, "sda", SDA, "8:0", "S1");
	const char *const paths[] = { machine.root, NULL };
	LIST list = { 0 };
	char number[32], path[128];

	/* The folder lies on a device that stands on sda1; a ring of slaves must end. */
	own_number(machine.root, number);
	if (strncmp(number, "0:", 2) == 0) {
		print_message("skipped: /tmp has no device\n");
		skip();
	}
	machine_add_partition(&machine, folder, "sda1", "8:1");
	snprintf(path, sizeof(path), "/sys/dev/block/%s/slaves/md0/dev", number);
	machine_put_text(&machine, path, "9:0\n");
	machine_put_text(&machine, "/sys/dev/block/9:0/slaves/sda1/dev", "8:1\n");
	machine_put_text(&machine, "/sys/dev/block/9:0/slaves/ring/dev", "9:0\n");
	read_list(&machine, (struct disk_list_wishes){ .source_paths = paths }, &list);
	assert_int_equal(list.disks[0].protection, DISK_HOLDS_SOURCE);
}

static void a_source_path_that_is_not_there_is_an_error(void **state)
{
	MACHINE machine = machine_new();
	const char *const paths[] = { "/nowhere/backup", NULL };
	struct disk_list_wishes wishes = { .source_paths = paths, .root = machine.root };
	struct disk_list list = { 0 };
	struct err err = { 0 };

	assert_int_equal(disk_list_read(&wishes, &list, &err), -ENOENT);
	assert_string_equal(err.text, "'/nowhere/backup': No such file or directory");
	assert_int_equal(list.count, 0);
}

static void disks_that_could_be_mistaken_are_protected(void **state)
{
	MACHINE machine = machine_new();
	LIST list = { 0 };
	const char *folder;
	char text[200];

	/* Two enclosures of one maker, and two namespaces of one controller. */
	folder = machine_add_disk(&machine, "sda", SDA, "8:0", MiB, 512);
	machine_page_80(&machine, folder, "123456789012");
	folder = machine_add_disk(&machine, "sdb", SDB, "8:16", 2 * MiB, 512);
	machine_page_80(&machine, folder, "123456789012");
	folder = machine_add_disk(&machine, "nvme0n1", NVME, "259:0", MiB, 512);
	machine_attribute(&machine, folder, "device/serial", "N1");
	machine_attribute(&machine, folder, "wwid", "eui.0000000000000001");
	folder = machine_add_disk(&machine, "nvme0n2", NVME, "259:1", MiB, 512);
	machine_attribute(&machine, folder, "wwid", "eui.0000000000000002");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(disk_named(&list, "sda")->protection, DISK_SAME_IDENTITY);
	snprintf(text, sizeof(text),
		 "%s/dev/sdb shows the same serial or WWN; detach one of them",
		 machine.root);
	assert_string_equal(disk_named(&list, "sda")->protection_text, text);
	assert_int_equal(disk_named(&list, "sdb")->protection, DISK_SAME_IDENTITY);
	assert_int_equal(disk_named(&list, "nvme0n1")->protection, 0);
	assert_int_equal(disk_named(&list, "nvme0n2")->protection, 0);
}

static void several_reasons_are_several_lines(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = add_usb(&machine, "8:32");
	LIST list = { 0 };

	machine_attribute(&machine, folder, "ro", "1");
	machine_put_text(&machine, "/proc/self/mountinfo",
			 "30 1 8:32 / /a rw - vfat /dev/sdc rw\n"
			 "31 1 8:32 / /b rw - vfat /dev/sdc rw\n");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.disks[0].protection,
			 DISK_READ_ONLY | DISK_REMOVABLE | DISK_MOUNTED);
	assert_string_equal(list.disks[0].protection_text,
			    "it is read-only\n"
			    "it is removable: only when it is named\n"
			    "it is in use: sdc is mounted on '/a'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mounted_partition_protects_its_disk),
		cmocka_unit_test(
			a_file_system_with_its_own_number_is_found_by_its_source),
		cmocka_unit_test(swap_space_protects_its_disk),
		cmocka_unit_test(holders_protect_a_disk),
		cmocka_unit_test(a_loop_device_protects_what_it_stands_on),
		cmocka_unit_test(a_read_only_disk_is_protected),
		cmocka_unit_test(the_boot_medium_is_found_by_its_partition),
		cmocka_unit_test(the_disk_that_holds_the_source_is_protected),
		cmocka_unit_test(the_source_is_followed_through_stacked_devices),
		cmocka_unit_test(a_source_path_that_is_not_there_is_an_error),
		cmocka_unit_test(disks_that_could_be_mistaken_are_protected),
		cmocka_unit_test(several_reasons_are_several_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
