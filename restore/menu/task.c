/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that run beside the menu: see task.h. */
#include "task.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <net/smb.h>

#define READ_SIZE   65536
#define OUTPUT_MAX  (64u << 20) /* the JSON of a scan of thousands of machines */
#define ERRORS_MAX  (16u << 10) /* what is shown of it */
#define LINE_MAX    4096
#define PROGRESS_FD 4
#define LOCK_FD	    5
#define CREDENTIALS 3
#define KEYS_FD	    6

/* -- the child ------------------------------------------------------------------------ */

static int credentials_new(const struct task_wishes *wishes, int *ret, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	int r;

	*ret = -1;
	if (!wishes->user || !wishes->user[0])
		return 0;
	fd = memfd_create("credentials", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return err_errno(err, errno, "memory for the login");
	r = credentials_write(fd, wishes->user, wishes->password, NULL, err);
	if (r == 0)
		*ret = TAKE_FD(fd);
	return r;
}

static int keys_new(const struct task_wishes *wishes, int *ret, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	size_t length;

	*ret = -1;
	if (!wishes->keys || !wishes->keys[0])
		return 0;
	length = strlen(wishes->keys);
	fd = memfd_create("keys", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return err_errno(err, errno, "memory for keys");
	if (pwrite(fd, wishes->keys, length, 0) != (ssize_t)length)
		return err_set(err, -EIO, "memory for keys: it takes none");
	*ret = TAKE_FD(fd);
	return 0;
}

/* The fixed numbers below are above those of any pipe end once these are moved up. */
static int move_up(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD, 16);
}

static void take_place(int fd, int number)
{
	if (fd >= 0)
		dup2(fd, number);
	else if (number > STDERR_FILENO)
		close(number);
}

/* What the child gets beside its output. */
struct given {
	int progress, credentials, keys;
};

static _Noreturn void child_main(const struct task_wishes *wishes, int output, int error,
				 const struct given *given)
{
	int progress = move_up(given->progress);
	int credentials = move_up(given->credentials);
	int keys = move_up(given->keys);
	sigset_t none;
	int nothing;

	output = move_up(output);
	error = move_up(error);
	nothing = move_up(open("/dev/null", O_RDONLY));
	take_place(nothing, STDIN_FILENO);
	take_place(output, STDOUT_FILENO);
	take_place(error, STDERR_FILENO);
	take_place(move_up(wishes->lock_fd), LOCK_FD);
	take_place(credentials, CREDENTIALS);
	take_place(progress, PROGRESS_FD);
	take_place(keys, KEYS_FD);
	close_range(KEYS_FD + 1, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Ctrl-C at the terminal is the menu's, and so are its questions: a restore goes on without
	 * the terminal */
	setsid();
	execv(wishes->program, wishes->arguments);
	dprintf(STDERR_FILENO, "'%s': %s\n", wishes->program, strerror(errno));
	_exit(127);
}

/* -- the menu's side ------------------------------------------------------------------ */

static int watch(int epoll, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(err, errno, "watching a command");
	return 0;
}

static int open_pipe(int fds[2], struct err *err)
{
	if (pipe2(fds, O_CLOEXEC) == 0)
		return 0;
	return err_errno(err, errno, "a pipe to a command");
}

int task_start(const struct task_wishes *wishes, struct task *ret, struct err *err)
{
	AUTO_CLOSE int credentials = -1;
	AUTO_CLOSE int keys = -1;
	AUTO_CLOSE int log_fd = -1;
	AUTO_CLOSE int epoll = epoll_create1(EPOLL_CLOEXEC);
	int output[2] = { -1, -1 }, error[2] = { -1, -1 }, progress[2] = { -1, -1 };
	int r = epoll < 0 ? err_errno(err, errno, "epoll") : 0;
	pid_t pid = -1;

	if (wishes->log_path)
		log_fd = open(wishes->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			      0600);
	if (r == 0)
		r = credentials_new(wishes, &credentials, err);
	if (r == 0)
		r = keys_new(wishes, &keys, err);
	if (r == 0)
		r = open_pipe(output, err);
	if (r == 0)
		r = open_pipe(error, err);
	if (r == 0 && wishes->progress)
		r = open_pipe(progress, err);
	if (r == 0)
		r = watch(epoll, output[0], err);
	if (r == 0)
		r = watch(epoll, error[0], err);
	if (r == 0 && wishes->progress)
		r = watch(epoll, progress[0], err);
	if (r == 0) {
		pid = fork();
		if (pid == 0)
			child_main(wishes, output[1], error[1],
				   &(struct given){ progress[1], credentials, keys });
		if (pid < 0)
			r = err_errno(err, errno, "starting '%s'", wishes->program);
	}
	cleanup_close(&output[1]);
	cleanup_close(&error[1]);
	cleanup_close(&progress[1]);
	if (r < 0) {
		cleanup_close(&output[0]);
		cleanup_close(&error[0]);
		cleanup_close(&progress[0]);
		return r;
	}
	*ret = (struct task){
		.pid = pid,
		.fd = TAKE_FD(epoll),
		.output_fd = output[0],
		.error_fd = error[0],
		.progress_fd = progress[0],
		.log_fd = TAKE_FD(log_fd),
		.progress = wishes->progress,
		.context = wishes->context,
	};
	return 0;
}

static void keep_output(struct task *task, const char *bytes, size_t length)
{
	if (task->output.length + length <= OUTPUT_MAX)
		text_add(&task->output, "%.*s", (int)length, bytes);
}

static void keep_errors(struct task *task, const char *bytes, size_t length)
{
	struct text *errors = &task->errors;

	if (task->log_fd >= 0 && write(task->log_fd, bytes, length) < 0)
		close(TAKE_FD(task->log_fd));
	text_add(errors, "%.*s", (int)length, bytes);
	if (!errors->failed && errors->length > ERRORS_MAX) {
		size_t extra = errors->length - ERRORS_MAX;

		memmove(errors->string, errors->string + extra, ERRORS_MAX + 1);
		errors->length = ERRORS_MAX;
	}
}

static void keep_progress(struct task *task, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n') {
			if (task->line.length < LINE_MAX)
				text_add(&task->line, "%c", bytes[i]);
			continue;
		}
		if (task->line.string)
			task->progress(task->line.string, task->context);
		text_clear(&task->line);
	}
}

