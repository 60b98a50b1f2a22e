/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See answer-status.h. */
#include "answer-status.h"

#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/sandbox.h>
#include <net/http.h>

#define EVERY_MS	3000
#define TIMEOUT_MS	5000 /* of one message; the next one tells more anyway */
#define LINE_MAX_LENGTH 4096 /* progress has some hundred bytes */
#define NOBODY		65534

#define RUNNING (-1)

struct status_sender {
	pid_t pid;
	int fd;
	_Atomic int *state; /* shared; RUNNING, then an exit status */
};

/* -- in its process ---- */

struct telling {
	const struct status_place *place;
	const struct answer_machine *machine;
	int input, forward;
	_Atomic int *state;
	char line[LINE_MAX_LENGTH + 1]; /* that is being read */
	size_t length;
	char last[LINE_MAX_LENGTH + 1]; /* the last whole one */
	bool told_failure;
};

static const char *state_text(int state)
{
	static const char *const texts[] = {
		[EXIT_DONE] = "done",	    [EXIT_FAILED] = "failed",
		[EXIT_USAGE] = "failed",    [EXIT_CANCELLED] = "cancelled",
		[EXIT_REFUSED] = "refused", [EXIT_RESUMABLE] = "stopped",
	};

	return state == RUNNING				      ? "running"
	       : state >= 0 && state < (int)ARRAY_SIZE(texts) ? texts[state]
							      : "failed";
}

static char *make_message(const struct telling *telling)
{
	const struct answer_machine *machine = telling->machine;
	json_t *progress = json_loads(telling->last, 0, NULL);
	json_t *message = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o*}", "state",
				    state_text(atomic_load(telling->state)), "uuid",
				    machine->uuid, "serial", machine->serial, "mac",
				    machine->mac_count ? machine->macs[0] : "", "host",
				    machine->host, "progress", progress);
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	return text;
}

static void tell(struct telling *telling)
{
	const struct http_options options = { TIMEOUT_MS, telling->place->ca };
	AUTO_FREE char *message = make_message(telling);
	struct err err = { 0 };

	if (!message || http_post_json(telling->place->url, message, &options, &err) == 0)
		return;
	if (!telling->told_failure)
		fprintf(stderr, "status: %s, ignoring\n", err.text);
	telling->told_failure = true;
}

static void take(struct telling *telling, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n') {
			if (telling->length < LINE_MAX_LENGTH)
				telling->line[telling->length++] = bytes[i];
			continue;
		}
		telling->line[telling->length] = '\0';
		memcpy(telling->last, telling->line, telling->length + 1);
		telling->length = 0;
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Until nobody writes any more. */
static void serve(struct telling *telling)
{
	int64_t next = now_ms();

	for (;;) {
		struct pollfd input = { .fd = telling->input, .events = POLLIN };
		int64_t left = next - now_ms();
		char bytes[4096];
		ssize_t n;

		if (left <= 0 && telling->last[0]) {
			tell(telling);
			next = now_ms() + EVERY_MS;
		}
		if (poll(&input, 1, left > 0 ? (int)left : EVERY_MS) <= 0)
			continue;
		n = read(telling->input, bytes, sizeof(bytes));
		if (n <= 0)
			break;
		take(telling, bytes, (size_t)n);
		if (telling->forward > 0 &&
		    write(telling->forward, bytes, (size_t)n) != n)
			telling->forward = 0;
	}
	tell(telling);
}

static int lock_in(struct err *err)
{
	static const char *const readable[] = { "/etc",	  "/lib", "/usr/lib",
						"/lib64", "/run", NULL };
	const struct sandbox sandbox = { .readable = readable };

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return err_errno(err, errno, "status: becoming nobody");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "status: giving up rights");
	return sandbox_enter(&sandbox, err);
}

static _Noreturn void run(struct telling *telling)
{
	struct err err = { 0 };

	/* a Ctrl-C is for the restore, whose end is still to be told */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (lock_in(&err) < 0)
		fprintf(stderr, "%s, ignoring\n", err.text);
	else
		serve(telling);
	_exit(0);
}

/* -- in the process that restores ---- */

int status_start(const struct status_place *place, const struct answer_machine *machine,
		 int forward_fd, struct status_sender **ret, int *ret_fd, struct err *err)
{
	struct telling telling = { .place = place,
				   .machine = machine,
				   .forward = forward_fd };
	AUTO_FREE struct status_sender *sender = calloc(1, sizeof(*sender));
	void *shared = mmap(NULL, sizeof(*sender->state), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pipe[2];

	if (!sender || shared == MAP_FAILED)
		return err_nomem(err);
	if (pipe2(pipe, O_CLOEXEC) < 0) {
		munmap(shared, sizeof(*sender->state));
		return err_errno(err, errno, "status: a pipe");
	}
	sender->state = telling.state = shared;
	sender->fd = pipe[1];
	telling.input = pipe[0];
	atomic_store(sender->state, RUNNING);
	sender->pid = fork();
	if (sender->pid == 0) {
		close(pipe[1]);
		run(&telling);
	}
	close(pipe[0]);
	if (sender->pid < 0) {
		close(pipe[1]);
		munmap(shared, sizeof(*sender->state));
		return err_errno(err, errno, "status: a process");
	}
	*ret_fd = sender->fd;
	*ret = TAKE_PTR(sender);
	return 0;
}

#define END_WITHIN_MS 10000
#define LOOK_MS	      20

void status_end(struct status_sender *sender, enum exit_status status)
{
	int64_t deadline = now_ms() + END_WITHIN_MS;

	if (!sender)
		return;
	atomic_store(sender->state, status);
	close(sender->fd);
	while (waitpid(sender->pid, NULL, WNOHANG) == 0) {
		if (now_ms() > deadline)
			kill(sender->pid, SIGKILL);
		usleep(LOOK_MS * 1000);
	}
	munmap((void *)sender->state, sizeof(*sender->state));
	free(sender);
}
