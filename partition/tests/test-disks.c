/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inventory of disks over machines that do not exist: what each bus says, and what is on them. */
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

/* -- what each bus says ---- */

static void a_sata_disk_is_known_by_its_identify_data(void **state)
{
	MACHINE machine = machine_new();
	const char *folder =
		add_sata(&machine, "sda", SDA, "8:0", "     WD-WCC6Y1234567");
	LIST list = { 0 };
	struct disk *disk;
	char path[100];

	machine_attribute(&machine, folder, "queue/rotational", "1");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.count, 1);
	disk = &list.disks[0];
	snprintf(path, sizeof(path), "%s/dev/sda", machine.root);
	assert_string_equal(disk->path, path);
	assert_string_equal(disk->bus, "ata");
	assert_string_equal(disk->model, "WDC WD10EZEX-08WN4A0 with a long name");
	assert_string_equal(disk->serial, "WD-WCC6Y1234567");
	assert_int_equal(strlen(disk->wwn), strlen("naa.50014ee200000000"));
	assert_int_equal(disk->size, 64 * MiB);
	assert_int_equal(disk->sector_size, 512);
	assert_int_equal(disk->physical_sector_size, 4096);
	assert_true(disk->rotational);
	assert_true(disk->exists);
	assert_false(disk->is_file);
	assert_int_equal(disk->protection, 0);
	assert_string_equal(disk->protection_text, "");
	assert_string_equal(disk->content, "blank");
	assert_int_equal(disk->layout->style, TABLE_NONE);
}

static void without_vpd_pages_a_sata_disk_has_no_identity(void **state)
{
	MACHINE machine = machine_new();
	LIST list = { 0 };

	machine_add_disk(&machine, "sda", SDA, "8:0", 64 * MiB, 512);
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_string_equal(list.disks[0].serial, "");
	assert_string_equal(list.disks[0].model, "");
	assert_int_equal(list.disks[0].protection, DISK_NO_IDENTITY);
	assert_string_equal(
		list.disks[0].protection_text,
		"it has neither serial nor WWN by which it could be told from "
		"others: only when it is named twice");
}

static void an_nvme_disk_is_known_by_its_controller_and_namespace(void **state)
{
	MACHINE machine = machine_new();
	const char *folder =
		machine_add_disk(&machine, "nvme0n1", NVME, "259:0", 64 * MiB, 4096);
	LIST list = { 0 };

	machine_attribute(&machine, folder, "device/model",
			  "Samsung SSD 980 PRO 1TB     ");
	machine_attribute(&machine, folder, "device/serial", "S6Z2NJ0T123456      ");
	machine_attribute(&machine, folder, "wwid", "eui.002538b411b2c3d4");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_string_equal(list.disks[0].bus, "nvme");
	assert_string_equal(list.disks[0].model, "Samsung SSD 980 PRO 1TB");
	assert_string_equal(list.disks[0].serial, "S6Z2NJ0T123456");
	assert_string_equal(list.disks[0].wwn, "eui.002538b411b2c3d4");
	assert_int_equal(list.disks[0].sector_size, 4096);
	assert_int_equal(list.disks[0].protection, 0);
}

static void a_wwid_made_of_model_and_serial_is_no_wwn(void **state)
{
	MACHINE machine = machine_new();
	const char *folder =
		machine_add_disk(&machine, "nvme0n1", NVME, "259:0", 64 * MiB, 512);
	LIST list = { 0 };

	machine_attribute(&machine, folder, "device/serial", "QM1");
	machine_attribute(&machine, folder, "wwid", "nvme.1b36-514d31-51454d55-00000001");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_string_equal(list.disks[0].wwn, "");
	assert_string_equal(list.disks[0].serial, "QM1");
}

/* What lies between a controller and its disks, and disks behind VMD, which other systems see
 * as one device. */
