/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reader processes that lie: the engine takes no answer that cannot be. */
#include "reader-fixture.h"

/* -- processes that lie ----------------------------------------------------------- */

/* What the process makes of the true answer; it gives the size of the message. */
struct lie {
	const char *text; /* of the error */
	size_t (*spoil)(struct reader_message *message, uint8_t *memory);
	enum reader_op op;
};

static const struct lie *current_lie;

/* With each message come as many descriptors as a process could send to fill the engine's table. */
static bool sends_descriptors;

#define DESCRIPTORS 4

static int send_message(int socket, struct reader_message *message, size_t size)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(DESCRIPTORS * sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	const int descriptors[DESCRIPTORS] = { socket, socket, socket, socket };
	struct iovec part = { message, size };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };

	memcpy(CMSG_DATA(&control.header), descriptors, sizeof(descriptors));
	if (sends_descriptors) {
		head.msg_control = control.room;
		head.msg_controllen = sizeof(control.room);
	}
	return sendmsg(socket, &head, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void send_true_or_false(int socket, struct reader_reply reply, uint8_t *memory)
{
	struct reader_message message = { .reply = reply };
	size_t size = sizeof(reply);

	if (current_lie && reply.op == current_lie->op)
		size = current_lie->spoil(&message, memory);
	if (send_message(socket, &message, size) < 0)
		_exit(1);
}

/* Answers every request as a volume of VOLUME_SIZE bytes would. */
static void lying_main(const struct reader_process *start)
{
	size_t slot_size = start->options->slot_size;
	struct reader_reply first = { .op = READER_OPEN_TREE,
				      .slot = start->options->slots };
	struct reader_request request;
	struct reader_range range = { 0, VOLUME_SIZE, RANGE_DATA };

	alarm(20); /* a test that fails must not leave it behind */
	send_true_or_false(start->socket, first, NULL);
	while (recv(start->socket, &request, sizeof(request), 0) == sizeof(request)) {
		struct reader_reply reply = { .id = request.id,
					      .op = request.op,
					      .slot = request.slot };
		uint8_t *memory = start->memory + request.slot * slot_size;

		if (request.op == READER_OPEN_VOLUME)
			reply.value = VOLUME_SIZE;
		if (request.op == READER_READ)
			reply.length = request.length;
		if (request.op == READER_MAP) {
			reply.length = sizeof(range);
			memcpy(memory, &range, sizeof(range));
		}
		if (request.op == READER_CONTINUE)
			reply.op = READER_SCAN;
		send_true_or_false(start->socket, reply, memory);
	}
	_exit(0);
}

static size_t other_id(struct reader_message *message, uint8_t *memory)
{
	message->reply.id ^= 1;
	return sizeof(message->reply);
}

static size_t other_op(struct reader_message *message, uint8_t *memory)
{
	message->reply.op = READER_MAP;
	return sizeof(message->reply);
}

static size_t other_slot(struct reader_message *message, uint8_t *memory)
{
	message->reply.slot ^= 1;
	return sizeof(message->reply);
}

static size_t slot_outside(struct reader_message *message, uint8_t *memory)
{
	message->reply.slot = 2 + READER_PROCESSES;
	return sizeof(message->reply);
}

static size_t unknown_op(struct reader_message *message, uint8_t *memory)
{
	message->reply.op = READER_OP_COUNT;
	return sizeof(message->reply);
}

static size_t unknown_kind(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_KIND_COUNT;
	return sizeof(message->reply);
}

static size_t part_of_nothing(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_PART;
	return sizeof(message->reply);
}

static size_t reserved_used(struct reader_message *message, uint8_t *memory)
{
	message->reply.reserved = 1;
	return sizeof(message->reply);
}

static size_t positive_code(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = 5;
	return sizeof(message->reply);
}

static size_t huge_code(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = INT32_MIN;
	return sizeof(message->reply);
}

static size_t too_long(struct reader_message *message, uint8_t *memory)
{
	message->reply.length++;
	return sizeof(message->reply);
}

static size_t too_short(struct reader_message *message, uint8_t *memory)
{
	message->reply.length--;
	return sizeof(message->reply);
}

static size_t endless_error_text(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = -EIO;
	message->reply.length = 1024;
	memset(memory, 'x', 1024);
	return sizeof(message->reply);
}

static size_t short_message(struct reader_message *message, uint8_t *memory)
{
	return sizeof(message->reply) - 1;
}

static size_t long_message(struct reader_message *message, uint8_t *memory)
{
	return sizeof(message->reply) + 1;
}

static size_t long_log(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_LOG;
	message->reply.length = READER_LOG_SIZE + 1;
	return sizeof(*message);
}

static size_t no_volume(struct reader_message *message, uint8_t *memory)
{
	message->reply.value = 0;
	return sizeof(message->reply);
}

static size_t gap_in_map(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_range){ 512, VOLUME_SIZE - 512, 0 },
	       sizeof(struct reader_range));
	return sizeof(message->reply);
}

