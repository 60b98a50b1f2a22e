/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of the fix-ups: starts the process, takes what it sends, and believes
 * none of it: every range is checked.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/process.h>
#include <base/sorted.h>
#include <base/text.h>

#include "fixup-wire.h"

void patch_list_clear(struct patch_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->patches[i].bytes);
	free(list->patches);
	free(list->moves);
	*list = (struct patch_list){ 0 };
}

static bool ends_by(const void *record, const void *offset)
{
	const struct patch *patch = record;

	return patch->offset + patch->length <= *(const uint64_t *)offset;
}

/* The first one that ends behind offset. */
static size_t find_patch(const struct patch_list *list, uint64_t offset)
{
	return sorted_find(list->patches, list->count, sizeof(*list->patches), ends_by,
			   &offset);
}

bool patch_list_touches(const struct patch_list *list, uint64_t offset, uint64_t length)
{
	size_t i = find_patch(list, offset);

	return i < list->count && list->patches[i].offset < offset + length;
}

void patch_list_apply(const struct patch_list *list, uint64_t offset, uint8_t *bytes,
		      uint64_t length)
{
	for (size_t i = find_patch(list, offset);
	     i < list->count && list->patches[i].offset < offset + length; i++) {
		const struct patch *patch = &list->patches[i];
		uint64_t from = max_u64(offset, patch->offset);
		uint64_t to = min_u64(offset + length, patch->offset + patch->length);

		memcpy(bytes + (from - offset), patch->bytes + (from - patch->offset),
		       to - from);
	}
}

struct fixup_result {
	int fd;
	const struct fixup_work *work;
	uint64_t bytes;
	size_t move_room;
	unsigned notes;
	bool done, ended; /* ended: without an answer */
	struct patch_list patches;
};

#define TICK_MS 250

/* Somebody watches: tells that time passes. */
static int wait_readable(struct fixup_result *result, struct err *err)
{
	struct pollfd readable = { .fd = result->fd, .events = POLLIN };
	int r = 0;

	while (r == 0 && poll(&readable, 1, TICK_MS) == 0)
		r = result->work->report(PLAN_NOTE, NULL, result->work->report_context,
					 err);
	return r;
}

static int receive_bytes(struct fixup_result *result, void *bytes, size_t length,
			 struct err *err)
{
	uint8_t *next = bytes;