static void the_controller_is_the_nearest_pci_device_of_the_machine(void **state)
{
	static const struct {
		const char *device, *modalias_of, *expected;
	} cases[] = {
		{ "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0",
		  "pci0000:00/0000:00:1f.2", "pci:v00008086d00002922" },
		{ "pci0000:00/0000:00:04.0/virtio1", "pci0000:00/0000:00:04.0",
		  "pci:v00001AF4d00001001" },
		{ "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e1:00.0/nvme/nvme0",
		  "pci0000:00/0000:00:0e.0", "pci:v00008086d0000467F" },
		{ "LNXSYSTM:00/VMBUS:00/f8b3781a-1e82-4818-a1c3-63d806ec15bb/host0",
		  "LNXSYSTM:00/VMBUS:00/f8b3781a-1e82-4818-a1c3-63d806ec15bb",
		  "vmbus:d96361baa104294db60572e2ffb1dc7f" },
		{ "platform/other", "platform/other", "" },
		{ "pci0000:00/0000:00:14.0/usb1/1-1/host5", "pci0000:00/0000:00:14.0",
		  "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(disk_list_clear) struct disk_list list = { 0 };
		MACHINE machine = machine_new();
		char path[256];

		machine_add_disk(&machine, "sda", cases[i].device, "8:0", 64 * MiB, 512);
		machine_put_text(&machine,
				 "/sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/"
				 "10000:e1:00.0/modalias",
				 "pci:v0000144Dd0000A808\n");
		machine_put_text(&machine,
				 "/sys/devices/pci0000:00/0000:00:04.0/virtio1/modalias",
				 "virtio:d00000002v00001AF4\n");
		snprintf(path, sizeof(path), "/sys/devices/%s/modalias",
			 cases[i].modalias_of);
		machine_put_text(&machine, path,
				 cases[i].expected[0] ? cases[i].expected
						      : "pci:v00008086d0000A36D");
		read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
		assert_int_equal(list.count, 1);
		assert_string_equal(list.disks[0].controller, cases[i].expected);
	}
}

static void a_usb_disk_takes_the_serial_of_its_usb_device(void **state)
{
	MACHINE machine = machine_new();
	LIST list = { 0 };

	add_usb(&machine, "8:32");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_string_equal(list.disks[0].bus, "usb");
	assert_string_equal(list.disks[0].model, "SanDisk Cruzer Blade");
	assert_string_equal(list.disks[0].serial, "4C530001220528");
	assert_int_equal(list.disks[0].protection, DISK_REMOVABLE);
	assert_string_equal(list.disks[0].protection_text,
			    "it is removable: only when it is named");
}

static void virtio_disks_have_a_serial_and_no_model(void **state)
{
	MACHINE machine = machine_new();
	const char *folder =
		machine_add_disk(&machine, "vda", VIRTIO, "254:0", 64 * MiB, 512);
	LIST list = { 0 };

	machine_attribute(&machine, folder, "serial", "openbmr-target");
	machine_attribute(&machine, folder, "device/vendor", "0x1af4");
	folder = machine_add_disk(&machine, "sda", VIRTIO_SCSI, "8:0", 64 * MiB, 512);
	machine_page_80(&machine, folder, "openbmr-scsi");
	machine_attribute(&machine, folder, "device/vendor", "QEMU");
	machine_attribute(&machine, folder, "device/model", "QEMU HARDDISK");
	machine_attribute(&machine, folder, "device/wwid",
			  "t10.QEMU    QEMU HARDDISK   x");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.disks[0].bus, "scsi");
	assert_string_equal(list.disks[0].serial, "openbmr-scsi");
	assert_string_equal(list.disks[0].model, "QEMU HARDDISK");
	assert_string_equal(list.disks[0].wwn, "");
	assert_string_equal(list.disks[1].bus, "virtio");
	assert_string_equal(list.disks[1].serial, "openbmr-target");
	assert_string_equal(list.disks[1].model, "");
}

static void soldered_memory_is_a_disk_and_a_card_is_removable(void **state)
{
	MACHINE machine = machine_new();
	const char *folder =
		machine_add_disk(&machine, "mmcblk0", MMC, "179:0", 64 * MiB, 512);
	LIST list = { 0 };

	machine_attribute(&machine, folder, "device/name", "DA4064");
	machine_attribute(&machine, folder, "device/serial", "0x2ce7a6b1");
	machine_attribute(&machine, folder, "device/type", "MMC");
	folder = machine_add_disk(&machine, "mmcblk1", "platform/mmc_host/mmc1/mmc1:aaaa",
				  "179:8", 64 * MiB, 512);
	machine_attribute(&machine, folder, "device/serial", "0x00000001");
	machine_attribute(&machine, folder, "device/type", "SD");
	machine_add_disk(&machine, "mmcblk0boot0", MMC, "179:16", 4 * MiB, 512);
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.disks[0].bus, "mmc");
	assert_string_equal(list.disks[0].model, "DA4064");
	assert_string_equal(list.disks[0].serial, "0x2ce7a6b1");
	assert_int_equal(list.disks[0].protection, 0);
	assert_int_equal(list.disks[1].protection, DISK_REMOVABLE);
}

