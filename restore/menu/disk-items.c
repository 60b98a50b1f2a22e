/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks out of JSON: see disk-items.h. */
#include "disk-items.h"

#include <string.h>

#include <jansson.h>

#include <base/cleanup.h>
#include <base/text.h>

static void half_free(struct half_restore *half)
{
	if (!half)
		return;
	free(half->machine);
	free(half->plan);
	free(half->source);
	free(half);
}

static void item_clear(struct disk_item *item)
{
	half_free(item->half);
	free(item->which);
	free(item->line);
	free(item->content);
	free(item->table_id);
	free(item->reason);
}

void disk_items_clear(struct disk_items *disks)
{
	for (size_t i = 0; i < disks->count; i++)
		item_clear(&disks->items[i]);
	free(disks->items);
	*disks = (struct disk_items){ 0 };
}

const struct disk_item *disk_items_find(const struct disk_items *disks, const char *which)
{
	for (size_t i = 0; i < disks->count; i++)
		if (which[0] && strcmp(disks->items[i].which, which) == 0)
			return &disks->items[i];
	return NULL;
}

const struct disk_item *disk_items_half(const struct disk_items *disks)
{
	for (size_t i = 0; i < disks->count; i++)
		if (disks->items[i].half && disks->items[i].half->source[0] &&
		    disks->items[i].which[0])
			return &disks->items[i];
	return NULL;
}

static const char *text_at(const json_t *disk, const char *key)
{
	const char *text = json_string_value(json_object_get(disk, key));

	return text ? text : "";
}

/* Its lines, joined; NULL: it can be a target. A removable disk is one with a note only. */
static char *reason_of(const json_t *disk)
{
	const json_t *bits = json_object_get(disk, "protection");
	const json_t *lines = json_object_get(disk, "reasons");
	bool forbidden = false;
	struct text text = { 0 };
	const json_t *entry;
	size_t i;

	json_array_foreach(bits, i, entry)
	{
		const char *bit = json_string_value(entry);

		forbidden |= !bit || strcmp(bit, "removable") != 0;
	}
	if (!forbidden)
		return NULL;
	json_array_foreach(lines, i, entry)
		text_add(&text, "%s%s", i ? "; " : "", json_string_value(entry));
	return text_take(&text);
}

static bool is_removable(const json_t *disk)
{
	const json_t *bits = json_object_get(disk, "protection"), *entry;
	bool found = false;
	size_t i;

	json_array_foreach(bits, i, entry) found |=
		strcmp(json_string_value(entry) ? json_string_value(entry) : "",
		       "removable") == 0;
	return found;
}

static uint64_t number_at(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number < 0 ? 0 : (uint64_t)number;
}

static int fill_half(const json_t *disk, struct disk_item *ret)
{
	const json_t *found = json_object_get(disk, "half_restored");
	struct half_restore *half;

	if (!json_is_object(found))
		return 0;
	half = calloc(1, sizeof(*half));
	if (!half)
		return -1;
	ret->half = half;
	half->machine = strdup(text_at(found, "machine"));
	half->plan = strdup(text_at(found, "plan"));
	half->source = strdup(text_at(found, "source"));
	half->backup_time = (int64_t)number_at(found, "backup_time");
	half->written = (int64_t)number_at(found, "written");
	half->done = number_at(found, "bytes_done");
	half->total = number_at(found, "bytes_total");
	return half->machine && half->plan && half->source ? 0 : -1;
}

static int fill(const json_t *disk, struct disk_item *ret)
{
	const char *serial = text_at(disk, "serial"), *wwn = text_at(disk, "wwn");
	const char *path =
		strcmp(text_at(disk, "bus"), "file") == 0 ? text_at(disk, "path") : "";
	const char *named = serial[0] ? serial : wwn[0] ? wwn : path;
	json_int_t size = json_integer_value(json_object_get(disk, "size"));
	char size_text[SIZE_TEXT_SIZE];

	ret->reason = reason_of(disk);
	ret->which = text_format("%s%s",
				 serial[0] ? "serial:"
				 : wwn[0]  ? "wwn:"
					   : "",
				 named);
	ret->content = strdup(text_at(disk, "content"));
	ret->table_id = strdup(text_at(disk, "table_id"));
	ret->removable = is_removable(disk);
	ret->line = text_format("%-12s %9s %-6s %-16.16s %s", text_at(disk, "path"),
				size_format(size < 0 ? 0 : (uint64_t)size, size_text),
				text_at(disk, "bus"), text_at(disk, "model"), named);
	if (!ret->which || !ret->content || !ret->table_id || !ret->line)
		return -1;
	return fill_half(disk, ret);
}

int disk_items_parse(const char *json, struct disk_items *ret, struct err *err)
{
	struct disk_items disks = { 0 };
	json_t *root = json_loads(json, 0, NULL), *list = json_object_get(root, "disks");
	size_t i, count = json_array_size(list);
	json_t *disk;
	int r = 0;

	if (!json_is_array(list))
		r = err_set(err, -EBADMSG, "the list of disks cannot be understood");
	disks.items = calloc(count ? count : 1, sizeof(*disks.items));
	if (r == 0 && !disks.items)
		r = err_nomem(err);
	/* what can be chosen stands first */
	for (int round = 0; round < 2; round++)
		json_array_foreach(list, i, disk)
		{
			struct disk_item *item;
			AUTO_FREE char *reason = reason_of(disk);

			if (r < 0 || (round == 0) == (reason != NULL))
				continue;
			item = &disks.items[disks.count++];
			if (fill(disk, item) < 0)
				r = err_nomem(err);
		}
	json_decref(root);
	if (r == 0)
		*ret = disks;
	else
		disk_items_clear(&disks);
	return r;
}