	while (length) {
		int r = wait_readable(result, err);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(result->fd, next, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "reading from the fix-up process");
		result->ended = n == 0;
		if (n == 0)
			return err_set(err, -EPIPE, "the fix-up process is gone");
		next += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Patches must ascend and lie apart: then none can hide another. */
static int take_change(struct fixup_result *result, const struct message *message,
		       struct err *err)
{
	struct patch_list *list = &result->patches;
	uint64_t least = 0;
	struct patch *patches;

	if (list->count)
		least = list->patches[list->count - 1].offset +
			list->patches[list->count - 1].length;
	if (!message->length || message->offset < least ||
	    !range_within(message->offset, message->length, result->work->volume_size) ||
	    message->length > FIXUP_MAX_BYTES - result->bytes)
		return err_set(err, -EPROTO,
			       "the fix-up process sent an impossible change: %" PRIu64
			       "+%u",
			       message->offset, message->length);
	patches = reallocarray(list->patches, list->count + 1, sizeof(*patches));
	if (!patches)
		return err_nomem(err);
	list->patches = patches;
	patches[list->count] =
		(struct patch){ message->offset, message->length, malloc(message->length),
				(uint32_t)message->value };
	if (!patches[list->count].bytes)
		return err_nomem(err);
	result->bytes += message->length;
	return receive_bytes(result, patches[list->count++].bytes, message->length, err);
}

/* By to, ascending, apart from each other. */
static int take_move(struct fixup_result *result, const struct message *message,
		     struct err *err)
{
	struct patch_list *list = &result->patches;
	struct patch_move move;
	uint64_t least = 0;
	int r;

	if (list->move_count)
		least = list->moves[list->move_count - 1].to +
			list->moves[list->move_count - 1].length;
	if (message->length != sizeof(move) || list->move_count == FIXUP_MAX_MOVES)
		return err_set(err, -EPROTO, "the fix-up process moves too much");
	r = receive_bytes(result, &move, sizeof(move), err);
	if (r < 0)
		return r;
	if (!move.length || move.to < least ||
	    !range_within(move.to, move.length, result->work->volume_size) ||
	    !range_within(move.from, move.length, result->work->image_size))
		return err_set(err, -EPROTO,
			       "the fix-up process sent an impossible move: %" PRIu64
			       "+%" PRIu64 " to %" PRIu64,
			       move.from, move.length, move.to);
	if (list->move_count == result->move_room) {
		size_t room = result->move_room ? result->move_room * 2 : 256;
		struct patch_move *moves =
			reallocarray(list->moves, room, sizeof(*moves));

		if (!moves)
			return err_nomem(err);
		list->moves = moves;
		result->move_room = room;
	}
	list->moves[list->move_count++] = move;
	return 0;
}

static int take_text(struct fixup_result *result, const struct message *message,
		     struct err *err)
{
	char text[sizeof(err->text)];
	int r;

	if (message->length >= sizeof(text) || ++result->notes > result->work->max_notes)
		return err_set(err, -EPROTO, "the fix-up process talks too much");
	r = receive_bytes(result, text, message->length, err);
	if (r < 0)
		return r;
	text[message->length] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	if (message->kind == MESSAGE_ERROR)
		return err_set(err, message->value < 0 ? message->value : -EIO, "%s",
			       text);
	return result->work->report(message->value == PLAN_NOTE ? PLAN_NOTE
								: PLAN_WARNING,
				    text, result->work->report_context, err);
}

static int take_answer(struct fixup_result *result, const struct message *message,
		       struct err *err)
{
	if (!result->work->answer || message->length != result->work->answer_size)
		return err_set(err, -EPROTO,
			       "the fix-up process sent an unexpected answer");
	return receive_bytes(result, result->work->answer, message->length, err);
}

static int receive(struct fixup_result *result, struct err *err)
{
	struct message message;
	int r = 0;

	while (r == 0 && !result->done) {
		r = receive_bytes(result, &message, sizeof(message), err);
		if (r < 0)
			break;
		switch (message.kind) {
		case MESSAGE_NOTE:
		case MESSAGE_ERROR:
			r = take_text(result, &message, err);
			break;
		case MESSAGE_CHANGE:
			r = take_change(result, &message, err);
			break;
		case MESSAGE_MOVE:
			r = take_move(result, &message, err);
			break;
		case MESSAGE_ANSWER:
			r = take_answer(result, &message, err);
			break;
		case MESSAGE_DONE:
			result->done = true;
			break;
		default:
			r = err_set(err, -EPROTO,
				    "the fix-up process sent an unknown message %u",
				    message.kind);
		}
	}
	return r;
}

int fixup_work_run(const struct fixup_work *work, struct patch_list *ret, struct err *err)
{
	struct fixup_result result = { .fd = -1, .work = work };
	AUTO_CLOSE int in = -1, out = -1;
	char how[PROCESS_END_SIZE];
	int pipe_fds[2], status = 0, r;
	pid_t engine = getpid(), pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	in = pipe_fds[0];
	out = pipe_fds[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "fork");
	if (pid == 0) {
		work->process(work->context, engine, out);
		_exit(1); /* not reached */
	}
	close(TAKE_FD(out));
	result.fd = in;
	r = receive(&result, err);
	if (r < 0) /* how it ended, where it has, stays as it is */
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (result.ended) {
		process_describe_end(status, FIXUP_CPU_MAX, how);
		err_set(err, -EPIPE, "the fix-up process %s", how);
	}
	if (r < 0) {
		patch_list_clear(&result.patches);
		return r;
	}
	*ret = result.patches;
	return 0;
}

/* What the process of the fix-ups is asked. */
struct question {
	const struct restore_plan *plan;
	const struct plan_partition *partition;
	struct block_source *volume;
};

static void run_process(const void *context, pid_t engine, int out)
{
	const struct question *question = context;

	fixup_process(question->plan, question->partition, question->volume, engine, out);
}

int fixups_run(const struct restore_plan *plan, const struct plan_partition *partition,
	       struct block_source *volume, fixup_report *report, void *context,
	       struct patch_list *ret, struct err *err)
{
	const struct question question = { plan, partition, volume };
	const struct fixup_work work = {
		.process = run_process,
		.context = &question,
		.image_size = volume->size,
		.volume_size = fixup_volume_size(plan, partition, volume),
		.max_notes = FIXUP_MAX_NOTES,
		.report = report,
		.report_context = context,
	};
	int r = fixup_work_run(&work, ret, err);

	return r < 0 ? err_add(err, "'%s'", partition->volume->image_path) : 0;
}
