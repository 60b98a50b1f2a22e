/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader process itself (restore/reader.h): opens the tree and answers requests one
 * after the other until the engine closes the socket. Reads of blocks go straight into
 * the slot; everything else is copied into the control slot.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <base/checked.h>
#include <base/log.h>

#include "formats/block-index.h"
#include "formats/packed.h"
#include "reader-process.h"
#include "tree-kept.h"

/* Where the socket is moved to; everything above is closed. */
#define SOCKET_FD 3

/* -- messages --------------------------------------------------------------------- */

/* The process has no other way to say that it cannot talk than to end. */
void reader_send_reply(const struct reader_reply *reply)
{
	ssize_t n;

	do
		n = send(SOCKET_FD, reply, sizeof(*reply), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*reply))
		_exit(2);
}

/* Ends the process where the engine has closed its end. *ret_descriptor: what came with it, or
 * -1. */
void reader_receive_request(struct reader_request *ret, int *ret_descriptor)
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
	ssize_t n;

	do
		n = recvmsg(SOCKET_FD, &head, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		_exit(0);
	if (n != sizeof(*ret))
		_exit(2);
	*ret_descriptor = -1;
	if (head.msg_controllen == sizeof(control.room))
		memcpy(ret_descriptor, CMSG_DATA(&control.header), sizeof(int));
}

static void send_log(enum log_level level, const char *text, void *context)
{
	struct reader_message message = { .reply = { .kind = READER_LOG } };
	size_t length = min_u64(strlen(text), READER_LOG_SIZE);

	message.reply.length = (uint32_t)length;
	memcpy(message.log, text, length);
	/* A line that cannot be sent is no reason to stop. */
	(void)!send(SOCKET_FD, &message, sizeof(message.reply) + length, MSG_NOSIGNAL);
}

/* -- what is kept in memory -------------------------------------------------------- */

static struct tree *tree_to_open(const struct process *process)
{
	return process->kept ? process->kept : process->tree;
}

/* Until it is called again with false. */
static void read_from_server(const struct process *process, bool yes)
{
	if (process->kept)
		tree_kept_pass(process->kept, yes);
}

/* -- volumes ---------------------------------------------------------------------- */

struct open_volume *reader_find_volume(struct process *process, uint32_t volume,
				       struct err *err)
{
	if (volume < READER_MAX_VOLUMES && process->volumes[volume].source)
		return &process->volumes[volume];
	err_set(err, -EINVAL, "volume %" PRIu32 " is not open in the reader", volume);
	return NULL;
}

/* The text in the slot, NUL-terminated. NULL: no memory. */
static char *take_path(const struct process *process,
		       const struct reader_request *request)
{
	return strndup((const char *)reader_slot_memory(process, request->slot),
		       min_u64(request->length, process->options->slot_size));
}

void reader_close_open(struct process *process, uint32_t number)
{
	struct open_volume *volume = &process->volumes[number];

	reader_items_close(process, number);
	volume_map_free(volume->map);
	source_close(volume->source);
	*volume = (struct open_volume){ 0 };
}

static int identify(struct open_volume *volume, struct err *err)
{
	struct block_source *source = volume->source;
	uint8_t boot[4096] = { 0 };
	int r = source_read(source, boot, 0, min_u64(sizeof(boot), source->size), err);

	if (r < 0)
		return r;
	return volume_identify(boot, source->size, &volume->info, err);
}

/* *ret_path owns what ret->image_path points to. */
static int take_image(const struct process *process, const struct reader_request *request,
		      struct backup_volume *ret, char **ret_path,
		      enum reader_view *ret_view, struct err *err)
{
	const uint8_t *memory = reader_slot_memory(process, request->slot);
	struct reader_image image;

	if (request->length < sizeof(image) ||
	    request->length > process->options->slot_size)
		return err_set(err, -EINVAL, "a request of %" PRIu32 " bytes",
			       request->length);
	memcpy(&image, memory, sizeof(image));
	*ret_path = strndup((const char *)memory + sizeof(image),
			    request->length - sizeof(image));
	if (!*ret_path)
		return err_nomem(err);
	ret->image_path = *ret_path;
	ret->image.file_size = image.file_size;
	ret->image.unique_id = image.unique_id;
	ret->image.mtime_ns = image.mtime_ns;
	if (image.view >= READER_VIEW_COUNT)
		return err_set(err, -EINVAL, "an unknown view of an image");
	*ret_view = (enum reader_view)image.view;
	return 0;
}

