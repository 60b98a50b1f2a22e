/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inventory of disks over machines that do not exist, and plain files as disks. */
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

#include "disk-image.h"
#include "fake-machine.h"

#define MACHINE AUTO(machine_clear) struct machine
#define LIST	AUTO(disk_list_clear) struct disk_list

#define SDA	    "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0"
#define SDB	    "pci0000:00/0000:00:1f.2/ata2/host1/target1:0:0/1:0:0:0"
#define NVME	    "pci0000:00/0000:00:04.0/nvme/nvme0"
#define USB	    "pci0000:00/0000:00:1d.7/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0"
#define VIRTIO	    "pci0000:00/0000:00:05.0/virtio2"
#define VIRTIO_SCSI "pci0000:00/0000:00:06.0/virtio3/host7/target7:0:0/7:0:0:0"
#define MMC	    "pci0000:00/0000:00:07.0/mmc_host/mmc0/mmc0:0001"

static void read_list(const struct machine *machine, struct disk_list_wishes wishes,
		      struct disk_list *list)
{
	struct err err = { 0 };

	wishes.root = machine->root;
	if (disk_list_read(&wishes, list, &err) < 0)
		fail_msg("%s", err.text);
}

static struct disk *disk_named(struct disk_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *base = strrchr(list->disks[i].path, '/');

		if (base && strcmp(base + 1, name) == 0)
			return &list->disks[i];
	}
	fail_msg("no disk %s", name);
	return NULL;
}

/* A SATA disk with a serial and a WWN. */
static const char *add_sata(const struct machine *machine, const char *name,
			    const char *device, const char *number, const char *serial)
{
	const char *folder =
		machine_add_disk(machine, name, device, number, 64 * MiB, 512);
	char wwid[64];

	machine_page_80(machine, folder, serial);
	machine_page_89(machine, folder, serial, "WDC WD10EZEX-08WN4A0 with a long name");
	machine_attribute(machine, folder, "device/vendor", "ATA");
	machine_attribute(machine, folder, "device/model", "WDC WD10EZEX-08W");
	machine_attribute(machine, folder, "device/type", "0");
	snprintf(wwid, sizeof(wwid), "naa.50014ee2%08x",
		 crc32(0, serial, strlen(serial)));
	machine_attribute(machine, folder, "device/wwid", wwid);
	return folder;
}

static const char *add_usb(const struct machine *machine, const char *number)
{
	const char *folder = machine_add_disk(machine, "sdc", USB, number, 32 * MiB, 512);

	machine_attribute(machine, folder, "device/vendor", "SanDisk");
	machine_attribute(machine, folder, "device/model", "Cruzer Blade");
	machine_put_text(machine,
			 "/sys/devices/pci0000:00/0000:00:1d.7/usb1/1-1/idVendor",
			 "0781\n");
	machine_put_text(machine, "/sys/devices/pci0000:00/0000:00:1d.7/usb1/1-1/serial",
			 "4C530001220528\n");
	return folder;
}

/* -- what each bus says
 * ------------------------------------------------------------------- */

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

/* -- content
 * ------------------------------------------------------------------------------ */

static void put_disk_bytes(const struct machine *machine, const char *name,
			   uint64_t offset, const void *bytes, size_t length)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/dev/%s", machine->root, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
	close(fd);
}

/* The table of image_gpt() on a disk of 64 MiB, with its ids. */
static void put_gpt(const struct machine *machine, const char *name)
{
	struct disk_image image = image_gpt(512, 64 * MiB / 512);

	put_disk_bytes(machine, name, 0, image.bytes, image.size);
	free(image.bytes);
}

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

/* -- protection
 * --------------------------------------------------------------------------- */

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

/* -- naming a disk
 * ------------------------------------------------------------------------ */

/* sda (64 MiB, serial S1), sdb (64 MiB, serial S2), nvme0n1 (16 MiB), usb stick sdc (32
 * MiB) */
static struct disk_list four_disks(const struct machine *machine)
{
	struct disk_list list = { 0 };
	const char *folder;

	add_sata(machine, "sda", SDA, "8:0", "S1");
	add_sata(machine, "sdb", SDB, "8:16", "S2");
	folder = machine_add_disk(machine, "nvme0n1", NVME, "259:0", 16 * MiB, 512);
	machine_attribute(machine, folder, "device/serial", "N1");
	machine_attribute(machine, folder, "wwid", "eui.002538b411b2c3d4");
	add_usb(machine, "8:32");
	read_list(machine, (struct disk_list_wishes){ 0 }, &list);
	return list;
}

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

/* -- plain files
 * -------------------------------------------------------------------------- */

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

/* -- the open disk
 * ------------------------------------------------------------------------ */

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
		cmocka_unit_test(a_sata_disk_is_known_by_its_identify_data),
		cmocka_unit_test(without_vpd_pages_a_sata_disk_has_no_identity),
		cmocka_unit_test(an_nvme_disk_is_known_by_its_controller_and_namespace),
		cmocka_unit_test(a_wwid_made_of_model_and_serial_is_no_wwn),
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
		cmocka_unit_test(an_open_file_must_be_the_planned_one),
		cmocka_unit_test(an_open_disk_must_be_a_disk),
		cmocka_unit_test(the_identity_is_told_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
