/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr disks: the disks of this machine, what is on them, and why one cannot be a target.
 */
#include "command.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <base/text.h>
#include <partition/boot-medium.h>
#include <partition/disks.h>
#include <restore/restore.h>
#include <restore/system-state.h>

#include "boot-stick.h"

#define READY_MS	  35000 /* coldplug gives up after 30 s */
#define READY_INTERVAL_MS 100

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

static void print_half(const struct restore_half *half)
{
	char done[SIZE_TEXT_SIZE], total[SIZE_TEXT_SIZE], when[TIME_TEXT_SIZE],
		backup[TIME_TEXT_SIZE];
	AUTO_FREE char *text = text_format(
		"a restore of '%s', backup of %s UTC, plan %s, stopped with %s of %s "
		"written, last at %s UTC%s. It does not start. 'bmr resume' goes on with "
		"it",
		half->machine, time_format(half->backup_time, backup), half->plan,
		size_format(half->done, done), size_format(half->total, total),
		time_format(half->written, when),
		half->from_mirror ? " (as the boot medium has it: the disk's own journal "
				    "cannot be read)"
				  : "");

	if (half->found && text)
		print_wrapped("HALF RESTORED: ", text);
}

/* NULL: none, or the disk cannot be read, which its content says. */
static const struct disk_partition *half_changed(const struct disk *disk)
{
	const struct disk_partition *partition = NULL;
	struct err fault = { 0 };

	if (state_find_half(disk, &partition, &fault) < 0)
		return NULL;
	return partition;
}

static void print_half_changed(const struct disk *disk)
{
	const struct disk_partition *partition = half_changed(disk);
	AUTO_FREE char *text =
		partition
			? text_format("partition %u: a change of its system state has "
				      "stopped half-way. It does not start. 'bmr "
				      "restore-systemstate --disk … --finish' brings it "
				      "to its end",
				      partition->slot)
			: NULL;

	if (text)
		print_wrapped("HALF CHANGED: ", text);
}

static void print_disk(const struct disk *disk, const struct restore_half *half)
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
	print_half(half);
	print_half_changed(disk);
	print_protection(disk);
}

static void print_list(const struct disk_list *list, const struct restore_half *halves)
{
	if (!list->count) {
		puts("No disks found.");
		return;
	}
	printf("%-14s %-6s %9s %6s  %-20s  %s\n", "DISK", "BUS", "SIZE", "SECTOR",
	       "MODEL", "SERIAL");
	for (size_t i = 0; i < list->count; i++)
		print_disk(&list->disks[i], &halves[i]);
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

/* What tells the disk from its copies: the id of its GPT, or the signature of its MBR. */
static json_t *table_id_json(const struct disk_layout *layout)
{
	char text[GUID_TEXT_SIZE];

	if (!layout || layout->style == TABLE_NONE)
		return json_null();
	if (layout->style == TABLE_GPT)
		guid_format(&layout->disk_id, text);
	else
		snprintf(text, sizeof(text), "%08" PRIx32, layout->mbr_signature);
	return json_string(text);
}

/* Choices as the journal has them: the value behind an option, "" where there is none. */
static const char *word_behind(const struct restore_half *half, const char *option)
{
	const char *end = half->words + half->words_length, *word = half->words;

	for (; word && word < end; word += strlen(word) + 1)
		if (strcmp(word, option) == 0 && word + strlen(word) + 1 < end)
			return word + strlen(word) + 1;
	return "";
}

static json_t *half_json(const struct restore_half *half)
{
	if (!half->found)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:b}",
			 "machine", half->machine, "version", half->version, "plan",
			 half->plan, "source", word_behind(half, "--from"), "backup_time",
			 (json_int_t)half->backup_time, "written",
			 (json_int_t)half->written, "bytes_done", (json_int_t)half->done,
			 "bytes_total", (json_int_t)half->total, "committing",
			 (int)half->committing, "from_mirror", (int)half->from_mirror,
			 "resumable", (int)(half->words_length > 0));
}