static int open_file(struct tree *tree, const struct backup_volume *image,
		     struct block_source **ret, struct err *err)
{
	struct block_source *file = NULL;
	bool packed;
	int r = tree_open(tree, image->image_path, &file, err);

	return r < 0 ? r : packed_open(file, ret, &packed, err);
}

static int open_index(struct tree *tree, const struct backup_volume *image,
		      struct block_source **ret, struct err *err)
{
	const struct index_identity scanned = { .file_size = image->image.file_size,
						.mtime_ns = image->image.mtime_ns,
						.unique_id = image->image.unique_id };

	return index_open_beside(tree, image->image_path, &scanned, ret, err);
}

/* By enum reader_view. */
static int (*const openers[])(struct tree *tree, const struct backup_volume *image,
			      struct block_source **ret, struct err *err) = {
	[READER_VIEW_VOLUME] = backup_volume_open,
	[READER_VIEW_FILE] = open_file,
	[READER_VIEW_INDEX] = open_index,
	[READER_VIEW_PLAIN] = open_file,
};

static int do_open_volume(struct process *process, const struct reader_request *request,
			  struct reader_reply *reply, struct err *err)
{
	AUTO_FREE char *path = NULL;
	struct backup_volume image = { 0 };
	struct open_volume volume = { 0 };
	enum reader_view view;
	int r = take_image(process, request, &image, &path, &view, err);

	if (r < 0)
		return r;
	if (request->volume >= READER_MAX_VOLUMES)
		return err_set(err, -EINVAL, "volume %" PRIu32, request->volume);
	reader_close_open(process, request->volume); /* in a helper */
	/* It compares the image with what was scanned. */
	read_from_server(process, true);
	r = openers[view](tree_to_open(process), &image, &volume.source, err);
	read_from_server(process, false);
	if (r < 0)
		return r;
	if (view == READER_VIEW_VOLUME || view == READER_VIEW_PLAIN)
		r = identify(&volume, err);
	if (r < 0) {
		source_close(volume.source);
		return r;
	}
	reply->value = volume.source->size;
	process->volumes[request->volume] = volume;
	return 0;
}

static int do_close_volume(struct process *process, const struct reader_request *request,
			   struct reader_reply *reply, struct err *err)
{
	struct open_volume *volume = reader_find_volume(process, request->volume, err);

	if (!volume)
		return -EINVAL;
	reader_close_open(process, request->volume);
	return 0;
}

static int do_map(struct process *process, const struct reader_request *request,
		  struct reader_reply *reply, struct err *err)
{
	size_t max = min_u64(request->length,
			     process->options->slot_size / sizeof(struct reader_range));
	struct open_volume *volume = reader_find_volume(process, request->volume, err);
	AUTO_FREE struct volume_range *ranges = NULL;
	struct reader_range *out =
		(struct reader_range *)reader_slot_memory(process, request->slot);
	size_t count = 0;
	int r = 0;

	if (!volume)
		return -EINVAL;
	ranges = calloc(max ? max : 1, sizeof(*ranges));
	if (!ranges)
		return err_nomem(err);
	if (!volume->map && !volume->is_item)
		r = volume_map_open(volume->source, &volume->info, &volume->map, err);
	if (r == 0 && volume->is_item)
		r = reader_item_map(volume, request, ranges, max, &count, err);
	else if (r == 0)
		r = volume_map_next(volume->map, request->offset, ranges, max, &count,
				    err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		out[i] = (struct reader_range){ ranges[i].offset, ranges[i].length,
						ranges[i].kind };
	reply->length = (uint32_t)(count * sizeof(*out));
	return 0;
}

static int do_read(struct process *process, const struct reader_request *request,
		   struct reader_reply *reply, struct err *err)
{
	struct open_volume *volume = reader_find_volume(process, request->volume, err);
	uint64_t end = (uint64_t)request->skip + request->length;
	int r;

