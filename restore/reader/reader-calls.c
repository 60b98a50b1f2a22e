/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of everything that goes through the control slot: scan, volumes,
 * maps, files, and a volume as a block source. What the process leaves in shared memory
 * is copied before it is checked.
 */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "reader-internal.h"

/* -- scan ------------------------------------------------------------------------- */

struct scan {
	scan_report *report;
	void *context;
	bool cancelled;
	char *json; /* owned */
	size_t length, room;
};

/* NULL: no memory. */
static char *copy_text(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	if (text) {
		memcpy(text, bytes, length);
		text[length] = '\0';
	}
	return text;
}

static int scan_progress(struct reader *reader, const struct reader_reply *reply,
			 struct scan *scan, struct err *err)
{
	const uint8_t *memory = reader_control(reader);
	AUTO_FREE char *folder = NULL;
	AUTO_FREE char *found = NULL;
	struct reader_progress progress;
	uint64_t found_length;

	if (scan->length || scan->cancelled)
		return reader_distrust(reader, err, "progress after the end of the scan");
	memcpy(&progress, memory, sizeof(progress));
	found_length =
		progress.found_length == READER_NOTHING_FOUND ? 0 : progress.found_length;
	if (reply->length !=
	    sizeof(progress) + (uint64_t)progress.folder_length + found_length)
		return reader_distrust(reader, err, "progress of %" PRIu32 " bytes",
				       reply->length);
	memory += sizeof(progress);
	folder = copy_text(memory, progress.folder_length);
	found = copy_text(memory + progress.folder_length, found_length);
	if (!folder || !found)
		return err_nomem(err);
	reader_clean_text(folder);
	reader_clean_text(found);
	if (scan->report)
		scan->cancelled = scan->report(
			&(struct scan_progress){
				.folders = progress.folders,
				.files = progress.files,
				.folder = folder,
				.found = progress.found_length == READER_NOTHING_FOUND
						 ? NULL
						 : found,
			},
			scan->context);
	return 0;
}

static int scan_part(struct reader *reader, const struct reader_reply *reply,
		     struct scan *scan, struct err *err)
{
	char *grown;

	if (reply->length == 0 || reply->length > READER_MAX_JSON - scan->length)
		return reader_distrust(reader, err, "a description of more than %u bytes",
				       READER_MAX_JSON);
	if (!scan->json || reply->length > scan->room - scan->length) {
		size_t room = 2 * scan->room + reply->length;

		grown = realloc(scan->json, room);
		if (!grown)
			return err_nomem(err);
		scan->json = grown;
		scan->room = room;
	}
	memcpy(scan->json + scan->length, reader_control(reader), reply->length);
	scan->length += reply->length;
	return 0;
}

static int scan_dialogue(struct reader *reader, struct scan *scan, struct err *err)
{
	struct reader_request request = { .op = READER_SCAN };
	struct reader_reply reply = { 0 };
	int r = reader_call(reader, &request, &reply, err);

	while (r == 0 && reply.kind != READER_DONE) {
		if (reply.kind == READER_PROGRESS)
			r = scan_progress(reader, &reply, scan, err);
		else
			r = scan_part(reader, &reply, scan, err);
		if (r < 0)
			return reader_break(reader,
					    err); /* in the middle of the dialogue */
		r = reader_continue(reader, scan->cancelled, &reply, err);
	}
	if (r < 0)
		return r;
	if (scan->cancelled || reply.value != scan->length)
		return reader_distrust(reader, err,
				       "a description of %" PRIu64 " bytes, got %zu",
				       reply.value, scan->length);
	return 0;
}

int reader_scan(struct reader *reader, scan_report *report, void *context,
		struct backup **ret, struct err *err)
{
	struct scan scan = { 0 };
	int r;

	/* The process takes what comes next for the answer to its progress. */
	if (reader->in_flight)
		return err_set(err, -EBUSY, "a scan while %u reads are in flight",
			       reader->in_flight);
	do { /* from the start, where the connection was lost */
		free(scan.json);
		scan = (struct scan){ .report = report, .context = context };
		r = scan_dialogue(reader, &scan, err);
	} while (r == READER_AGAIN);
	if (r == 0)
		r = backup_from_json(scan.json ? scan.json : "", scan.length, ret, err);
	free(scan.json);
	return r;
}

/* -- volumes ---------------------------------------------------------------------- */

/* A path for the process. */
static int put_path(struct reader *reader, const char *path,
		    struct reader_request *request, struct err *err)
{
	size_t length = strlen(path);

	if (length > reader->slot_size)
		return err_set(err, -ENAMETOOLONG,
			       "a path of %zu bytes, at most %" PRIu32, length,
			       reader->slot_size);
	memcpy(reader_control(reader), path, length);
	request->length = (uint32_t)length;
	return 0;
}

