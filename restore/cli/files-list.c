/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 'bmr files ls': volumes, and what folders hold. */
#include "files.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include <base/text.h>

#define DEPTH_MAX 400 /* as 'get' has it */

void files_put(const char *text, FILE *stream)
{
	for (; text && *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == 0xc2 && text[1] && (unsigned char)text[1] < 0xa0) {
			fputc('?', stream);
			text++;
		} else {
			fputc(c < 0x20 || c == 0x7f ? '?' : c, stream);
		}
	}
}

/* -- volumes ---------------------------------------------------------------------- */

static const char *volume_letter(const struct backup_volume *volume)
{
	if (volume->access_path.value && volume->access_path.value[0])
		return volume->access_path.value;
	return volume->role == ROLE_ESP ? "ESP" : "-";
}

static json_t *volume_json(const struct backup_volume *volume)
{
	char guid[GUID_TEXT_SIZE];

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:s}", "name", volume_letter(volume), "id",
		volume->volume_guid.origin ? guid_format(&volume->volume_guid.value, guid)
					   : "",
		"label", volume->label.value ? volume->label.value : "", "file_system",
		file_system_text(volume->fs.fs), "size", (json_int_t)volume->length,
		"image", volume->image_path);
}

void files_print_volumes(const struct files_place *place, bool json)
{
	json_t *all = json_array();

	for (size_t i = 0; i < place->version->volume_count; i++) {
		const struct backup_volume *volume = &place->version->volumes[i];
		char size[SIZE_TEXT_SIZE], guid[GUID_TEXT_SIZE];

		if (json) {
			json_array_append_new(all, volume_json(volume));
			continue;
		}
		printf("%-5s %10s  %-6s ", volume_letter(volume),
		       size_format(volume->length, size),
		       file_system_text(volume->fs.fs));
		if (volume->volume_guid.origin)
			printf(" %s", guid_format(&volume->volume_guid.value, guid));
		else
			files_put(volume->image_path, stdout);
		if (volume->label.value && volume->label.value[0]) {
			printf("  ");
			files_put(volume->label.value, stdout);
		}
		putchar('\n');
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(all);
}

/* -- one item --------------------------------------------------------------------- */

static void time_text(int64_t ticks, char text[TIME_TEXT_SIZE])
{
	if (ticks == ITEM_NO_TIME)
		snprintf(text, TIME_TEXT_SIZE, "-");
	else
		time_format(ticks / 10000000 - (ticks % 10000000 < 0), text);
}

/* "d" folder, "l" link, then r(ead-only) h(idden) s(ystem) a(rchive), z compressed, p sparse, and !
 * where the content cannot be had. */
static void flags_text(const struct item *item, char text[8])
{
	bool packed =
		item->content == CONTENT_COMPRESSED || item->attributes & ITEM_PACKED;

	snprintf(text, 8, "%c%c%c%c%c%c%c",
		 item->kind == ITEM_FOLDER ? 'd'
		 : item->kind == ITEM_LINK ? 'l'
					   : '-',
		 item->attributes & ITEM_READONLY ? 'r' : '-',
		 item->attributes & ITEM_HIDDEN ? 'h' : '-',
		 item->attributes & ITEM_SYSTEM ? 's' : '-', packed ? 'z' : '-',
		 item->attributes & ITEM_SPARSE ? 'p' : '-',
		 item_content_readable(item->content) ? '-' : '!');
}

static void print_streams(const struct item *item)
{
	for (size_t i = 0; i < item->stream_count; i++) {
		printf("%40" PRIu64 "  :", item->streams[i].size);
		files_put(item->streams[i].name, stdout);
		putchar('\n');
	}
}

static void print_item(const struct item *item, const char *path, bool is_long)
{
	char time[TIME_TEXT_SIZE], flags[8];

	if (is_long) {
		flags_text(item, flags);
		time_text(item->modified, time);
		printf("%s %3" PRIu32 " %14" PRIu64 " %.19s  ", flags, item->names,
		       item->size, time);
	}
	files_put(path, stdout);
	if (item->kind == ITEM_FOLDER)
		putchar('/');
	if (is_long && item->kind == ITEM_LINK) {
		printf(" -> ");
		files_put(item->target ? item->target : "?", stdout);
	}
	if (is_long && !item_content_readable(item->content))
		printf("  (%s)", item_content_text(item->content));
	putchar('\n');
	if (is_long)
		print_streams(item);
}

static json_t *time_json(int64_t ticks)
{
	char text[TIME_TEXT_SIZE];

	if (ticks == ITEM_NO_TIME)
		return json_null();
	time_text(ticks, text);
	return json_string(text);
}

static json_t *item_json(const struct item *item, const char *path)
{
	static const char *const kinds[] = { "file", "folder", "link" };
	json_t *streams = json_object();
	const char *why = item_content_text(item->content);

	for (size_t i = 0; i < item->stream_count; i++)
		json_object_set_new(streams, item->streams[i].name,
				    json_integer((json_int_t)item->streams[i].size));
	return json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:i, s:s?, s:s?, s:o, s:o, s:o, "
			 "s:o, s:o}",
			 "path", path, "kind", kinds[item->kind], "size",
			 (json_int_t)item->size, "allocated", (json_int_t)item->allocated,
			 "attributes", (int)item->attributes, "reparse_tag",
			 (int)item->reparse_tag, "names", (int)item->names, "target",
			 item->target, "unreadable", why[0] ? why : NULL, "streams",
			 streams, "created", time_json(item->created), "modified",
			 time_json(item->modified), "changed", time_json(item->changed),
			 "accessed", time_json(item->accessed));
}