	if (!volume)
		return -EINVAL;
	/* The control slots behind the last one are no place for blocks of this size. */
	if (end > process->options->slot_size &&
	    end > (uint64_t)(process->options->slots - request->slot) *
			    process->options->slot_size)
		return err_set(err, -EINVAL, "a read of %" PRIu32 " bytes",
			       request->length);
	reply->length = request->length;
	/* The copy reads each block once, and what proves the backup wants its own. */
	read_from_server(process, request->slot < process->options->slots);
	r = source_read(volume->source,
			reader_slot_memory(process, request->slot) + request->skip,
			request->offset, request->length, err);
	read_from_server(process, false);
	return r;
}

static int do_read_file(struct process *process, const struct reader_request *request,
			struct reader_reply *reply, struct err *err)
{
	bool of_tree = request->volume == READER_TREE;
	struct open_volume *volume =
		of_tree ? NULL : reader_find_volume(process, request->volume, err);
	AUTO_FREE char *path = take_path(process, request);
	size_t limit = process->options->slot_size, length = 0;
	AUTO_FREE uint8_t *bytes = NULL;
	int r;

	if (!volume && !of_tree)
		return -EINVAL;
	if (!path)
		return err_nomem(err);
	r = of_tree ? tree_read_file(process->tree, path, limit, &bytes, &length, err)
		    : volume_read_file(volume->source, &volume->info, path, limit, &bytes,
				       &length, err);
	if (r < 0)
		return r;
	memcpy(reader_slot_memory(process, request->slot), bytes, length);
	reply->length = (uint32_t)length;
	return 0;
}

/* -- helpers ---------------------------------------------------------------------- */

static __attribute__((noreturn)) void serve(struct process *process);
static void answer(const struct process *process, const struct reader_request *request,
		   struct reader_reply *reply, int code, const struct err *err);

/* Inherits the jail and the memory, and nothing else of use: connections and files are the
 * reader's. Dies with it. */
static __attribute__((noreturn)) void help(struct process *process, uint32_t control,
					   pid_t reader)
{
	struct reader_reply reply = { .op = READER_OPEN_TREE, .slot = control };
	struct err err = { 0 };
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != reader || dup2(process->descriptor, SOCKET_FD) < 0 ||
	    close_range(SOCKET_FD + 1, ~0U, 0) < 0)
		_exit(2);
	memset(process->volumes, 0, sizeof(process->volumes));
	process->descriptor = -1;
	if (process->kept)
		tree_kept_forget(process->kept);
	process->kept = NULL; /* a helper reads blocks of the copy */
	r = process->options->open_tree(process->options->context, &process->tree, &err);
	answer(process, &(struct reader_request){ 0 }, &reply, r, &err);
	if (r < 0)
		_exit(1);
	serve(process);
}

static int do_fork(struct process *process, const struct reader_request *request,
		   struct reader_reply *reply, struct err *err)
{
	pid_t reader = getpid(), pid;

	if (process->descriptor < 0 || request->length <= process->options->slots ||
	    request->length >= process->options->slots + READER_PROCESSES)
		return err_set(err, -EINVAL, "a helper with control slot %" PRIu32,
			       request->length);
	pid = fork();
	if (pid == 0)
		help(process, request->length, reader);
	if (pid < 0)
		return err_errno(err, errno, "starting a helper");
	return 0;
}

/* -- life ------------------------------------------------------------------------- */

static reader_handler *const handlers[READER_OP_COUNT] = {
	[READER_SCAN] = reader_do_scan,
	[READER_OPEN_VOLUME] = do_open_volume,
	[READER_CLOSE_VOLUME] = do_close_volume,
	[READER_MAP] = do_map,
	[READER_READ] = do_read,
	[READER_READ_FILE] = do_read_file,
	[READER_FORK] = do_fork,
	[READER_LIST] = reader_do_list,
	[READER_FIND] = reader_do_find,
	[READER_OPEN_ITEM] = reader_do_open_item,
	[READER_NEWER] = reader_do_newer,
};

/* code: what the handler returned. Puts the text of an error into the slot: behind the part of a block
 * that is there already (skip), and not beyond its room. */
