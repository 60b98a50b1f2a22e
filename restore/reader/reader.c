/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of the reader process: starts and ends it, sends requests, checks
 * every answer against its request, and keeps account of the slots. Owns the process, the
 * socket and the shared memory. What goes through the control slot is in reader-calls.c.
 *
 * The process is forked, not executed: what it still shares with the engine is a copy of
 * the memory as it was at reader_start() (the password, which it needs, included) and the
 * slots. Of the descriptors it keeps its end of the socket only.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <base/checked.h>
#include <base/log.h>

#include "reader-internal.h"

/* The share's own timeouts (20 s per request) end what hangs; this is the net below them.
 */
#define CALL_TIMEOUT_MS 300000

/* The shortest time after which somebody who watches expects a sign of life. */
#define TICK_MS 250

/* How long a process that closed its socket may take to end by itself. */
#define END_TIMEOUT_MS 1000

/* -- the process's end ------------------------------------------------------------ */

static void describe_end(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "ended with exit status %d", WEXITSTATUS(status));
}

/* Waits, and kills first what does not end by itself. */
static void wait_for_end(struct reader *reader, unsigned timeout_ms, int *ret_status)
{
	AUTO_CLOSE int pidfd = reader->pid > 0 ? pidfd_open(reader->pid, 0) : -1;
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	*ret_status = 0;
	if (reader->pid <= 0) /* -1 would be every process there is */
		return;
	if (timeout_ms == 0 || pidfd < 0 || poll(&ended, 1, (int)timeout_ms) != 1)
		kill(reader->pid, SIGKILL);
	while (waitpid(reader->pid, ret_status, 0) < 0 && errno == EINTR)
		;
	reader->pid = -1;
}

static int process_gone(struct reader *reader, struct err *err)
{
	char how[96];
	int status = 0;

	wait_for_end(reader, END_TIMEOUT_MS, &status);
	describe_end(status, how, sizeof(how));
	err_set(&reader->broken, -EPIPE, "the reader process %s", how);
	return err_set(err, -EPIPE, "%s", reader->broken.text);
}

int reader_break(struct reader *reader, const struct err *err)
{
	int status;

	if (reader->pid > 0)
		wait_for_end(reader, 0, &status);
	reader->broken = *err;
	return err->code;
}

