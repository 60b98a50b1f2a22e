/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the engine and the reader processes say to each other: requests are sent, every answer
 * is checked against its request and put into its slot. Nothing that a process says is taken
 * for more than that: offsets, lengths and slots are the engine's own.
 */
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <base/checked.h>
#include <base/log.h>

#include "reader-internal.h"

/* The shortest time after which somebody who watches expects a sign of life. */
#define TICK_MS 250

/* A record of a socket, and who sent it, as the kernel says. */
struct mail {
	struct reader_message message;
	size_t size;
	pid_t sender; /* 0: the socket does not tell */
};

int64_t reader_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int64_t reader_now_ms(void)
{
	return reader_now_us() / 1000;
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
	case READER_LIST:
	case READER_FIND:
	case READER_NEWER:
		return reader->slot_size;
	default:
		return 0;
	}
}

/* Is reply one that the engine waits for from this process? Says why not. NULL: yes. */
static const char *find_fault(const struct reader *reader, unsigned process,
			      const struct reader_reply *reply)
{
	const struct reader_request *request;
	const struct reader_slot *slot;

	if (reply->slot >= reader->slots + READER_PROCESSES ||
	    reply->op >= READER_OP_COUNT || reply->kind >= READER_LOG ||
	    reply->reserved != 0)
		return "a field is out of range";
	slot = &reader->slot[reply->slot];
	if (slot->state != SLOT_ASKED || slot->process != process)
		return "nothing was asked for in that slot";
	request = &slot->request;
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

int reader_answer_error(const struct reader *reader, const struct reader_reply *reply,
			struct err *err)
{
	char text[sizeof(err->text)];
	int code = reply->code;

	memcpy(text,
	       reader_memory(reader, reply->slot) +
		       reader->slot[reply->slot].request.skip,
	       reply->length);
	text[reply->length] = '\0';
	reader_clean_text(text);
	/* These say that the process is gone, or has a successor. */
	if (code == -EPIPE || code == -EPROTO || code == READER_AGAIN)
		code = -EIO;
	return err_set(err, code, "%s", text);
}

/* -- receiving -------------------------------------------------------------------- */

/* What a helper did wrong ends the helper, what process 0 did wrong all of them. */
static int handle_fault(struct reader *reader, unsigned process, const char *fault,
			struct err *err)
{
	struct err why = { 0 };

	if (process == 0)
		return reader_distrust(reader, err, "%s", fault);
	err_set(&why, -EPROTO, "gave an impossible answer: %s", fault);
	return reader_drop(reader, process, &why, err);
}

static int handle_end(struct reader *reader, unsigned process, struct err *err)
{
	struct err why = { 0 };

	if (process == 0)
		return reader_gone(reader, err);
	err_set(&why, -EPIPE, "ended");
	return reader_drop(reader, process, &why, err);
}

void reader_on_wait(struct reader *reader, reader_tick *tick, void *context)
{
	reader->tick = tick;
	reader->tick_context = context;
}

/* The earlier one of two times, of which -1 is never. */
static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Until a socket can be read: *ret_process. -ETIMEDOUT: none until the deadline. */
static int wait_readable(struct reader *reader, int64_t deadline, unsigned *ret_process,
			 struct err *err)
{
	/* A child of the engine reads through process 0; helpers and what they say are the
	 * engine's. */
	unsigned count = getpid() == reader->engine ? READER_PROCESSES : 1;

	for (;;) {
		struct pollfd sockets[READER_PROCESSES];
		int64_t limit = -1, now = reader_now_ms();
		bool ticks = count > 1 && reader->tick;
		int r = count > 1 ? reader_drop_silent(reader, &limit, err) : 0;

		if (r < 0)
			return r;
		for (unsigned i = 0; i < count; i++)
			sockets[i] = (struct pollfd){ .fd = reader->links[i].socket,
						      .events = POLLIN };
		limit = earlier(earlier(limit, deadline), ticks ? now + TICK_MS : -1);
		r = poll(sockets, count,
			 limit < 0 ? -1 : (int)(limit > now ? limit - now : 0));
		if (r < 0 && errno != EINTR)
			return err_errno(err, errno, "waiting for the reader process");
		/* The last one first: process 0 answers most, and must not starve them. */
		for (unsigned i = count; r > 0 && i-- > 0;) {
			if (!sockets[i].revents)
				continue;
			*ret_process = i;
			return 0;
		}
		if (deadline >= 0 && reader_now_ms() >= deadline)
			return err_set(err, -ETIMEDOUT,
				       "no answer from the reader process");
		r = ticks ? reader->tick(reader->tick_context, err) : 0;
		if (r < 0)
			return r;
	}
}

/* 1: a record. 0: none yet. -EPIPE: there will be none. tells_sender: the socket does. The control
 * bytes have room for that alone: descriptors, which nobody asks for, are closed by the kernel. */
static int receive_record(int socket, bool tells_sender, struct mail *ret,
			  struct err *err)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control = { 0 };
	struct iovec part = { &ret->message, sizeof(ret->message) };
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = tells_sender ? control.room : NULL,
			       .msg_controllen =
				       tells_sender ? sizeof(control.room) : 0 };
	ssize_t n = recvmsg(socket, &head, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	struct cmsghdr *first = CMSG_FIRSTHDR(&head);
	struct ucred sender = { 0 };

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (n < 0)
		return err_errno(err, errno, "receiving from the reader process");
	if (first && first->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(first), sizeof(sender));
	ret->size = (size_t)n;
	ret->sender = sender.pid;
	return 1;
}

