/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packs an image: see restore/pack.h. One thread reads, hashes and writes in order; others
 * compress what lies between:
 *
 *	read ─► slots of a ring, one frame each, compressed by threads ─► write in order
 */
#include <restore/pack.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <base/checked.h>

#include "engine/meter.h"
#include "image-kind.h"
#include "packed-table.h"
#include "packed.h"
#include "zstd-frame.h"

/* The payload blocks of a VHDX begin at multiples of it, so that reads of them unpack whole
 * frames; and one frame is what a read of one byte costs. */
#define FRAME_SIZE (1 * MiB)

/* Slots for each thread: one that it works on, one that waits. */
#define SLOTS_PER_THREAD 2

#define CHECK_SIZE (8 * MiB)

struct pack_slot {
	bool ready;		 /* compressed */
	uint8_t *bytes, *packed; /* owned */
	size_t length, stored;
	uint32_t checksum;
	struct err err; /* of compressing */
};

struct pack_ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t count;
	struct pack_slot *slots;
	uint64_t filled, claimed, written; /* frames so far; slot = number % count */
	bool ended;			   /* nothing more comes */
};

struct pack_thread {
	pthread_t thread;
	struct pack_ring *ring;
	struct packer *packer; /* owned */
};

struct pack {
	const struct pack_options *options;
	struct block_source *source;
	const char *out;
	int fd;
	struct meter meter;
	struct pack_ring ring;
	size_t thread_count;
	struct pack_thread threads[PACK_MAX_THREADS];
	XXH3_state_t *hash; /* of what was read */
	struct packed_entry_disk *entries;
	size_t entry_count, entry_room;
	uint64_t stored; /* bytes written */
};

/* -- threads that compress ---- */

static void compress_slot(struct packer *packer, struct pack_slot *slot)
{
	slot->checksum = frame_checksum(slot->bytes, slot->length);
	slot->err.code = packer_run(packer, slot->bytes, slot->length, slot->packed,
				    packer_bound(FRAME_SIZE), &slot->stored, &slot->err);
}