static void a_serial_that_says_nothing_is_none(void **state)
{
	static const char *const serials[] = { "0000000000000000", "   ", "----", "" };

	for (size_t i = 0; i < ARRAY_SIZE(serials); i++) {
		MACHINE machine = machine_new();
		const char *folder =
			machine_add_disk(&machine, "sda", SDA, "8:0", MiB, 512);
		LIST list = { 0 };

		machine_page_80(&machine, folder, serials[i]);
		machine_attribute(&machine, folder, "device/wwid",
				  "naa.0000000000000000");
		read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
		assert_int_equal(list.disks[0].protection, DISK_NO_IDENTITY);
	}
}

static void texts_from_devices_are_made_printable(void **state)
{
	MACHINE machine = machine_new();
	const char *folder = machine_add_disk(&machine, "sda", SDA, "8:0", MiB, 512);
	LIST list = { 0 };

	machine_page_80(&machine, folder,
			"  A\033[2J  \xff"
			"B\n");
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_string_equal(list.disks[0].serial, "A?[2J ?B");
}

static void what_is_no_disk_is_left_out(void **state)
{
	static const struct {
		const char *name, *attribute, *value;
	} others[] = {
		{ "loop0", NULL, NULL },       { "zram0", NULL, NULL },
		{ "sr0", "device/type", "5" }, { "dm-0", NULL, NULL },
		{ "md127", NULL, NULL },       { "nbd0", NULL, NULL },
		{ "fd0", NULL, NULL },	       { "ram0", NULL, NULL },
		{ "sdx", "size", "0" },	       { "nvme0c0n1", "hidden", "1" },
		{ "sdy", "device/type", "5" },
	};
	MACHINE machine = machine_new();
	LIST list = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		char device[64], number[32];
		const char *folder;

		snprintf(device, sizeof(device), "virtual/other%zu", i);
		snprintf(number, sizeof(number), "7:%zu", i);
		folder = machine_add_disk(&machine, others[i].name, device, number, MiB,
					  512);
		if (others[i].attribute)
			machine_attribute(&machine, folder, others[i].attribute,
					  others[i].value);
	}
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.count, 0);
}

static void disks_are_sorted_by_bus_and_removable_ones_come_last(void **state)
{
	static const char *const order[] = {
		"nvme0n1", "sda", "sdb", "sdaa", "vda", "sdc"
	};
	MACHINE machine = machine_new();
	LIST list = { 0 };

	add_usb(&machine, "8:32");
	machine_add_disk(&machine, "vda", VIRTIO, "254:0", MiB, 512);
	add_sata(&machine, "sdaa", "pci0/ata9/host9/target9:0:0/9:0:0:0", "65:160", "S3");
	add_sata(&machine, "sdb", SDB, "8:16", "S2");
	add_sata(&machine, "sda", SDA, "8:0", "S1");
	machine_add_disk(&machine, "nvme0n1", NVME, "259:0", MiB, 512);
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.count, ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_string_equal(strrchr(list.disks[i].path, '/') + 1, order[i]);
}

/* -- content ---- */

static void the_content_names_table_and_file_systems(void **state)
{
	/* A FAT12 boot sector as mkfs.fat -n OPENBMR writes it for 10 sectors, in short.
	 */
	static const uint8_t fat[62] =
		"\xeb\x3c\x90mkfs.fat\0\x02\x01\x01\0\x01\x10\0\x0a\0\xf8\x01"
		"\0\x20\0\x02\0\0\0\0\0\0\0\0\0\x80\0\x29\x78\x56\x34\x12"
		"OPENBMR    FAT12   ";
	MACHINE machine = machine_new();
	uint8_t sector[512] = { 0 };
	LIST list = { 0 };

	add_sata(&machine, "sda", SDA, "8:0", "S1");
	put_gpt(&machine, "sda");
	memcpy(sector, fat, sizeof(fat));
	put_number(sector + 510, 0xaa55, 2);
	put_disk_bytes(&machine, "sda", 34 * 512, sector, sizeof(sector));
	put_disk_bytes(&machine, "sda", 35 * 512, "\xf8\xff\xff", 3);
	put_disk_bytes(&machine, "sda", 36 * 512, "OPENBMR    \x08",
		       12); /* root folder */
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_string_equal(list.disks[0].content, "GPT, 4 partitions: FAT \"OPENBMR\"");
	assert_int_equal(list.disks[0].layout->count, 4);
}

