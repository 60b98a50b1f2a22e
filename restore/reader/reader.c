/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's side of the reader process: its start and its end. Owns the process, the socket
 * and the shared memory.
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
#include <base/process.h>

#include "reader-internal.h"

/* How long a process that closed its socket may take to end by itself. */
#define END_TIMEOUT_MS 1000

/* -- the process's end ------------------------------------------------------------ */

/* Waits, and kills first what does not end by itself. */
static void wait_for_end(struct reader *reader, unsigned timeout_ms, int *ret_status)
{
	struct reader_link *link = &reader->links[0];
	AUTO_CLOSE int pidfd = link->pid > 0 ? pidfd_open(link->pid, 0) : -1;
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	*ret_status = 0;
	if (reader->shared)
		keeper_stop_reader(reader, timeout_ms, ret_status);
	if (link->pid <= 0) /* -1 would be every process there is */
		return;
	if (timeout_ms == 0 || pidfd < 0 || poll(&ended, 1, (int)timeout_ms) != 1)
		kill(link->pid, SIGKILL);
	while (waitpid(link->pid, ret_status, 0) < 0 && errno == EINTR)
		;
	link->pid = -1;
}

int reader_gone(struct reader *reader, struct err *err)
{
	char how[PROCESS_END_SIZE];
	int status = 0;

	wait_for_end(reader, END_TIMEOUT_MS, &status);
	reader_stop_helpers(reader);
	process_describe_end(status, 0, how);
	if (reader->shared && reader_end_heals(status)) {
		err_set(err, -ECONNRESET, "the reader process %s", how);
		return reader_heals(reader) ? reader_heal(reader, err, err) : -ECONNRESET;
	}
	err_set(&reader->broken, -EPIPE, "the reader process %s", how);
	return err_set(err, -EPIPE, "%s", reader->broken.text);
}

int reader_break(struct reader *reader, const struct err *err)
{
	int status;

	reader_stop_helpers(reader);
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

int reader_check_usable(const struct reader *reader, struct err *err)
{
	if (reader->broken.code == 0)
		return 0;
	return err_set(err, reader->broken.code, "%s", reader->broken.text);
}

/* -- start and end ---------------------------------------------------------------- */

static size_t memory_size(const struct reader *reader)
{
	return (size_t)(reader->slots + READER_PROCESSES) * reader->slot_size;
}

/* A file in memory that nobody can shrink under the feet of the other. */
static int map_memory(struct reader *reader, struct err *err)
{
	size_t size = memory_size(reader);
	AUTO_CLOSE int fd = memfd_create("bmr-reader", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *memory;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_errno(err, errno, "%zu bytes of memory for the reader", size);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return err_errno(err, errno, "%zu bytes of memory for the reader", size);
	/* Fewer, larger pages where the kernel has them to give. */
	(void)madvise(memory, size, MADV_HUGEPAGE);
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
	reader->links[0].socket = sockets[0];
	start.socket = sockets[1];
	reader->links[0].pid = fork();
	if (reader->links[0].pid == 0) {
		main(&start);
		_exit(2); /* not reached */
	}
	close(sockets[1]);
	if (reader->links[0].pid < 0)
		return err_errno(err, errno, "starting the reader process");
	return 0;
}

static int start_process(struct reader *reader, const struct reader_options *options,
			 reader_main *main, struct err *err)
{
	int r;

	if (!options->retry_ms)
		return fork_process(reader, options, main, err);
	r = keeper_fork(reader, options, main, err);
	return r < 0 ? r : keeper_start_reader(reader, err);
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
	int r;

	if (!reader)
		return err_nomem(err);
	for (unsigned i = 0; i < READER_PROCESSES; i++)
		reader->links[i] = (struct reader_link){ .pidfd = -1, .socket = -1 };
	reader->links[0].pid = -1;
	reader->call_timeout_ms = READER_CALL_TIMEOUT_MS;
	reader->retry_ms = options->retry_ms;
	r = check_options(options, err);
	if (r < 0)
		return r;
	reader->processes = 1;
	reader->request_slots = 1;
	reader->remote = !options->local;
	reader->engine = getpid();
	reader->patience_ms =
		options->patience_ms ? options->patience_ms : READER_PATIENCE_MS;
	reader->slots = filled.slots = options->slots ? options->slots : READER_SLOTS;
	reader->slot_size = filled.slot_size =
		options->slot_size ? options->slot_size : READER_SLOT_SIZE;
	reader->slot = calloc(reader->slots + READER_PROCESSES, sizeof(*reader->slot));
	if (!reader->slot)
		return err_nomem(err);
	r = map_memory(reader, err);
	if (r == 0)
		r = start_process(reader, &filled, main, err);
	if (r < 0)
		return r;
	/* What cannot be reached now may have been misspelt: no second try. */
	reader->healing = true;
	r = reader_hello(reader, READER_CALL_TIMEOUT_MS, err);
	if (r < 0)
		return r;
	reader->healing = false;
	reader->links[0].ready = true;
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
	reader_stop_helpers(reader);
	if (reader->keeper_pid)
		keeper_end(reader);
	wait_for_end(reader, 0, &status);
	if (reader->links[0].socket >= 0)
		close(reader->links[0].socket);
	if (reader->memory)
		munmap(reader->memory, memory_size(reader));
	for (unsigned i = 0; i < READER_MAX_VOLUMES; i++) {
		free(reader->volumes[i].name);
		free(reader->volumes[i].payload);
	}
	free(reader->slot);
	free(reader);
}