int reader_distrust(struct reader *reader, struct err *err, const char *format, ...)
{
	struct err fault;
	char what[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	err_set(&fault, -EPROTO, "the reader process gave an impossible answer: %s",
		what);
	reader_break(reader, &fault);
	return err_set(err, -EPROTO, "%s", fault.text);
}

static int check_usable(const struct reader *reader, struct err *err)
{
	if (reader->broken.code == 0)
		return 0;
	return err_set(err, reader->broken.code, "%s", reader->broken.text);
}

/* -- answers ---------------------------------------------------------------------- */

/* The longest answer to a request, in bytes of its slot. */
static uint64_t answer_limit(const struct reader *reader,
			     const struct reader_request *request,
			     const struct reader_reply *reply)
{
	if (reply->code < 0)
		return sizeof(((struct err *)0)->text) - 1;
	if (reply->kind != READER_DONE)
		return reader->slot_size;
	switch (request->op) {
	case READER_MAP:
		return (uint64_t)request->length * sizeof(struct reader_range);
	case READER_READ:
		return request->length;
	case READER_READ_FILE:
		return reader->slot_size;
	default:
		return 0;
	}
}

/* Is reply one that the engine waits for? Says why not. NULL: yes. */
static const char *find_fault(const struct reader *reader,
			      const struct reader_reply *reply)
{
	const struct reader_request *request;

	if (reply->slot > reader->slots || reply->op >= READER_OP_COUNT ||
	    reply->kind >= READER_LOG || reply->reserved != 0)
		return "a field is out of range";
	if (reader->slot[reply->slot].state != SLOT_ASKED)
		return "nothing was asked for in that slot";
	request = &reader->slot[reply->slot].request;
	if (reply->id != request->id || reply->op != request->op)
		return "it belongs to another request";
	if (reply->kind != READER_DONE && (reply->op != READER_SCAN || reply->code != 0))
		return "its kind does not fit the request";
	if (reply->code > 0 || reply->code < -4095) /* Linux: errno values end at 4095 */
		return "its code is not an error code";
	if (reply->length > answer_limit(reader, request, reply))
		return "it is longer than what was asked for";
	if (reply->code == 0 && reply->op == READER_READ &&
	    reply->length != request->length)
		return "it is shorter than what was asked for";
	return NULL;
}

void reader_clean_text(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* Returns the text of a failed request, as the process gave it, as an error of ours. */
static int answer_error(const struct reader *reader, const struct reader_reply *reply,
			struct err *err)
{
	const uint8_t *memory = reader->memory + (size_t)reply->slot * reader->slot_size;
	char text[sizeof(err->text)];
	int code = reply->code;

	memcpy(text, memory, reply->length);
	text[reply->length] = '\0';
	reader_clean_text(text);
	/* These two say that the process is gone. */
	if (code == -EPIPE || code == -EPROTO)
		code = -EIO;
	return err_set(err, code, "%s", text);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int no_answer(struct err *err)
{
	return err_set(err, -ETIMEDOUT, "no answer from the reader process");
}

void reader_on_wait(struct reader *reader, reader_tick *tick, void *context)
{
	reader->tick = tick;
	reader->tick_context = context;
	reader->tick_pid = getpid();
}

/* A process that was forked meanwhile reads through the same reader, and has nobody to tell. */
static bool has_tick(const struct reader *reader)
{
	return reader->tick && reader->tick_pid == getpid();
}

/* How long to wait at once, in ms; -1: for ever. */
static int next_wait(const struct reader *reader, int64_t deadline)
{
	int64_t left = deadline < 0 ? INT_MAX : deadline - now_ms();

	if (has_tick(reader) && left > TICK_MS)
		return TICK_MS;
	if (deadline < 0)
		return -1;
	return left < 0 ? 0 : (int)left;
}

/* Waits until the socket can be read. deadline in ms of now_ms(); -1: for ever. */
static int wait_readable(struct reader *reader, int64_t deadline, struct err *err)
{
	struct pollfd readable = { .fd = reader->socket, .events = POLLIN };

	for (;;) {
		int r = poll(&readable, 1, next_wait(reader, deadline));

		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return err_errno(err, errno, "waiting for the reader process");
		if (r == 0 && deadline >= 0 && now_ms() >= deadline)
			return no_answer(err);
		r = has_tick(reader) ? reader->tick(reader->tick_context, err) : 0;
		if (r < 0)
			return r;
	}
}

static int handle_log(struct reader *reader, const struct reader_message *message,
		      size_t size, struct err *err)
{
	if (message->reply.length > READER_LOG_SIZE ||
	    size != sizeof(message->reply) + message->reply.length)
		return reader_distrust(reader, err,
				       "a line of the log of %" PRIu32 " bytes",
				       message->reply.length);
	log_debug("reader: %.*s", (int)message->reply.length, message->log);
	return 0;
}

/* The next message, of any kind. */
static int receive_message(struct reader *reader, int64_t deadline,
			   struct reader_message *ret, size_t *ret_size, struct err *err)
{
	ssize_t n;

	do {
		int r = wait_readable(reader, deadline, err);

		if (r < 0)
			return r;
		n = recv(reader->socket, ret, sizeof(*ret), MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return process_gone(reader, err);
	if (n < 0)
		return err_errno(err, errno, "receiving from the reader process");
	if ((size_t)n < sizeof(ret->reply))
		return reader_distrust(reader, err, "a message of %zd bytes", n);
	*ret_size = (size_t)n;
	return 0;
}

/* Receives one answer and puts it into its slot. Lines of the log are passed on; a flood of
 * them is no answer. */
static int receive(struct reader *reader, int64_t deadline, struct reader_reply *ret,
		   struct err *err)
{
	struct reader_message message = { 0 };
	struct reader_reply *reply = &message.reply;
	struct reader_slot *slot;
	const char *fault;
	size_t size = 0;

	for (;;) {
		int r = receive_message(reader, deadline, &message, &size, err);

		if (r == 0 && reply->kind != READER_LOG)
			break;
		if (r == 0)
			r = handle_log(reader, &message, size, err);
		if (r == 0 && deadline >= 0 && now_ms() > deadline)
			r = no_answer(err);
		if (r < 0)
			return r;
	}
	fault = size == sizeof(*reply) ? find_fault(reader, reply) : "too long a message";
	if (fault)
		return reader_distrust(reader, err, "%s", fault);
	slot = &reader->slot[reply->slot];
	slot->state = SLOT_DONE;
	slot->reply = *reply;
	slot->order = ++reader->last_order;
	*ret = *reply;
	return 0;
}

/* -- requests --------------------------------------------------------------------- */

/* Never blocks: the socket's buffer takes more than there are slots. */
static int send_request(struct reader *reader, const struct reader_request *request,
			struct err *err)
{
	ssize_t n = send(reader->socket, request, sizeof(*request),
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == sizeof(*request)) {
		reader->slot[request->slot].state = SLOT_ASKED;
		return 0;
	}
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return process_gone(reader, err);
	return reader_distrust(reader, err, "it takes no more requests");
}

/* Blocks that arrive meanwhile stay in their slots for reader_wait(). */
static int wait_for_control(struct reader *reader, struct reader_reply *ret,
			    struct err *err)
{
	int64_t deadline = now_ms() + CALL_TIMEOUT_MS;
	struct reader_reply reply = { 0 };

	do {
		int r = receive(reader, deadline, &reply, err);

		if (r == -ETIMEDOUT)
			return reader_distrust(reader, err, "none for %d s",
					       CALL_TIMEOUT_MS / 1000);
		if (r < 0)
			return r;
	} while (reply.slot != reader->slots);
	reader->slot[reader->slots].state = SLOT_FREE;
	if (reply.code < 0)
		return answer_error(reader, &reply, err);
	*ret = reply;
	return 0;
}

int reader_call(struct reader *reader, struct reader_request *request,
		struct reader_reply *ret_reply, struct err *err)
{
	struct reader_slot *slot = &reader->slot[reader->slots];
	int r = check_usable(reader, err);

	if (r < 0)
		return r;
	request->id = ++reader->last_id;
	request->slot = reader->slots;
	slot->request = *request;
	r = send_request(reader, request, err);
	if (r < 0)
		return r;
	return wait_for_control(reader, ret_reply, err);
}

int reader_continue(struct reader *reader, bool cancel, struct reader_reply *ret_reply,
		    struct err *err)
{
	struct reader_request request = reader->slot[reader->slots].request;
	int r;

	request.op = READER_CONTINUE;
	request.length = cancel;
	r = send_request(reader, &request, err);
	if (r < 0)
		return r;
	return wait_for_control(reader, ret_reply, err);
}

int reader_check_range(const struct reader *reader, unsigned volume, uint64_t offset,
		       uint64_t length, struct err *err)
{
	if (volume >= READER_MAX_VOLUMES || !reader->volumes[volume].open)
		return err_set(err, -EINVAL, "volume %u is not open in the reader",
			       volume);
	if (!range_within(offset, length, reader->volumes[volume].length))
		return err_set(err, -EINVAL,
			       "'%s': range %" PRIu64 "+%" PRIu64
			       " leaves the volume of %" PRIu64 " bytes",
			       reader->volumes[volume].name, offset, length,
			       reader->volumes[volume].length);
	return 0;
}

/* -- blocks ----------------------------------------------------------------------- */

static struct reader_slot *find_slot(const struct reader *reader, enum slot_state state)
{
	struct reader_slot *found = NULL;

	for (unsigned i = 0; i < reader->slots; i++) {
		struct reader_slot *slot = &reader->slot[i];

		if (slot->state == state && (!found || slot->order < found->order))
			found = slot;
	}
	return found;
}

bool reader_can_submit(const struct reader *reader)
{
	return reader->broken.code == 0 && find_slot(reader, SLOT_FREE);
}

unsigned reader_in_flight(const struct reader *reader)
{
	return reader->in_flight;
}

int reader_submit(struct reader *reader, unsigned volume, uint64_t offset,
		  uint32_t length, struct err *err)
{
	struct reader_slot *slot = find_slot(reader, SLOT_FREE);
	int r = check_usable(reader, err);

	if (r == 0)
		r = reader_check_range(reader, volume, offset, length, err);
	if (r < 0)
		return r;
	if (length == 0 || length > reader->slot_size)
		return err_set(err, -EINVAL,
			       "a read of %" PRIu32 " bytes, must be from 1 to %" PRIu32,
			       length, reader->slot_size);
	if (!slot)
		return err_set(err, -EBUSY, "all %u slots of the reader are in use",
			       reader->slots);
	slot->request = (struct reader_request){
		.id = ++reader->last_id,
		.offset = offset,
		.op = READER_READ,
		.slot = (uint32_t)(slot - reader->slot),
		.volume = volume,
		.length = length,
	};
	r = send_request(reader, &slot->request, err);
	if (r < 0)
		return r;
	reader->in_flight++;
	return 0;
}

int reader_wait(struct reader *reader, unsigned timeout_ms, struct reader_block *ret,
		struct err *err)
{
	int64_t deadline = timeout_ms ? now_ms() + timeout_ms : -1;
	struct reader_slot *slot;
	struct reader_reply reply = { 0 };
	int r;

	if (reader->in_flight == 0)
		return err_set(err, -EINVAL, "no read is in flight");
	while (!(slot = find_slot(reader, SLOT_DONE))) {
		r = check_usable(reader, err);
		if (r == 0)
			r = receive(reader, deadline, &reply, err);
		if (r == -ETIMEDOUT)
			err_add(err, "after %u ms, %u reads in flight", timeout_ms,
				reader->in_flight);
		if (r < 0)
			return r;
	}
	reader->in_flight--;
	if (slot->reply.code < 0) {
		slot->state = SLOT_FREE;
		return answer_error(reader, &slot->reply, err);
	}
	slot->state = SLOT_HELD;
	slot->owners = 1;
	*ret = (struct reader_block){
		.volume = slot->request.volume,
		.offset = slot->request.offset,
		.length = slot->request.length,
		.bytes = reader->memory + (size_t)slot->request.slot * reader->slot_size,
		.slot = slot->request.slot,
		.work_ns = slot->reply.value,
	};
	return 0;
}

void reader_hold(struct reader *reader, unsigned slot)
{
	if (slot < reader->slots && reader->slot[slot].state == SLOT_HELD)
		reader->slot[slot].owners++;
}

void reader_release(struct reader *reader, unsigned slot)
{
	if (slot < reader->slots && reader->slot[slot].state == SLOT_HELD &&
	    --reader->slot[slot].owners == 0)
		reader->slot[slot].state = SLOT_FREE;
}

/* -- start and end ---------------------------------------------------------------- */

/* A file in memory that nobody can shrink under the feet of the other. */
static int map_memory(struct reader *reader, struct err *err)
{
	size_t size = (size_t)(reader->slots + 1) * reader->slot_size;
	AUTO_CLOSE int fd = memfd_create("bmr-reader", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *memory;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_errno(err, errno, "%zu bytes of memory for the reader", size);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return err_errno(err, errno, "%zu bytes of memory for the reader", size);
	reader->memory = memory;
	return 0;
}

static int fork_process(struct reader *reader, const struct reader_options *options,
			reader_main *main, struct err *err)
{
	struct reader_process start = { .options = options,
					.memory = reader->memory,
					.engine = getpid() };
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_errno(err, errno, "a socket for the reader process");
	reader->socket = sockets[0];
	start.socket = sockets[1];
	reader->pid = fork();
	if (reader->pid == 0) {
		main(&start);
		_exit(2); /* not reached */
	}
	close(sockets[1]);
	if (reader->pid < 0)
		return err_errno(err, errno, "starting the reader process");
	return 0;
}

static int check_options(const struct reader_options *options, struct err *err)
{
	if (options->slots > READER_MAX_SLOTS)
		return err_set(err, -EINVAL, "%u slots, at most %d", options->slots,
			       READER_MAX_SLOTS);
	if (options->slot_size % 4096 || options->slot_size > READER_MAX_SLOT_SIZE)
		return err_set(err, -EINVAL,
			       "slots of %" PRIu32
			       " bytes, must be a multiple of 4096 up to %u",
			       options->slot_size, READER_MAX_SLOT_SIZE);
	return 0;
}

int reader_start_main(const struct reader_options *options, reader_main *main,
		      struct reader **ret, struct err *err)
{
	AUTO(reader_freep) struct reader *reader = calloc(1, sizeof(*reader));
	struct reader_options filled = *options;
	struct reader_reply reply = { 0 };
	int r = check_options(options, err);

	if (r < 0)
		return r;
	if (!reader)
		return err_nomem(err);
	reader->pid = -1;
	reader->socket = -1;
	reader->slots = filled.slots = options->slots ? options->slots : READER_SLOTS;
	reader->slot_size = filled.slot_size =
		options->slot_size ? options->slot_size : READER_SLOT_SIZE;
	reader->slot = calloc(reader->slots + 1, sizeof(*reader->slot));
	if (!reader->slot)
		return err_nomem(err);
	r = map_memory(reader, err);
	if (r == 0)
		r = fork_process(reader, &filled, main, err);
	if (r < 0)
		return r;
	/* The first answer is to a request that nobody sends: OPEN_TREE, id 0. */
	reader->slot[reader->slots].state = SLOT_ASKED;
	reader->slot[reader->slots].request.slot = reader->slots;
	r = wait_for_control(reader, &reply, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(reader);
	return 0;
}

int reader_start(const struct reader_options *options, struct reader **ret,
		 struct err *err)
{
	return reader_start_main(options, reader_process_main, ret, err);
}

/* It holds nothing that would be lost, and may hang in a read: no goodbye. */
void reader_stop(struct reader *reader)
{
	int status;

	if (!reader)
		return;
	if (reader->pid > 0)
		wait_for_end(reader, 0, &status);
	if (reader->socket >= 0)
		close(reader->socket);
	if (reader->memory)
		munmap(reader->memory, (size_t)(reader->slots + 1) * reader->slot_size);
	for (unsigned i = 0; i < READER_MAX_VOLUMES; i++)
		free(reader->volumes[i].name);
	free(reader->slot);
	free(reader);
}