/* -- folders ---------------------------------------------------------------------- */

struct listing {
	const struct files_cli *cli;
	struct files_place *place;
	json_t *json; /* NULL: text */
	bool failed;
	unsigned depth;
	uint64_t folders[DEPTH_MAX + 1]; /* ids of those that are open */
};

static void show(struct listing *listing, const struct item *item, const char *path)
{
	if (listing->json)
		json_array_append_new(listing->json, item_json(item, path));
	else
		print_item(item, listing->cli->recursive ? path : item->name,
			   listing->cli->is_long);
}

/* A folder that is its own parent, in a damaged or hostile volume. */
static bool is_circle(const struct listing *listing, uint64_t id)
{
	for (unsigned i = 0; id && i <= listing->depth; i++)
		if (listing->folders[i] == id)
			return true;
	return false;
}

/* A folder that cannot be read does not hide the others. */
static int list_folder(struct listing *listing, const struct item_address *folder,
		       struct err *err)
{
	AUTO(item_list_clear) struct item_list items = { 0 };
	int r = reader_list(listing->place->reader, listing->place->volume, folder,
			    &items, err);

	if (r < 0 && listing->depth && r != -EPIPE && r != -EPROTO) {
		fprintf(stderr, "bmr files: %s\n", err->text);
		listing->failed = true;
		return 0;
	}
	listing->folders[listing->depth] = folder->id;
	for (size_t i = 0; i < items.count && r == 0; i++) {
		const struct item *item = &items.items[i];
		AUTO_FREE char *path = tree_path_join(folder->path, item->name);

		if (!path)
			return err_nomem(err);
		show(listing, item, path);
		if (item->kind != ITEM_FOLDER || !listing->cli->recursive ||
		    listing->depth == DEPTH_MAX || is_circle(listing, item->id))
			continue;
		listing->depth++;
		r = list_folder(listing, &(struct item_address){ item->id, path }, err);
		listing->depth--;
	}
	return r;
}

static int list_path(struct listing *listing, const char *text, struct err *err)
{
	AUTO(item_clear) struct item item = { 0 };
	AUTO_FREE char *path = NULL;
	struct item_address address = { 0 };
	const char *stream;
	int r = files_place_enter(listing->cli, text, listing->place, &path, &stream,
				  err);

	if (r == 0 && stream[0])
		return err_set(err, -EINVAL, "'%s': streams are listed with their file",
			       text);
	address.path = path;
	if (r == 0)
		r = reader_find(listing->place->reader, listing->place->volume, &address,
				&item, err);
	if (r < 0)
		return r;
	if (item.kind == ITEM_FOLDER)
		return list_folder(listing, &(struct item_address){ item.id, path }, err);
	show(listing, &item, path);
	return 0;
}

enum exit_status files_list(const struct command *command, const struct files_cli *cli,
			    struct files_place *place)
{
	struct listing listing = { .cli = cli,
				   .place = place,
				   .json = cli->json ? json_array() : NULL };
	struct err err = { 0 };
	int r = 0;

	for (size_t i = 0; i < cli->path_count && r == 0; i++) {
		if (cli->path_count > 1 && !cli->json && !cli->recursive) {
			files_put(cli->paths[i], stdout);
			puts(":");
		}
		r = list_path(&listing, cli->paths[i], &err);
	}
	if (listing.json && r == 0) {
		json_dumpf(listing.json, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(listing.json);
	if (r < 0)
		return command_fail(command, &err);
	return listing.failed ? EXIT_FAILED : EXIT_DONE;
}
