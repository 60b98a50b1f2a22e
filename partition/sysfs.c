/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads sysfs: see sysfs.h. */
#include "sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <base/text.h>

size_t sysfs_bytes(const char *folder, const char *attribute, void *buffer, size_t size)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, attribute);
	AUTO_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t length = fd < 0 ? 0 : read(fd, buffer, size);

	return length < 0 ? 0 : (size_t)length;
}

void sysfs_clean_text(const void *bytes, size_t length, char text[SYSFS_TEXT_SIZE])
{
	const uint8_t *from = bytes;
	size_t used = 0;
	bool blank = false;

	for (size_t i = 0; i < length && from[i] && used < SYSFS_TEXT_SIZE - 2; i++) {
		uint8_t c = from[i];

		if (c == ' ' || c == '\n' || c == '\t') {
			blank = used > 0;
			continue;
		}
		if (blank)
			text[used++] = ' ';
		blank = false;
		text[used++] = c > 0x20 && c < 0x7f ? (char)c : '?';
	}
	text[used] = '\0';
}

bool sysfs_text(const char *folder, const char *attribute, char text[SYSFS_TEXT_SIZE])
{
	char bytes[SYSFS_TEXT_SIZE];

	sysfs_clean_text(bytes, sysfs_bytes(folder, attribute, bytes, sizeof(bytes)),
			 text);
	return text[0] != '\0';
}

uint64_t sysfs_number(const char *folder, const char *attribute, uint64_t otherwise)
{
	char text[SYSFS_TEXT_SIZE], *end;
	uint64_t value;

	if (!sysfs_text(folder, attribute, text))
		return otherwise;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || end == text || *end ? otherwise : value;
}

bool sysfs_device_number(const char *folder, const char *attribute, dev_t *ret)
{
	char text[SYSFS_TEXT_SIZE];
	unsigned first, second;

	if (!sysfs_text(folder, attribute, text) ||
	    sscanf(text, "%u:%u", &first, &second) != 2)
		return false;
	*ret = makedev(first, second);
	return true;
}

int sysfs_walk(const char *folder, sysfs_visit *visit, void *context, struct err *err)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	int r = 0;

	if (!directory && errno == ENOENT)
		return 0;
	if (!directory)
		return err_errno(err, errno, "'%s'", folder);
	while (r == 0 && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = visit(entry->d_name, context, err);
	closedir(directory);
	return r;
}

void sysfs_disk_clear(struct sysfs_disk *disk)
{
	free(disk->folder);
	free(disk->partitions);
	*disk = (struct sysfs_disk){ 0 };
}

/* Partitions are the folders below the disk's that have an attribute "partition". */
static int add_partition(const char *name, void *context, struct err *err)
{
	struct sysfs_disk *disk = context;
	AUTO_FREE char *folder = text_format("%s/%s", disk->folder, name);
	struct sysfs_device *partitions, partition = { 0 };

	if (!folder)
		return err_nomem(err);
	if (!sysfs_number(folder, "partition", 0) ||
	    !sysfs_device_number(folder, "dev", &partition.number))
		return 0;
	snprintf(partition.name, sizeof(partition.name), "%s", name);
	partitions = reallocarray(disk->partitions, disk->partition_count + 1,
				  sizeof(*partitions));
	if (!partitions)
		return err_nomem(err);
	disk->partitions = partitions;
	partitions[disk->partition_count++] = partition;
	return 0;
}

int sysfs_disk_read(const char *root, const char *name, struct sysfs_disk *ret,
		    struct err *err)
{
	AUTO_FREE char *link = text_format("%s/sys/block/%s", root, name);
	AUTO(sysfs_disk_clear) struct sysfs_disk disk = { 0 };
	int r;

	if (!link)
		return err_nomem(err);
	disk.folder = realpath(link, NULL);
	if (!disk.folder)
		return err_errno(err, errno, "'%s'", link);
	snprintf(disk.whole.name, sizeof(disk.whole.name), "%s", name);
	if (!sysfs_device_number(disk.folder, "dev", &disk.whole.number))
		return err_set(err, -ENOENT, "'%s': no device number", link);
	r = sysfs_walk(disk.folder, add_partition, &disk, err);
	if (r < 0)
		return r;
	*ret = disk;
	disk = (struct sysfs_disk){ 0 };
	return 0;
}
