/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks of machines that do not exist, for tests of the inventory. Include it after cmocka. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <base/checked.h>

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

static inline void read_list(const struct machine *machine, struct disk_list_wishes wishes,
		      struct disk_list *list)
{
	struct err err = { 0 };

	wishes.root = machine->root;
	if (disk_list_read(&wishes, list, &err) < 0)
		fail_msg("%s", err.text);
}

static inline struct disk *disk_named(struct disk_list *list, const char *name)
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
static inline const char *add_sata(const struct machine *machine, const char *name,
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

static inline const char *add_usb(const struct machine *machine, const char *number)
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

static inline void put_disk_bytes(const struct machine *machine, const char *name,
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
static inline void put_gpt(const struct machine *machine, const char *name)
{
	struct disk_image image = image_gpt(512, 64 * MiB / 512);

	put_disk_bytes(machine, name, 0, image.bytes, image.size);
	free(image.bytes);
}

/* sda (64 MiB, serial S1), sdb (64 MiB, serial S2), nvme0n1 (16 MiB), usb stick sdc (32
 * MiB) */
static inline struct disk_list four_disks(const struct machine *machine)
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