static void answer(const struct process *process, const struct reader_request *request,
		   struct reader_reply *reply, int code, const struct err *err)
{
	if (code < 0) {
		reply->length = (uint32_t)strlen(err->text);
		if (request->skip)
			reply->length = (uint32_t)min_u64(reply->length, request->length);
		reply->value = 0;
		memcpy(reader_slot_memory(process, reply->slot) + request->skip,
		       err->text, reply->length);
	}
	reply->code = code;
	reader_send_reply(reply);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Parsers may take a failed read for a file that is damaged: what came after the loss does not count. */
static int own_up_to_loss(const struct process *process, int r, struct err *err)
{
	int lost = process->tree ? process->tree->lost : 0;

	if (!lost || r == -lost)
		return r;
	return err_set(err, -lost, "'%s': the connection was lost (%s)",
		       process->tree->name, strerror(lost));
}

static void serve(struct process *process)
{
	for (;;) {
		struct reader_request request;
		struct reader_reply reply;
		struct err err = { 0 };
		uint64_t started;
		int r;

		reader_receive_request(&request, &process->descriptor);
		if (request.op >= READER_OP_COUNT || !handlers[request.op] ||
		    request.slot >= process->options->slots + READER_PROCESSES)
			_exit(2);
		reply = (struct reader_reply){ .id = request.id,
					       .op = request.op,
					       .slot = request.slot };
		started = now_ns();
		r = handlers[request.op](process, &request, &reply, &err);
		r = own_up_to_loss(process, r, &err);
		if (request.op == READER_READ)
			reply.value = now_ns() - started;
		if (process->descriptor >= 0)
			close(process->descriptor);
		answer(process, &request, &reply, r, &err);
	}
}

/* The engine's handlers and masks are not for this process. A key that interrupts the
 * engine reaches this process as well: the engine decides what it means. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* libsmbclient takes memory for every answer of a share and gives it back: what malloc() keeps
 * need not be zeroed by the kernel each time, page by page. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, READER_MAX_REQUEST);
	mallopt(M_TRIM_THRESHOLD, 2 * READER_MAX_REQUEST);
}

/* Leaves /dev/null as 0 to 2 and the socket as 3. Without that there is nobody to tell.
 */
static void keep_descriptors(int socket)
{
	/* Both out of the way first: the engine may have had no 0, 1 or 2. */
	int null = fcntl(open("/dev/null", O_RDWR), F_DUPFD, SOCKET_FD + 1);

	socket = fcntl(socket, F_DUPFD, SOCKET_FD + 1);
	if (null < 0 || socket < 0 || dup2(socket, SOCKET_FD) < 0)
		_exit(2);
	for (int fd = 0; fd < SOCKET_FD; fd++)
		if (dup2(null, fd) < 0)
			_exit(2);
	if (close_range(SOCKET_FD + 1, ~0U, 0) < 0)
		_exit(2);
}

/* mtools reads FAT, all its commands are one program; smbclient lists previous versions. */
static const char *const programs[] = { "/usr/bin/mtools", "/usr/bin/smbclient", NULL };

static int enter_jail(const struct reader_process *start, struct err *err)
{
	struct sandbox sandbox = { .readable = start->options->readable,
				   .programs = programs };

	return reader_jail(start->engine, start->options->local, &sandbox, err);
}

void reader_process_main(const struct reader_process *start)
{
	struct process process = { .options = start->options, .memory = start->memory };
	struct reader_reply reply = { .op = READER_OPEN_TREE,
				      .slot = start->options->slots };
	struct err err = { 0 };
	int r = 0;

	prctl(PR_SET_NAME, "bmr-reader");
	reset_signals();
	keep_memory();
	if (start->options->connect)
		r = start->options->connect(start->options->context, &err);
	if (r == 0)
		r = reader_isolate(&err);
	if (r == 0 && start->options->prepare)
		r = start->options->prepare(start->options->context, &err);
	keep_descriptors(start->socket);
	log_set_sink(send_log, NULL);
	if (r == 0)
		r = enter_jail(start, &err);
	if (r == 0)
		r = start->options->open_tree(start->options->context, &process.tree,
					      &err);
	if (r == 0 && !start->options->local)
		r = tree_kept_new(process.tree, &process.kept, &err);
	answer(&process, &(struct reader_request){ 0 }, &reply, r, &err);
	if (r < 0)
		_exit(1);
	serve(&process);
}
