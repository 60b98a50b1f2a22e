/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a secret left in memory? A child makes up a canary, handles it, forgets it and stops; its
 * parent then looks through all that the child may write to. Under ASan freed memory keeps its
 * content for a while, so that what was freed and not wiped is found.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>

#define CANARY_SIZE 25 /* 24 letters and a NUL */

/* What is larger is the sanitizer's own. */
#define REGION_MAX (UINT64_C(1) << 30)

/* In the child: handles the secret, and forgets it. */
typedef void canary_handler(const char *canary);

static void canary_make(char canary[CANARY_SIZE])
{
	uint8_t random[CANARY_SIZE - 1];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		_exit(2);
	for (size_t i = 0; i < sizeof(random); i++)
		canary[i] = (char)('a' + random[i] % 26);
	canary[CANARY_SIZE - 1] = '\0';
}

static __attribute__((noreturn)) void canary_child(canary_handler *handle, int out)
{
	char canary[CANARY_SIZE];

	alarm(120);
	/* Another one first: the linker saves all registers, with pieces of strings in them, on the
	 * stack when it looks up a function for the first time. Programs are linked at once. */
	canary_make(canary);
	handle(canary);
	raise(0);
	canary_make(canary);
	if (write(out, canary, sizeof(canary)) != sizeof(canary))
		_exit(2);
	handle(canary);
	explicit_bzero(canary, sizeof(canary));
	raise(SIGSTOP);
	_exit(0);
}

static bool region_has(int memory, uint64_t start, uint64_t end, const char *canary)
{
	AUTO_FREE uint8_t *bytes = malloc(end - start);
	size_t length = 0;
	ssize_t n;

	while (bytes && length < end - start &&
	       (n = pread(memory, bytes + length, end - start - length,
			  (off_t)(start + length))) > 0)
		length += (size_t)n;
	return length && memmem(bytes, length, canary, CANARY_SIZE - 1);
}

/* -1: this memory may not be looked at here. */
static int child_remembers(pid_t pid, const char *canary)
{
	char path[64], line[512];
	AUTO_FCLOSE FILE *maps = NULL;
	AUTO_CLOSE int memory = -1;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (!maps || memory < 0)
		return -1;
	while (fgets(line, sizeof(line), maps)) {
		uint64_t start, end;
		char rights[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, rights) ==
			    3 &&
		    rights[1] == 'w' && end - start < REGION_MAX)
			found += region_has(memory, start, end, canary);
	}
	return found;
}

/* How many regions of the child's memory still hold what it handled; -1: cannot be told. */
static int canary_left(canary_handler *handle)
{
	char canary[CANARY_SIZE] = "";
	int fds[2], status, found = -1;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		canary_child(handle, fds[1]);
	close(fds[1]);
	if (read(fds[0], canary, sizeof(canary)) == sizeof(canary) &&
	    waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status))
		found = child_remembers(pid, canary);
	close(fds[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return found;
}