/* False: it has been closed at the other end. */
static bool read_pipe(struct task *task, int *fd,
		      void (*keep)(struct task *task, const char *bytes, size_t length))
{
	char bytes[READ_SIZE];
	ssize_t n;

	if (*fd < 0)
		return false;
	while ((n = read(*fd, bytes, sizeof(bytes))) > 0)
		keep(task, bytes, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	close(TAKE_FD(*fd));
	return false;
}

bool task_read(struct task *task)
{
	bool more;

	if (task->ended)
		return true;
	more = read_pipe(task, &task->output_fd, keep_output);
	more |= read_pipe(task, &task->error_fd, keep_errors);
	more |= read_pipe(task, &task->progress_fd, keep_progress);
	if (more)
		return false;
	while (waitpid(task->pid, &task->status, 0) < 0 && errno == EINTR)
		;
	task->ended = true;
	return true;
}

void task_wait(struct task *task)
{
	while (!task_read(task)) {
		struct pollfd poll_fd = { .fd = task->fd, .events = POLLIN };

		(void)poll(&poll_fd, 1, -1);
	}
}

void task_cancel(struct task *task)
{
	if (task->pid && !task->ended)
		kill(task->pid, SIGTERM);
}

void task_finish(struct task *task)
{
	if (task->pid && !task->ended) {
		kill(task->pid, SIGTERM);
		while (waitpid(task->pid, &task->status, 0) < 0 && errno == EINTR)
			;
	}
	cleanup_close(&task->fd);
	cleanup_close(&task->output_fd);
	cleanup_close(&task->error_fd);
	cleanup_close(&task->progress_fd);
	cleanup_close(&task->log_fd);
	text_clear(&task->output);
	text_clear(&task->errors);
	text_clear(&task->line);
	*task = (struct task){
		.fd = -1, .output_fd = -1, .error_fd = -1, .progress_fd = -1, .log_fd = -1
	};
}

int task_exit_status(const struct task *task)
{
	return WIFEXITED(task->status) ? WEXITSTATUS(task->status) : -1;
}
