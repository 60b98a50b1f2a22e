/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel says about block devices in sysfs. All of it comes from devices and is
 * text from outside: attributes are bounded, and made printable before anyone shows them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/cleanup.h>
#include <base/err.h>

#define SYSFS_TEXT_SIZE 256 /* of an attribute that is text; the longest WWN has 100 */

/* A whole disk or a partition. */
struct sysfs_device {
	char name[64]; /* sda1 */
	dev_t number;
};

/* A whole disk with its partitions. */
struct sysfs_disk {
	struct sysfs_device whole;
	char *folder; /* its resolved folder, below the root */
	size_t partition_count;
	struct sysfs_device *partitions;
};

void sysfs_disk_clear(struct sysfs_disk *disk);

/* root is "" or the folder that stands for "/" in a test. -ENOENT: no such disk. */
int sysfs_disk_read(const char *root, const char *name, struct sysfs_disk *ret,
		    struct err *err) MUST_CHECK;

/* Calls visit for each entry of a folder, without "." and ".."; a folder that is not
 * there has none. A visit that returns non-zero ends the walk with that value. */
typedef int sysfs_visit(const char *name, void *context, struct err *err);
int sysfs_walk(const char *folder, sysfs_visit *visit, void *context,
	       struct err *err) MUST_CHECK;

/* One attribute as text of printable ASCII, other bytes as '?', blanks around it and in a
 * row left out. False, and "", where there is none. */
bool sysfs_text(const char *folder, const char *attribute, char text[SYSFS_TEXT_SIZE]);

/* The same for bytes that were read otherwise; they end at the first NUL. */
void sysfs_clean_text(const void *bytes, size_t length, char text[SYSFS_TEXT_SIZE]);

/* An attribute that is a number; otherwise where there is none. */
uint64_t sysfs_number(const char *folder, const char *attribute, uint64_t otherwise);

/* Up to size bytes of an attribute; the count, 0 where there is none. */
size_t sysfs_bytes(const char *folder, const char *attribute, void *buffer, size_t size);

/* "8:1" -> the device number; false where there is none. */
bool sysfs_device_number(const char *folder, const char *attribute, dev_t *ret);