static void a_damaged_table_is_content_and_not_an_error(void **state)
{
	MACHINE machine = machine_new();
	LIST list = { 0 };

	add_sata(&machine, "sda", SDA, "8:0", "S1");
	put_gpt(&machine, "sda");
	put_disk_bytes(&machine, "sda", 512 + HEADER_GUID, "x", 1);
	put_disk_bytes(&machine, "sda", 64 * MiB - 512 + HEADER_GUID, "x", 1);
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_null(list.disks[0].layout);
	assert_non_null(strstr(list.disks[0].content, "damaged partition table: "));
	assert_non_null(
		strstr(list.disks[0].content, "both copies are damaged or missing"));
}

static void a_disk_that_cannot_be_opened_stays_in_the_list(void **state)
{
	MACHINE machine = machine_new();
	LIST list = { 0 };
	char path[128];

	add_sata(&machine, "sda", SDA, "8:0", "S1");
	snprintf(path, sizeof(path), "%s/dev/sda", machine.root);
	assert_int_equal(unlink(path), 0);
	read_list(&machine, (struct disk_list_wishes){ 0 }, &list);
	assert_int_equal(list.count, 1);
	assert_null(list.disks[0].layout);
	assert_non_null(strstr(list.disks[0].content, "cannot be read: "));
	assert_non_null(strstr(list.disks[0].content, "No such file or directory"));
}

static void make_file_system(const char *program, const char *const *options,
			     const char *path)
{
	const char *argv[8] = { program };
	struct spawn spawn = { .argv = argv };
	struct err err = { 0 };
	size_t count = 1;

	while (*options)
		argv[count++] = *options++;
	argv[count] = path;
	if (spawn_run(&spawn, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_volume_without_table_is_named(void **state)
{
	static const char *const options[] = { "-Q", "-F", "-q", "-L", "Win\xc3\xa4ows",
					       NULL };
	AUTO(disk_clear) struct disk disk = { 0 };
	MACHINE machine = machine_new();
	struct err err = { 0 };
	char path[128];

	if (access("/sbin/mkntfs", X_OK) != 0) {
		print_message("skipped: mkntfs is missing\n");
		skip();
	}
	machine_add_disk(&machine, "vda", VIRTIO, "254:0", 4 * MiB, 512);
	snprintf(path, sizeof(path), "%s/dev/vda", machine.root);
	make_file_system("mkntfs", options, path);
	assert_int_equal(disk_from_file(path, 0, &disk, &err), 0);
	assert_string_equal(disk.content, "NTFS \"Win\xc3\xa4ows\", no partition table");
	assert_int_equal(disk.layout->style, TABLE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sata_disk_is_known_by_its_identify_data),
		cmocka_unit_test(without_vpd_pages_a_sata_disk_has_no_identity),
		cmocka_unit_test(an_nvme_disk_is_known_by_its_controller_and_namespace),
		cmocka_unit_test(a_wwid_made_of_model_and_serial_is_no_wwn),
		cmocka_unit_test(the_controller_is_the_nearest_pci_device_of_the_machine),
		cmocka_unit_test(a_usb_disk_takes_the_serial_of_its_usb_device),
		cmocka_unit_test(virtio_disks_have_a_serial_and_no_model),
		cmocka_unit_test(soldered_memory_is_a_disk_and_a_card_is_removable),
		cmocka_unit_test(a_serial_that_says_nothing_is_none),
		cmocka_unit_test(texts_from_devices_are_made_printable),
		cmocka_unit_test(what_is_no_disk_is_left_out),
		cmocka_unit_test(disks_are_sorted_by_bus_and_removable_ones_come_last),
		cmocka_unit_test(the_content_names_table_and_file_systems),
		cmocka_unit_test(a_damaged_table_is_content_and_not_an_error),
		cmocka_unit_test(a_disk_that_cannot_be_opened_stays_in_the_list),
		cmocka_unit_test(a_volume_without_table_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
