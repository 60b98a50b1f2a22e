/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr disks: the disks of this machine, what is on them, and why one cannot be a target.
 */
#include "command.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <base/text.h>
#include <partition/disks.h>

#include <partition/boot-medium.h>

#define LINE_WIDTH 80
#define INDENT	   "    "
/* ATA and NVMe serials have at most 20 characters; longer ones get a line of their own.
 */
#define SERIAL_WIDTH 20

static const struct protection_name {
	enum disk_protection bit;
	const char *name;
} protection_names[] = {
	{ DISK_BOOT_MEDIUM, "boot-medium" },
	{ DISK_READ_ONLY, "read-only" },
	{ DISK_MOUNTED, "mounted" },
	{ DISK_HELD, "held" },
	{ DISK_HOLDS_SOURCE, "holds-source" },
	{ DISK_NO_IDENTITY, "no-identity" },
	{ DISK_SAME_IDENTITY, "same-identity" },
	{ DISK_REMOVABLE, "removable" },
};

/* -- text
 * --------------------------------------------------------------------------------- */

/* Columns of the first word and a blank behind it; *ret_bytes gets its bytes. */
static size_t word_width(const char *text, size_t *ret_bytes)
{
	size_t width = 0, bytes = strcspn(text, " ");

	for (size_t i = 0; i < bytes; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	*ret_bytes = bytes;
	return width;
}

/* Words of text, wrapped; first stands before the first line. */
static void print_wrapped(const char *first, const char *text)
{
	size_t column = strlen(INDENT) + strlen(first), bytes;
	bool fresh = true;

	printf(INDENT "%s", first);
	while (*text) {
		size_t width = word_width(text, &bytes);

		if (!fresh && column + 1 + width > LINE_WIDTH) {
			printf("\n" INDENT "  ");
			column = strlen(INDENT) + 2;
			fresh = true;
		}
		printf("%s%.*s", fresh ? "" : " ", (int)bytes, text);
		column += width + !fresh;
		fresh = false;
		text += bytes + strspn(text + bytes, " ");
	}
	putchar('\n');
}

static void print_protection(const struct disk *disk)
{
	unsigned when_named = DISK_REMOVABLE | DISK_NO_IDENTITY;
	bool forbidden = disk->protection & ~when_named;
	const char *first = forbidden ? "LOCKED: " : "note: ";
	const char *line = disk->protection_text;

	while (*line) {
		size_t length = strcspn(line, "\n");
		AUTO_FREE char *copy = strndup(line, length);

		if (copy)
			print_wrapped(first, copy);
		line += length + (line[length] == '\n');
	}
}

static void print_disk(const struct disk *disk)
{
	bool fits = strlen(disk->serial) <= SERIAL_WIDTH;
	char size[SIZE_TEXT_SIZE];

	printf("%-14s %-6s %9s %6" PRIu32 "  %-20.20s  %s\n", disk->path, disk->bus,
	       size_format(disk->size, size), disk->sector_size,
	       disk->model[0] ? disk->model : "-",
	       !disk->serial[0] ? "-"
	       : fits		? disk->serial
				: "see below");
	if (!fits)
		print_wrapped("serial: ", disk->serial);
	if (disk->wwn[0])
		print_wrapped("WWN: ", disk->wwn);
	print_wrapped("", disk->content);
	print_protection(disk);
}

static void print_list(const struct disk_list *list)
{
	if (!list->count) {
		puts("No disks found.");
		return;
	}
	printf("%-14s %-6s %9s %6s  %-20s  %s\n", "DISK", "BUS", "SIZE", "SECTOR",
	       "MODEL", "SERIAL");
	for (size_t i = 0; i < list->count; i++)
		print_disk(&list->disks[i]);
}

/* -- JSON
 * --------------------------------------------------------------------------------- */

static json_t *protection_json(const struct disk *disk)
{
	json_t *names = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(protection_names); i++)
		if (disk->protection & protection_names[i].bit)
			json_array_append_new(names,
					      json_string(protection_names[i].name));
	return names;
}

static json_t *lines_json(const char *text)
{
	json_t *lines = json_array();

	while (*text) {
		size_t length = strcspn(text, "\n");

		json_array_append_new(lines, json_stringn(text, length));
		text += length + (text[length] == '\n');
	}
	return lines;
}

static json_t *table_json(const struct disk_layout *layout)
{
	static const char *const styles[] = { "none", "mbr", "gpt" };

	return layout ? json_string(styles[layout->style]) : json_null();
}

static json_t *disk_json(const struct disk *disk)
{
	AUTO_FREE char *identity = disk_identity_text(disk);

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:i, s:i, s:b, s:o, s:s, s:o, "
		"s:o}",
		"path", disk->path, "bus", disk->bus, "model", disk->model, "serial",
		disk->serial, "wwn", disk->wwn, "identity", identity, "size",
		(json_int_t)disk->size, "sector_size", (int)disk->sector_size,
		"physical_sector_size", (int)disk->physical_sector_size, "rotational",
		(int)disk->rotational, "table", table_json(disk->layout), "content",
		disk->content, "protection", protection_json(disk), "reasons",
		lines_json(disk->protection_text));
}

static enum exit_status print_json(const struct disk_list *list)
{
	json_t *disks = json_array(), *root;
	struct err err = { 0 };
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++)
		r = json_array_append_new(disks, disk_json(&list->disks[i]));
	root = json_pack("{s:o}", "disks", disks);
	if (r == 0 && root)
		r = json_dumpf(root, stdout, JSON_INDENT(2));
	json_decref(root);
	putchar('\n');
	if (r == 0 && root)
		return EXIT_DONE;
	(void)err_nomem(&err);
	return command_fail(&command_disks, &err);
}

/* -- command
 * ------------------------------------------------------------------------------ */

static enum exit_status show(bool json)
{
	AUTO(disk_list_clear) struct disk_list list = { 0 };
	AUTO_FREE char *boot_medium = boot_medium_read();
	struct disk_list_wishes wishes = { .boot_medium = boot_medium };
	struct err err = { 0 };

	if (disk_list_read(&wishes, &list, &err) < 0)
		return command_fail(&command_disks, &err);
	if (json)
		return print_json(&list);
	print_list(&list);
	return EXIT_DONE;
}

static enum exit_status run_disks(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	bool json = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return command_usage(&command_disks, "'%s' is not an option",
					     argv[optind - 1]);
		json = true;
	}
	if (optind < argc)
		return command_usage(&command_disks, "'%s' is one argument too many",
				     argv[optind]);
	return show(json);
}

const struct command command_disks = {
	.name = "disks",
	.group = "Disks",
	.usage = "disks [--json]",
	.summary = "list the disks of this machine, and which cannot be a target and why",
	.help = "  --json  the list for machines\n",
	.run = run_disks,
};
