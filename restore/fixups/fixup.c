/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up frame: the table, the child process, and the pipe through which patches and
 * notes come back. The child is forked before any disk is opened for writing, gives up
 * all privileges, and holds the volume only through the reader.
 */
#include "fixup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/text.h>

#include "reader/reader-protocol.h"

/* In the order in which they run. */
static const struct fixup *const fixups[] = {
	&fixup_ntfs_resize,
	&fixup_esp_remake,
	&fixup_efi_fallback,
};

/* What fix-ups may send: boot files are a few MiB, a hive some tens; resizing rewrites
 * $LogFile, $Bitmap and the MFT records of what it relocates. */
#define FIXUP_MAX_BYTES GiB
#define FIXUP_MAX_MOVES (16u << 20) /* of at least 4 KiB each */
#define FIXUP_MAX_NOTES 1000

enum message_kind {
	MESSAGE_NOTE,
	MESSAGE_CHANGE,
	MESSAGE_MOVE,
	MESSAGE_ERROR,
	MESSAGE_DONE
};

struct message {
	uint32_t kind;	 /* enum message_kind */
	int32_t value;	 /* severity of a note, code of an error */
	uint64_t offset; /* of a change */
	uint32_t length; /* of what follows: text or bytes */
};

bool fixups_apply(const struct restore_plan *plan, const struct plan_partition *partition)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixups); i++)
		if (fixups[i]->applies(plan, partition))
			return true;
	return false;
}

void patch_list_clear(struct patch_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->patches[i].bytes);
	free(list->patches);
	free(list->moves);
	*list = (struct patch_list){ 0 };
}

/* -- the child
 * --------------------------------------------------------------------------- */

static int send_bytes(int fd, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;

	while (length) {
		ssize_t n = write(fd, next, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		next += n;
		length -= (size_t)n;
	}
	return 0;
}

static int send_message(struct fixup_job *job, const struct message *message,
			const void *bytes, struct err *err)
{
	int fd = *(int *)job->context;
	int r = send_bytes(fd, message, sizeof(*message));

	if (r == 0)
		r = send_bytes(fd, bytes, message->length);
	if (r < 0)
		return err_errno(err, -r, "the fix-up process cannot reach the engine");
	return 0;
}

static int send_note(struct fixup_job *job, enum plan_severity severity, const char *text,
		     struct err *err)
{
	struct message message = { MESSAGE_NOTE, severity, 0, (uint32_t)strlen(text) };

	return send_message(job, &message, text, err);
}

static int send_change(struct fixup_job *job, uint64_t offset, const void *bytes,
		       size_t length, struct err *err)
{
	struct message message = { MESSAGE_CHANGE, 0, offset, (uint32_t)length };

	return send_message(job, &message, bytes, err);
}

static int send_move(struct fixup_job *job, uint64_t to, uint64_t from, uint64_t length,
		     struct err *err)
{
	struct patch_move move = { to, from, length };
	struct message message = { MESSAGE_MOVE, 0, 0, sizeof(move) };

	return send_message(job, &message, &move, err);
}

static int prepare_all(struct fixup_job *job, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixups); i++)
		if (fixups[i]->prepare && fixups[i]->applies(job->plan, job->partition))
			r = fixups[i]->prepare(job, err);
	return r;
}

/* Seconds of processor time. The longest fix-up, of a volume of many TiB, takes some minutes;
 * one that never ends would leave the restore waiting for ever. */
#define CPU_MAX 3600

static const char *const writable[] = { "/mnt" /* ntfs-view.h */, NULL };
static const char *const programs[] = { "/usr/bin/mtools", "/usr/sbin/mkfs.fat",
					"/usr/sbin/ntfsresize",
					/* where the two are not one folder */
					"/sbin/mkfs.fat", "/sbin/ntfsresize", NULL };

int fixup_jail(pid_t engine, struct err *err)
{
	struct sandbox sandbox = { .writable = writable, .programs = programs };
	struct rlimit processor = { CPU_MAX, CPU_MAX };
	int r = reader_isolate(err);

	if (r == 0 && setrlimit(RLIMIT_CPU, &processor) < 0)
		r = err_errno(err, errno, "limiting the processor time of fix-ups");
	return r < 0 ? r : reader_jail(engine, false, &sandbox, err);
}

static __attribute__((noreturn)) void child_main(struct fixup_job *job, pid_t engine)
{
	struct err err = { 0 };
	struct message end = { MESSAGE_DONE, 0, 0, 0 };
	int r = prepare_all(job, &err);

	if (r == 0)
		r = fixup_jail(engine, &err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixups); i++) {
		if (!fixups[i]->applies(job->plan, job->partition))
			continue;
		r = fixups[i]->run(job, &err);
		if (r < 0)
			err_add(&err, "fix-up '%s'", fixups[i]->name);
	}
	if (r < 0)
		end = (struct message){ MESSAGE_ERROR, r, 0, (uint32_t)strlen(err.text) };
	_exit(send_message(job, &end, err.text, &err) < 0);
}

