/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reader whose processes lose their connection as a script tells them. The processes are real,
 * forked by the real keeper; what they read is made up.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/log.h>

#include "reader/reader-internal.h"

#define SLOT_SIZE   65536u
#define SLOTS	    24
#define VOLUME_SIZE (64 * MiB)
#define LONG_MS	    60000 /* slower machines than this */

/* What processes do; shared with them. */
struct script {
	_Atomic unsigned starts; /* processes so far */
	_Atomic unsigned reads, calls;
	_Atomic unsigned opens;	     /* with the right path and identity */
	_Atomic unsigned lose_after; /* reads of each process; 0: never */
	_Atomic unsigned good_from;  /* processes from this one on lose nothing */
	void (*lose)(int socket, struct reader_reply *reply, uint8_t *slot);
	_Atomic uint32_t longest; /* read that does not lose the connection; 0: any */
	_Atomic uint64_t length;  /* of the volume, in processes after the first one */
	_Atomic int hello[8];	  /* code of the n-th process */
	_Atomic bool lose_calls;  /* the first process loses control calls, not reads */
	_Atomic int last_pid;
};

static struct script *script;
static const struct guid image_id = { { 7, 7, 1 } };
static char said[1024]; /* the log's last warning */

static void keep_log(enum log_level level, const char *text, void *context)
{
	if (level <= LOG_LEVEL_WARNING)
		snprintf(said, sizeof(said), "%s", text);
}

/* -- ways to lose a connection ---------------------------------------------------- */

static void fail_with(int socket, struct reader_reply *reply, uint8_t *slot, int code)
{
	static const char text[] = "'smb://nas/b/C.vhdx': made up";

	memcpy(slot, text, sizeof(text) - 1);
	reply->code = code;
	reply->length = sizeof(text) - 1;
	reply->value = 0;
	(void)!send(socket, reply, sizeof(*reply), MSG_NOSIGNAL);
}

static void lose_reset(int socket, struct reader_reply *reply, uint8_t *slot)
{
	fail_with(socket, reply, slot, -ECONNRESET);
}

static void lose_timeout(int socket, struct reader_reply *reply, uint8_t *slot)
{
	fail_with(socket, reply, slot, -ETIMEDOUT);
}

static void lose_io(int socket, struct reader_reply *reply, uint8_t *slot)
{
	fail_with(socket, reply, slot, -EIO);
}

static void end_well(int socket, struct reader_reply *reply, uint8_t *slot)
{
	_exit(0);
}

/* With half a block written. */
static void be_killed(int socket, struct reader_reply *reply, uint8_t *slot)
{
	memset(slot, 0xee, SLOT_SIZE / 2);
	raise(SIGKILL);
}

static void hang(int socket, struct reader_reply *reply, uint8_t *slot)
{
	memset(slot, 0xdd, SLOT_SIZE);
	for (;;)
		pause();
}

static void crash(int socket, struct reader_reply *reply, uint8_t *slot)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

/* -- the process ------------------------------------------------------------------ */

static uint8_t expected_byte(uint64_t offset)
{
	return (uint8_t)(offset / 4096 * 7 + offset % 4096 % 13);
}

static bool is_right_image(const uint8_t *slot, uint32_t length)
{
	struct reader_image image;

	memcpy(&image, slot, sizeof(image));
	return image.file_size == 4711 && image.mtime_ns == 12 &&
	       guid_equal(&image.unique_id, &image_id) &&
	       length == sizeof(image) + strlen("C.vhdx") &&
	       memcmp(slot + sizeof(image), "C.vhdx", strlen("C.vhdx")) == 0;
}

static bool loses(const struct reader_request *request, unsigned number, unsigned reads)
{
	if (script->good_from && number >= script->good_from)
		return false;
	if (script->lose_calls && number == 1)
		return request->op == READER_MAP || request->op == READER_READ_FILE ||
		       request->op == READER_SCAN;
	if (request->op != READER_READ)
		return false;
	if (script->longest)
		return request->length > script->longest;
	return script->lose_after && reads > script->lose_after;
}

static void answer(const struct reader_request *request, struct reader_reply *reply,
		   uint8_t *slot, unsigned number)
{
	struct reader_range range = { request->offset, VOLUME_SIZE - request->offset,
				      RANGE_DATA };

	switch (request->op) {
	case READER_OPEN_VOLUME:
		script->opens += is_right_image(slot, request->length);
		reply->value =
			number > 1 && script->length ? script->length : VOLUME_SIZE;
		break;
	case READER_READ:
		for (uint32_t i = 0; i < request->length; i++)
			slot[request->skip + i] = expected_byte(request->offset + i);
		reply->length = request->length;
		break;
	case READER_MAP:
		memcpy(slot, &range, sizeof(range));
		reply->length = sizeof(range);
		break;
	case READER_READ_FILE: /* its path */
		reply->length = request->length;
		break;
	default:
		break;
	}
}

