/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a program: see base/spawn.h. Between fork and exec only async-signal-safe calls
 * are made, since the parent may have threads. The input is a memory file, so that no
 * program can block on the one pipe while we block on the other.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

#define OUTPUT_LIMIT_DEFAULT MiB
#define READ_PIECE	     4096
/* Longer lines say nothing more in an error; the shell's convention for "could not
 * start". */
#define LAST_LINE_MAX	  200
#define EXIT_CANNOT_START 127

static const char *const search_path[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
static const char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

/* -- before the start ---- */

static int find_program(const char *name, char **ret, struct err *err)
{
	if (strchr(name, '/')) {
		if (access(name, X_OK) < 0)
			return err_errno(err, errno, "'%s'", name);
		*ret = strdup(name);
		return *ret ? 0 : err_nomem(err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(search_path); i++) {
		AUTO_FREE char *path = text_format("%s/%s", search_path[i], name);

		if (!path)
			return err_nomem(err);
		if (access(path, X_OK) == 0) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return err_set(err, -ENOENT, "'%s': not found in %s", name,
		       path_variable + strlen("PATH="));
}

static bool names_locale(const char *const *variables, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(variables[i], "LC_ALL=", strlen("LC_ALL=")) == 0)
			return true;
	return false;
}

/* The array is new, its strings are not. */
static const char **environment_new(const char *const *more)
{
	size_t count = 0, used = 0;
	const char **environment;

	while (more && more[count])
		count++;
	environment = calloc(count + 3, sizeof(*environment));
	if (!environment)
		return NULL;
	environment[used++] = path_variable;
	if (!names_locale(more, count))
		environment[used++] = "LC_ALL=C";
	for (size_t i = 0; i < count; i++)
		environment[used++] = more[i];
	return environment;
}

static int open_input(const struct spawn *spawn, int *ret_fd, struct err *err)
{
	AUTO_CLOSE int fd = spawn->input_fd > 0
				    ? fcntl(spawn->input_fd, F_DUPFD_CLOEXEC, 3)
			    : spawn->input ? memfd_create("input", MFD_CLOEXEC)
					   : open("/dev/null", O_RDONLY | O_CLOEXEC);
	const uint8_t *from = spawn->input;
	bool has_bytes = spawn->input && spawn->input_fd <= 0;
	size_t rest = has_bytes ? spawn->input_length : 0;

	if (fd < 0)
		return err_errno(err, errno, "'%s': preparing its input", spawn->argv[0]);
	while (rest) {
		ssize_t n = write(fd, from, rest);

		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "'%s': preparing its input",
					 spawn->argv[0]);
		from += n > 0 ? n : 0;
		rest -= n > 0 ? (size_t)n : 0;
	}
	if (has_bytes && lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "'%s': preparing its input", spawn->argv[0]);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* -- the child ---- */

struct child {
	const char *path;
	char *const *argv, *const *environment;
	int input_fd, output_fd, error_fd;
	pid_t parent;
};

/* What SIGPIPE and the mask are in a program must not depend on what they are in ours. */
static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

__attribute__((noreturn)) static void child_run(const struct child *child)
{
	/* Away from 0 to 2, where the parent may have had nothing open. */
	int input = fcntl(child->input_fd, F_DUPFD, 3);
	int output = fcntl(child->output_fd, F_DUPFD, 3);
	int error = fcntl(child->error_fd, F_DUPFD, 3);
	const char *reason;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != child->parent) /* it was gone before the line above */
		_exit(EXIT_CANNOT_START);
	reset_signals();
	if (dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(error, 2) == 2 &&
	    close_range(3, ~0U, 0) == 0)
		execve(child->path, child->argv, child->environment);
	reason = strerrordesc_np(errno);
	if (reason && write(2, reason, strlen(reason)) < 0)
		_exit(EXIT_CANNOT_START);
	_exit(EXIT_CANNOT_START);
}

/* Starts the program; *ret_output_fd is the reading end of its output. */
static int start(const struct spawn *spawn, pid_t *ret_pid, int *ret_output_fd,
		 struct err *err)
{
	AUTO_FREE const char **environment = environment_new(spawn->env);
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int input_fd = -1;
	int pipe_fds[2];
	pid_t pid, parent = getpid();
	int r;

	if (!environment)
		return err_nomem(err);
	r = find_program(spawn->argv[0], &path, err);
	if (r < 0)
		return r;
	r = open_input(spawn, &input_fd, err);
	if (r < 0)
		return r;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "'%s': opening a pipe", spawn->argv[0]);
	pid = fork();
	if (pid == 0)
		child_run(&(struct child){
			path, (char *const *)spawn->argv, (char *const *)environment,
			input_fd, spawn->output_fd > 0 ? spawn->output_fd : pipe_fds[1],
			pipe_fds[1], parent });
	r = pid < 0 ? err_errno(err, errno, "'%s': starting it", spawn->argv[0]) : 0;
	close(pipe_fds[1]);
	if (r < 0) {
		close(pipe_fds[0]);
		return r;
	}
	*ret_pid = pid;
	*ret_output_fd = pipe_fds[0];
	return 0;
}

