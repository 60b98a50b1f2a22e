/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk that the user means: by what stays, plain files as disks, and whether the open one is it. */
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

/* -- naming a disk ---- */

static void a_disk_is_found_by_what_stays(void **state)
{
	static const struct {
		const char *which, *name;
	} cases[] = {
		{ "serial:S1", "sda" },
		{ "S2", "sdb" },
		{ "s2", "sdb" },
		{ "wwn:eui.002538b411b2c3d4", "nvme0n1" },
		{ "wwn:0x002538B411B2C3D4", "nvme0n1" },
		{ "002538b411b2c3d4", "nvme0n1" },
		{ "serial:4C530001220528", "sdc" },
		{ "size:16M..17M", "nvme0n1" },
		{ "size:16Mi..16MiB", "nvme0n1" },
		{ "size:16777216..16777216", "nvme0n1" },
		{ "size:0..20m", "nvme0n1" },
	};
	MACHINE machine = machine_new();
	LIST list = four_disks(&machine);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct disk *disk = NULL;
		struct err err = { 0 };

		if (disk_find(&list, cases[i].which, 0, &disk, &err) < 0)
			fail_msg("%s", err.text);
		assert_ptr_equal(disk, disk_named(&list, cases[i].name));
	}
}

static void a_name_that_finds_no_single_disk_is_refused(void **state)
{
	static const struct {
		const char *which;
		int code;
		const char *text;
	} cases[] = {
		{ "serial:S3", -ENODEV, "'serial:S3': no disk matches; there are: " },
		{ "serial:", -ENODEV, "'serial:': no disk matches" },
		{ "wwn:", -ENODEV, "'wwn:': no disk matches" },
		{ "", -ENODEV, "'': no disk matches" },
		{ "S3", -ENODEV, "(serial S1, 64.0 MiB), " },
		{ "size:60Mi..70Mi", -EEXIST, "'size:60Mi..70Mi': 2 disks match: " },
		{ "size:30Mi..40Mi", -ENODEV, "no disk matches" }, /* removable */
		{ "size:900G", -EINVAL, "not a range of sizes such as size:900G..1100G" },
		{ "size:2G..1G", -EINVAL, "not a range" },
		{ "size:1X..2X", -EINVAL, "not a range" },
		{ "size:..2G", -EINVAL, "not a range" },
		{ "size:1G..99999999999T", -EINVAL, "not a range" },
		{ "sda", -EINVAL,
		  "'sda': such names change from start to start; name the disk by "
		  "serial:S1" },
		{ "sdc", -EINVAL, "name the disk by serial:4C530001220528" },
		{ "new.img", -ENODEV, "; an image file is meant? name it './new.img'" },
		{ "/dev/no-such-disk", -ENODEV, "'/dev/no-such-disk': no disk matches" },
		{ "/dev/disk/by-id/ata-no-such-disk", -ENODEV, "no disk matches" },
		{ "/dev/null", -ENODEV, "no disk matches" },
	};
	MACHINE machine = machine_new();
	LIST list = four_disks(&machine);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct disk *disk = NULL;
		struct err err = { 0 };

		assert_int_equal(disk_find(&list, cases[i].which, 0, &disk, &err),
				 cases[i].code);
		if (!strstr(err.text, cases[i].text))
			fail_msg("'%s' is not in '%s'", cases[i].text, err.text);
		assert_null(disk);
	}
	assert_int_equal(list.count, 4);
}

static void the_path_of_a_device_is_refused_with_the_serial_to_use(void **state)
{
	MACHINE machine = machine_new();
	LIST list = four_disks(&machine);
	struct disk *disk = NULL;
	struct err err = { 0 };
	char path[128], text[300];

	snprintf(path, sizeof(path), "%s/dev/sdb", machine.root);
	assert_int_equal(disk_find(&list, path, 0, &disk, &err), -EINVAL);
	snprintf(
		text, sizeof(text),
		"'%s': such names change from start to start; name the disk by serial:S2",
		path);
	assert_string_equal(err.text, text);
}

static void
a_disk_in_use_makes_a_size_ambiguous_but_the_boot_medium_does_not(void **state)
{
	MACHINE machine = machine_new();
	struct disk *disk = NULL;
	struct err err = { 0 };

	add_sata(&machine, "sda", SDA, "8:0", "S1");
	put_gpt(&machine, "sda");
	add_sata(&machine, "sdb", SDB, "8:16", "S2");
	{
		LIST list = { 0 };

		read_list(&machine,
			  (struct disk_list_wishes){
				  .boot_medium = "e15f32b9-cc19-47ab-8b31-3b098becbf81" },
			  &list);
		assert_int_equal(disk_find(&list, "size:1M..1G", 0, &disk, &err), 0);
		assert_ptr_equal(disk, disk_named(&list, "sdb"));
	}
	machine_put_text(&machine, "/proc/self/mountinfo",
			 "30 1 8:0 / /a rw - vfat /dev/sda rw\n");
	{
		LIST list = { 0 };

		read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
		assert_int_equal(disk_find(&list, "size:1M..1G", 0, &disk, &err),
				 -EEXIST);
	}
}

