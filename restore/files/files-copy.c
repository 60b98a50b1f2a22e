/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file with its streams, copied to the destination: see files-parts.h. */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "files-parts.h"

#define RANGES 64 /* of a file, asked for at once */

/* Larger streams are files of their own: no file system of Linux keeps more with a file. */
#define STREAM_MAX (64 * KiB)

/* One stream that is open in the reader. */
struct input {
	struct reader *reader;
	struct block_source *source;
	unsigned volume;
	bool open;
	uint64_t size;
	uint64_t absent; /* bytes that the image does not hold */
};

static void input_close(struct input *input)
{
	struct err ignored = { 0 };

	source_close(input->source);
	if (input->open &&
	    reader_close_volume(input->reader, input->volume, &ignored) < 0)
		return; /* its next call says so, too */
}

static int input_open(struct get *get, const struct place *place, const char *stream,
		      struct input *ret, struct err *err)
{
	const struct item_address address = { place->id, place->path };
	int r = reader_open_item(get->reader, get->volume, &address, stream, &ret->volume,
				 &ret->size, err);

	ret->reader = get->reader;
	ret->open = r == 0;
	if (r == 0)
		r = reader_source(get->reader, ret->volume, &ret->source, err);
	return files_source_failed(get, r);
}

/* -- content ---------------------------------------------------------------------- */

static int copy_range(struct get *get, const struct place *place, struct input *input,
		      void *file, const struct volume_range *range, struct err *err)
{
	uint64_t offset = range->offset, left = range->length;

	while (left) {
		size_t part = (size_t)min_u64(left, READER_SLOT_SIZE);
		int r = files_progress(get, place->path, err);

		if (r == 0)
			r = files_source_failed(get,
						source_read(input->source, get->buffer,
							    offset, part, err));
		if (r < 0)
			return r;
		r = get->target->ops->write(get->target, file, get->buffer, offset, part,
					    err);
		if (r < 0)
			return files_target_failed(get, r);
		get->sum->bytes += part;
		offset += part;
		left -= part;
	}
	return 0;
}

