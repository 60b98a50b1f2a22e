/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The replayed view of a VHDX file: see vhdx-replay.h. The log is understood by
 * vhdx-log.c. */
#include "vhdx-replay.h"

#include <inttypes.h>
#include <string.h>

#include <base/cleanup.h>

#include "vhdx-log.h"

struct vhdx_replay {
	struct block_source source;
	struct block_source *file; /* owned once open */
	struct vhdx_log log;
	uint8_t *ring; /* owned */
	struct vhdx_changes changes;
};

static void replay_free(struct vhdx_replay *replay)
{
	vhdx_changes_clear(&replay->changes);
	free(replay->ring);
	free(replay->source.name);
	free(replay);
}
DEFINE_FREEP(struct vhdx_replay, replay, replay_free)

static void replay_close(struct block_source *source)
{
	struct vhdx_replay *replay = (struct vhdx_replay *)source;

	source_close(replay->file);
	replay_free(replay);
}

/* What lies behind the file's end is space that the log has yet to add. */
static int read_file(struct vhdx_replay *replay, uint8_t *out, uint64_t offset,
		     size_t length, struct err *err)
{
	uint64_t size = replay->file->size;
	size_t there = offset < size ? (size_t)min_u64(length, size - offset) : 0;

	memset(out + there, 0, length - there);
	return there ? source_read(replay->file, out, offset, there, err) : 0;
}

static void read_change(struct vhdx_replay *replay, const struct vhdx_change *change,
			uint8_t *out, uint64_t offset, size_t length)
{
	uint8_t sector[VHDX_LOG_SECTOR];

	if (change->sector == VHDX_CHANGE_ZEROS) {
		memset(out, 0, length);
		return;
	}
	vhdx_change_sector(&replay->log, change, sector);
	memcpy(out, sector + (offset - change->offset), length);
}

static int replay_read_at(struct block_source *source, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	struct vhdx_replay *replay = (struct vhdx_replay *)source;
	uint8_t *out = buffer;

	while (length) {
		uint64_t end;
		const struct vhdx_change *change =
			vhdx_changes_find(&replay->changes, offset, &end);
		size_t part = (size_t)min_u64(end - offset, length);
		int r = 0;

		if (change)
			read_change(replay, change, out, offset, part);
		else
			r = read_file(replay, out, offset, part, err);
		if (r < 0)
			return r;
		out += part;
		offset += part;
		length -= part;
	}
	return 0;
}

static const struct block_source_ops replay_ops = {
	.read_at = replay_read_at,
	.close = replay_close,
};

static int read_ring(struct vhdx_replay *replay, struct block_source *file,
		     const struct vhdx_header *header, struct err *err)
{
	if (!range_within(header->log_offset, header->log_length, file->size) ||
	    header->log_offset < VHDX_HEADER_AREA)
		return err_set(err, -EBADMSG,
			       "'%s': VHDX log to replay at %" PRIu64
			       "+%u, must lie behind the headers in the file of %" PRIu64
			       " bytes",
			       file->name, header->log_offset, header->log_length,
			       file->size);
	replay->ring = malloc(header->log_length);
	if (!replay->ring)
		return err_nomem(err);
	replay->log = (struct vhdx_log){
		.name = replay->source.name,
		.bytes = replay->ring,
		.length = header->log_length,
		.offset = header->log_offset,
		.id = header->log,
		.file_size = file->size,
	};
	return source_read(file, replay->ring, header->log_offset, header->log_length,
			   err);
}

int vhdx_replay_new(struct block_source *file, const struct vhdx_header *header,
		    struct block_source **ret, struct vhdx_replay_info *ret_info,
		    struct err *err)
{
	AUTO(replay_freep) struct vhdx_replay *replay = calloc(1, sizeof(*replay));
	int r;

	if (!replay)
		return err_nomem(err);
	replay->source = (struct block_source){
		.ops = &replay_ops,
		.max_parallel =
			file->max_parallel, /* nothing changes after this function */
		.name = strdup(file->name),
	};
	if (!replay->source.name)
		return err_nomem(err);
	r = read_ring(replay, file, header, err);
	if (r == 0)
		r = vhdx_log_replay(&replay->log, &replay->changes, err);
	if (r < 0)
		return r;
	replay->source.size = replay->changes.file_size;
	replay->file = file;
	*ret_info = (struct vhdx_replay_info){
		.entries = replay->changes.entries,
		.bytes = replay->changes.bytes,
	};
	*ret = &TAKE_PTR(replay)->source;
	return 0;
}
