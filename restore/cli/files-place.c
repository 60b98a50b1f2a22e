/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which volume files are taken from: see files.h. */
#include "files.h"

#include <ctype.h>
#include <string.h>

#include <base/text.h>
#include <partition/boot-medium.h>
#include <partition/disks.h>
#include <restore/partition-tree.h>
#include <restore/plan.h>

#include "source-backup.h"

/* -- paths ------------------------------------------------------------------------ */

static bool has_letter(const char *path)
{
	return isalpha((unsigned char)path[0]) && path[1] == ':';
}

/* "/Users//x/" or "\Users\x" as "Users/x". A part that leads upwards is an error. */
static char *plain_path(const char *path, struct err *err)
{
	AUTO_FREE char *copy = strdup(path);
	struct text text = { 0 };
	char *rest = copy, *result;

	for (char *part = copy ? strsep(&rest, "/\\") : NULL; part;
	     part = strsep(&rest, "/\\")) {
		if (!part[0] || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			text_clear(&text);
			(void)err_set(err, -EINVAL,
				      "'%s': '..' is no part of a path "
				      "in a volume",
				      path);
			return NULL;
		}
		text_add(&text, "%s%s", text.length ? "/" : "", part);
	}
	result = copy ? text_take(&text) : NULL;
	if (!result)
		(void)err_nomem(err);
	return result;
}

/* -- a backup --------------------------------------------------------------------- */

static int start_backup(const struct files_cli *cli, struct files_place *place,
			struct err *err)
{
	const struct source_choice choice = { cli->machine,
					      cli->version ? cli->version : "newest",
					      cli->progress_fd };
	struct source_backup open;
	int r = source_backup_open(&cli->source, &choice, &place->display, &open, err);

	place->reader = open.reader;
	place->backup = open.backup;
	place->version = open.version;
	return r;
}

static int open_of_backup(struct files_place *place, const char *name, struct err *err)
{
	const struct backup_volume *volume;
	uint64_t length;
	size_t index = 0;
	int r = plan_find_volume(place->version, name, &index, err);

	if (r < 0)
		return r;
	volume = &place->version->volumes[index];
	return reader_open_volume(place->reader, volume, &place->volume, &length, err);
}

/* -- a disk as it is -------------------------------------------------------------- */

static int start_disk(const struct files_cli *cli, struct files_place *place,
		      struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	struct disk_list_wishes wishes = { .boot_medium = boot_medium };
	struct disk_list list = { 0 };
	struct disk *disk = NULL;
	int r = disk_list_read(&wishes, &list, err);

	if (r == 0)
		r = disk_find(&list, cli->disk, 0, &disk, err);
	if (r == 0)
		r = source_start_partitions(disk->path, &place->reader, err);
	if (r == 0)
		progress_init(&place->display, "source", cli->progress_fd);
	disk_list_clear(&list);
	return r;
}

/* -- both ------------------------------------------------------------------------- */

int files_place_start(const struct files_cli *cli, struct files_place *ret,
		      struct err *err)
{
	struct files_place place = { 0 };
	int r = cli->disk ? start_disk(cli, &place, err) : start_backup(cli, &place, err);

	if (r < 0) {
		files_place_clear(&place);
		return r;
	}
	*ret = place;
	return 0;
}

/* The one that is open stays open for the next path in it. */
static int open_volume(struct files_place *place, const char *name, struct err *err)
{
	uint64_t length;
	int r;

	if (place->open && strcasecmp(place->name, name) == 0)
		return 0;
	if (place->open) {
		place->open = false;
		r = reader_close_volume(place->reader, place->volume, err);
		if (r < 0)
			return r;
	}
	free(place->name);
	place->name = strdup(name);
	if (!place->name)
		return err_nomem(err);
	r = place->backup ? open_of_backup(place, name, err)
			  : reader_open_plain(place->reader, name, &place->volume,
					      &length, err);
	place->open = r == 0;
	return r;
}

int files_place_enter(const struct files_cli *cli, const char *path,
		      struct files_place *place, char **ret_path, const char **ret_stream,
		      struct err *err)
{
	bool letter = has_letter(path) && place->backup;
	char volume[3] = { path[0], ':', '\0' };
	const char *name = letter ? volume : cli->volume;
	AUTO_FREE char *plain = plain_path(letter ? path + 2 : path, err);
	char *stream;
	int r;

	if (!plain)
		return err->code;
	if (!name && place->backup)
		return err_set(err, -EINVAL,
			       "'%s': in which volume? Write C:\\…, or --volume C:; 'bmr "
			       "files ls' without a path lists them",
			       path);
	r = open_volume(place, name ? name : PARTITION_TREE_WHOLE, err);
	if (r < 0)
		return r;
	stream = strrchr(plain, '/');
	stream = strchr(stream ? stream : plain, ':');
	if (stream)
		*stream++ = '\0';
	*ret_stream = stream ? stream : "";
	*ret_path = TAKE_PTR(plain);
	return 0;
}

void files_place_clear(struct files_place *place)
{
	backup_free(place->backup);
	reader_stop(place->reader);
	free(place->name);
	*place = (struct files_place){ 0 };
}