static int handle_log(struct reader *reader, unsigned process, const struct mail *mail,
		      struct err *err)
{
	const struct reader_message *message = &mail->message;
	char fault[64];

	if (message->reply.length <= READER_LOG_SIZE &&
	    mail->size == sizeof(message->reply) + message->reply.length) {
		log_debug("reader %u: %.*s", process, (int)message->reply.length,
			  message->log);
		return 0;
	}
	snprintf(fault, sizeof(fault), "a line of the log of %" PRIu32 " bytes",
		 message->reply.length);
	return handle_fault(reader, process, fault, err);
}

/* A helper that cannot read a block may have lost its connection only. */
static int handle_helper_error(struct reader *reader, unsigned process,
			       struct reader_slot *slot, struct err *err)
{
	struct err why = { 0 };

	reader_answer_error(reader, &slot->reply, &why);
	slot->only_reader = true;
	return reader_drop(reader, process, &why, err);
}

static bool is_to_be_healed(const struct reader *reader, const struct reader_slot *slot,
			    const struct reader_reply *reply)
{
	if (!reader_heals(reader))
		return false;
	return reply->slot >= reader->slots ? reader_is_loss(reply->code)
					    : reader_may_heal(slot, reply->code);
}

/* 1: an answer for the caller is in its slot. 0: it was for the helpers, or is not all. */
static int handle_answer(struct reader *reader, unsigned process,
			 const struct reader_reply *reply, struct err *err)
{
	struct reader_slot *slot = &reader->slot[reply->slot];
	struct reader_link *link = &reader->links[process];
	struct err why = { 0 };
	int r;

	slot->reply = *reply;
	slot->order = ++reader->last_order;
	link->since_ms = reader_now_ms();
	if (process && reply->slot >= reader->slots) {
		slot->state = SLOT_FREE;
		r = reader_helper_answer(reader, process, reply, &why);
		if (r < 0)
			return reader_drop(reader, process, &why, err);
		return reader_dispatch(reader, err);
	}
	if (process && reply->code < 0)
		return handle_helper_error(reader, process, slot, err);
	if (reply->code < 0 && is_to_be_healed(reader, slot, reply)) {
		slot->retried = true;
		reader_answer_error(reader, reply, &why);
		return reader_heal(reader, &why, err);
	}
	slot->state = SLOT_DONE;
	if (reply->code == 0 && reply->kind == READER_DONE)
		reader_useful(reader);
	if (reply->slot >= reader->slots)
		return 1;
	link->asked--;
	link->answered = true;
	return reader_part_came(reader, slot, err);
}

static const char *find_mail_fault(struct reader *reader, unsigned process,
				   const struct mail *mail)
{
	struct reader_link *link = &reader->links[process];

	if (process && link->pid > 0 && mail->sender != link->pid)
		return "it comes from another process";
	if (process && !link->pid)
		link->pid = mail->sender;
	return mail->size == sizeof(mail->message.reply)
		       ? find_fault(reader, process, &mail->message.reply)
		       : "too long a message";
}

/* One message: 1, 0 as above; lines of the log are passed on. */
static int receive_one(struct reader *reader, unsigned process, struct reader_reply *ret,
		       struct err *err)
{
	struct mail mail = { 0 };
	const struct reader_reply *reply = &mail.message.reply;
	int r = receive_record(reader->links[process].socket, process != 0, &mail, err);
	const char *fault;
	char text[64];

	if (r == -EPIPE)
		r = handle_end(reader, process, err);
	if (r <= 0)
		return r;
	if (mail.size < sizeof(*reply)) {
		snprintf(text, sizeof(text), "a message of %zu bytes", mail.size);
		return handle_fault(reader, process, text, err);
	}
	if (reply->kind == READER_LOG)
		return handle_log(reader, process, &mail, err);
	fault = find_mail_fault(reader, process, &mail);
	if (fault)
		return handle_fault(reader, process, fault, err);
	r = handle_answer(reader, process, reply, err);
	if (r > 0)
		*ret = *reply;
	return r;
}

int reader_receive(struct reader *reader, int64_t deadline, struct reader_reply *ret,
		   struct err *err)
{
	unsigned process = 0;
	int r = 0;

	while (r == 0 && !reader->call_lost) {
		r = wait_readable(reader, deadline, &process, err);
		if (r == 0)
			r = receive_one(reader, process, ret, err);
		/* Lines of the log without end are no answer. */
		if (r == 0 && deadline >= 0 && reader_now_ms() > deadline)
			r = err_set(err, -ETIMEDOUT, "no answer from the reader process");
	}
	return r < 0 ? r : 0;
}

/* -- requests --------------------------------------------------------------------- */

