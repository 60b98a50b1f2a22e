/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are newer than a backup: see newer.h. */
#include "newer.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "files.h"

/* Windows writes these all the time: nobody misses them. */
static bool is_of_windows(const char *path)
{
	static const char *const tops[] = {
		"Windows",
		"Program Files",
		"Program Files (x86)",
		"ProgramData",
		"System Volume Information",
		"$Recycle.Bin",
		"Recovery",
		"PerfLogs",
		"$WinREAgent",
		"Config.Msi",
		"Boot",
		"pagefile.sys",
		"hiberfil.sys",
		"swapfile.sys",
		"DumpStack.log",
		"DumpStack.log.tmp",
	};
	size_t length = strcspn(path, "/");
	const char *rest;

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (strlen(tops[i]) == length && strncasecmp(path, tops[i], length) == 0)
			return true;
	if (length != 5 || strncasecmp(path, "Users", 5) != 0 || !path[length])
		return false;
	rest = strchr(path + length + 1, '/');
	return rest && (strncasecmp(rest, "/AppData/", 9) == 0 ||
			strncasecmp(rest, "/NTUSER.", 8) == 0);
}

struct search {
	struct newer_list *list;
	const struct newer_wishes *wishes;
	unsigned slot;
};

static int keep(const char *path, const struct item *item, void *context, struct err *err)
{
	struct search *search = context;
	struct newer_list *list = search->list;
	struct newer_file *grown;

	if (item->kind != ITEM_FILE)
		return 0;
	if (!search->wishes->all && is_of_windows(path)) {
		list->others++;
		return 0;
	}
	list->users++;
	list->bytes += item->size;
	if (list->count == NEWER_MAX)
		return 0;
	if (!(list->count & (list->count - 1))) {
		grown = reallocarray(list->files, list->count ? 2 * list->count : 1,
				     sizeof(*grown));
		if (!grown)
			return err_nomem(err);
		list->files = grown;
	}
	list->files[list->count] = (struct newer_file){ .slot = search->slot,
							.path = strdup(path),
							.size = item->size,
							.modified = item->modified };
	if (!list->files[list->count].path)
		return err_nomem(err);
	list->count++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct newer_file *x = a, *y = b;

	return x->slot != y->slot ? (x->slot > y->slot) - (x->slot < y->slot)
				  : strcmp(x->path, y->path);
}

static int search_partition(struct search *search, struct reader *reader, struct err *err)
{
	int64_t since = search->wishes->since;
	AUTO_FREE char *name =
		search->slot ? text_format("%u", search->slot) : strdup("volume");
	unsigned volume = 0;
	uint64_t length;
	int r = name ? reader_open_plain(reader, name, &volume, &length, err)
		     : err_nomem(err);

	if (r < 0)
		return r;
	r = reader_newer(reader, volume, since * 10000000, keep, search, err);
	if (reader_close_volume(reader, volume, err) < 0 && r == 0)
		r = err->code;
	return r;
}

/* A partition that cannot be searched does not hide the others. */
static int pass(struct newer_list *list, unsigned slot, int r, const struct err *failure,
		struct text *unsearched, struct err *err)
{
	if (r == -EPIPE || r == -EPROTO || r == -ENOMEM || r == -ECANCELED)
		return err_set(err, r, "%s", failure->text);
	if (r < 0)
		text_add(unsearched, "partition %u: not searched: %s\n", slot,
			 failure->text);
	return 0;
}

/* On a disk that keeps its table, what nothing is written to. */
static bool is_kept(const struct restore_plan *plan,
		    const struct disk_partition *partition)
{
	for (size_t i = 0; plan && plan->in_place && i < plan->after->count; i++)
		if (plan->after->partitions[i].offset == partition->offset)
			return plan->partitions[i].kept;
	return false;
}

/* Reserved partitions hold no file system, the EFI system partition nothing of anybody's. */
static bool is_searched(const struct search *search, const struct disk_layout *layout,
			const struct disk_partition *partition)
{
	if (is_kept(search->wishes->plan, partition))
		return false;
	return layout->style != TABLE_GPT ||
	       (!guid_equal(&partition->type, &partition_type_msr) &&
		!partition_is_esp(layout, partition));
}

