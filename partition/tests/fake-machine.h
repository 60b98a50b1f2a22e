/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A folder that stands for "/": sys, proc and dev of a machine that does not exist, with
 * the attributes that kernel 6.1 shows for each kind of disk. Plain files stand for the
 * device nodes. Uses cmocka, whose header comes before this one.
 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct machine {
	char root[64];
};

static inline int remove_entry(const char *path, const struct stat *st, int flag,
			       struct FTW *walk)
{
	return remove(path);
}

static inline void machine_clear(struct machine *machine)
{
	nftw(machine->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
}

/* Writes a file below the root and makes its folders. */
static inline void machine_put(const struct machine *machine, const char *path,
			       const void *bytes, size_t length)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", machine->root, path);
	make_folders(full);
	file = fopen(full, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static inline void machine_put_text(const struct machine *machine, const char *path,
				    const char *text)
{
	machine_put(machine, path, text, strlen(text));
}

/* An attribute of a disk, such as "device/model". */
static inline void machine_attribute(const struct machine *machine,
				     const char *disk_folder, const char *attribute,
				     const char *text)
{
	char path[400], line[300];

	snprintf(path, sizeof(path), "%s/%s", disk_folder, attribute);
	snprintf(line, sizeof(line), "%s\n", text);
	machine_put_text(machine, path, line);
}

static inline struct machine machine_new(void)
{
	struct machine machine = { .root = "/tmp/bmr-machine-XXXXXX" };

	assert_non_null(mkdtemp(machine.root));
	machine_put_text(&machine, "/proc/self/mountinfo", "");
	machine_put_text(&machine, "/proc/swaps",
			 "Filename\tType\tSize\tUsed\tPriority\n");
	machine_put_text(&machine, "/sys/block/.keep", "");
	machine_put_text(&machine, "/dev/.keep", "");
	return machine;
}

static inline void attribute_number(const struct machine *machine,
				    const char *disk_folder, const char *attribute,
				    uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	machine_attribute(machine, disk_folder, attribute, text);
}

/* Folder of a device below /sys/devices, its link in /sys/block, queue attributes of
 * sector_size, and /dev/NAME of size bytes, sparse. Returns the folder, below the root.
 */
static inline const char *machine_add_disk(const struct machine *machine,
					   const char *name, const char *device,
					   const char *number, uint64_t size,
					   unsigned sector_size)
{
	static char folder[256];
	char link[300], target[300], node[300];
	int fd;

	snprintf(folder, sizeof(folder), "/sys/devices/%s/block/%s", device, name);
	machine_attribute(machine, folder, "dev", number);
	attribute_number(machine, folder, "size", size / 512);
	attribute_number(machine, folder, "ro", 0);
	attribute_number(machine, folder, "removable", 0);
	attribute_number(machine, folder, "hidden", 0);
	attribute_number(machine, folder, "queue/logical_block_size", sector_size);
	attribute_number(machine, folder, "queue/physical_block_size", 4096);
	attribute_number(machine, folder, "queue/rotational", 0);
	snprintf(link, sizeof(link), "%s/sys/block/%s", machine->root, name);
	snprintf(target, sizeof(target), "../devices/%s/block/%s", device, name);
	assert_int_equal(symlink(target, link), 0);
	snprintf(node, sizeof(node), "%s/dev/%s", machine->root, name);
	fd = open(node, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
	return folder;
}

/* name1, name2, … of the same disk; number as "8:1". */
static inline void machine_add_partition(const struct machine *machine,
					 const char *disk_folder, const char *name,
					 const char *number)
{
	char attribute[100];

	snprintf(attribute, sizeof(attribute), "%s/dev", name);
	machine_attribute(machine, disk_folder, attribute, number);
	snprintf(attribute, sizeof(attribute), "%s/partition", name);
	machine_attribute(machine, disk_folder, attribute, "1");
}

/* /sys/…/device/vpd_pg80 with this serial. */
static inline void machine_page_80(const struct machine *machine, const char *disk_folder,
				   const char *serial)
{
	size_t length = strlen(serial);
	uint8_t page[100] = { 0x00, 0x80, 0x00, (uint8_t)length };
	char path[400];

	memcpy(page + 4, serial, length);
	snprintf(path, sizeof(path), "%s/device/vpd_pg80", disk_folder);
	machine_put(machine, path, page, 4 + length);
}

static inline void put_ata_text(uint8_t *identify, size_t word, size_t words,
				const char *text)
{
	memset(identify + 2 * word, ' ', 2 * words);
	for (size_t i = 0; text[i]; i++)
		identify[2 * word + (i ^ 1)] = (uint8_t)text[i];
}

/* /sys/…/device/vpd_pg89 with IDENTIFY DEVICE. */
static inline void machine_page_89(const struct machine *machine, const char *disk_folder,
				   const char *serial, const char *model)
{
	uint8_t page[60 + 512] = { 0x00, 0x89, 0x02, 0x38 };
	char path[400];

	put_ata_text(page + 60, 10, 10, serial);
	put_ata_text(page + 60, 27, 20, model);
	snprintf(path, sizeof(path), "%s/device/vpd_pg89", disk_folder);
	machine_put(machine, path, page, sizeof(page));
}