/* -- the engine's side
 * ------------------------------------------------------------------- */

struct fixup_result {
	int fd;
	uint64_t image_size, volume_size; /* bytes: before, afterwards */
	uint64_t bytes;
	size_t move_room;
	unsigned notes;
	bool done;
	struct patch_list patches;
	fixup_report *report;
	void *context;
};

static int receive_bytes(int fd, void *bytes, size_t length, struct err *err)
{
	uint8_t *next = bytes;

	while (length) {
		ssize_t n = read(fd, next, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "reading from the fix-up process");
		if (n == 0)
			return err_set(err, -EPIPE,
				       "the fix-up process ended without an answer");
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
	    !range_within(message->offset, message->length, result->volume_size) ||
	    message->length > FIXUP_MAX_BYTES - result->bytes)
		return err_set(err, -EPROTO,
			       "the fix-up process sent an impossible change: %" PRIu64
			       "+%u",
			       message->offset, message->length);
	patches = reallocarray(list->patches, list->count + 1, sizeof(*patches));
	if (!patches)
		return err_nomem(err);
	list->patches = patches;
	patches[list->count] = (struct patch){ message->offset, message->length,
					       malloc(message->length) };
	if (!patches[list->count].bytes)
		return err_nomem(err);
	result->bytes += message->length;
	return receive_bytes(result->fd, patches[list->count++].bytes, message->length,
			     err);
}

/* In any order; they are sorted and checked against each other in the end. */
static int take_move(struct fixup_result *result, const struct message *message,
		     struct err *err)
{
	struct patch_list *list = &result->patches;
	struct patch_move move;
	int r;

	if (message->length != sizeof(move) || list->move_count == FIXUP_MAX_MOVES)
		return err_set(err, -EPROTO, "the fix-up process moves too much");
	r = receive_bytes(result->fd, &move, sizeof(move), err);
	if (r < 0)
		return r;
	if (!move.length || !range_within(move.to, move.length, result->volume_size) ||
	    !range_within(move.from, move.length, result->image_size))
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

static int compare_moves(const void *a, const void *b)
{
	const struct patch_move *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

static int sort_moves(struct patch_list *list, struct err *err)
{
	if (list->move_count)
		qsort(list->moves, list->move_count, sizeof(*list->moves), compare_moves);
	for (size_t i = 1; i < list->move_count; i++)
		if (list->moves[i - 1].to + list->moves[i - 1].length > list->moves[i].to)
			return err_set(err, -EPROTO,
				       "the fix-up process moves two things to %" PRIu64,
				       list->moves[i].to);
	return 0;
}

static int take_text(struct fixup_result *result, const struct message *message,
		     struct err *err)
{
	char text[sizeof(err->text)];
	int r;

	if (message->length >= sizeof(text) || ++result->notes > FIXUP_MAX_NOTES)
		return err_set(err, -EPROTO, "the fix-up process talks too much");
	r = receive_bytes(result->fd, text, message->length, err);
	if (r < 0)
		return r;
	text[message->length] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	if (message->kind == MESSAGE_ERROR)
		return err_set(err, message->value < 0 ? message->value : -EIO, "%s",
			       text);
	return result->report(message->value == PLAN_NOTE ? PLAN_NOTE : PLAN_WARNING,
			      text, result->context, err);
}

static int receive(struct fixup_result *result, struct err *err)
{
	struct message message;
	int r = 0;

	while (r == 0 && !result->done) {
		r = receive_bytes(result->fd, &message, sizeof(message), err);
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
		case MESSAGE_DONE:
			result->done = true;
			r = sort_moves(&result->patches, err);
			break;
		default:
			r = err_set(err, -EPROTO,
				    "the fix-up process sent an unknown message %u",
				    message.kind);
		}
	}
	return r;
}

int fixups_run(const struct restore_plan *plan, const struct plan_partition *partition,
	       struct block_source *volume, fixup_report *report, void *context,
	       struct patch_list *ret, struct err *err)
{
	struct fixup_result result = {
		.fd = -1,
		.image_size = volume->size,
		.volume_size =
			plan->after->partitions[partition - plan->partitions].length,
		.report = report,
		.context = context,
	};
	AUTO_CLOSE int in = -1, out = -1;
	int pipe_fds[2], status, r;
	pid_t engine = getpid(), pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	in = pipe_fds[0];
	out = pipe_fds[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "fork");
	if (pid == 0) {
		struct fixup_job job = { plan,	      partition, volume, send_note,
					 send_change, send_move, &out,	 -1 };

		child_main(&job, engine);
	}
	close(TAKE_FD(out));
	result.fd = in;
	r = receive(&result, err);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0) {
		patch_list_clear(&result.patches);
		return err_add(err, "'%s'", partition->volume->image_path);
	}
	*ret = result.patches;
	return 0;
}
