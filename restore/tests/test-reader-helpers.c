/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Helpers of the reader: good ones, and ones that die, hang, lie or cannot read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/log.h>

#include "reader/reader-internal.h"

#define SLOT_SIZE   65536u
#define SLOTS	    16
#define VOLUME_SIZE (64 * MiB)
#define PATIENCE_MS 300

/* How a helper answers reads. */
struct fault {
	const char *why; /* the log of the engine; NULL: it is a good one */
	void (*answer)(int socket, struct reader_reply *reply, uint8_t *memory);
	bool at_hello, at_open;
};

static const struct fault *fault;
static uint64_t work_ns; /* how long a read took, as the processes say */
static char drop[512];	 /* the last line of the log on a helper that was dropped */

static void keep_drop(enum log_level level, const char *text, void *context)
{
	if (strstr(text, "it is dropped"))
		snprintf(drop, sizeof(drop), "%s", text);
}

/* -- the processes ---------------------------------------------------------------- */

static uint8_t expected_byte(uint64_t offset)
{
	return (uint8_t)(offset / 4096 * 7 + offset % 4096 % 13);
}

static void send_reply(int socket, const struct reader_reply *reply)
{
	if (send(socket, reply, sizeof(*reply), MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void read_block(const struct reader_request *request, uint8_t *memory)
{
	for (uint32_t i = 0; i < request->length; i++)
		memory[i] = expected_byte(request->offset + i);
}

static int receive_request(int socket, struct reader_request *ret)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { ret, sizeof(*ret) };
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = control.room,
			       .msg_controllen = sizeof(control.room) };
	int descriptor = -1;

	if (recvmsg(socket, &head, 0) != sizeof(*ret))
		_exit(0);
	if (head.msg_controllen == sizeof(control.room))
		memcpy(&descriptor, CMSG_DATA(&control.header), sizeof(descriptor));
	return descriptor;
}

__attribute__((noreturn)) static void serve(int socket, uint32_t control,
					    const struct fault *own, uint8_t *memory)
{
	struct reader_reply hello = { .op = READER_OPEN_TREE, .slot = control };

	alarm(30); /* a test that fails must not leave it behind */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (own && own->at_hello)
		own->answer(socket, &hello, memory + (size_t)control * SLOT_SIZE);
	send_reply(socket, &hello);
	for (;;) {
		struct reader_request request;
		int descriptor = receive_request(socket, &request);
		struct reader_reply reply = { .id = request.id,
					      .op = request.op,
					      .slot = request.slot };
		uint8_t *slot = memory + (size_t)request.slot * SLOT_SIZE;

		if (request.op == READER_FORK && fork() == 0)
			serve(descriptor, request.length, fault, memory);
		if (descriptor >= 0)
			close(descriptor);
		if (request.op == READER_OPEN_VOLUME)
			reply.value = VOLUME_SIZE;
		if (request.op == READER_READ) {
			usleep(2000); /* so that there is work for others */
			read_block(&request, slot);
			reply.length = request.length;
			reply.value = work_ns;
		}
		if (own && own->why && !own->at_hello &&
		    own->at_open == (request.op == READER_OPEN_VOLUME))
			own->answer(socket, &reply, slot);
		send_reply(socket, &reply);
	}
}

static void honest_main(const struct reader_process *start)
{
	serve(start->socket, start->options->slots, NULL, start->memory);
}

/* -- the engine ------------------------------------------------------------------- */

/* Reads count blocks of length bytes and looks at every byte. */
static void read_all(struct reader *reader, unsigned volume, unsigned count,
		     uint32_t length)
{
	unsigned asked = 0, came = 0;
	struct err err = { 0 };
	uint64_t last = 0;

	while (came < count) {
		struct reader_block block;

		while (asked < count && reader_can_submit(reader, length))
			if (reader_submit(reader, volume,
					  (uint64_t)asked++ * length % VOLUME_SIZE,
					  length, &err) < 0)
				fail_msg("%s", err.text);
		if (reader_wait(reader, 20000, &block, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(block.length, length);
		for (uint32_t i = 0; i < length; i++)
			if (block.bytes[i] != expected_byte(block.offset + i))
				fail_msg("byte %u of the block at %lu", i,
					 (unsigned long)block.offset);
		if (reader->ordered && came)
			assert_true(block.offset == (last + length) % VOLUME_SIZE);
		last = block.offset;
		reader_release(reader, block.slot);
		came++;
	}
	assert_int_equal(reader_in_flight(reader), 0);
}

static struct reader *start(const struct fault *of_helpers, unsigned *ret_volume)
{
	const struct reader_options options = { .slots = SLOTS,
						.slot_size = SLOT_SIZE,
						.patience_ms = PATIENCE_MS };
	const struct backup_volume image = { .image_path = (char *)"C.vhdx" };
	struct reader *reader = NULL;
	struct err err = { 0 };
	uint64_t length = 0;

	fault = of_helpers;
	drop[0] = '\0';
	if (reader_start_main(&options, honest_main, &reader, &err) < 0 ||
	    reader_open_volume(reader, &image, ret_volume, &length, &err) < 0 ||
	    reader_expect_blocks(reader, &err) < 0)
		fail_msg("%s", err.text);
	return reader;
}

static unsigned helpers(const struct reader *reader)
{
	unsigned count = 0;

	for (unsigned i = 1; i < READER_PROCESSES; i++)
		count += reader->links[i].answered;
	return count;
}

/* 'Z': it has ended, and the reader that forked it has not waited for it. */
static char process_state(pid_t pid)
{
	char path[32], state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 'X';
	assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	assert_int_equal(fclose(file), 0);
	return state;
}

static void helpers_read_what_the_reader_alone_would_read_slowly(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;
	pid_t pid;

	reader = start(NULL, &volume);
	read_all(reader, volume, 600, SLOT_SIZE);
	assert_in_range(helpers(reader), 1, READER_PROCESSES - 1);
	assert_string_equal(drop, "");
	pid = reader->links[1].pid;
	assert_null(strchr("XZ", process_state(pid)));
	reader_stop(TAKE_PTR(reader));
	assert_non_null(strchr("XZ", process_state(pid)));
}

static void blocks_come_in_order_where_that_is_wanted(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;

	reader = start(NULL, &volume);
	reader_set_ordered(reader, true);
	read_all(reader, volume, 400, SLOT_SIZE);
	assert_in_range(helpers(reader), 1, READER_PROCESSES - 1);
}

static void
a_share_is_read_by_four_and_over_a_long_way_by_all_and_in_large_requests(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0;

	work_ns = 4999999;
	reader = start(NULL, &volume);
	assert_int_equal(reader_processes(reader), 4);
	read_all(reader, volume, 1, 512);
	assert_int_equal(reader_expect_blocks(reader, &err), 0);
	assert_int_equal(reader_processes(reader), 4);
	assert_int_equal(reader_request_size(reader), SLOT_SIZE);
	reader_stop(TAKE_PTR(reader));

	work_ns = 20000000;
	reader = start(NULL, &volume);
	read_all(reader, volume, 1, 512);
	assert_int_equal(reader_expect_blocks(reader, &err), 0);
	assert_int_equal(reader_processes(reader), READER_PROCESSES);
	assert_int_equal(reader_request_size(reader), 2 * SLOT_SIZE);
	read_all(reader, volume, 400, SLOT_SIZE);
	assert_in_range(helpers(reader), 1, READER_PROCESSES - 1);
	assert_string_equal(drop, "");
	work_ns = 0;
}

static void a_block_may_be_larger_than_a_slot(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;
	struct err err = { 0 };

	reader = start(NULL, &volume);
	read_all(reader, volume, 60, 3 * SLOT_SIZE - 512);
	read_all(reader, volume, 4, SLOTS * SLOT_SIZE);
	assert_false(reader_can_submit(reader, SLOTS * SLOT_SIZE + 1));
	assert_int_equal(reader_submit(reader, volume, 0, SLOTS * SLOT_SIZE + 1, &err),
			 -EINVAL);
	assert_string_equal(err.text,
			    "a read of 1048577 bytes, must be from 1 to 1048576");
}

/* What is full stays full: nothing is asked for that has no place. */
static void a_full_ring_holds_requests_back(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct reader_block blocks[SLOTS];
	struct err err = { 0 };
	unsigned volume = 0;

	reader = start(NULL, &volume);
	for (unsigned i = 0; i < SLOTS; i++)
		assert_int_equal(reader_submit(reader, volume, (uint64_t)i * SLOT_SIZE,
					       SLOT_SIZE, &err),
				 0);
	assert_false(reader_can_submit(reader, 512));
	assert_int_equal(reader_submit(reader, volume, 0, 512, &err), -EBUSY);
	assert_string_equal(err.text, "all 16 slots of the reader are in use");
	for (unsigned i = 0; i < SLOTS; i++)
		assert_int_equal(reader_wait(reader, 10000, &blocks[i], &err), 0);
	assert_false(reader_can_submit(reader, 512));
	reader_hold(reader, blocks[3].slot);
	reader_release(reader, blocks[3].slot);
	assert_false(reader_can_submit(reader, 512)); /* a write still holds it */
	reader_release(reader, blocks[3].slot);
	assert_true(reader_can_submit(reader, 512));
}

/* -- helpers that fail ------------------------------------------------------------ */

static void die(int socket, struct reader_reply *reply, uint8_t *memory)
{
	_exit(3);
}

static void hang(int socket, struct reader_reply *reply, uint8_t *memory)
{
	for (;;)
		pause();
}

static void refuse(int socket, struct reader_reply *reply, uint8_t *memory)
{
	reply->code = -ECONNABORTED;
	reply->value = 0;
	reply->length = (uint32_t)strlen(strcpy((char *)memory, "it\nfailed"));
}

static void shorten(int socket, struct reader_reply *reply, uint8_t *memory)
{
	reply->length -= 512;
}

static void lengthen(int socket, struct reader_reply *reply, uint8_t *memory)
{
	reply->length += 512;
}

static void take_another(int socket, struct reader_reply *reply, uint8_t *memory)
{
	reply->slot = (reply->slot + 1) % SLOTS;
}

static void take_the_readers_control_slot(int socket, struct reader_reply *reply,
					  uint8_t *memory)
{
	reply->slot = SLOTS;
}

static void leave_the_ring(int socket, struct reader_reply *reply, uint8_t *memory)
{
	reply->slot = SLOTS + READER_PROCESSES;
}

static void answer_twice(int socket, struct reader_reply *reply, uint8_t *memory)
{
	send_reply(socket, reply);
}

static void answer_an_older_one(int socket, struct reader_reply *reply, uint8_t *memory)
{
	reply->id--;
}

static void let_another_speak(int socket, struct reader_reply *reply, uint8_t *memory)
{
	if (fork() != 0)
		hang(socket, reply, memory);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void open_another_volume(int socket, struct reader_reply *reply, uint8_t *memory)
{
	reply->value = VOLUME_SIZE / 2;
}

#define IMPOSSIBLE "gave an impossible answer: "

static const struct fault faults[] = {
	{ "ended", die },
	{ "no answer for 300 ms", hang },
	{ "it?failed", refuse },
	{ IMPOSSIBLE "it is shorter than what was asked for", shorten },
	{ IMPOSSIBLE "it is longer than what was asked for", lengthen },
	/* what is in the slot beside it is free, or another's */
	{ IMPOSSIBLE, take_another },
	{ IMPOSSIBLE "nothing was asked for in that slot",
	  take_the_readers_control_slot },
	{ IMPOSSIBLE "a field is out of range", leave_the_ring },
	/* by then nothing is asked for in that slot, or something else */
	{ IMPOSSIBLE, answer_twice },
	{ IMPOSSIBLE "it belongs to another request", answer_an_older_one },
	{ IMPOSSIBLE "it comes from another process", let_another_speak },
	{ "ended", die, .at_hello = true },
	{ "no answer for 300 ms", hang, .at_hello = true },
	{ "it?failed", refuse, .at_hello = true },
	{ "ended", die, .at_open = true },
	{ "it?failed", refuse, .at_open = true },
	{ "'C.vhdx': opened as a volume of 33554432 bytes, expected 67108864",
	  open_another_volume, .at_open = true },
};

static void a_helper_that_fails_is_dropped_and_others_read_on(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		AUTO(reader_freep) struct reader *reader = NULL;
		int64_t deadline = reader_now_ms() + 20000;
		unsigned volume = 0;

		reader = start(&faults[i], &volume);
		do
			read_all(reader, volume, 50, SLOT_SIZE);
		while (!drop[0] && reader_now_ms() < deadline);
		if (!strstr(drop, faults[i].why))
			fail_msg("fault %zu: '%s', must be '%s'", i, drop, faults[i].why);
		read_all(reader, volume, 50, SLOT_SIZE);
	}
}

static pid_t *hanging_pid; /* shared with all processes */

static void hang_and_tell(int socket, struct reader_reply *reply, uint8_t *memory)
{
	*hanging_pid = getpid();
	hang(socket, reply, memory);
}

/* What it could still write would be another block's bytes. */
static void a_dropped_helper_has_ended_before_its_slots_are_used_again(void **state)
{
	static const struct fault hanging = { "", hang_and_tell };
	AUTO(reader_freep) struct reader *reader = NULL;
	unsigned volume = 0;

	hanging_pid = mmap(NULL, sizeof(*hanging_pid), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(hanging_pid, MAP_FAILED);
	reader = start(&hanging, &volume);
	while (!drop[0])
		read_all(reader, volume, 10, SLOT_SIZE);
	assert_true(*hanging_pid > 0);
	assert_non_null(strchr("XZ", process_state(*hanging_pid)));
	munmap(hanging_pid, sizeof(*hanging_pid));
}

/* Its number is another volume's then: what the helper opened must not be taken for that. */
static void a_volume_that_is_closed_while_a_helper_opens_it_is_forgotten(void **state)
{
	const struct backup_volume other = { .image_path = (char *)"D.vhdx" };
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	unsigned volume = 0, again = 99;
	uint64_t length = 0;
	int64_t deadline = reader_now_ms() + 20000;

	reader = start(NULL, &volume);
	do
		read_all(reader, volume, 1, 4096);
	while (!reader->links[1].ready && reader_now_ms() < deadline);
	reader->links[1].opened = 0;
	(void)!reader_helper_opens(reader, 1, volume); /* its answer has not been read */
	assert_int_equal(reader->slot[SLOTS + 1].state, SLOT_ASKED);
	assert_int_equal(reader_close_volume(reader, volume, &err), 0);
	assert_int_equal(reader_open_volume(reader, &other, &again, &length, &err), 0);
	assert_int_equal(again, volume);
	assert_false(reader->links[1].opened & UINT64_C(1) << volume);
	read_all(reader, again, 300, SLOT_SIZE);
	assert_true(reader->links[1].opened & UINT64_C(1) << volume);
	assert_string_equal(drop, "");
}

static void when_the_reader_ends_so_do_its_helpers(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct reader_block block;
	struct err err = { 0 };
	unsigned volume = 0;
	pid_t helper;

	reader = start(NULL, &volume);
	read_all(reader, volume, 300, SLOT_SIZE);
	helper = reader->links[1].pid;
	assert_true(helper > 0);
	kill(reader->links[0].pid, SIGKILL);
	assert_int_equal(reader_submit(reader, volume, 0, 512, &err) < 0
				 ? -EPIPE
				 : reader_wait(reader, 10000, &block, &err),
			 -EPIPE);
	assert_string_equal(err.text,
			    "the reader process was killed by signal 9 (Killed)");
	assert_int_equal(reader->links[1].socket, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helpers_read_what_the_reader_alone_would_read_slowly),
		cmocka_unit_test(blocks_come_in_order_where_that_is_wanted),
		cmocka_unit_test(
			a_share_is_read_by_four_and_over_a_long_way_by_all_and_in_large_requests),
		cmocka_unit_test(a_block_may_be_larger_than_a_slot),
		cmocka_unit_test(a_full_ring_holds_requests_back),
		cmocka_unit_test(a_helper_that_fails_is_dropped_and_others_read_on),
		cmocka_unit_test(
			a_dropped_helper_has_ended_before_its_slots_are_used_again),
		cmocka_unit_test(
			a_volume_that_is_closed_while_a_helper_opens_it_is_forgotten),
		cmocka_unit_test(when_the_reader_ends_so_do_its_helpers),
	};

	log_set_sink(keep_drop, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
