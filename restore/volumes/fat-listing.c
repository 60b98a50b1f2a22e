/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of mdir (mtools 4.0.33):
 *
 *	BOOTX64  EFI   1605632 2026-08-31  21:00  a long name.efi
 *	BOOT         <DIR>     2026-08-31  21:00
 *
 * eight and three characters of the short name, which is the name where no long one follows.
 *
 * A line of mattrib:
 *
 *	  A  SHR     ::/EFI/Microsoft/Boot/BCD
 */
#include "fat-listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <base/text.h>
#include <base/utf.h>

#include "items-fs.h"

#define NAME_LENGTH	 8
#define EXTENSION_LENGTH 3

/* Behind so many characters of UTF-8; NULL: there are fewer. */
static char *skip_characters(char *text, size_t count)
{
	while (count && *text) {
		text++;
		while ((*text & 0xc0) == 0x80)
			text++;
		count--;
	}
	return count ? NULL : text;
}

/* Without the blanks at its end. */
static char *copy_trimmed(const char *from, const char *to)
{
	while (to > from && to[-1] == ' ')
		to--;
	return strndup(from, (size_t)(to - from));
}

/* "NAME.EXT" from the first columns, which end at rest. */
static char *short_name(char *line, char *rest)
{
	char *behind = skip_characters(line, NAME_LENGTH);
	AUTO_FREE char *name = copy_trimmed(line, behind);
	AUTO_FREE char *extension = copy_trimmed(behind + 1, rest);

	if (!name || !extension)
		return NULL;
	return extension[0] ? text_format("%s.%s", name, extension) : strdup(name);
}

/* "1605632 2026-08-31  21:00", "<DIR>     2026-08-31  21:00". *ret_rest: behind it. */
static bool take_facts(const char *text, struct item *item, const char **ret_rest)
{
	struct tm time = { 0 };
	int length = 0;

	text += strspn(text, " ");
	item->kind = strncmp(text, "<DIR>", 5) == 0 ? ITEM_FOLDER : ITEM_FILE;
	if (item->kind == ITEM_FOLDER)
		text += 5;
	else if (sscanf(text, "%10" SCNu64 "%n", &item->size, &length) != 1)
		return false;
	text += length;
	if (sscanf(text, " %4d-%2d-%2d %2d:%2d%n", &time.tm_year, &time.tm_mon,
		   &time.tm_mday, &time.tm_hour, &time.tm_min, &length) != 5)
		return false;
	time.tm_year -= 1900;
	time.tm_mon -= 1;
	item->modified = (int64_t)timegm(&time) * 10000000;
	item->allocated = item->size;
	*ret_rest = text + length;
	return true;
}

static bool is_name(const char *name)
{
	return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strchr(name, '/') && strlen(name) <= ITEM_NAME_MAX &&
	       utf8_check(name, strlen(name)) == 0;
}

static int take_line(char *line, struct item_list *ret, struct err *err)
{
	char *facts = skip_characters(line, NAME_LENGTH + 1 + EXTENSION_LENGTH);
	struct item found = { 0 }, item = { 0 };
	AUTO_FREE char *name = NULL;
	const char *rest;
	int r;

	if (!facts || line[0] == ' ' || !take_facts(facts, &found, &rest))
		return 0;
	name = rest[0] == ' ' && rest[1] == ' ' ? strdup(rest + 2)
						: short_name(line, facts);
	if (!name)
		return err_nomem(err);
	if (!is_name(name))
		return 0;
	r = item_init(&item, name, err);
	if (r < 0)
		return r;
	item.kind = found.kind;
	item.size = item.allocated = found.size;
	item.modified = found.modified;
	return item_list_add(ret, &item, err);
}

int fat_listing_parse(char *text, struct item_list *ret, struct err *err)
{
	AUTO(item_list_clear) struct item_list list = { 0 };
	int r = 0;

	for (char *line = strsep(&text, "\n"); line && r == 0; line = strsep(&text, "\n"))
		r = take_line(line, &list, err);
	if (r < 0)
		return r;
	*ret = list;
	list = (struct item_list){ 0 };
	return 0;
}

/* -- attributes ------------------------------------------------------------------- */

#define PATH_COLUMN 13

int fat_attributes_parse(const char *text, uint32_t *ret, struct err *err)
{
	static const struct {
		size_t column;
		char letter;
		uint32_t value;
	} marks[] = {
		{ 2, 'A', ITEM_ARCHIVE },
		{ 5, 'S', ITEM_SYSTEM },
		{ 6, 'H', ITEM_HIDDEN },
		{ 7, 'R', ITEM_READONLY },
	};
	uint32_t attributes = 0;

	if (strnlen(text, PATH_COLUMN) < PATH_COLUMN ||
	    strncmp(text + PATH_COLUMN, "::/", 3) != 0)
		return err_set(err, -EBADMSG, "attributes of a file: '%.80s'", text);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (text[marks[i].column] == marks[i].letter)
			attributes |= marks[i].value;
	*ret = attributes;
	return 0;
}