static int search_all(const struct disk *disk, struct search *search, struct err *err)
{
	const struct disk_layout *layout = disk->layout;
	AUTO(text_clear) struct text unsearched = { 0 };
	int r = 0;

	for (size_t i = 0; layout && i < layout->count && r == 0; i++) {
		struct err failure = { 0 };

		if (!is_searched(search, layout, &layout->partitions[i]))
			continue;
		search->slot = layout->partitions[i].slot;
		r = search_partition(search, search->list->reader, &failure);
		r = pass(search->list, search->slot, r, &failure, &unsearched, err);
	}
	if (r == 0)
		search->list->unsearched = text_take(&unsearched);
	return r;
}

int newer_find(const struct disk *disk, const struct newer_wishes *wishes,
	       struct progress_display *display, struct newer_list *ret, struct err *err)
{
	AUTO(newer_clear) struct newer_list list = { 0 };
	struct search search = { .list = &list, .wishes = wishes };
	int r = source_start_partitions(disk->path, &list.reader, err);

	if (r < 0)
		return r;
	reader_on_wait(list.reader, progress_wait, display);
	r = search_all(disk, &search, err);
	reader_on_wait(list.reader, NULL, NULL);
	if (r < 0)
		return r;
	if (list.count)
		qsort(list.files, list.count, sizeof(*list.files), compare);
	*ret = list;
	list = (struct newer_list){ 0 };
	return 0;
}

void newer_clear(struct newer_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->files[i].path);
	free(list->files);
	free(list->unsearched);
	reader_stop(list->reader);
	*list = (struct newer_list){ 0 };
}

/* -- for a plan ------------------------------------------------------------------- */

#define EXAMPLES      5	  /* for people */
#define JSON_EXAMPLES 100 /* for machines; 'bmr files newer' has all */

/* False: there is no disk yet. */
static bool find_lost(const struct restore_plan *plan, int64_t since,
		      struct progress_display *display, struct newer_list *ret,
		      struct err *err)
{
	const struct newer_wishes wishes = { .since = since, .plan = plan };

	err->code = 0;
	if (!plan->disk->exists && plan->disk->is_file)
		return false;
	(void)!newer_find(plan->disk, &wishes, display, ret, err);
	return true;
}

void newer_tell(const struct restore_plan *plan, int64_t since,
		struct progress_display *display)
{
	AUTO(newer_clear) struct newer_list list = { 0 };
	char bytes[SIZE_TEXT_SIZE];
	struct err err = { 0 };

	if (!find_lost(plan, since, display, &list, &err))
		return;
	if (err.code) {
		printf(NEWER_HEADING "not searched: %s\n", err.text);
		return;
	}
	if (!list.users)
		return;
	printf(NEWER_HEADING "%" PRIu64 " on %s, %s, were written after the backup and "
			     "would be lost:\n",
	       list.users, plan->disk->path, size_format(list.bytes, bytes));
	for (size_t i = 0; i < list.count && i < EXAMPLES; i++) {
		printf("  partition %u: ", list.files[i].slot);
		files_put(list.files[i].path, stdout);
		putchar('\n');
	}
	printf("%s  'bmr files newer' lists them, with --to it saves them\n",
	       list.users > EXAMPLES ? "  …\n" : "");
}

json_t *newer_files_json(const struct newer_list *list, size_t most)
{
	json_t *files = json_array();

	for (size_t i = 0; i < list->count && i < most; i++) {
		const struct newer_file *file = &list->files[i];
		char time[TIME_TEXT_SIZE];

		time_format(file->modified / 10000000, time);
		json_array_append_new(
			files, json_pack("{s:i, s:s, s:I, s:s}", "partition",
					 (int)file->slot, "path", file->path, "size",
					 (json_int_t)file->size, "modified", time));
	}
	return files;
}

json_t *newer_json(const struct restore_plan *plan, int64_t since,
		   struct progress_display *display)
{
	AUTO(newer_clear) struct newer_list list = { 0 };
	struct err err = { 0 };

	if (!find_lost(plan, since, display, &list, &err))
		return NULL;
	if (err.code)
		return json_pack("{s:s, s:s}", "disk", plan->disk->path, "not_searched",
				 err.text);
	return json_pack("{s:s, s:I, s:I, s:o, s:s}", "disk", plan->disk->path, "count",
			 (json_int_t)list.users, "bytes", (json_int_t)list.bytes, "files",
			 newer_files_json(&list, JSON_EXAMPLES), "unsearched",
			 list.unsearched);
}
