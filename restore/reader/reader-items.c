/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader process: files and folders of the volumes that it has open. */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "item-wire.h"
#include "reader-process.h"

/* What a request names; texts are owned. */
struct wanted {
	struct item_address address;
	char *path, *stream;
	int64_t since;
};

static void wanted_clear(struct wanted *wanted)
{
	free(wanted->path);
	free(wanted->stream);
}

static int take_wanted(const struct process *process,
		       const struct reader_request *request, struct wanted *ret,
		       struct err *err)
{
	const char *memory = (const char *)reader_slot_memory(process, request->slot);
	struct reader_item item;

	if (request->length < sizeof(item) ||
	    request->length > process->options->slot_size)
		return err_set(err, -EINVAL, "a request of %" PRIu32 " bytes",
			       request->length);
	memcpy(&item, memory, sizeof(item));
	if ((uint64_t)item.path_length + item.stream_length !=
	    request->length - sizeof(item))
		return err_set(err, -EINVAL, "a request with texts of other lengths");
	memory += sizeof(item);
	ret->since = item.since;
	ret->path = strndup(memory, item.path_length);
	ret->stream = strndup(memory + item.path_length, item.stream_length);
	if (!ret->path || !ret->stream)
		return err_nomem(err);
	ret->address = (struct item_address){ item.id, ret->path };
	return 0;
}

/* -- the volume ------------------------------------------------------------------- */

static void forget_listing(struct process *process)
{
	free(process->listing.path);
	item_list_clear(&process->listing.items);
	process->listing = (struct process_listing){ 0 };
}

/* The items that are open of it, too. */
void reader_items_close(struct process *process, uint32_t number)
{
	struct open_volume *volume = &process->volumes[number];

	for (uint32_t i = 0; i < READER_MAX_VOLUMES && volume->items; i++)
		if (process->volumes[i].is_item && process->volumes[i].parent == number)
			reader_close_open(process, i);
	if (process->listing.volume == number)
		forget_listing(process);
	items_close(volume->items);
	source_close(volume->cached);
	volume->items = NULL;
	volume->cached = NULL;
}

/* Over a cache: each file record would be a round trip. */
static int open_items(struct open_volume *volume, struct err *err)
{
	struct block_source *slice = NULL;
	int r;

	if (volume->items)
		return 0;
	r = source_slice_new(volume->source, false, 0, volume->source->size,
			     volume->source->name, &slice, err);
	if (r == 0 && !volume->cached)
		r = source_cached_new(slice, &volume->cached, err);
	return r < 0 ? r : items_open(volume->cached, &volume->info, &volume->items, err);
}

/* An error where it is none, or none whose files are read. */
static int item_volume(struct process *process, uint32_t number, struct open_volume **ret,
		       struct err *err)
{
	struct open_volume *volume = reader_find_volume(process, number, err);
	int r;

	if (!volume)
		return err->code < 0 ? err->code : -EINVAL;
	if (volume->is_item)
		return err_set(err, -EINVAL, "volume %" PRIu32 " is a file", number);
	r = open_items(volume, err);
	if (r < 0)
		return r;
	*ret = volume;
	return 0;
}

/* -- requests --------------------------------------------------------------------- */

static bool is_listed(const struct process *process, uint32_t volume,
		      const struct item_address *folder)
{
	const struct process_listing *listing = &process->listing;

	return listing->path && folder->path && listing->volume == volume &&
	       listing->id == folder->id && strcmp(listing->path, folder->path) == 0;
}

static int list(struct process *process, const struct open_volume *volume,
		uint32_t number, struct wanted *wanted, struct err *err)
{
	struct item_list items = { 0 };
	int r = items_list(volume->items, &wanted->address, &items, err);

	if (r < 0)
		return r;
	process->listing = (struct process_listing){
		.volume = number,
		.id = wanted->address.id,
		.path = wanted->path,
		.items = items,
	};
	wanted->path = NULL;
	return 0;
}

int reader_do_list(struct process *process, const struct reader_request *request,
		   struct reader_reply *reply, struct err *err)
{
	AUTO(wanted_clear) struct wanted wanted = { 0 };
	struct open_volume *volume = NULL;
	uint8_t *memory = reader_slot_memory(process, request->slot);
	const struct item_list *items = &process->listing.items;
	size_t at = 0, first = (size_t)request->offset;
	int r = item_volume(process, request->volume, &volume, err);