static json_t *disk_json(const struct disk *disk, const struct restore_half *half)
{
	AUTO_FREE char *identity = disk_identity_text(disk);
	const struct disk_partition *changed = half_changed(disk);

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:i, s:i, s:b, s:o, s:o, s:s, "
		"s:o, s:o, s:o, s:o}",
		"path", disk->path, "bus", disk->bus, "model", disk->model, "serial",
		disk->serial, "wwn", disk->wwn, "identity", identity, "size",
		(json_int_t)disk->size, "sector_size", (int)disk->sector_size,
		"physical_sector_size", (int)disk->physical_sector_size, "rotational",
		(int)disk->rotational, "table", table_json(disk->layout), "table_id",
		table_id_json(disk->layout), "content", disk->content, "protection",
		protection_json(disk), "reasons", lines_json(disk->protection_text),
		"half_restored", half_json(half), "half_changed",
		changed ? json_integer((json_int_t)changed->slot) : json_null());
}

static enum exit_status print_json(const struct disk_list *list,
				   const struct restore_half *halves)
{
	json_t *disks = json_array(), *root;
	struct err err = { 0 };
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++)
		r = json_array_append_new(disks, disk_json(&list->disks[i], &halves[i]));
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

/* A disk that cannot be read, or not by this user, is in the list all the same. */
static void find_halves(const struct disk_list *list, const char *mirror,
			struct restore_half *halves)
{
	sigset_t stops, before;
	char *stick = NULL;

	/* the menu ends this command when nobody waits for it any more: not while it is mounted */
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, &before);
	if (!mirror && boot_stick_mount(&stick, NULL) == 0)
		mirror = stick;
	for (size_t i = 0; i < list->count; i++)
		if (!(list->disks[i].protection & DISK_BOOT_MEDIUM))
			(void)!restore_find(&list->disks[i], mirror, &halves[i], NULL);
	boot_stick_release(stick);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* A file stands beside the disks of this machine. */
static int add_file(const char *path, struct disk_list *list, struct err *err)
{
	struct disk *disk;

	return disk_find(list, path, 0, &disk, err);
}

static enum exit_status show(bool json, const char *file, const char *mirror)
{
	AUTO(disk_list_clear) struct disk_list list = { 0 };
	AUTO_FREE char *boot_medium = boot_medium_read();
	AUTO_FREE struct restore_half *halves = NULL;
	struct disk_list_wishes wishes = { .boot_medium = boot_medium };
	enum exit_status status = EXIT_DONE;
	struct err err = { 0 };

	if (disk_list_read(&wishes, &list, &err) < 0 ||
	    (file && add_file(file, &list, &err) < 0))
		return command_fail(&command_disks, &err);
	halves = calloc(list.count + 1, sizeof(*halves));
	if (!halves) {
		(void)err_nomem(&err);
		return command_fail(&command_disks, &err);
	}
	find_halves(&list, mirror, halves);
	if (json)
		status = print_json(&list, halves);
	else
		print_list(&list, halves);
	for (size_t i = 0; i < list.count; i++)
		restore_half_clear(&halves[i]);
	return status;
}

/* Drivers may still be finding disks. */
static void wait_for(const char *path)
{
	static const struct timespec interval = { .tv_nsec =
							  READY_INTERVAL_MS * 1000000 };

	for (unsigned ms = 0; ms < READY_MS && access(path, F_OK) < 0;
	     ms += READY_INTERVAL_MS)
		nanosleep(&interval, NULL);
}

static enum exit_status run_disks(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "journal-mirror", required_argument, NULL, 'm' },
		{ "when-ready", required_argument, NULL, 'w' },
		{ 0 },
	};
	const char *mirror = NULL, *ready = NULL;
	bool json = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			json = true;
		else if (option == 'm')
			mirror = optarg;
		else if (option == 'w')
			ready = optarg;
		else
			return command_usage(&command_disks,
					     "'%s' is not an option, or lacks its value",
					     argv[optind - 1]);
	}
	if (optind + 1 < argc)
		return command_usage(&command_disks, "'%s' is one argument too many",
				     argv[optind + 1]);
	if (ready)
		wait_for(ready);
	return show(json, optind < argc ? argv[optind] : NULL, mirror);
}

const struct command command_disks = {
	.name = "disks",
	.group = "Disks",
	.usage = "disks [--json] [--journal-mirror DIR] [FILE]",
	.summary = "list the disks of this machine, and which cannot be a target and why",
	.help = "A disk on which a restore stopped half-way is shown as such. FILE is an "
		"image "
		"file that is\n"
		"listed beside the disks.\n"
		"  --json                the list for machines\n"
		"  --journal-mirror DIR  where a mirror of its journal may lie; default: "
		"the "
		"stick\n"
		"                        that the machine was started from\n"
		"  --when-ready FILE     first waits for this file, at most 35 s\n",
	.run = run_disks,
};