static int put_image(struct reader *reader, const struct reader_image *image,
		     const char *path, struct reader_request *request, struct err *err)
{
	size_t length = strlen(path);

	if (length > reader->slot_size - sizeof(*image))
		return err_set(err, -ENAMETOOLONG,
			       "a path of %zu bytes, at most %" PRIu32, length,
			       reader->slot_size);
	memcpy(reader_control(reader), image, sizeof(*image));
	memcpy(reader_control(reader) + sizeof(*image), path, length);
	request->length = (uint32_t)(sizeof(*image) + length);
	return 0;
}

int reader_free_volume(const struct reader *reader, unsigned *ret, struct err *err)
{
	for (unsigned i = 0; i < READER_MAX_VOLUMES; i++) {
		if (!reader->volumes[i].open) {
			*ret = i;
			return 0;
		}
	}
	return err_set(err, -EMFILE, "%d volumes are open in the reader, at most %d",
		       READER_MAX_VOLUMES, READER_MAX_VOLUMES);
}

static int open_view(struct reader *reader, const struct backup_volume *volume,
		     enum reader_view view, unsigned *ret_volume, uint64_t *ret_length,
		     struct err *err)
{
	/* What it was when it was scanned. */
	const struct reader_image image = { volume->image.file_size,
					    volume->image.mtime_ns,
					    volume->image.unique_id, view };
	AUTO_FREE char *name = strdup(volume->image_path);
	AUTO_FREE uint8_t *payload = NULL;
	struct reader_request request = { .op = READER_OPEN_VOLUME };
	struct reader_reply reply = { 0 };
	unsigned number = 0;
	int r;

	if (!name)
		return err_nomem(err);
	r = reader_free_volume(reader, &number, err);
	if (r == 0)
		r = put_image(reader, &image, volume->image_path, &request, err);
	request.volume = number;
	if (r == 0)
		r = reader_call_opening(reader, &request, &payload, &reply, err);
	if (r < 0)
		return r;
	if (reply.value == 0 || reply.value > INT64_MAX)
		return reader_distrust(reader, err, "a volume of %" PRIu64 " bytes",
				       reply.value);
	reader->volumes[number] = (struct reader_volume){
		.open = true,
		.length = reply.value,
		.name = TAKE_PTR(name),
		.image = image,
		.opening = request,
		.payload = TAKE_PTR(payload),
	};
	*ret_volume = number;
	*ret_length = reply.value;
	return 0;
}

int reader_open_volume(struct reader *reader, const struct backup_volume *volume,
		       unsigned *ret_volume, uint64_t *ret_length, struct err *err)
{
	return open_view(reader, volume, READER_VIEW_VOLUME, ret_volume, ret_length, err);
}

int reader_open_file(struct reader *reader, const struct backup_volume *volume,
		     unsigned *ret_volume, uint64_t *ret_length, struct err *err)
{
	return open_view(reader, volume, READER_VIEW_FILE, ret_volume, ret_length, err);
}

int reader_open_index(struct reader *reader, const struct backup_volume *volume,
		      unsigned *ret_volume, uint64_t *ret_length, struct err *err)
{
	return open_view(reader, volume, READER_VIEW_INDEX, ret_volume, ret_length, err);
}

int reader_open_plain(struct reader *reader, const char *path, unsigned *ret_volume,
		      uint64_t *ret_length, struct err *err)
{
	const struct backup_volume volume = { .image_path = (char *)path };

	return open_view(reader, &volume, READER_VIEW_PLAIN, ret_volume, ret_length, err);
}

static bool volume_is_busy(const struct reader *reader, unsigned volume)
{
	for (unsigned i = 0; i < reader->slots; i++) {
		const struct reader_slot *slot = &reader->slot[i];

		if ((slot->state == SLOT_ASKED || slot->state == SLOT_QUEUED) &&
		    slot->request.volume == volume)
			return true;
	}
	return false;
}

int reader_close_volume(struct reader *reader, unsigned volume, struct err *err)
{
	struct reader_request request = { .op = READER_CLOSE_VOLUME, .volume = volume };
	struct reader_reply reply = { 0 };
	int r = reader_check_range(reader, volume, 0, 0, err);

	if (r < 0)
		return r;
	if (volume_is_busy(reader, volume))
		return err_set(err, -EBUSY, "'%s': closed while reads are in flight",
			       reader->volumes[volume].name);
	r = reader_call(reader, &request, &reply, err);
	free(reader->volumes[volume].name);
	free(reader->volumes[volume].payload);
	reader->volumes[volume] = (struct reader_volume){ 0 };
	reader_forget_volume(reader, volume);
	return r;
}

/* -- maps and files --------------------------------------------------------------- */

/* Copies count ranges out of shared memory; false where they are impossible. */
static bool take_ranges(const struct reader *reader, uint64_t offset, uint64_t end,
			struct volume_range *ranges, size_t count)
{
	const uint8_t *memory = reader_control(reader);

