/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The device this environment was started from: it can never be a target. */
#include <partition/boot-medium.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#define KEY "openbmr.boot="

char *boot_medium_read(void)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/cmdline", "re");
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	char *rest;

	if (!file || getline(&line, &room, file) < 0)
		return NULL;
	rest = line;
	for (char *word = strsep(&rest, " \n"); word; word = strsep(&rest, " \n"))
		if (strncmp(word, KEY, strlen(KEY)) == 0)
			return strdup(word + strlen(KEY));
	return NULL;
}

/* Its number in the table, as the kernel counts too; 0: it is not on this disk. */
static unsigned find_slot(const struct disk_layout *layout, const char *medium)
{
	unsigned signature, number;
	struct guid id;

	if (!layout)
		return 0;
	if (sscanf(medium, "mbr:%x:%u", &signature, &number) == 2)
		return layout->style == TABLE_MBR && layout->mbr_signature == signature
			       ? number
			       : 0;
	if (layout->style != TABLE_GPT || guid_parse(medium, strlen(medium), &id) < 0)
		return 0;
	for (size_t i = 0; i < layout->count; i++)
		if (guid_equal(&layout->partitions[i].id, &id))
			return layout->partitions[i].slot;
	return 0;
}

int boot_medium_partition(const struct disk_list *list, const char *medium, char **ret,
			  struct err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct disk *disk = &list->disks[i];
		unsigned slot = find_slot(disk->layout, medium);
		size_t length = strlen(disk->path);

		if (!slot)
			continue;
		*ret = text_format(
			"%s%s%u", disk->path,
			isdigit((unsigned char)disk->path[length - 1]) ? "p" : "", slot);
		return *ret ? 0 : err_nomem(err);
	}
	return err_set(err, -ENODEV, "the boot medium ('%s') is on no disk that is here",
		       medium);
}
