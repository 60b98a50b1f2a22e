/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A folder with a real image in it, and a reader over it. For tests that each are a program of
 * their own: everything is static, and what one of them does not need is unused there.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/tree.h>

#include "reader/reader-internal.h"

#define UNUSED	      __attribute__((unused))
#define VOLUME_OFFSET (64 * KiB) /* LBA 128, as Windows does (FORMAT.md section 2) */
#define VOLUME_SIZE   (1 * MiB)
#define DISK_SIZE     (VOLUME_OFFSET + VOLUME_SIZE)
#define SLOT_SIZE     65536

static char folder[] = "/tmp/test-reader-XXXXXX";
static uint8_t volume_bytes[VOLUME_SIZE];

UNUSED static const struct backup_volume image = { .image_path = (char *)"disk.vhd" };
UNUSED static const struct backup_volume missing = { .image_path =
							     (char *)"sub/none.vhd" };

/* -- the folder ------------------------------------------------------------------- */

static void write_file(const char *name, const void *bytes, size_t length)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* The footer of a fixed VHD (VHD specification 1.0, "Hard Disk Footer Format"). */
static void make_footer(uint8_t footer[512], uint64_t size)
{
	const be64 no_offset = put_be64(UINT64_MAX), disk_size = put_be64(size);
	const be32 version = put_be32(0x10000), features = put_be32(2),
		   type = put_be32(2);
	uint32_t sum = 0;
	be32 checksum;

	memset(footer, 0, 512);
	memcpy(footer, "conectix", 8);
	memcpy(footer + 8, &features, 4);
	memcpy(footer + 12, &version, 4);
	memcpy(footer + 16, &no_offset, 8);
	memcpy(footer + 28, "vsim", 4);
	memcpy(footer + 36, "Wi2k", 4);
	memcpy(footer + 40, &disk_size, 8);
	memcpy(footer + 48, &disk_size, 8);
	memcpy(footer + 56, "\x00\x20\x04\x11",
	       4); /* 32 x 4 x 17 sectors: 1114112 bytes */
	memcpy(footer + 60, &type, 4);
	memset(footer + 68, 0x5a, 16); /* unique id */
	for (size_t i = 0; i < 512; i++)
		sum += footer[i];
	checksum = put_be32(~sum);
	memcpy(footer + 64, &checksum, 4);
}

/* A disk with an MBR and one partition of type 07 without a file system. */
/* beside the images */
#define BESIDE	    "layout.json"
#define BESIDE_TEXT "{ \"style\": \"gpt\" }"

UNUSED static int make_folder(void **state)
{
	static uint8_t disk[DISK_SIZE + 512];
	const uint8_t entry[16] = { 0, 0, 0, 0, 7, 0, 0, 0, 128, 0, 0, 0, 0, 8, 0, 0 };

	if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(volume_bytes); i++)
		volume_bytes[i] = (uint8_t)(i ^ (i >> 8) ^ (i >> 16));
	memset(volume_bytes, 0, 4096);
	memcpy(disk + 446, entry, sizeof(entry));
	disk[510] = 0x55;
	disk[511] = 0xaa;
	memcpy(disk + VOLUME_OFFSET, volume_bytes, sizeof(volume_bytes));
	make_footer(disk + DISK_SIZE, DISK_SIZE);
	write_file("disk.vhd", disk, sizeof(disk));
	write_file(BESIDE, BESIDE_TEXT, strlen(BESIDE_TEXT));
	return 0;
}

UNUSED static int remove_folder(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/disk.vhd", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" BESIDE, folder);
	unlink(path);
	return rmdir(folder);
}

UNUSED static int open_folder(void *context, struct tree **ret, struct err *err)
{
	return tree_local_open(context, ret, err);
}

static const char *const readable[] = { folder, NULL };

UNUSED static const struct reader_options local = {
	.open_tree = open_folder,
	.readable = readable,
	.context = folder,
	.local = true,
	.slots = 4,
	.slot_size = SLOT_SIZE,
};

UNUSED static struct reader *start_reader(void)
{
	struct reader *reader = NULL;
	struct err err = { 0 };

	if (reader_start(&local, &reader, &err) < 0)
		fail_msg("%s", err.text);
	return reader;
}

UNUSED static unsigned open_image(struct reader *reader)
{
	struct err err = { 0 };
	uint64_t length = 0;
	unsigned volume = 99;

	if (reader_open_volume(reader, &image, &volume, &length, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(length, VOLUME_SIZE);
	return volume;
}

UNUSED static void submit(struct reader *reader, unsigned volume, uint64_t offset)
{
	struct err err = { 0 };

	if (reader_submit(reader, volume, offset, SLOT_SIZE, &err) < 0)
		fail_msg("%s", err.text);
}