static ssize_t send_with(int socket, const struct reader_request *request, int descriptor)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { (void *)request, sizeof(*request) };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
		head.msg_control = control.room;
		head.msg_controllen = sizeof(control.room);
	}
	/* Never blocks: the socket's buffer takes more than there are slots. */
	return sendmsg(socket, &head, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int reader_send(struct reader *reader, unsigned process,
		const struct reader_request *request, int descriptor, struct err *err)
{
	struct reader_slot *slot = &reader->slot[request->slot];
	ssize_t n = send_with(reader->links[process].socket, request, descriptor);

	if (n == sizeof(*request)) {
		slot->request = *request;
		slot->state = SLOT_ASKED;
		slot->process = process;
		return 0;
	}
	/* Whoever waits for the answer finds the end of the socket. ECONNRESET: the process was killed
	 * before it took what was sent. */
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET) && process == 0 &&
	    reader_heals(reader)) {
		slot->request = *request;
		slot->state = SLOT_ASKED;
		slot->process = 0;
		return 0;
	}
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return handle_end(reader, process, err);
	return handle_fault(reader, process, "it takes no more requests", err);
}

/* No answer at all. */
static int handle_silence(struct reader *reader, struct err *err)
{
	unsigned seconds = reader->call_timeout_ms / 1000;

	err_set(err, -ETIMEDOUT, "the reader process did not answer for %u s", seconds);
	if (reader_heals(reader))
		return reader_heal(reader, err, err);
	return reader->healing ? -ETIMEDOUT
			       : reader_distrust(reader, err, "none for %u s", seconds);
}

/* Blocks that arrive meanwhile stay in their slots for reader_wait(). */
int reader_wait_control(struct reader *reader, struct reader_reply *ret, struct err *err)
{
	int64_t deadline = reader_now_ms() + reader->call_timeout_ms;
	struct reader_reply reply = { 0 };

	do {
		int r = reader_receive(reader, deadline, &reply, err);

		if (r == -ETIMEDOUT)
			r = handle_silence(reader, err);
		if (r < 0)
			return r;
		if (reader->call_lost) {
			reader->call_lost = false;
			return err_set(err, READER_AGAIN, "the connection was lost");
		}
	} while (reply.slot != reader->slots);
	reader->slot[reader->slots].state = SLOT_FREE;
	if (reply.code < 0)
		return reader_answer_error(reader, &reply, err);
	*ret = reply;
	return 0;
}

/* Of the others the length is that of the answer, or something else. */
static const bool has_payload[READER_OP_COUNT] = {
	[READER_OPEN_VOLUME] = true, [READER_READ_FILE] = true, [READER_LIST] = true,
	[READER_FIND] = true,	     [READER_OPEN_ITEM] = true, [READER_NEWER] = true,
};

uint8_t *reader_copy_payload(const struct reader *reader,
			     const struct reader_request *request, size_t *ret_length)
{
	uint8_t *kept;

	*ret_length = has_payload[request->op] ? request->length : 0;
	kept = malloc(*ret_length + 1);
	if (kept && *ret_length)
		memcpy(kept, reader_control(reader), *ret_length);
	return kept;
}

int reader_call_with(struct reader *reader, struct reader_request *request,
		     int descriptor, struct reader_reply *ret_reply, struct err *err)
{
	AUTO_FREE uint8_t *payload = NULL;
	size_t length = 0;
	int r = reader_check_usable(reader, err);

	if (r < 0)
		return r;
	payload = reader_copy_payload(reader, request, &length);
	if (!payload)
		return err_nomem(err);
	do {
		memcpy(reader_control(reader), payload, length);
		request->id = ++reader->last_id;
		request->slot = reader->slots;
		r = reader_send(reader, 0, request, descriptor, err);
		if (r == 0)
			r = reader_wait_control(reader, ret_reply, err);
	} while (r == READER_AGAIN && descriptor < 0);
	return r;
}

int reader_call(struct reader *reader, struct reader_request *request,
		struct reader_reply *ret_reply, struct err *err)
{
	return reader_call_with(reader, request, -1, ret_reply, err);
}

int reader_call_opening(struct reader *reader, struct reader_request *request,
			uint8_t **ret_payload, struct reader_reply *ret_reply,
			struct err *err)
{
	AUTO_FREE uint8_t *payload = NULL;
	size_t length = 0;
	int r = reader_check_usable(reader, err);

	if (r < 0)
		return r;
	payload = reader_copy_payload(reader, request, &length);
	if (!payload)
		return err_nomem(err);
	r = reader_call(reader, request, ret_reply, err);
	if (r == 0)
		*ret_payload = TAKE_PTR(payload);
	return r;
}

int reader_continue(struct reader *reader, bool cancel, struct reader_reply *ret_reply,
		    struct err *err)
{
	const struct reader_request scan = reader->slot[reader->slots].request;
	struct reader_request request = scan;
	int r;

	request.op = READER_CONTINUE;
	request.length = cancel;
	r = reader_send(reader, 0, &request, -1, err);
	if (r < 0)
		return r;
	reader->slot[reader->slots].request = scan; /* it is the one that is answered */
	return reader_wait_control(reader, ret_reply, err);
}