/* -- plain files ---- */

static void a_file_that_exists_is_a_disk(void **state)
{
	struct disk_image image = image_gpt(4096, 400);
	AUTO(disk_clear) struct disk disk = { 0 };
	AUTO_FREE char *identity = NULL;
	MACHINE machine = machine_new();
	struct err err = { 0 };
	char path[128], text[200];

	machine_put(&machine, "/disk.img", image.bytes, image.size);
	free(image.bytes);
	snprintf(path, sizeof(path), "%s/disk.img", machine.root);
	assert_int_equal(disk_from_file(path, 0, &disk, &err), 0);
	assert_true(disk.is_file);
	assert_true(disk.exists);
	assert_string_equal(disk.path, path);
	assert_string_equal(disk.bus, "file");
	assert_string_equal(disk.serial, "");
	assert_int_equal(disk.size, 400 * 4096);
	assert_int_equal(disk.sector_size, 4096);
	assert_int_equal(disk.layout->count, 4);
	assert_string_equal(disk.content, "GPT, 4 partitions");
	assert_int_equal(disk.protection, 0);
	identity = disk_identity_text(&disk);
	snprintf(text, sizeof(text), "file=%s size=1638400 sector=4096", path);
	assert_string_equal(identity, text);
}

static void a_file_that_does_not_exist_will_be_created(void **state)
{
	AUTO(disk_clear) struct disk disk = { 0 }, other = { 0 };
	MACHINE machine = machine_new();
	struct err err = { 0 };
	char path[128], text[300];

	snprintf(path, sizeof(path), "%s/new.img", machine.root);
	assert_int_equal(disk_from_file(path, 4096, &disk, &err), 0);
	assert_false(disk.exists);
	assert_int_equal(disk.size, 0);
	assert_int_equal(disk.sector_size, 4096);
	assert_int_equal(disk.layout->style, TABLE_NONE);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(disk_from_file("new.img", 0, &other, &err), 0);
	assert_int_equal(other.sector_size, 512);
	snprintf(path, sizeof(path), "%s/no/new.img", machine.root);
	assert_int_equal(disk_from_file(path, 0, &other, &err), -ENOENT);
	snprintf(text, sizeof(text), "'%s': folder '%s/no': No such file or directory",
		 path, machine.root);
	assert_string_equal(err.text, text);
}

static void a_folder_or_a_device_is_no_image_file(void **state)
{
	AUTO(disk_clear) struct disk disk = { 0 };
	struct err err = { 0 };

	assert_int_equal(disk_from_file("/tmp", 0, &disk, &err), -EINVAL);
	assert_string_equal(err.text, "'/tmp' is a folder, not an image file");
	assert_int_equal(disk_from_file("/dev/null", 0, &disk, &err), -EINVAL);
	assert_string_equal(err.text, "'/dev/null' is a device, not an image file");
}

static void an_image_file_joins_the_list_once(void **state)
{
	MACHINE machine = machine_new();
	LIST list = four_disks(&machine);
	struct disk *first = NULL, *again = NULL;
	struct err err = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/new.img", machine.root);
	assert_int_equal(disk_find(&list, path, 0, &first, &err), 0);
	assert_int_equal(list.count, 5);
	assert_ptr_equal(first, &list.disks[4]);
	assert_int_equal(first->protection, 0);
	assert_int_equal(disk_find(&list, path, 0, &again, &err), 0);
	assert_int_equal(list.count, 5);
	assert_string_equal(again->path, path);
}

static void an_image_of_the_backup_is_protected(void **state)
{
	MACHINE machine = machine_new();
	const char *const paths[] = { machine.root, NULL };
	LIST list = { 0 };
	struct disk *disk = NULL;
	struct err err = { 0 };
	char path[128];

	machine_put_text(&machine, "/WindowsImageBackup/C.vhdx", "x");
	read_list(&machine, (struct disk_list_wishes){ .source_paths = paths }, &list);
	snprintf(path, sizeof(path), "%s/WindowsImageBackup/../WindowsImageBackup/C.vhdx",
		 machine.root);
	assert_int_equal(disk_find(&list, path, 0, &disk, &err), 0);
	assert_int_equal(disk->protection, DISK_HOLDS_SOURCE);
	assert_non_null(
		strstr(disk->protection_text, "it lies among the backup's files, in '"));
	snprintf(path, sizeof(path), "%s/new.img", machine.root);
	assert_int_equal(disk_find(&list, path, 0, &disk, &err), 0);
	assert_int_equal(disk->protection, 0);
}