static size_t map_beyond_volume(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_range){ 0, VOLUME_SIZE + 1, 0 },
	       sizeof(struct reader_range));
	return sizeof(message->reply);
}

static size_t unknown_range_kind(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_range){ 0, VOLUME_SIZE, 3 },
	       sizeof(struct reader_range));
	return sizeof(message->reply);
}

static size_t empty_map(struct reader_message *message, uint8_t *memory)
{
	message->reply.length = 0;
	return sizeof(message->reply);
}

static size_t endless_progress_text(struct reader_message *message, uint8_t *memory)
{
	memcpy(memory, &(struct reader_progress){ 1, 1, UINT32_MAX, UINT32_MAX },
	       sizeof(struct reader_progress));
	message->reply.kind = READER_PROGRESS;
	message->reply.length = sizeof(struct reader_progress);
	return sizeof(message->reply);
}

static size_t endless_json(struct reader_message *message, uint8_t *memory)
{
	memset(memory, ' ', SLOT_SIZE);
	message->reply.kind = READER_PART;
	message->reply.length = SLOT_SIZE;
	return sizeof(message->reply);
}

static size_t lost_json(struct reader_message *message, uint8_t *memory)
{
	message->reply.value = 1;
	return sizeof(message->reply);
}

#define IMPOSSIBLE "the reader process gave an impossible answer: "

static const struct lie lies[] = {
	{ IMPOSSIBLE "it belongs to another request", other_id, READER_READ },
	{ IMPOSSIBLE "it belongs to another request", other_op, READER_READ },
	{ IMPOSSIBLE "nothing was asked for in that slot", other_slot, READER_READ },
	{ IMPOSSIBLE "a field is out of range", slot_outside, READER_READ },
	{ IMPOSSIBLE "a field is out of range", unknown_op, READER_READ },
	{ IMPOSSIBLE "a field is out of range", unknown_kind, READER_READ },
	{ IMPOSSIBLE "its kind does not fit the request", part_of_nothing, READER_READ },
	{ IMPOSSIBLE "a field is out of range", reserved_used, READER_READ },
	{ IMPOSSIBLE "its code is not an error code", positive_code, READER_READ },
	{ IMPOSSIBLE "its code is not an error code", huge_code, READER_READ },
	{ IMPOSSIBLE "it is longer than what was asked for", too_long, READER_READ },
	{ IMPOSSIBLE "it is shorter than what was asked for", too_short, READER_READ },
	{ IMPOSSIBLE "it is longer than what was asked for", endless_error_text,
	  READER_READ },
	{ IMPOSSIBLE "a message of 39 bytes", short_message, READER_READ },
	{ IMPOSSIBLE "too long a message", long_message, READER_READ },
	{ IMPOSSIBLE "a line of the log of 1025 bytes", long_log, READER_READ },
	{ IMPOSSIBLE "a volume of 0 bytes", no_volume, READER_OPEN_VOLUME },
	{ IMPOSSIBLE "it is longer than what was asked for", too_long,
	  READER_OPEN_VOLUME },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", gap_in_map, READER_MAP },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", map_beyond_volume,
	  READER_MAP },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", unknown_range_kind,
	  READER_MAP },
	{ IMPOSSIBLE "ranges that are not adjacent from 0 on", empty_map, READER_MAP },
	{ IMPOSSIBLE "progress of 24 bytes", endless_progress_text, READER_SCAN },
	{ IMPOSSIBLE "a description of more than 33554432 bytes", endless_json,
	  READER_SCAN },
	{ IMPOSSIBLE "a description of 1 bytes, got 0", lost_json, READER_SCAN },
};

/* Asks for everything in turn until something fails. */
static int use_all(struct reader *reader, struct err *err)
{
	struct backup *backup = NULL;
	struct volume_range range;
	struct reader_block block;
	unsigned volume = 0;
	uint64_t length;
	size_t count;
	int r;

	r = reader_open_volume(reader, &image, &volume, &length, err);
	if (r == 0)
		r = reader_map(reader, volume, 0, &range, 1, &count, err);
	if (r == 0)
		r = reader_submit(reader, volume, 0, 4096, err);
	if (r == 0)
		r = reader_wait(reader, 10000, &block, err);
	if (r == 0)
		r = reader_scan(reader, NULL, NULL, &backup, err);
	backup_free(backup);
	return r;
}

