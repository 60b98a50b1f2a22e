/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listing ahead by helper processes: see tree-ahead.h. */
#include "tree-ahead.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/log.h>
#include <base/tree-listing.h>

#define HELPERS	     4	  /* as many connections as a server grants anybody */
#define QUEUE	     4	  /* requests of one helper under way */
#define MAX_EXPECTED 4096 /* folders that are remembered; more are listed without help */
#define MAX_ANSWERED 64	  /* listings in memory that nobody has asked for yet */
#define WORTH_WHILE  16	  /* folders that wait before helpers are started */
#define HELPER_FD    3

enum expected_state { EXPECTED_WAITING, EXPECTED_ASKED, EXPECTED_ANSWERED };

struct expected {
	char *path;
	enum expected_state state;
	size_t helper;
	struct err err; /* EXPECTED_ANSWERED: code 0, or the error of the listing */
	struct tree_listing listing;
};

struct helper {
	pid_t pid;  /* 0: none */
	int socket; /* -1: none */
	size_t asked;
	struct expected *queue[QUEUE]; /* in the order of the requests */
};

struct tree_ahead {
	struct tree tree;
	struct tree *inner;
	reader_open_tree *open_tree;
	void *context;
	bool started;
	struct helper helpers[HELPERS];
	struct expected *expected[MAX_EXPECTED]; /* the last one is wanted first */
	size_t count, waiting, answered;
};

/* An answer: this, then an error's text or the entries, each an entry_head and its name with
 * NUL. Both ends are one program. */
struct answer_head {
	int32_t code;
	uint32_t count;
	uint64_t length; /* bytes that follow */
};

struct entry_head {
	uint64_t size;
	int64_t mtime_s;
	uint64_t is_folder;
};

#define MAX_ANSWER (512u << 20) /* TREE_MAX_ENTRIES entries with long names */