static void lossy_main(const struct reader_process *start)
{
	unsigned number = ++script->starts, reads = 0;
	struct reader_reply hello = { .op = READER_OPEN_TREE,
				      .slot = start->options->slots };

	script->last_pid = getpid();
	alarm(100); /* a test that fails must not leave it behind */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (script->hello[number % ARRAY_SIZE(script->hello)] < 0) {
		fail_with(start->socket, &hello,
			  start->memory + (size_t)hello.slot * SLOT_SIZE,
			  script->hello[number % ARRAY_SIZE(script->hello)]);
		_exit(1);
	}
	(void)!send(start->socket, &hello, sizeof(hello), MSG_NOSIGNAL);
	for (;;) {
		struct reader_request request;
		struct reader_reply reply;
		uint8_t *slot;

		if (recv(start->socket, &request, sizeof(request), 0) != sizeof(request))
			_exit(0);
		slot = start->memory + (size_t)request.slot * SLOT_SIZE;
		reply = (struct reader_reply){ .id = request.id,
					       .op = request.op,
					       .slot = request.slot };
		if (request.op == READER_FORK) { /* it reads alone */
			fail_with(start->socket, &reply, slot, -EAGAIN);
			continue;
		}
		reads += request.op == READER_READ;
		script->reads += request.op == READER_READ;
		if (loses(&request, number, reads)) {
			script->lose(start->socket, &reply, slot + request.skip);
			continue;
		}
		answer(&request, &reply, slot, number);
		(void)!send(start->socket, &reply, sizeof(reply), MSG_NOSIGNAL);
	}
}

/* -- the engine ------------------------------------------------------------------- */

static int begin(void **state)
{
	script = mmap(NULL, sizeof(*script), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	said[0] = '\0';
	log_set_sink(keep_log, NULL);
	return script == MAP_FAILED ? -1 : 0;
}

static int end(void **state)
{
	log_set_sink(NULL, NULL);
	return munmap(script, sizeof(*script));
}

static struct reader *start(uint64_t retry_ms, unsigned *ret_volume)
{
	const struct reader_options options = { .slots = SLOTS,
						.slot_size = SLOT_SIZE,
						.retry_ms = retry_ms,
						.local = true };
	const struct backup_volume image = {
		.image_path = (char *)"C.vhdx",
		.image = { .file_size = 4711, .mtime_ns = 12, .unique_id = image_id }
	};
	struct reader *reader = NULL;
	struct err err = { 0 };
	uint64_t length = 0;

	if (reader_start_main(&options, lossy_main, &reader, &err) < 0 ||
	    reader_open_volume(reader, &image, ret_volume, &length, &err) < 0)
		fail_msg("%s", err.text);
	return reader;
}

/* Reads count blocks one behind the other and looks at every byte. The error of the first that
 * fails. */
static int read_all(struct reader *reader, unsigned volume, unsigned count,
		    uint32_t length, struct err *err)
{
	unsigned asked = 0, came = 0;

	while (came < count) {
		struct reader_block block;
		int r = 0;

		while (r == 0 && asked < count && reader_can_submit(reader, length))
			r = reader_submit(reader, volume,
					  (uint64_t)asked++ * length % VOLUME_SIZE,
					  length, err);
		if (r == 0)
			r = reader_wait(reader, 2000, &block, err);
		if (r < 0)
			return r;
		assert_int_equal(block.length, length);
		assert_int_equal(block.offset, (uint64_t)came * length % VOLUME_SIZE);
		for (uint32_t i = 0; i < length; i++)
			if (block.bytes[i] != expected_byte(block.offset + i))
				fail_msg("byte %u of the block at %lu", i,
					 (unsigned long)block.offset);
		reader_release(reader, block.slot);
		came++;
	}
	assert_int_equal(reader_in_flight(reader), 0);
	return 0;
}

static void read_well(struct reader *reader, unsigned volume, unsigned count,
		      uint32_t length)
{
	struct err err = { 0 };

	if (read_all(reader, volume, count, length, &err) < 0)
		fail_msg("%s", err.text);
}

static unsigned times(const struct reader *reader)
{
	struct reader_trouble trouble;

	reader_trouble(reader, &trouble);
	assert_false(trouble.lost);
	return trouble.times;
}