static void another_name_of_an_image_of_the_backup_is_protected(void **state)
{
	MACHINE machine = machine_new();
	char backup[128], image[160], path[128];
	const char *const paths[] = { backup, NULL };
	LIST list = { 0 };
	struct disk *disk = NULL;
	struct err err = { 0 };

	snprintf(backup, sizeof(backup), "%s/WindowsImageBackup", machine.root);
	snprintf(image, sizeof(image), "%s/C.vhdx", backup);
	snprintf(path, sizeof(path), "%s/target.img", machine.root);
	machine_put_text(&machine, "/WindowsImageBackup/C.vhdx", "x");
	assert_int_equal(link(image, path), 0);
	read_list(&machine, (struct disk_list_wishes){ .source_paths = paths }, &list);
	assert_int_equal(disk_find(&list, path, 0, &disk, &err), 0);
	assert_int_equal(disk->protection, DISK_HOLDS_SOURCE);
	assert_string_equal(disk->protection_text,
			    "it has 2 names (hard links), and one of them may be a file "
			    "of the backup: give a copy of it");
}

/* -- the open disk ---- */

static void an_open_file_must_be_the_planned_one(void **state)
{
	AUTO(disk_clear) struct disk disk = { 0 };
	MACHINE machine = machine_new();
	struct err err = { 0 };
	char path[128], text[300];
	int fd;

	machine_put_text(&machine, "/disk.img", "0123456789");
	snprintf(path, sizeof(path), "%s/disk.img", machine.root);
	assert_int_equal(disk_from_file(path, 0, &disk, &err), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(disk_identity_check(fd, &disk, &err), 0);
	assert_int_equal(ftruncate(fd, 11), 0);
	assert_int_equal(disk_identity_check(fd, &disk, &err), -ESTALE);
	snprintf(text, sizeof(text), "'%s': size is 11 bytes, 10 was planned: it changed",
		 path);
	assert_string_equal(err.text, text);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(unlink(path), 0);
	machine_put_text(&machine, "/disk.img", "0123456789");
	assert_int_equal(disk_identity_check(fd, &disk, &err), -ESTALE);
	snprintf(text, sizeof(text),
		 "'%s': the file was replaced by another one of the same name", path);
	assert_string_equal(err.text, text);
	close(fd);
}

static void an_open_disk_must_be_a_disk(void **state)
{
	MACHINE machine = machine_new();
	LIST list = four_disks(&machine);
	struct err err = { 0 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char text[300];

	assert_int_equal(disk_identity_check(fd, &list.disks[0], &err), -ESTALE);
	snprintf(text, sizeof(text), "'%s': is no disk any more", list.disks[0].path);
	assert_string_equal(err.text, text);
	close(fd);
}

static void the_identity_is_told_in_one_line(void **state)
{
	MACHINE machine = machine_new();
	LIST list = four_disks(&machine);
	AUTO_FREE char *text = disk_identity_text(disk_named(&list, "nvme0n1"));
	AUTO_FREE char *usb = disk_identity_text(disk_named(&list, "sdc"));

	assert_string_equal(
		text, "wwn=eui.002538b411b2c3d4 serial=N1 size=16777216 sector=512");
	assert_string_equal(usb, "serial=4C530001220528 size=33554432 sector=512");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_is_found_by_what_stays),
		cmocka_unit_test(a_name_that_finds_no_single_disk_is_refused),
		cmocka_unit_test(the_path_of_a_device_is_refused_with_the_serial_to_use),
		cmocka_unit_test(
			a_disk_in_use_makes_a_size_ambiguous_but_the_boot_medium_does_not),
		cmocka_unit_test(a_file_that_exists_is_a_disk),
		cmocka_unit_test(a_file_that_does_not_exist_will_be_created),
		cmocka_unit_test(a_folder_or_a_device_is_no_image_file),
		cmocka_unit_test(an_image_file_joins_the_list_once),
		cmocka_unit_test(an_image_of_the_backup_is_protected),
		cmocka_unit_test(another_name_of_an_image_of_the_backup_is_protected),
		cmocka_unit_test(an_open_file_must_be_the_planned_one),
		cmocka_unit_test(an_open_disk_must_be_a_disk),
		cmocka_unit_test(the_identity_is_told_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