static void *compress(void *argument)
{
	struct pack_thread *thread = argument;
	struct pack_ring *ring = thread->ring;
	struct pack_slot *slot;

	pthread_mutex_lock(&ring->lock);
	for (;;) {
		while (ring->claimed == ring->filled && !ring->ended)
			pthread_cond_wait(&ring->changed, &ring->lock);
		if (ring->claimed == ring->filled)
			break;
		slot = &ring->slots[ring->claimed++ % ring->count];
		pthread_mutex_unlock(&ring->lock);
		compress_slot(thread->packer, slot);
		pthread_mutex_lock(&ring->lock);
		slot->ready = true;
		pthread_cond_broadcast(&ring->changed);
	}
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

static unsigned processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static int start_threads(struct pack *pack, struct err *err)
{
	unsigned wanted = pack->options->threads ? pack->options->threads : processors();
	int r;

	wanted = (unsigned)min_u64(wanted, PACK_MAX_THREADS);
	pack->ring.count = (size_t)wanted * SLOTS_PER_THREAD;
	pack->ring.slots = calloc(pack->ring.count, sizeof(*pack->ring.slots));
	if (!pack->ring.slots)
		return err_nomem(err);
	for (size_t i = 0; i < pack->ring.count; i++) {
		pack->ring.slots[i].bytes = malloc(FRAME_SIZE);
		pack->ring.slots[i].packed = malloc(packer_bound(FRAME_SIZE));
		if (!pack->ring.slots[i].bytes || !pack->ring.slots[i].packed)
			return err_nomem(err);
	}
	for (unsigned i = 0; i < wanted; i++) {
		struct pack_thread *thread = &pack->threads[i];

		thread->ring = &pack->ring;
		r = packer_new(pack->options->level, &thread->packer, err);
		if (r < 0)
			return r;
		r = pthread_create(&thread->thread, NULL, compress, thread);
		if (r != 0) {
			packer_free(TAKE_PTR(thread->packer));
			return err_errno(err, r, "starting a thread that compresses");
		}
		pack->thread_count++;
	}
	return 0;
}

static void end_threads(struct pack *pack)
{
	pthread_mutex_lock(&pack->ring.lock);
	pack->ring.ended = true;
	pack->ring.filled = pack->ring.claimed;
	pthread_cond_broadcast(&pack->ring.changed);
	pthread_mutex_unlock(&pack->ring.lock);
	while (pack->thread_count) {
		struct pack_thread *thread = &pack->threads[--pack->thread_count];

		pthread_join(thread->thread, NULL);
		packer_free(thread->packer);
	}
}

/* -- the packed file ---- */

static int write_all(struct pack *pack, const void *bytes, size_t length, struct err *err)
{
	const uint8_t *from = bytes;

	for (size_t done = 0; done < length;) {
		ssize_t n = write(pack->fd, from + done, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "'%s': writing at %" PRIu64,
					 pack->out, pack->stored + done);
		done += (size_t)n;
	}
	pack->stored += length;
	return 0;
}

static int add_entry(struct pack *pack, const struct pack_slot *slot, struct err *err)
{
	if (pack->entry_count == pack->entry_room) {
		size_t room = pack->entry_room ? pack->entry_room * 2 : 1024;
		struct packed_entry_disk *grown =
			reallocarray(pack->entries, room, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		pack->entries = grown;
		pack->entry_room = room;
	}
	pack->entries[pack->entry_count++] = (struct packed_entry_disk){
		.stored = put_le32((uint32_t)slot->stored),
		.length = put_le32((uint32_t)slot->length),
		.checksum = put_le32(slot->checksum),
	};
	return 0;
}

/* Waits for the oldest frame and writes it. */
static int write_frame(struct pack *pack, struct err *err)
{
	struct pack_ring *ring = &pack->ring;
	struct pack_slot *slot = &ring->slots[ring->written % ring->count];
	int r;

	pthread_mutex_lock(&ring->lock);
	while (!slot->ready)
		pthread_cond_wait(&ring->changed, &ring->lock);
	pthread_mutex_unlock(&ring->lock);
	if (slot->err.code)
		return err_set(err, slot->err.code, "'%s': %s", pack->source->name,
			       slot->err.text);
	r = write_all(pack, slot->packed, slot->stored, err);
	if (r == 0)
		r = add_entry(pack, slot, err);
	if (r < 0)
		return r;
	ring->written++;
	return meter_add(&pack->meter, slot->length, err);
}

static int read_frame(struct pack *pack, uint64_t offset, struct err *err)
{
	struct pack_ring *ring = &pack->ring;
	struct pack_slot *slot = &ring->slots[ring->filled % ring->count];
	int r;

	slot->length = (size_t)min_u64(FRAME_SIZE, pack->source->size - offset);
	slot->err = (struct err){ 0 };
	r = source_read(pack->source, slot->bytes, offset, slot->length, err);
	if (r < 0)
		return r;
	XXH3_128bits_update(pack->hash, slot->bytes, slot->length);
	pthread_mutex_lock(&ring->lock);
	slot->ready = false;
	ring->filled++;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
	return 0;
}

static int write_frames(struct pack *pack, struct err *err)
{
	struct pack_ring *ring = &pack->ring;
	int r = meter_start(&pack->meter, PHASE_PACK, pack->source->size, err);

	for (uint64_t offset = 0; r == 0 && offset < pack->source->size;
	     offset += FRAME_SIZE) {
		if (ring->filled - ring->written == ring->count)
			r = write_frame(pack, err);
		if (r == 0)
			r = read_frame(pack, offset, err);
	}
	while (r == 0 && ring->written < ring->filled)
		r = write_frame(pack, err);
	return r;
}

static int write_table(struct pack *pack, struct err *err)
{
	size_t length = pack->entry_count * sizeof(*pack->entries);
	const struct packed_head_disk head = {
		.magic = put_le32(PACKED_SKIPPABLE_MAGIC),
		.length = put_le32((uint32_t)(length + sizeof(struct packed_foot_disk))),
	};
	const le32 magic = put_le32(PACKED_SEEKABLE_MAGIC);
	struct packed_foot_disk foot = { .frames = put_le32((uint32_t)pack->entry_count),
					 .flags = PACKED_CHECKSUMS };
	int r;

	memcpy(foot.magic, magic.b, sizeof(foot.magic));
	r = write_all(pack, &head, sizeof(head), err);
	if (r == 0)
		r = write_all(pack, pack->entries, length, err);
	if (r == 0)
		r = write_all(pack, &foot, sizeof(foot), err);
	return r;
}

/* The image's time says when the backup was made. */
static int finish_file(struct pack *pack, struct err *err)
{
	const struct timespec mtime = {
		.tv_sec = pack->source->mtime_ns / 1000000000,
		.tv_nsec = pack->source->mtime_ns % 1000000000,
	};
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime };

	if (fsync(pack->fd) < 0)
		return err_errno(err, errno, "'%s': writing to disk", pack->out);
	if (futimens(pack->fd, times) < 0)
		return err_errno(err, errno, "'%s': setting its time", pack->out);
	/* What is read back comes from the disk where that can be had. */
	(void)posix_fadvise(pack->fd, 0, 0, POSIX_FADV_DONTNEED);
	if (close(TAKE_FD(pack->fd)) < 0)
		return err_errno(err, errno, "'%s': closing", pack->out);
	return 0;
}

/* -- proof ---- */

static int hash_packed(struct pack *pack, struct block_source *packed, XXH128_hash_t *ret,
		       struct err *err)
{
	AUTO_FREE uint8_t *buffer = malloc(CHECK_SIZE);
	int r = buffer ? 0 : err_nomem(err);

	XXH3_128bits_reset(pack->hash);
	if (r == 0)
		r = meter_start(&pack->meter, PHASE_PACK_CHECK, packed->size, err);
	for (uint64_t offset = 0; r == 0 && offset < packed->size;) {
		size_t part = (size_t)min_u64(CHECK_SIZE, packed->size - offset);

		r = source_read(packed, buffer, offset, part, err);
		if (r < 0)
			return r;
		XXH3_128bits_update(pack->hash, buffer, part);
		offset += part;
		r = meter_add(&pack->meter, part, err);
	}
	*ret = XXH3_128bits_digest(pack->hash);
	return r;
}

static int check_packed(struct pack *pack, struct err *err)
{
	const XXH128_hash_t written = XXH3_128bits_digest(pack->hash);
	AUTO(source_freep) struct block_source *packed = NULL;
	struct block_source *file = NULL;
	XXH128_hash_t found = { 0 };
	bool is_packed;
	int r = source_file_open(pack->out, &file, err);

	if (r == 0)
		r = packed_open(file, &packed, &is_packed, err);
	if (r == 0 && packed->size == pack->source->size)
		r = hash_packed(pack, packed, &found, err);
	if (r < 0)
		return r;
	if (XXH128_isEqual(written, found))
		return 0;
	return err_set(err, -EBADMSG, "'%s': what was read back is not what was packed",
		       pack->out);
}

static int check_unchanged(const struct pack *pack, struct err *err)
{
	AUTO(source_freep) struct block_source *again = NULL;
	int r = source_file_open(pack->source->name, &again, err);

	if (r < 0)
		return r;
	if (again->size == pack->source->size &&
	    again->mtime_ns == pack->source->mtime_ns)
		return 0;
	return err_set(err, -ESTALE, "'%s': it was changed while it was packed",
		       pack->source->name);
}

/* -- all of it ---- */

static int open_image_file(const char *path, struct block_source **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	const char *format = NULL;
	int r = source_file_open(path, &file, err);

	if (r == 0)
		r = image_find_mark(file, &format, err);
	if (r < 0)
		return r;
	if (!format)
		return err_set(err, -ENOEXEC,
			       "'%s': neither VHDX nor VHD: only images of backups are "
			       "packed",
			       path);
	*ret = TAKE_PTR(file);
	return 0;
}

static int run(struct pack *pack, struct err *err)
{
	int r = start_threads(pack, err);

	if (r == 0)
		r = write_frames(pack, err);
	end_threads(pack);
	if (r == 0)
		r = write_table(pack, err);
	if (r == 0)
		r = finish_file(pack, err);
	if (r == 0)
		r = check_unchanged(pack, err);
	if (r == 0)
		r = check_packed(pack, err);
	return r;
}

static void pack_clear(struct pack *pack)
{
	for (size_t i = 0; pack->ring.slots && i < pack->ring.count; i++) {
		free(pack->ring.slots[i].bytes);
		free(pack->ring.slots[i].packed);
	}
	free(pack->ring.slots);
	pthread_cond_destroy(&pack->ring.changed);
	pthread_mutex_destroy(&pack->ring.lock);
	free(pack->entries);
	XXH3_freeState(pack->hash);
	cleanup_close(&pack->fd);
	source_close(pack->source);
}

static int create(const char *out, int *ret, struct err *err)
{
	int fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST)
		return err_set(err, -EEXIST, "'%s': exists, and is not overwritten", out);
	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", out);
	*ret = fd;
	return 0;
}

int pack_file(const char *path, const char *out, const struct pack_options *options,
	      struct pack_result *ret, struct err *err)
{
	struct pack pack = {
		.options = options,
		.out = out,
		.fd = -1,
		.meter = { .report = options->report, .context = options->context },
		.ring = { .lock = PTHREAD_MUTEX_INITIALIZER,
			  .changed = PTHREAD_COND_INITIALIZER },
		.hash = XXH3_createState(),
	};
	uint64_t started = clock_ms();
	int r = pack.hash ? 0 : err_nomem(err);

	if (r == 0)
		r = open_image_file(path, &pack.source, err);
	if (r == 0)
		r = create(out, &pack.fd, err);
	if (r == 0) {
		XXH3_128bits_reset(pack.hash);
		r = run(&pack, err);
		if (r < 0)
			unlink(out);
	}
	if (r == 0)
		*ret = (struct pack_result){
			.size = pack.source->size,
			.stored = pack.stored,
			.frames = pack.entry_count,
			.seconds = (double)(clock_ms() - started) / 1000,
		};
	pack_clear(&pack);
	return r;
}
