/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's side of files and folders of volumes. */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "item-wire.h"
#include "reader-internal.h"

static int put_wanted(struct reader *reader, const struct item_address *address,
		      const char *stream, int64_t since, struct reader_request *request,
		      struct err *err)
{
	struct reader_item item = {
		.id = address->id,
		.since = since,
		.path_length = (uint32_t)strlen(address->path),
		.stream_length = (uint32_t)strlen(stream),
	};
	size_t length = sizeof(item) + strlen(address->path) + strlen(stream);
	uint8_t *memory = reader_control(reader);
	int r = reader_check_usable(reader, err);

	if (r < 0)
		return r;
	if (length > reader->slot_size)
		return err_set(err, -ENAMETOOLONG, "a path of %zu bytes",
			       strlen(address->path));
	memcpy(memory, &item, sizeof(item));
	memcpy(memory + sizeof(item), address->path, item.path_length);
	memcpy(memory + sizeof(item) + item.path_length, stream, item.stream_length);
	request->length = (uint32_t)length;
	return 0;
}

/* A copy of the answer, which the process cannot change any more. */
static int copy_answer(struct reader *reader, const struct reader_reply *reply,
		       uint8_t **ret, struct err *err)
{
	*ret = malloc(reply->length ? reply->length : 1);
	if (!*ret)
		return err_nomem(err);
	memcpy(*ret, reader_control(reader), reply->length);
	return 0;
}

static int call(struct reader *reader, struct reader_request *request,
		const struct item_address *address, int64_t since,
		struct reader_reply *ret_reply, uint8_t **ret_answer, struct err *err)
{
	int r = reader_check_range(reader, request->volume, 0, 0, err);

	if (r == 0)
		r = put_wanted(reader, address, "", since, request, err);
	if (r == 0)
		r = reader_call(reader, request, ret_reply, err);
	return r < 0 ? r : copy_answer(reader, ret_reply, ret_answer, err);
}

static int distrust_item(struct reader *reader, const struct err *fault, struct err *err)
{
	if (fault->code != -EPROTO)
		return err_set(err, fault->code, "%s", fault->text);
	return reader_distrust(reader, err, "%s", fault->text);
}

int reader_list(struct reader *reader, unsigned volume, const struct item_address *folder,
		struct item_list *ret, struct err *err)
{
	AUTO(item_list_clear) struct item_list list = { 0 };
	uint64_t total;

	do {
		struct reader_request request = { .op = READER_LIST,
						  .volume = volume,
						  .offset = list.count };
		struct reader_reply reply = { 0 };
		AUTO_FREE uint8_t *answer = NULL;
		struct err fault = { 0 };
		size_t at = 0, before = list.count;
		int r = call(reader, &request, folder, 0, &reply, &answer, err);

		if (r < 0)
			return r;
		total = reply.value;
		while (at < reply.length) {
			AUTO_FREE char *path = NULL;
			struct item item = { 0 };

			r = item_wire_take(answer, reply.length, &at, &path, &item,
					   &fault);
			if (r == 0 && !item.name[0]) {
				item_clear(&item);
				r = err_set(&fault, -EPROTO, "a file without a name");
			}
			if (r == 0)
				r = item_list_add(&list, &item, &fault);
			if (r < 0)
				return distrust_item(reader, &fault, err);
		}
		if (list.count > total || (list.count == before && total > before))
			return reader_distrust(reader, err,
					       "%" PRIu64 " entries of a folder", total);
	} while (list.count < total);
	*ret = list;
	list = (struct item_list){ 0 };
	return 0;
}

int reader_find(struct reader *reader, unsigned volume,
		const struct item_address *address, struct item *ret, struct err *err)
{
	struct reader_request request = { .op = READER_FIND, .volume = volume };
	struct reader_reply reply = { 0 };
	AUTO_FREE uint8_t *answer = NULL;
	AUTO_FREE char *path = NULL;
	struct err fault = { 0 };
	size_t at = 0;
	int r = call(reader, &request, address, 0, &reply, &answer, err);

	if (r < 0)
		return r;
	if (item_wire_take(answer, reply.length, &at, &path, ret, &fault) < 0)
		return distrust_item(reader, &fault, err);
	return 0;
}

int reader_open_item(struct reader *reader, unsigned volume,
		     const struct item_address *file, const char *stream,
		     unsigned *ret_volume, uint64_t *ret_length, struct err *err)
{
	struct reader_request request = { .op = READER_OPEN_ITEM, .offset = volume };
	AUTO_FREE char *name = strdup(file->path);
	AUTO_FREE uint8_t *payload = NULL;
	struct reader_reply reply = { 0 };
	unsigned number = 0;
	int r = reader_check_range(reader, volume, 0, 0, err);

	if (!name)
		return err_nomem(err);
	if (r == 0)
		r = reader_free_volume(reader, &number, err);
	request.volume = number;
	if (r == 0)
		r = put_wanted(reader, file, stream, 0, &request, err);
	if (r == 0)
		r = reader_call_opening(reader, &request, &payload, &reply, err);
	if (r < 0)
		return r;
	if (reply.value > INT64_MAX)
		return reader_distrust(reader, err, "a file of %" PRIu64 " bytes",
				       reply.value);
	reader->volumes[number] = (struct reader_volume){ .open = true,
							  .length = reply.value,
							  .name = TAKE_PTR(name),
							  .opening = request,
							  .payload = TAKE_PTR(payload) };
	*ret_volume = number;
	*ret_length = reply.value;
	return 0;
}

int reader_newer(struct reader *reader, unsigned volume, int64_t since,
		 items_visit *visit, void *context, struct err *err)
{
	const struct item_address everything = { .path = "" };
	uint64_t position = 0;
	int r = 0;

	while (r == 0 && position != ITEMS_ALL_SEEN) {
		struct reader_request request = { .op = READER_NEWER,
						  .volume = volume,
						  .offset = position };
		struct reader_reply reply = { 0 };
		AUTO_FREE uint8_t *answer = NULL;
		struct err fault = { 0 };
		size_t at = 0;

		r = call(reader, &request, &everything, since, &reply, &answer, err);
		if (r < 0)
			return r;
		if (reply.value <= position)
			return reader_distrust(reader, err, "files in circles");
		position = reply.value;
		while (r == 0 && at < reply.length) {
			AUTO(item_clear) struct item item = { 0 };
			AUTO_FREE char *path = NULL;

			if (item_wire_take(answer, reply.length, &at, &path, &item,
					   &fault) < 0)
				return distrust_item(reader, &fault, err);
			r = visit(path, &item, context, err);
		}
	}
	return r;
}
