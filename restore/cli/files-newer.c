/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 'bmr files newer': lists files on a disk that are newer than a backup, or saves them. */
#include "files-newer.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include <base/text.h>
#include <partition/boot-medium.h>

#include "files-target.h"
#include "newer.h"

/* -- since when ------------------------------------------------------------------- */

static int parse_time(const char *text, int64_t *ret, struct err *err)
{
	struct tm time = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M", &time);

	if (!end || (end[0] && strcmp(end, "Z") != 0))
		return err_set(err, -EINVAL,
			       "--since '%s': must be UTC, as in "
			       "2026-08-31T21:00Z",
			       text);
	*ret = timegm(&time);
	return 0;
}

static int time_of_backup(const struct files_cli *cli, int64_t *ret, struct err *err)
{
	struct files_cli of_backup = *cli;
	struct files_place place = { 0 };
	int r;

	of_backup.disk = NULL;
	r = files_place_start(&of_backup, &place, err);
	if (r == 0 && place.version->time.origin == ORIGIN_NONE)
		r = err_set(err, -ENODATA,
			    "the time of this backup is not known: give "
			    "--since");
	if (r == 0)
		*ret = (int64_t)place.version->time.value;
	files_place_clear(&place);
	return r;
}

/* -- what is found ---------------------------------------------------------------- */

static void file_time(const struct newer_file *file, char text[TIME_TEXT_SIZE])
{
	time_format(file->modified / 10000000, text);
}

static void print_json(const struct newer_list *list)
{
	json_t *all = json_pack(
		"{s:o, s:I, s:I, s:I, s:s}", "files", newer_files_json(list, list->count),
		"count", (json_int_t)list->users, "bytes", (json_int_t)list->bytes,
		"of_windows", (json_int_t)list->others, "unsearched", list->unsearched);

	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
}

static void print_sum(const struct newer_list *list)
{
	char bytes[SIZE_TEXT_SIZE];

	files_put("", stdout);
	printf("%" PRIu64 " files, %s", list->users, size_format(list->bytes, bytes));
	if (list->users > list->count)
		printf("; the first %zu of them are told", list->count);
	if (list->others)
		printf("; %" PRIu64 " of Windows itself are not listed (--all)",
		       list->others);
	putchar('\n');
}

static void print_text(const struct newer_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct newer_file *file = &list->files[i];
		char time[TIME_TEXT_SIZE];

		file_time(file, time);
		printf("%2u %14" PRIu64 " %.19s  ", file->slot, file->size, time);
		files_put(file->path, stdout);
		putchar('\n');
	}
	fputs(list->unsearched, stdout);
	print_sum(list);
}

/* -- saving ----------------------------------------------------------------------- */

static int save_one(const struct newer_list *list, const struct newer_file *file,
		    unsigned volume, struct file_target *target,
		    const struct files_options *options, struct files_sum *sum,
		    struct err *err)
{
	AUTO_FREE char *below = text_format("partition %u", file->slot);

	if (!below)
		return err_nomem(err);
	return files_get_at(list->reader, volume, file->path, below, target, options, sum,
			    err);
}

static int save_all(const struct newer_list *list, struct file_target *target,
		    const struct files_options *options, struct files_sum *sum,
		    struct err *err)
{
	unsigned volume = 0, slot = 0;
	uint64_t length;
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++) {
		const struct newer_file *file = &list->files[i];
		AUTO_FREE char *name = text_format("%u", file->slot);

		if (!name)
			return err_nomem(err);
		if (slot && slot != file->slot)
			r = reader_close_volume(list->reader, volume, err);
		if (r == 0 && slot != file->slot)
			r = reader_open_plain(list->reader, name, &volume, &length, err);
		slot = file->slot;
		if (r == 0)
			r = save_one(list, file, volume, target, options, sum, err);
		/* gone, or no path of it leads anywhere */
		if (r == -ENOENT || r == -ENOTDIR || r == -EBADMSG) {
			options->tell(FILES_SKIPPED, file->path, err->text,
				      options->context);
			sum->skipped++;
			r = 0;
		}
	}
	return r < 0 ? r : target->ops->flush(target, err);
}

static enum exit_status save(const struct command *command, const struct files_cli *cli,
			     const struct newer_list *list,
			     struct progress_display *display)
{
	struct files_place place = { .display = *display };
	const struct files_options options = { .tell = files_tell_event,
					       .progress = files_show_progress,
					       .context = &place };
	struct files_destination destination = { 0 };
	struct files_sum sum = { 0 };
	struct err err = { 0 };
	int r = files_destination_open(cli, &destination, &err);

	if (r < 0)
		return command_fail(command, &err);
	r = save_all(list, destination.target, &options, &sum, &err);
	progress_end(&place.display);
	files_destination_close(&destination);
	files_print_sum(cli, &sum);
	if (r < 0)
		return command_fail(command, &err);
	if (list->users > list->count)
		printf("%" PRIu64 " more are NOT saved: more than %d\n",
		       list->users - list->count, NEWER_MAX);
	return sum.skipped || sum.incomplete || list->users > list->count ? EXIT_FAILED
									  : EXIT_DONE;
}

/* -- the command ------------------------------------------------------------------ */

static int find(const struct files_cli *cli, int64_t since,
		struct progress_display *display, struct newer_list *ret, struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	struct disk_list_wishes of_disks = { .boot_medium = boot_medium };
	const struct newer_wishes wishes = { .since = since, .all = cli->all };
	struct disk_list disks = { 0 };
	struct disk *disk = NULL;
	int r = disk_list_read(&of_disks, &disks, err);

	if (r == 0)
		r = disk_find(&disks, cli->disk, 0, &disk, err);
	progress_init(display, "disk", cli->progress_fd);
	if (r == 0)
		r = newer_find(disk, &wishes, display, ret, err);
	disk_list_clear(&disks);
	return r;
}

enum exit_status files_newer(const struct command *command, const struct files_cli *cli)
{
	AUTO(newer_clear) struct newer_list list = { 0 };
	struct progress_display display;
	struct err err = { 0 };
	int64_t since = 0;
	int r = cli->since ? parse_time(cli->since, &since, &err)
			   : time_of_backup(cli, &since, &err);

	if (r == 0)
		r = find(cli, since, &display, &list, &err);
	if (r < 0)
		return command_fail(command, &err);
	if (cli->to)
		return save(command, cli, &list, &display);
	if (cli->json)
		print_json(&list);
	else
		print_text(&list);
	return EXIT_DONE;
}
