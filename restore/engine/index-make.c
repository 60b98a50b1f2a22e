/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a sidecar: see restore/index.h. Each chunk with data is one read, whose answers come in
 * any order; records are written in the order of the chunks. The head comes last: a sidecar
 * that was never finished is none.
 */
#include <restore/index.h>

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "formats/block-index.h"
#include "formats/packed.h"
#include "meter.h"

_Static_assert(READER_SLOT_SIZE >= INDEX_CHUNK, "a chunk is one read");

#define MAP_RANGES 256

/* Chunks that were asked for and are not written yet. */
#define JOBS 64

struct index_job {
	uint64_t chunk;
	size_t count, room;
	struct index_range *ranges; /* owned */
	bool done;
	struct index_hash hashes[INDEX_BLOCKS];
};

struct index_maker {
	struct reader *reader;
	struct meter meter;
	const char *out;
	int fd;
	uint64_t size; /* written so far */
	uint64_t bytes;
	unsigned volume; /* that is being read, and its image */
	struct index_image_disk *image;
	struct index_image_disk images[INDEX_MAX_IMAGES];
	/* A ring: jobs from first on, count of them; the last one takes ranges in. */
	size_t first, count;
	struct index_job jobs[JOBS];
};

/* -- the file ---- */

static int write_at(struct index_maker *maker, const void *bytes, size_t length,
		    uint64_t offset, struct err *err)
{
	const uint8_t *from = bytes;

	for (size_t done = 0; done < length;) {
		ssize_t n = pwrite(maker->fd, from + done, length - done,
				   (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "'%s': writing at %" PRIu64,
					 maker->out, offset + done);
		done += (size_t)n;
	}
	return 0;
}

static int write_record(struct index_maker *maker, const struct index_job *job,
			struct err *err)
{
	struct {
		struct index_record_disk head;
		struct index_hash hashes[INDEX_BLOCKS];
	} record = { .head.chunk = put_le64(job->chunk) };
	uint64_t mask = index_mask(job->hashes), length, records;
	size_t count = 0;
	int r;

	for (unsigned i = 0; i < INDEX_BLOCKS; i++)
		if (mask >> i & 1)
			record.hashes[count++] = job->hashes[i];
	record.head.mask = put_le64(mask);
	record.head.check = put_le64(index_record_check(&record.head, record.hashes));
	length = sizeof(record.head) + count * sizeof(*record.hashes);
	r = write_at(maker, &record, length, maker->size, err);
	if (r < 0)
		return r;
	maker->size += length;
	length += get_le64(maker->image->length);
	records = get_le64(maker->image->records) + 1;
	maker->image->length = put_le64(length);
	maker->image->records = put_le64(records);
	return 0;
}

static int finish_file(struct index_maker *maker, uint32_t count, struct err *err)
{
	struct index_head_disk head = {
		.version = put_le32(INDEX_VERSION),
		.block_size = put_le32(INDEX_BLOCK),
		.images = put_le32(count),
		.size = put_le64(maker->size),
	};
	int r;

	memcpy(head.magic, INDEX_MAGIC, sizeof(head.magic));
	index_head_check(&head, maker->images, &head.check);
	r = write_at(maker, maker->images, count * sizeof(*maker->images), sizeof(head),
		     err);
	if (r == 0 && fdatasync(maker->fd) < 0)
		r = err_errno(err, errno, "'%s': writing to disk", maker->out);
	if (r == 0)
		r = write_at(maker, &head, sizeof(head), 0, err);
	if (r == 0 && fsync(maker->fd) < 0)
		r = err_errno(err, errno, "'%s': writing to disk", maker->out);
	if (r == 0 && close(TAKE_FD(maker->fd)) < 0)
		r = err_errno(err, errno, "'%s': closing", maker->out);
	return r;
}

/* -- chunks ---- */

static struct index_job *last_job(struct index_maker *maker)
{
	return &maker->jobs[(maker->first + maker->count - 1) % JOBS];
}

static int take_block(struct index_maker *maker, struct err *err)
{
	struct reader_block block;
	int r = reader_wait(maker->reader, READER_TIMEOUT_MS, &block, err);

	if (r < 0)
		return r;
	meter_busy(&maker->meter, SIDE_SOURCE, block.work_ns);
	for (size_t i = 0; i < maker->count; i++) {
		struct index_job *job = &maker->jobs[(maker->first + i) % JOBS];

		if (job->chunk != block.offset / INDEX_CHUNK)
			continue;
		index_hash_chunk(block.bytes, (uint32_t)(block.offset % INDEX_CHUNK),
				 job->ranges, job->count, job->hashes);
		job->done = true;
	}
	reader_release(maker->reader, block.slot);
	maker->bytes += block.length;
	return meter_add(&maker->meter, block.length, err);
}

static int write_done(struct index_maker *maker, struct err *err)
{
	int r = 0;

	while (r == 0 && maker->count && maker->jobs[maker->first].done) {
		r = write_record(maker, &maker->jobs[maker->first], err);
		maker->first = (maker->first + 1) % JOBS;
		maker->count--;
	}
	return r;
}

/* Asks for the chunk that takes ranges in; from its first byte of data to its last one. */
static int submit(struct index_maker *maker, struct err *err)
{
	struct index_job *job = last_job(maker);
	const struct index_range *last = &job->ranges[job->count - 1];
	uint64_t from = job->chunk * INDEX_CHUNK + job->ranges[0].offset;
	uint32_t length = last->offset + last->length - job->ranges[0].offset;
	int r = 0;

	while (r == 0 && !reader_can_submit(maker->reader, length)) {
		r = take_block(maker, err);
		if (r == 0)
			r = write_done(maker, err);
	}
	return r < 0 ? r : reader_submit(maker->reader, maker->volume, from, length, err);
}

static int begin_chunk(struct index_maker *maker, uint64_t chunk, struct err *err)
{
	struct index_job *job;
	int r = 0;

	while (r == 0 && maker->count == JOBS) {
		r = take_block(maker, err);
		if (r == 0)
			r = write_done(maker, err);
	}
	if (r < 0)
		return r;
	maker->count++;
	job = last_job(maker);
	job->chunk = chunk;
	job->count = 0;
	job->done = false;
	return 0;
}

static int add_range(struct index_job *job, uint32_t offset, uint32_t length,
		     struct err *err)
{
	if (job->count == job->room) {
		size_t room = job->room ? job->room * 2 : 16;
		struct index_range *grown =
			reallocarray(job->ranges, room, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		job->ranges = grown;
		job->room = room;
	}
	job->ranges[job->count++] = (struct index_range){ offset, length };
	return 0;
}

/* *open: a chunk takes ranges in. */
static int add_data(struct index_maker *maker, const struct volume_range *range,
		    bool *open, struct err *err)
{
	uint64_t offset = range->offset, end = range->offset + range->length;
	int r = 0;

	while (r == 0 && offset < end) {
		uint64_t chunk = offset / INDEX_CHUNK;
		uint64_t stop = min_u64(end, (chunk + 1) * INDEX_CHUNK);

		if (*open && last_job(maker)->chunk != chunk) {
			r = submit(maker, err);
			*open = false;
		}
		if (r == 0 && !*open)
			r = begin_chunk(maker, chunk, err);
		if (r == 0) {
			*open = true;
			r = add_range(last_job(maker), (uint32_t)(offset % INDEX_CHUNK),
				      (uint32_t)(stop - offset), err);
		}
		offset = stop;
	}
	return r;
}

static int hash_volume(struct index_maker *maker, uint64_t length, struct err *err)
{
	struct volume_range ranges[MAP_RANGES];
	uint64_t offset = 0;
	bool open = false;
	int r = 0;

	while (r == 0 && offset < length) {
		size_t count = 0;

		r = reader_map(maker->reader, maker->volume, offset, ranges, MAP_RANGES,
			       &count, err);
		for (size_t i = 0; r == 0 && i < count; i++) {
			offset = ranges[i].offset + ranges[i].length;
			if (ranges[i].kind == RANGE_DATA)
				r = add_data(maker, &ranges[i], &open, err);
		}
	}
	if (r == 0 && open)
		r = submit(maker, err);
	while (r == 0 && reader_in_flight(maker->reader))
		r = take_block(maker, err);
	return r < 0 ? r : write_done(maker, err);
}

/* -- images ---- */

static int read_heads(struct index_maker *maker, const struct backup_volume *volume,
		      struct index_hash *ret, struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	uint64_t length = 0;
	unsigned number = 0;
	int r = reader_open_file(maker->reader, volume, &number, &length, err);

	if (r == 0)
		r = reader_source(maker->reader, number, &file, err);
	if (r == 0)
		r = index_heads_hash(file, ret, err);
	return r < 0 ? r : reader_close_volume(maker->reader, number, err);
}

static int describe_image(struct index_maker *maker, const struct backup_volume *volume,
			  struct err *err)
{
	const char *slash = strrchr(volume->image_path, '/');
	const char *name = slash ? slash + 1 : volume->image_path;
	struct index_image_disk *image = maker->image;
	size_t length = packed_name_length(name);

	if (length >= sizeof(image->name))
		return err_set(err, -ENAMETOOLONG,
			       "'%s': a name of %zu bytes, at most %zu", name, length,
			       sizeof(image->name) - 1);
	if (!guid_is_zero(&volume->image.parent_ids[0]) ||
	    !guid_is_zero(&volume->image.parent_ids[1]))
		return err_set(err, -ENOTSUP,
			       "'%s': differencing image: what it holds depends on "
			       "another one, so it gets no index",
			       volume->image_path);
	memcpy(image->name, name, length);
	image->file_size = put_le64(volume->image.file_size);
	image->mtime_ns = put_le64(volume->image.mtime_ns);
	image->unique_id = volume->image.unique_id;
	image->offset = put_le64(maker->size);
	return read_heads(maker, volume, &image->heads, err);
}

static int index_image(struct index_maker *maker, const struct backup_volume *volume,
		       struct err *err)
{
	uint64_t length = 0;
	unsigned again = 0;
	int r = describe_image(maker, volume, err);

	if (r == 0)
		r = reader_open_volume(maker->reader, volume, &maker->volume, &length,
				       err);
	if (r < 0)
		return r;
	maker->image->volume_length = put_le64(length);
	meter_volume(&maker->meter, volume->image_path);
	r = reader_expect_blocks(maker->reader, err);
	if (r == 0)
		r = hash_volume(maker, length, err);
	if (r == 0)
		r = reader_close_volume(maker->reader, maker->volume, err);
	/* is it still the image that was scanned? */
	if (r == 0)
		r = reader_open_volume(maker->reader, volume, &again, &length, err);
	return r < 0 ? r : reader_close_volume(maker->reader, again, err);
}

static int index_images(struct index_maker *maker, const struct backup_version *version,
			struct err *err)
{
	uint64_t total = 0;
	int r;

	if (!version->volume_count || version->volume_count > INDEX_MAX_IMAGES)
		return err_set(err, -ENOTSUP, "%zu images, an index takes 1 to %u",
			       version->volume_count, INDEX_MAX_IMAGES);
	maker->size = sizeof(struct index_head_disk) +
		      version->volume_count * sizeof(struct index_image_disk);
	for (size_t i = 0; i < version->volume_count; i++)
		total += version->volumes[i].used;
	r = meter_start(&maker->meter, PHASE_INDEX, total, err);
	for (size_t i = 0; r == 0 && i < version->volume_count; i++) {
		maker->image = &maker->images[i];
		r = index_image(maker, &version->volumes[i], err);
	}
	return r < 0 ? r : finish_file(maker, (uint32_t)version->volume_count, err);
}

static int wait_for_reader(void *context, struct err *err)
{
	struct index_maker *maker = context;
	int r;

	reader_trouble(maker->reader, &maker->meter.progress.server);
	r = meter_waits(&maker->meter, SIDE_SOURCE, err);
	maker->meter.progress.server.lost = false;
	return r;
}

static int run(struct index_maker *maker, const struct backup_version *version,
	       struct err *err)
{
	int r;

	maker->fd = open(maker->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (maker->fd < 0 && errno == EEXIST)
		return err_set(err, -EEXIST, "'%s': exists, and is not overwritten",
			       maker->out);
	if (maker->fd < 0)
		return err_errno(err, errno, "'%s': creating", maker->out);
	reader_on_wait(maker->reader, wait_for_reader, maker);
	r = index_images(maker, version, err);
	reader_on_wait(maker->reader, NULL, NULL);
	if (r < 0)
		unlink(maker->out);
	return r;
}

int index_make(struct reader *reader, const struct backup_version *version,
	       const char *out, const struct index_options *options,
	       struct index_result *ret, struct err *err)
{
	AUTO_FREE struct index_maker *maker = calloc(1, sizeof(*maker));
	uint64_t started = clock_ms();
	int r;

	if (!maker)
		return err_nomem(err);
	maker->reader = reader;
	maker->out = out;
	maker->meter =
		(struct meter){ .report = options->report, .context = options->context };
	r = run(maker, version, err);
	for (size_t i = 0; i < JOBS; i++)
		free(maker->jobs[i].ranges);
	cleanup_close(&maker->fd);
	if (r < 0)
		return r;
	*ret = (struct index_result){
		.images = version->volume_count,
		.bytes = maker->bytes,
		.stored = maker->size,
		.seconds = (double)(clock_ms() - started) / 1000,
	};
	return 0;
}