static bool send_all(int fd, const void *bytes, size_t length)
{
	const char *from = bytes;

	while (length) {
		ssize_t n = send(fd, from, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		length -= (size_t)n;
	}
	return true;
}

static bool receive_all(int fd, void *bytes, size_t length)
{
	char *to = bytes;

	while (length) {
		ssize_t n = recv(fd, to, length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		length -= (size_t)n;
	}
	return true;
}

/* -- the helper process ---- */

struct answer {
	char *bytes;
	size_t length, room;
	uint32_t count;
};

static int collect(const struct tree_entry *entry, void *context, struct err *err)
{
	struct answer *answer = context;
	const struct entry_head head = { entry->size, entry->mtime_s, entry->is_folder };
	size_t name = strlen(entry->name) + 1, need = sizeof(head) + name;

	if (need > answer->room - answer->length) {
		size_t room = 2 * answer->room + need + 4096;
		char *grown = room <= MAX_ANSWER ? realloc(answer->bytes, room) : NULL;

		if (!grown)
			return err_nomem(err);
		answer->bytes = grown;
		answer->room = room;
	}
	memcpy(answer->bytes + answer->length, &head, sizeof(head));
	memcpy(answer->bytes + answer->length + sizeof(head), entry->name, name);
	answer->length += need;
	answer->count++;
	return 0;
}

static bool answer_one(struct tree *tree, const char *path)
{
	struct answer answer = { 0 };
	struct answer_head head = { 0 };
	struct err err = { 0 };
	bool sent;

	head.code = tree_list(tree, path, collect, &answer, &err);
	if (tree->lost) { /* the reader lists it by itself then */
		free(answer.bytes);
		return false;
	}
	head.count = answer.count;
	head.length = head.code < 0 ? strlen(err.text) : answer.length;
	sent = send_all(HELPER_FD, &head, sizeof(head)) &&
	       send_all(HELPER_FD, head.code < 0 ? err.text : answer.bytes, head.length);
	free(answer.bytes);
	return sent;
}

/* What the reader logs goes to the engine through a socket that is the helper's no more. */
static void log_nothing(enum log_level level, const char *text, void *context)
{
}

/* Ends when the socket is closed. */
__attribute__((noreturn)) static void helper_main(const struct tree_ahead *ahead,
						  int socket, pid_t parent)
{
	struct tree *tree = NULL;
	struct err err = { 0 };
	uint32_t length;

	log_set_sink(log_nothing, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent || dup2(socket, HELPER_FD) < 0 ||
	    close_range(HELPER_FD + 1, ~0U, 0) < 0)
		_exit(1);
	while (receive_all(HELPER_FD, &length, sizeof(length))) {
		AUTO_FREE char *path = calloc(1, (size_t)length + 1);

		if (!path || !receive_all(HELPER_FD, path, length))
			_exit(1);
		if (!tree && ahead->open_tree(ahead->context, &tree, &err) < 0)
			_exit(1);
		if (!answer_one(tree, path))
			_exit(1);
	}
	_exit(0);
}

/* -- helpers ---- */

static void expected_free(struct expected *expected)
{
	free(expected->path);
	tree_listing_clear(&expected->listing);
	free(expected);
}

static void forget(struct tree_ahead *ahead, struct expected *expected)
{
	for (size_t i = ahead->count; i-- > 0;) {
		if (ahead->expected[i] != expected)
			continue;
		ahead->count--;
		memmove(&ahead->expected[i], &ahead->expected[i + 1],
			(ahead->count - i) * sizeof(ahead->expected[0]));
		break;
	}
	ahead->waiting -= expected->state == EXPECTED_WAITING;
	ahead->answered -= expected->state == EXPECTED_ANSWERED;
	expected_free(expected);
}

static void helper_end(struct tree_ahead *ahead, struct helper *helper)
{
	if (helper->socket >= 0)
		close(helper->socket);
	helper->socket = -1;
	if (helper->pid) {
		kill(helper->pid, SIGKILL);
		waitpid(helper->pid, NULL, 0);
	}
	helper->pid = 0;
	while (helper->asked)
		forget(ahead, helper->queue[--helper->asked]);
}

/* A helper that cannot be started is one less. */
static void helper_start(struct tree_ahead *ahead, struct helper *helper)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	helper->pid = fork();
	if (helper->pid == 0)
		helper_main(ahead, pair[1], parent);
	close(pair[1]);
	if (helper->pid > 0) {
		helper->socket = pair[0];
		return;
	}
	helper->pid = 0;
	close(pair[0]);
}

static bool parse_entries(const char *bytes, const struct answer_head *head,
			  struct tree_listing *listing)
{
	size_t at = 0;

	for (uint32_t i = 0; i < head->count; i++) {
		struct entry_head entry;
		struct err err = { 0 };
		const char *end;

		if (head->length - at <= sizeof(entry))
			return false;
		memcpy(&entry, bytes + at, sizeof(entry));
		at += sizeof(entry);
		end = memchr(bytes + at, '\0', head->length - at);
		if (!end || tree_listing_add(listing,
					     &(struct tree_entry){
						     .name = bytes + at,
						     .is_folder = entry.is_folder != 0,
						     .size = entry.size,
						     .mtime_s = entry.mtime_s,
					     },
					     &err) < 0)
			return false;
		at = (size_t)(end - bytes) + 1;
	}
	return at == head->length;
}

/* The answer to the first request of a helper. */
static bool take_answer(struct tree_ahead *ahead, struct helper *helper)
{
	struct expected *expected = helper->queue[0];
	AUTO_FREE char *bytes = NULL;
	struct answer_head head;

	if (!helper->asked || !receive_all(helper->socket, &head, sizeof(head)) ||
	    head.length > MAX_ANSWER)
		return false;
	bytes = calloc(1, head.length + 1);
	if (!bytes || !receive_all(helper->socket, bytes, head.length))
		return false;
	if (head.code < 0)
		err_set(&expected->err, head.code, "%s", bytes);
	else if (!parse_entries(bytes, &head, &expected->listing))
		return false;
	expected->state = EXPECTED_ANSWERED;
	ahead->answered++;
	helper->asked--;
	memmove(&helper->queue[0], &helper->queue[1],
		helper->asked * sizeof(helper->queue[0]));
	return true;
}

/* Takes what has come; waits for something if timeout_ms is -1. */
static void take_answers(struct tree_ahead *ahead, int timeout_ms)
{
	struct pollfd polled[HELPERS];

	for (size_t i = 0; i < HELPERS; i++)
		polled[i] = (struct pollfd){ .fd = ahead->helpers[i].socket,
					     .events = POLLIN };
	if (poll(polled, HELPERS, timeout_ms) <= 0)
		return;
	for (size_t i = 0; i < HELPERS; i++)
		if (polled[i].revents && !take_answer(ahead, &ahead->helpers[i]))
			helper_end(ahead, &ahead->helpers[i]);
}

static void ask(struct tree_ahead *ahead, size_t index, struct expected *expected)
{
	struct helper *helper = &ahead->helpers[index];
	uint32_t length = (uint32_t)strlen(expected->path);

	expected->state = EXPECTED_ASKED;
	expected->helper = index;
	ahead->waiting--;
	helper->queue[helper->asked++] = expected;
	if (!send_all(helper->socket, &length, sizeof(length)) ||
	    !send_all(helper->socket, expected->path, length))
		helper_end(ahead, helper);
}

static struct expected *next_waiting(const struct tree_ahead *ahead)
{
	for (size_t i = ahead->count; i-- > 0;)
		if (ahead->expected[i]->state == EXPECTED_WAITING)
			return ahead->expected[i];
	return NULL;
}

/* One round gives every helper one more request, so that the first ones spread out. */
static void give_work(struct tree_ahead *ahead)
{
	if (!ahead->started && ahead->waiting < WORTH_WHILE)
		return;
	for (size_t i = 0; !ahead->started && i < HELPERS; i++)
		helper_start(ahead, &ahead->helpers[i]);
	ahead->started = true;
	for (size_t depth = 1; depth <= QUEUE; depth++) {
		for (size_t i = 0; i < HELPERS && ahead->answered < MAX_ANSWERED; i++) {
			struct expected *next = next_waiting(ahead);

			if (next && ahead->helpers[i].socket >= 0 &&
			    ahead->helpers[i].asked < depth)
				ask(ahead, i, next);
		}
	}
}

/* -- the tree ---- */

static struct expected *find(const struct tree_ahead *ahead, const char *path)
{
	for (size_t i = ahead->count; i-- > 0;)
		if (strcmp(ahead->expected[i]->path, path) == 0)
			return ahead->expected[i];
	return NULL;
}

static int ahead_list(struct tree *tree, const char *path, tree_visit *visit,
		      void *context, struct err *err)
{
	struct tree_ahead *ahead = (struct tree_ahead *)tree;
	struct expected *expected;
	int r;

	take_answers(ahead, 0);
	expected = find(ahead, path);
	if (expected && expected->state == EXPECTED_WAITING)
		forget(ahead, expected);
	give_work(ahead);
	/* A helper that ends on the way takes what it was asked for along. */
	while ((expected = find(ahead, path)) && expected->state == EXPECTED_ASKED)
		take_answers(ahead, -1);
	if (!expected)
		return tree_list(ahead->inner, path, visit, context, err);
	give_work(ahead);
	if (expected->err.code < 0)
		r = err_set(err, expected->err.code, "%s", expected->err.text);
	else
		r = tree_listing_visit(&expected->listing, visit, context, err);
	forget(ahead, expected);
	return r;
}

static void ahead_expect(struct tree *tree, const char *path)
{
	struct tree_ahead *ahead = (struct tree_ahead *)tree;
	struct expected *expected;

	if (ahead->count == MAX_EXPECTED)
		return;
	expected = calloc(1, sizeof(*expected));
	if (expected)
		expected->path = strdup(path);
	if (!expected || !expected->path) {
		free(expected);
		return;
	}
	ahead->expected[ahead->count++] = expected;
	ahead->waiting++;
}

static int ahead_open(struct tree *tree, const char *path, struct block_source **ret,
		      struct err *err)
{
	struct tree_ahead *ahead = (struct tree_ahead *)tree;

	take_answers(ahead, 0);
	give_work(ahead);
	return tree_open(ahead->inner, path, ret, err);
}

static int ahead_previous(struct tree *tree, tree_visit *visit, void *context,
			  struct err *err)
{
	return tree_list_previous(((struct tree_ahead *)tree)->inner, visit, context,
				  err);
}

static void ahead_close(struct tree *tree)
{
	struct tree_ahead *ahead = (struct tree_ahead *)tree;

	for (size_t i = 0; i < HELPERS; i++)
		helper_end(ahead, &ahead->helpers[i]);
	while (ahead->count)
		forget(ahead, ahead->expected[ahead->count - 1]);
	free(tree->name);
	free(ahead);
}

static const struct tree_ops ahead_ops = {
	.list = ahead_list,
	.open = ahead_open,
	.expect = ahead_expect,
	.previous = ahead_previous,
	.close = ahead_close,
};

int tree_ahead_new(struct tree *inner, reader_open_tree *open_tree, void *context,
		   struct tree **ret, struct err *err)
{
	struct tree_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return err_nomem(err);
	ahead->tree.ops = &ahead_ops;
	ahead->tree.name = strdup(inner->name);
	if (!ahead->tree.name) {
		free(ahead);
		return err_nomem(err);
	}
	ahead->inner = inner;
	ahead->open_tree = open_tree;
	ahead->context = context;
	for (size_t i = 0; i < HELPERS; i++)
		ahead->helpers[i].socket = -1;
	*ret = &ahead->tree;
	return 0;
}