	for (size_t i = 0; i < count; i++) {
		struct reader_range range;

		memcpy(&range, memory + i * sizeof(range), sizeof(range));
		if (range.offset != offset || range.length == 0 ||
		    range.length > end - offset || range.kind > RANGE_FREE)
			return false;
		ranges[i] = (struct volume_range){
			.offset = range.offset,
			.length = range.length,
			.kind = (enum range_kind)range.kind,
		};
		offset += range.length;
	}
	return true;
}

int reader_map(struct reader *reader, unsigned volume, uint64_t offset,
	       struct volume_range *ranges, size_t max, size_t *ret_count,
	       struct err *err)
{
	struct reader_request request = { .op = READER_MAP,
					  .volume = volume,
					  .offset = offset };
	struct reader_reply reply = { 0 };
	uint64_t end;
	size_t count;
	int r = reader_check_range(reader, volume, offset, 0, err);

	if (r < 0)
		return r;
	if (max == 0)
		return err_set(err, -EINVAL, "'%s': no room for ranges",
			       reader->volumes[volume].name);
	end = reader->volumes[volume].length;
	if (offset == end) {
		*ret_count = 0;
		return 0;
	}
	request.length =
		(uint32_t)min_u64(max, reader->slot_size / sizeof(struct reader_range));
	r = reader_call(reader, &request, &reply, err);
	if (r < 0)
		return r;
	count = reply.length / sizeof(struct reader_range);
	if (count == 0 || reply.length % sizeof(struct reader_range) ||
	    !take_ranges(reader, offset, end, ranges, count))
		return reader_distrust(reader, err,
				       "ranges that are not adjacent from %" PRIu64 " on",
				       offset);
	*ret_count = count;
	return 0;
}

int reader_read_file(struct reader *reader, unsigned volume, const char *path,
		     uint8_t **ret, size_t *ret_length, struct err *err)
{
	struct reader_request request = { .op = READER_READ_FILE, .volume = volume };
	struct reader_reply reply = { 0 };
	char *bytes;
	int r = volume == READER_TREE ? 0 : reader_check_range(reader, volume, 0, 0, err);

	if (r == 0)
		r = put_path(reader, path, &request, err);
	if (r == 0)
		r = reader_call(reader, &request, &reply, err);
	if (r < 0)
		return r;
	bytes = copy_text(reader_control(reader), reply.length);
	if (!bytes)
		return err_nomem(err);
	*ret = (uint8_t *)bytes;
	*ret_length = reply.length;
	return 0;
}

/* -- a volume as a block source --------------------------------------------------- */

struct source_reader {
	struct block_source source;
	struct reader *reader;
	unsigned volume;
};

/* Through the control slot, so that blocks of others may be in flight. */
static int source_reader_read(struct block_source *source, void *buffer, uint64_t offset,
			      size_t length, struct err *err)
{
	struct source_reader *own = (struct source_reader *)source;
	struct reader *reader = own->reader;

	while (length) {
		uint32_t part = (uint32_t)min_u64(length, reader->slot_size);
		struct reader_request request = { .op = READER_READ,
						  .volume = own->volume,
						  .offset = offset,
						  .length = part };
		struct reader_reply reply = { 0 };
		int r = reader_check_range(reader, own->volume, offset, part, err);

		if (r == 0)
			r = reader_call(reader, &request, &reply, err);
		/* Whoever parses may go on without what it cannot read: not for this reason. */
		if (r < 0 && getpid() != reader->engine &&
		    reader_check_given_up(reader, NULL) < 0)
			_exit(1);
		if (r < 0)
			return r;
		memcpy(buffer, reader_control(reader), part);
		buffer = (uint8_t *)buffer + part;
		offset += part;
		length -= part;
	}
	return 0;
}

static void source_reader_close(struct block_source *source)
{
	free(source->name);
	free(source);
}

static const struct block_source_ops source_reader_ops = {
	.read_at = source_reader_read,
	.close = source_reader_close,
};

int reader_source(struct reader *reader, unsigned volume, struct block_source **ret,
		  struct err *err)
{
	AUTO_FREE struct source_reader *own = malloc(sizeof(*own));
	char *name;
	int r = reader_check_range(reader, volume, 0, 0, err);

	if (r < 0)
		return r;
	name = strdup(reader->volumes[volume].name);
	if (!own || !name) {
		free(name);
		return err_nomem(err);
	}
	*own = (struct source_reader){
		.source = {
			.ops = &source_reader_ops,
			.size = reader->volumes[volume].length,
			.max_parallel = 1,
			.name = name,
		},
		.reader = reader,
		.volume = volume,
	};
	*ret = &TAKE_PTR(own)->source;
	return 0;
}