	if (r == 0)
		r = take_wanted(process, request, &wanted, err);
	if (r < 0)
		return r;
	if (first == 0 || !is_listed(process, request->volume, &wanted.address)) {
		forget_listing(process);
		r = list(process, volume, request->volume, &wanted, err);
	}
	if (r < 0)
		return r;
	for (size_t i = first; i < items->count; i++)
		if (!item_wire_put(memory, process->options->slot_size, &at, "",
				   &items->items[i]))
			break;
	if (first < items->count && !at)
		return err_set(err, -E2BIG, "a file with more facts than can be told");
	reply->length = (uint32_t)at;
	reply->value = items->count;
	return 0;
}

int reader_do_find(struct process *process, const struct reader_request *request,
		   struct reader_reply *reply, struct err *err)
{
	AUTO(wanted_clear) struct wanted wanted = { 0 };
	AUTO(item_clear) struct item item = { 0 };
	struct open_volume *volume = NULL;
	size_t at = 0;
	int r = item_volume(process, request->volume, &volume, err);

	if (r == 0)
		r = take_wanted(process, request, &wanted, err);
	if (r == 0)
		r = items_find(volume->items, &wanted.address, &item, err);
	if (r < 0)
		return r;
	if (!item_wire_put(reader_slot_memory(process, request->slot),
			   process->options->slot_size, &at, "", &item))
		return err_set(err, -E2BIG, "a file with more facts than can be told");
	reply->length = (uint32_t)at;
	return 0;
}

int reader_do_open_item(struct process *process, const struct reader_request *request,
			struct reader_reply *reply, struct err *err)
{
	AUTO(wanted_clear) struct wanted wanted = { 0 };
	uint32_t parent = (uint32_t)min_u64(request->offset, READER_MAX_VOLUMES);
	struct open_volume *volume = NULL;
	struct block_source *source = NULL;
	int r = item_volume(process, parent, &volume, err);

	if (r == 0)
		r = take_wanted(process, request, &wanted, err);
	if (r == 0 && request->volume >= READER_MAX_VOLUMES)
		r = err_set(err, -EINVAL, "volume %" PRIu32, request->volume);
	if (r == 0)
		r = items_read(volume->items, &wanted.address, wanted.stream, &source,
			       err);
	if (r < 0 || !source)
		return r;
	reader_close_open(process, request->volume);
	process->volumes[request->volume] = (struct open_volume){ .source = source,
								  .is_item = true,
								  .parent = parent };
	reply->value = source->size;
	return 0;
}

/* What of a file is stored, is a hole, or is not there although it should be. */
int reader_item_map(struct open_volume *item, const struct reader_request *request,
		    struct volume_range *ranges, size_t max, size_t *ret_count,
		    struct err *err)
{
	static const enum range_kind kinds[] = { [EXTENT_DATA] = RANGE_DATA,
						 [EXTENT_ZERO] = RANGE_ZERO,
						 [EXTENT_ABSENT] = RANGE_FREE };
	AUTO_FREE struct extent *extents = calloc(max ? max : 1, sizeof(*extents));
	uint64_t size = item->source->size;
	int r;

	if (!extents)
		return err_nomem(err);
	if (request->offset >= size)
		return err_set(err, -EINVAL, "a map beyond the end of a file");
	r = source_extents(item->source, request->offset, size - request->offset, extents,
			   max, ret_count, err);
	for (size_t i = 0; r == 0 && i < *ret_count; i++)
		ranges[i] = (struct volume_range){ extents[i].offset, extents[i].length,
						   kinds[extents[i].kind] };
	return r;
}

struct newer {
	struct process *process;
	const struct reader_request *request;
	size_t at;
};

static int put_newer(const char *path, const struct item *item, void *context,
		     struct err *err)
{
	struct newer *newer = context;
	uint8_t *memory = reader_slot_memory(newer->process, newer->request->slot);

	if (item_wire_put(memory, newer->process->options->slot_size, &newer->at, path,
			  item))
		return 0;
	if (newer->at)
		return 1; /* next time */
	return err_set(err, -E2BIG, "a file with more facts than can be told");
}

int reader_do_newer(struct process *process, const struct reader_request *request,
		    struct reader_reply *reply, struct err *err)
{
	AUTO(wanted_clear) struct wanted wanted = { 0 };
	struct open_volume *volume = NULL;
	struct newer newer = { process, request, 0 };
	uint64_t position = request->offset;
	int r = item_volume(process, request->volume, &volume, err);

	if (r == 0)
		r = take_wanted(process, request, &wanted, err);
	if (r == 0)
		r = items_newer(volume->items, wanted.since, &position, put_newer, &newer,
				err);
	if (r < 0)
		return r;
	reply->length = (uint32_t)newer.at;
	reply->value = position;
	return 0;
}