static int copy_content(struct get *get, const struct place *place, struct input *input,
			void *file, struct err *err)
{
	uint64_t at = 0;

	while (at < input->size) {
		struct volume_range ranges[RANGES];
		size_t count = 0;
		int r = files_source_failed(get,
					    reader_map(get->reader, input->volume, at,
						       ranges, RANGES, &count, err));

		for (size_t i = 0; i < count && r == 0; i++) {
			if (ranges[i].kind == RANGE_DATA)
				r = copy_range(get, place, input, file, &ranges[i], err);
			else if (ranges[i].kind == RANGE_FREE)
				input->absent += ranges[i].length;
			at += ranges[i].length;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void tell_absent(struct get *get, const char *path, const struct input *input)
{
	AUTO_FREE char *text =
		text_format("%" PRIu64 " of %" PRIu64
			    " bytes are not stored in the backup; they are zeros now",
			    input->absent, input->size);

	if (input->absent)
		files_tell(get, FILES_INCOMPLETE, path, text ? text : "");
}

static struct file_times times_of(const struct item *item)
{
	return (struct file_times){ item->created, item->modified, item->accessed };
}

/* -- streams ---------------------------------------------------------------------- */

/* -ENOTSUP: the destination does not keep it. */
static int keep_stream(struct get *get, const struct place *place,
		       const struct item_stream *stream, void *file, struct err *err)
{
	AUTO(input_close) struct input input = { 0 };
	int r;

	if (!get->target->ops->set_stream || stream->size > STREAM_MAX)
		return -ENOTSUP;
	r = input_open(get, place, stream->name, &input, err);
	if (r < 0)
		return r;
	if (input.size > STREAM_MAX)
		return -ENOTSUP;
	if (input.size)
		r = files_source_failed(
			get, source_read(input.source, get->buffer, 0, input.size, err));
	if (r < 0)
		return r;
	r = get->target->ops->set_stream(get->target, file, stream->name, get->buffer,
					 input.size, err);
	return r == -ENOTSUP ? r : files_target_failed(get, r);
}

/* A file "NAME:STREAM" beside it. */
static int write_stream(struct get *get, const struct place *place,
			const struct item *item, const struct item_stream *stream,
			struct err *err)
{
	AUTO_FREE char *joined = text_format("%s:%s", place->name, stream->name);
	AUTO(input_close) struct input input = { 0 };
	struct file_times times = times_of(item);
	AUTO_FREE char *name = NULL, *text = NULL;
	void *file = NULL;
	bool changed;
	int r = joined ? file_name_for(joined, get->target->windows_names, &name,
				       &changed, err)
		       : err_nomem(err);

	if (r == 0)
		r = input_open(get, place, stream->name, &input, err);
	if (r < 0)
		return r;
	r = files_target_failed(get,
				get->target->ops->create(get->target, place->folder, name,
							 input.size, &file, err));
	if (r < 0)
		return r;
	r = copy_content(get, place, &input, file, err);
	if (r < 0) {
		get->target->ops->abandon(get->target, file);
		return r;
	}
	r = get->target->ops->finish(get->target, file, &times, err);
	if (r < 0)
		return files_target_failed(get, r);
	text = text_format("its stream '%s' is the file '%s'", stream->name, name);
	files_tell(get, FILES_ODD, place->path, text ? text : "");
	tell_absent(get, place->path, &input);
	get->sum->streams++;
	return 0;
}

/* A stream that cannot be had does not cost the file. */
static int pass_stream(struct get *get, const struct place *place,
		       const struct item_stream *stream, int r, struct err *err)
{
	AUTO_FREE char *path = text_format("%s:%s", place->path, stream->name);

	if (r == 0 || get->fatal)
		return r;
	files_tell(get, FILES_SKIPPED, path ? path : place->path, err->text);
	return 0;
}

int files_copy_streams(struct get *get, const struct place *place,
		       const struct item *item, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < item->stream_count && r == 0; i++)
		r = pass_stream(get, place, &item->streams[i],
				write_stream(get, place, item, &item->streams[i], err),
				err);
	return r;
}

/* Those that the destination keeps with the file; *ret_rest gets the others, borrowed. */
static int keep_streams(struct get *get, const struct place *place,
			const struct item *item, void *file, struct item *ret_rest,
			struct err *err)
{
	for (size_t i = 0; i < item->stream_count; i++) {
		const struct item_stream *stream = &item->streams[i];
		int r = keep_stream(get, place, stream, file, err);

		if (r == -ENOTSUP && !get->fatal) {
			ret_rest->streams[ret_rest->stream_count++] = *stream;
			continue;
		}
		get->sum->streams += r == 0;
		r = pass_stream(get, place, stream, r, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* -- files ------------------------------------------------------------------------ */

static int write_file(struct get *get, const struct place *place, const struct item *item,
		      struct input *input, struct item *rest, struct err *err)
{
	const struct file_target_ops *ops = get->target->ops;
	struct file_times times = times_of(item);
	void *file = NULL;
	int r = ops->create(get->target, place->folder, place->name, input->size, &file,
			    err);

	if (r < 0)
		return files_target_failed(get, r);
	r = copy_content(get, place, input, file, err);
	if (r == 0)
		r = keep_streams(get, place, item, file, rest, err);
	if (r < 0) {
		ops->abandon(get->target, file);
		return r;
	}
	return files_target_failed(get, ops->finish(get->target, file, &times, err));
}

int files_copy(struct get *get, const struct place *place, const struct item *item,
	       struct err *err)
{
	AUTO_FREE struct item_stream *streams =
		calloc(item->stream_count ? item->stream_count : 1, sizeof(*streams));
	struct item rest = { .streams = streams,
			     .created = item->created,
			     .modified = item->modified,
			     .accessed = item->accessed };
	AUTO(input_close) struct input input = { 0 };
	int r;

	if (!streams)
		return err_nomem(err);
	r = input_open(get, place, "", &input, err);
	if (r == 0)
		r = write_file(get, place, item, &input, &rest, err);
	if (r < 0)
		return r;
	get->sum->files++;
	tell_absent(get, place->path, &input);
	return files_copy_streams(get, place, &rest, err);
}
