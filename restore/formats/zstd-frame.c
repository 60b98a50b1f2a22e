/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns libzstd: see zstd-frame.h. */
#include "zstd-frame.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

#include <base/cleanup.h>
#include <base/fuzzing.h>

/* A thread costs as much as unpacking so much. */
#define THREAD_WORTH (256u << 10) /* bytes */

uint32_t frame_checksum(const void *bytes, size_t length)
{
	return (uint32_t)XXH64(bytes, length, 0);
}

/* -- unpacking ---- */

struct unpacker {
	ZSTD_DCtx *zstd[UNPACK_THREADS];
	unsigned processors;
};

/* What the threads of one call share. */
struct unpack_call {
	struct unpack_task *tasks;
	size_t count;
	atomic_size_t next;
};

struct unpack_worker {
	struct unpack_call *call;
	ZSTD_DCtx *zstd;
	pthread_t thread;
};

static void unpack(ZSTD_DCtx *zstd, struct unpack_task *task)
{
	size_t n = ZSTD_decompressDCtx(zstd, task->to, task->length, task->from,
				       task->stored);

	task->fault = NULL;
	if (ZSTD_isError(n))
		task->fault = ZSTD_getErrorName(n);
	else if (n != task->length)
		task->fault = "its content is shorter than the seek table says";
	else if (task->has_checksum &&
		 frame_checksum(task->to, task->length) != task->checksum &&
		 !CHECKSUMS_IGNORED)
		task->fault = "its content has not the checksum of the seek table";
}

static void *work(void *argument)
{
	struct unpack_worker *worker = argument;
	struct unpack_call *call = worker->call;
	size_t i;

	while ((i = atomic_fetch_add(&call->next, 1)) < call->count)
		unpack(worker->zstd, &call->tasks[i]);
	return NULL;
}

static size_t thread_count(const struct unpacker *unpacker, size_t count)
{
	size_t most = unpacker->processors < UNPACK_THREADS ? unpacker->processors
							    : UNPACK_THREADS;

	return count < most ? count : most;
}

void unpacker_run(struct unpacker *unpacker, struct unpack_task *tasks, size_t count)
{
	struct unpack_call call = { .tasks = tasks, .count = count };
	struct unpack_worker workers[UNPACK_THREADS];
	size_t threads = thread_count(unpacker, count), started = 1, length = 0;

	for (size_t i = 0; i < count; i++)
		length += tasks[i].length;
	for (size_t i = 0; i < UNPACK_THREADS; i++)
		workers[i] = (struct unpack_worker){ .call = &call,
						     .zstd = unpacker->zstd[i] };
	/* Without threads this one does all. */
	while (started < threads && length / started >= THREAD_WORTH &&
	       pthread_create(&workers[started].thread, NULL, work, &workers[started]) ==
		       0)
		started++;
	work(&workers[0]);
	while (--started)
		pthread_join(workers[started].thread, NULL);
}

void unpacker_free(struct unpacker *unpacker)
{
	if (!unpacker)
		return;
	for (size_t i = 0; i < UNPACK_THREADS; i++)
		ZSTD_freeDCtx(unpacker->zstd[i]);
	free(unpacker);
}

static bool make_contexts(struct unpacker *unpacker)
{
	for (size_t i = 0; i < UNPACK_THREADS; i++) {
		unpacker->zstd[i] = ZSTD_createDCtx();
		if (!unpacker->zstd[i])
			return false;
	}
	return true;
}

int unpacker_new(struct unpacker **ret, struct err *err)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));
	cpu_set_t set;

	if (!unpacker)
		return err_nomem(err);
	if (!make_contexts(unpacker)) {
		unpacker_free(unpacker);
		return err_nomem(err);
	}
	unpacker->processors = 1;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		unpacker->processors = (unsigned)CPU_COUNT(&set);
	*ret = unpacker;
	return 0;
}

/* -- packing ---- */

struct packer {
	ZSTD_CCtx *zstd;
};

void packer_free(struct packer *packer)
{
	if (packer)
		ZSTD_freeCCtx(packer->zstd);
	free(packer);
}

int packer_new(int level, struct packer **ret, struct err *err)
{
	struct packer *packer = calloc(1, sizeof(*packer));

	if (packer)
		packer->zstd = ZSTD_createCCtx();
	if (!packer || !packer->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel,
						level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1))) {
		packer_free(packer);
		return err_nomem(err);
	}
	*ret = packer;
	return 0;
}

size_t packer_bound(size_t length)
{
	return ZSTD_compressBound(length);
}

int packer_run(struct packer *packer, const void *bytes, size_t length, uint8_t *to,
	       size_t room, size_t *ret_stored, struct err *err)
{
	size_t n = ZSTD_compress2(packer->zstd, to, room, bytes, length);

	if (ZSTD_isError(n))
		return err_set(err, -EIO, "zstd: %s", ZSTD_getErrorName(n));
	*ret_stored = n;
	return 0;
}