/* -- the output ---- */

struct output {
	char *text; /* NUL-terminated */
	size_t length, limit;
};

static void output_clear(struct output *output)
{
	free(output->text);
}

static int output_append(struct output *output, const char *piece, size_t length,
			 const char *program, struct err *err)
{
	char *grown;

	if (length > output->limit - output->length)
		return err_set(err, -E2BIG, "'%s': more than %zu bytes of output",
			       program, output->limit);
	grown = realloc(output->text, output->length + length + 1);
	if (!grown)
		return err_nomem(err);
	memcpy(grown + output->length, piece, length);
	output->length += length;
	grown[output->length] = '\0';
	output->text = grown;
	return 0;
}

/* Reads until all writers have closed the pipe, or until the program has ended and the
 * pipe is empty: a service that it started may hold the pipe for ever. */
static int output_read(struct output *output, int fd, pid_t pid, const char *program,
		       struct err *err)
{
	AUTO_CLOSE int pid_fd = pidfd_open(pid, 0);
	struct pollfd polled[] = { { .fd = fd, .events = POLLIN },
				   { .fd = pid_fd, .events = POLLIN } };

	for (;;) {
		char piece[READ_PIECE];
		ssize_t n;
		int r = poll(polled, ARRAY_SIZE(polled), -1);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_errno(err, errno, "'%s': waiting for output", program);
		if (!polled[0].revents)
			return 0;
		n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "'%s': reading its output", program);
		if (n == 0)
			return 0;
		r = output_append(output, piece, (size_t)n, program, err);
		if (r < 0)
			return r;
	}
}

/* -- the end ---- */

/* The last line of text that is not empty, cut: "" if there is none. */
static void last_line(const char *text, char line[LAST_LINE_MAX + 1])
{
	const char *end = text + strlen(text), *start;
	size_t length;

	while (end > text && strchr(" \t\r\n", end[-1]))
		end--;
	start = end;
	while (start > text && start[-1] != '\n')
		start--;
	length = min_u64((uint64_t)(end - start), LAST_LINE_MAX);
	memcpy(line, start, length);
	line[length] = '\0';
}

static int judge(int status, const char *output, const char *program, struct err *err)
{
	char line[LAST_LINE_MAX + 1];
	const char *separator;
	struct rlimit limit;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	last_line(output ? output : "", line);
	separator = line[0] ? ": " : "";
	if (WIFEXITED(status))
		return err_set(err, -EIO, "'%s': exit status %d%s%s", program,
			       WEXITSTATUS(status), separator, line);
	/* It inherits the limit from this process (base/process.h). */
	if (WTERMSIG(status) == SIGXCPU && getrlimit(RLIMIT_CPU, &limit) == 0)
		return err_set(err, -ETIME,
			       "'%s': ended: it used %llu s of processor time, its limit",
			       program, (unsigned long long)limit.rlim_cur);
	return err_set(err, -EIO, "'%s': ended by signal %d%s%s", program,
		       WTERMSIG(status), separator, line);
}

static int wait_for(pid_t pid, const char *program, int *ret_status, struct err *err)
{
	while (waitpid(pid, ret_status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(err, errno, "'%s': waiting for its end",
					 program);
	}
	return 0;
}

int spawn_run(const struct spawn *spawn, char **ret_output, struct err *err)
{
	AUTO(output_clear)
	struct output output = {
		.limit = spawn->output_limit ? spawn->output_limit : OUTPUT_LIMIT_DEFAULT,
	};
	const char *program = spawn->argv[0];
	AUTO_CLOSE int output_fd = -1;
	int status = 0, r, wait_r;
	pid_t pid = 0;

	r = output_append(&output, "", 0, program, err); /* no output is "", not NULL */
	if (r < 0)
		return r;
	r = start(spawn, &pid, &output_fd, err);
	if (r < 0)
		return r;
	r = output_read(&output, output_fd, pid, program, err);
	if (r < 0)
		kill(pid, SIGKILL);
	wait_r = wait_for(pid, program, &status, r < 0 ? NULL : err);
	if (r < 0 || wait_r < 0)
		return r < 0 ? r : wait_r;
	r = judge(status, output.text, program, err);
	if (r < 0)
		return r;
	if (ret_output)
		*ret_output = TAKE_PTR(output.text);
	return 0;
}
