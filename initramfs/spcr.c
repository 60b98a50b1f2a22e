/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See spcr.h. */
#include "spcr.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/bytes.h>
#include <base/cleanup.h>

#define PATH_SIZE  512	/* a name of a folder has at most 255 bytes */
#define TABLE_SIZE 4096 /* real ones have 80 bytes and a name */

enum address_space { SPACE_MEMORY = 0, SPACE_PORTS = 1 };

struct spcr_disk {
	uint8_t signature[4];	/* 0x00 "SPCR" */
	le32 length;		/* 0x04 */
	uint8_t header[28];	/* 0x08 */
	uint8_t interface_type; /* 0x24 */
	uint8_t reserved[3];	/* 0x25 */
	uint8_t address_space;	/* 0x28 generic address structure */
	uint8_t bit_width;	/* 0x29 */
	uint8_t bit_offset;	/* 0x2a */
	uint8_t access_size;	/* 0x2b */
	le64 address;		/* 0x2c 0: redirection is off */
};
_Static_assert(sizeof(struct spcr_disk) == 0x34, "SPCR");

bool spcr_parse(const void *bytes, size_t length, struct spcr *ret)
{
	struct spcr_disk table;

	if (length < sizeof(table))
		return false;
	memcpy(&table, bytes, sizeof(table));
	if (memcmp(table.signature, "SPCR", sizeof(table.signature)) != 0 ||
	    get_le32(table.length) < sizeof(table) || table.address_space > SPACE_PORTS ||
	    get_le64(table.address) == 0)
		return false;
	*ret = (struct spcr){ .in_memory = table.address_space == SPACE_MEMORY,
			      .address = get_le64(table.address) };
	return true;
}

/* Bytes of a file, at most size; 0 where there is none. */
static size_t read_file(const char *path, void *bytes, size_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, bytes, size);

	return length > 0 ? (size_t)length : 0;
}

static bool line_has(const char *root, const char *line, const struct spcr *spcr)
{
	char path[PATH_SIZE], text[64];
	size_t length;

	snprintf(path, sizeof(path), "%s/sys/class/tty/%s/%s", root, line,
		 spcr->in_memory ? "iomem_base" : "port");
	length = read_file(path, text, sizeof(text) - 1);
	text[length] = '\0';
	return length > 0 && strtoull(text, NULL, 16) == spcr->address;
}

bool spcr_console(const char *root, char name[CONSOLE_NAME_SIZE])
{
	char path[PATH_SIZE];
	uint8_t table[TABLE_SIZE];
	struct spcr spcr;
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/sys/firmware/acpi/tables/SPCR", root);
	if (!spcr_parse(table, read_file(path, table, sizeof(table)), &spcr))
		return false;
	snprintf(path, sizeof(path), "%s/sys/class/tty", root);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		found = strlen(entry->d_name) < CONSOLE_NAME_SIZE &&
			entry->d_name[0] != '.' && line_has(root, entry->d_name, &spcr);
		if (found)
			strcpy(name, entry->d_name);
	}
	if (folder)
		closedir(folder);
	return found;
}
