/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Items between processes: see item-wire.h. */
#include "item-wire.h"

#include <string.h>

#include <base/checked.h>
#include <base/utf.h>

#define NO_TARGET UINT32_MAX

/* The longest path that Windows knows, each unit written as %uD800. */
#define PATH_LENGTH_MAX (6 * 32768)

/* In the host's byte order: both sides are one program. Path, name and target follow, then the
 * streams, each with its name. */
struct item_wire {
	uint64_t id, size, allocated;
	int64_t created, modified, changed, accessed;
	uint32_t kind, content, attributes, reparse_tag, names;
	uint32_t path_length, name_length, target_length, stream_count;
	uint32_t reserved;
};
_Static_assert(sizeof(struct item_wire) == 96, "no padding");

struct stream_wire {
	uint64_t size;
	uint32_t name_length, reserved;
};
_Static_assert(sizeof(struct stream_wire) == 16, "no padding");

/* -- the reader's side ------------------------------------------------------------ */

static size_t wire_length(const char *path, const struct item *item)
{
	size_t length = sizeof(struct item_wire) + strlen(path) + strlen(item->name) +
			(item->target ? strlen(item->target) : 0);

	for (size_t i = 0; i < item->stream_count; i++)
		length += sizeof(struct stream_wire) + strlen(item->streams[i].name);
	return length;
}

static uint8_t *put(uint8_t *to, const void *from, size_t length)
{
	if (length)
		memcpy(to, from, length);
	return to + length;
}

bool item_wire_put(uint8_t *memory, size_t room, size_t *at, const char *path,
		   const struct item *item)
{
	struct item_wire wire = {
		.id = item->id,
		.size = item->size,
		.allocated = item->allocated,
		.created = item->created,
		.modified = item->modified,
		.changed = item->changed,
		.accessed = item->accessed,
		.kind = item->kind,
		.content = item->content,
		.attributes = item->attributes,
		.reparse_tag = item->reparse_tag,
		.names = item->names,
		.path_length = (uint32_t)strlen(path),
		.name_length = (uint32_t)strlen(item->name),
		.target_length =
			item->target ? (uint32_t)strlen(item->target) : NO_TARGET,
		.stream_count = (uint32_t)item->stream_count,
	};
	size_t length = wire_length(path, item);
	uint8_t *to = memory + *at;

	if (length > room - *at)
		return false;
	to = put(to, &wire, sizeof(wire));
	to = put(to, path, wire.path_length);
	to = put(to, item->name, wire.name_length);
	to = put(to, item->target, item->target ? wire.target_length : 0);
	for (size_t i = 0; i < item->stream_count; i++) {
		struct stream_wire stream = {
			.size = item->streams[i].size,
			.name_length = (uint32_t)strlen(item->streams[i].name),
		};

		to = put(to, &stream, sizeof(stream));
		to = put(to, item->streams[i].name, stream.name_length);
	}
	*at += length;
	return true;
}

/* -- the engine's side ------------------------------------------------------------ */

struct cursor {
	const uint8_t *bytes;
	size_t length; /* left */
};

static int impossible(struct err *err, const char *what)
{
	return err_set(err, -EPROTO, "a file with %s", what);
}

static bool take(struct cursor *cursor, void *to, size_t length)
{
	if (length > cursor->length)
		return false;
	memcpy(to, cursor->bytes, length);
	cursor->bytes += length;
	cursor->length -= length;
	return true;
}

static int take_text(struct cursor *cursor, size_t length, size_t limit, char **ret,
		     struct err *err)
{
	if (length > cursor->length || length > limit ||
	    utf8_check((const char *)cursor->bytes, length) < 0)
		return impossible(err, "a name that is cut off, too long or no text");
	*ret = strndup((const char *)cursor->bytes, length);
	if (!*ret)
		return err_nomem(err);
	cursor->bytes += length;
	cursor->length -= length;
	return 0;
}

/* "" is the root itself. */
static bool is_name(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

static int take_streams(struct cursor *cursor, size_t count, struct item *ret,
			struct err *err)
{
	if (count > ITEM_STREAMS_MAX)
		return impossible(err, "too many streams");
	ret->streams = calloc(count ? count : 1, sizeof(*ret->streams));
	if (!ret->streams)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct stream_wire wire;
		int r;

		if (!take(cursor, &wire, sizeof(wire)))
			return impossible(err, "streams that are cut off");
		r = take_text(cursor, wire.name_length, ITEM_NAME_MAX,
			      &ret->streams[i].name, err);
		if (r < 0)
			return r;
		ret->streams[i].size = wire.size;
		ret->stream_count = i + 1;
		if (!ret->streams[i].name[0] || !is_name(ret->streams[i].name))
			return impossible(err, "an impossible name of a stream");
	}
	return 0;
}

static int take_item(struct cursor *cursor, const struct item_wire *wire, char **ret_path,
		     struct item *ret, struct err *err)
{
	int r = take_text(cursor, wire->path_length, PATH_LENGTH_MAX, ret_path, err);

	*ret = (struct item){
		.kind = (enum item_kind)wire->kind,
		.content = (enum item_content)wire->content,
		.id = wire->id,
		.size = wire->size,
		.allocated = wire->allocated,
		.created = wire->created,
		.modified = wire->modified,
		.changed = wire->changed,
		.accessed = wire->accessed,
		.attributes = wire->attributes,
		.reparse_tag = wire->reparse_tag,
		.names = wire->names,
	};
	if (r == 0)
		r = take_text(cursor, wire->name_length, ITEM_NAME_MAX, &ret->name, err);
	if (r == 0 && !is_name(ret->name))
		r = impossible(err, "an impossible name");
	if (r == 0 && wire->target_length != NO_TARGET)
		r = take_text(cursor, wire->target_length, ITEM_TARGET_MAX, &ret->target,
			      err);
	if (r == 0)
		r = take_streams(cursor, wire->stream_count, ret, err);
	return r;
}

int item_wire_take(const uint8_t *bytes, size_t length, size_t *at, char **ret_path,
		   struct item *ret, struct err *err)
{
	struct cursor cursor = { bytes + *at, length - *at };
	AUTO(item_clear) struct item item = { 0 };
	AUTO_FREE char *path = NULL;
	struct item_wire wire;
	int r;

	if (!take(&cursor, &wire, sizeof(wire)))
		return impossible(err, "facts that are cut off");
	if (wire.kind > ITEM_LINK || wire.content >= CONTENT_COUNT ||
	    wire.size > INT64_MAX)
		return impossible(err, "impossible facts");
	r = take_item(&cursor, &wire, &path, &item, err);
	if (r < 0)
		return r;
	*at = length - cursor.length;
	*ret_path = TAKE_PTR(path);
	*ret = item;
	item = (struct item){ 0 };
	return 0;
}