static void an_impossible_answer_ends_the_process(void **state)
{
	struct reader_options options = local;

	options.slots = 2;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		AUTO(reader_freep) struct reader *reader = NULL;
		struct err err = { 0 };
		pid_t pid;

		current_lie = &lies[i];
		assert_int_equal(reader_start_main(&options, lying_main, &reader, &err),
				 0);
		pid = reader->links[0].pid;
		assert_int_equal(use_all(reader, &err), -EPROTO);
		assert_string_equal(err.text, lies[i].text);
		assert_int_equal(kill(pid, 0), -1);
		memset(&err, 0, sizeof(err));
		assert_int_equal(use_all(reader, &err), -EPROTO);
		assert_string_equal(err.text, lies[i].text);
	}
	current_lie = NULL;
}

static size_t terminal_text(struct reader_message *message, uint8_t *memory)
{
	message->reply.code = -EPIPE;
	message->reply.length = 8;
	memcpy(memory, "a\033[2J\nb\177", 8);
	return sizeof(message->reply);
}

static size_t log_before_answer(struct reader_message *message, uint8_t *memory)
{
	message->reply.kind = READER_LOG;
	message->reply.length = 5;
	memcpy(message->log, "hello", 5);
	return sizeof(message->reply) + 5;
}

static void the_text_of_an_error_cannot_drive_a_terminal(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct lie lie = { NULL, terminal_text, READER_READ };
	struct err err = { 0 };

	current_lie = &lie;
	assert_int_equal(reader_start_main(&local, lying_main, &reader, &err), 0);
	assert_int_equal(use_all(reader, &err), -EIO);
	assert_string_equal(err.text, "a?[2J?b?");
	current_lie = NULL;
}

static void lines_of_the_log_are_not_answers(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct lie lie = { NULL, log_before_answer, READER_READ };
	struct reader_block block;
	struct err err = { 0 };
	uint64_t length;
	unsigned volume;

	current_lie = &lie;
	assert_int_equal(reader_start_main(&local, lying_main, &reader, &err), 0);
	assert_int_equal(reader_open_volume(reader, &image, &volume, &length, &err), 0);
	submit(reader, volume, 0);
	assert_int_equal(reader_wait(reader, 50, &block, &err), -ETIMEDOUT);
	assert_int_equal(reader_in_flight(reader), 1);
	current_lie = NULL;
}

static void flooding_main(const struct reader_process *start)
{
	struct reader_reply first = { .op = READER_OPEN_TREE,
				      .slot = start->options->slots };
	struct reader_message line = { .reply = { .kind = READER_LOG, .length = 1 } };

	alarm(20);
	if (send(start->socket, &first, sizeof(first), 0) > 0)
		while (send(start->socket, &line, sizeof(first) + 1, MSG_NOSIGNAL) > 0)
			;
	_exit(0);
}

static void a_flood_of_log_lines_is_no_answer(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct reader_block block;
	struct err err = { 0 };

	assert_int_equal(reader_start_main(&local, flooding_main, &reader, &err), 0);
	reader->volumes[0] =
		(struct reader_volume){ .open = true, .length = VOLUME_SIZE };
	submit(reader, 0, 0);
	assert_int_equal(reader_wait(reader, 50, &block, &err), -ETIMEDOUT);
}

static size_t open_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(list);
	while (readdir(list))
		count++;
	closedir(list);
	return count;
}

static void descriptors_that_come_with_an_answer_are_not_kept(void **state)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	struct err err = { 0 };
	uint64_t length;
	unsigned volume;
	size_t before;

	sends_descriptors = true;
	assert_int_equal(reader_start_main(&local, lying_main, &reader, &err), 0);
	sends_descriptors = false;
	before = open_descriptors();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(
			reader_open_volume(reader, &image, &volume, &length, &err), 0);
		assert_int_equal(reader_close_volume(reader, volume, &err), 0);
	}
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_impossible_answer_ends_the_process),
		cmocka_unit_test(the_text_of_an_error_cannot_drive_a_terminal),
		cmocka_unit_test(lines_of_the_log_are_not_answers),
		cmocka_unit_test(a_flood_of_log_lines_is_no_answer),
		cmocka_unit_test(descriptors_that_come_with_an_answer_are_not_kept),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
