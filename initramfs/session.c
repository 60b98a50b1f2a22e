/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The automatic restore and what all sessions share: see session.h. */
#include "session.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include <base/cleanup.h>

#include "console.h"
#include "coldplug.h"
#include "job.h"
#include "spcr.h"

#ifndef OPENBMR_VERSION /* the linters do not go through the Makefile */
#define OPENBMR_VERSION "unknown"
#endif

#define KEY_WITHIN_MS 3000
#define WORD_SIZE     32

const char *answer_path(void)
{
	if (access(ANSWER_PATH, R_OK) == 0)
		return ANSWER_PATH;
	return access(NETWORK_ANSWER_PATH, R_OK) == 0 ? NETWORK_ANSWER_PATH : NULL;
}

bool answer_needs_trust(void)
{
	return access(ANSWER_PATH, R_OK) != 0 && access(NETWORK_ANSWER_PATH, R_OK) == 0 &&
	       access(TRUST_NETWORK_PATH, F_OK) != 0;
}

const char *session_banner(void)
{
	return "openbmr " OPENBMR_VERSION ": bare-metal recovery of Windows machines";
}

/* -- the lock ------------------------------------------------------------------------ */

/* *ret_fd is handed on to the children that restore, so that the lock stays taken while one of
 * them lives. -EBUSY: taken. */
static int restore_lock(int *ret_fd, struct err *err)
{
	/* without O_CLOEXEC: for the children */
	int fd = open(LOCK_PATH, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", LOCK_PATH);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return err_set(err, -EBUSY,
			       "a restore is running already, on another console: wait "
			       "for its end");
	}
	*ret_fd = fd;
	return 0;
}

bool restore_is_running(void)
{
	AUTO_CLOSE int fd = open(LOCK_PATH, O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* -- automatic ----------------------------------------------------------------------- */

static void say(const int *outputs, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		dprintf(outputs[i], "%s\n", text);
}

static void write_result(const char *text)
{
	AUTO_FCLOSE FILE *file = fopen(RESULT_PATH, "we");

	if (file)
		fprintf(file, "%s\n", text);
}

static enum after_action read_action(void)
{
	AUTO_FCLOSE FILE *file = fopen(ACTION_PATH, "re");
	char word[WORD_SIZE] = "";

	if (!file || !fgets(word, sizeof(word), file))
		return AFTER_HOLD;
	return action_parse(word);
}

/* Runs one command of bmr; says and keeps how it ended. */
static void run(const char *const *argv, const int *outputs, size_t count)
{
	struct job job = { .argv = argv, .output_count = count };
	char status[STATUS_TEXT_SIZE], line[STATUS_TEXT_SIZE + 64];
	struct err err = { 0 };
	int result = 0;

	memcpy(job.outputs, outputs, count * sizeof(*outputs));
	if (job_run(&job, &result, &err) < 0)
		snprintf(line, sizeof(line), "bmr %s: %.100s", argv[1], err.text);
	else
		snprintf(line, sizeof(line), "bmr %s: %s", argv[1],
			 status_text(result, status));
	say(outputs, count, line);
	write_result(line);
}

/* Neither DHCP nor TFTP, HTTP and SMB without encryption say who is at the other end. */
static bool trusts_network(void)
{
	return access(TRUST_NETWORK_PATH, F_OK) == 0;
}

enum session_end restore_automatically(const int *outputs, size_t count, bool confirmed)
{
	const char *restore[11] = { "/usr/bin/bmr", "auto", "--environment", "--qr" };
	static const enum session_end ends[] = {
		[AFTER_HOLD] = SESSION_RESULT,
		[AFTER_REBOOT] = SESSION_REBOOT,
		[AFTER_POWER_OFF] = SESSION_POWER_OFF,
		[AFTER_SHELL] = SESSION_SHELL,
	};
	AUTO_CLOSE int lock = -1;
	size_t words = 4;
	struct err err;

	if (!trusts_network()) {
		restore[words++] = "--signed-by";
		restore[words++] = ANSWER_KEY_PATH;
	}
	if (access(CA_PATH, F_OK) == 0) {
		restore[words++] = "--ca";
		restore[words++] = CA_PATH;
	}
	if (confirmed && answer_needs_trust()) {
		restore[words++] = "--answer";
		restore[words++] = NETWORK_ANSWER_PATH;
	}
	say(outputs, count, "waiting for devices");
	coldplug_wait();
	if (restore_lock(&lock, &err) < 0) {
		say(outputs, count, err.text);
		write_result(err.text);
		return SESSION_RESULT;
	}
	unlink(ACTION_PATH);
	run(restore, outputs, count);
	return ends[read_action()];
}

#define SMBIOS_TABLES "/sys/firmware/dmi/tables/DMI"
#define SMBIOS_MAX    (256u << 10) /* real tables have some KiB */

/* Understood by bmr auto; here only whether anything is said. */
static bool smbios_speaks_of_us(void)
{
	static const char *const words[] = { "openbmr.answer=", "openbmr.ini.base64=" };
	AUTO_FCLOSE FILE *file = fopen(SMBIOS_TABLES, "re");
	AUTO_FREE char *bytes = file ? malloc(SMBIOS_MAX) : NULL;
	size_t length;

	if (!bytes)
		return false;
	length = fread(bytes, 1, SMBIOS_MAX, file);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (memmem(bytes, length, words[i], strlen(words[i])))
			return true;
	return false;
}

bool automatic_is_wanted(const struct cmdline *cmdline)
{
	if (cmdline->automatic)
		return answer_path();
	return cmdline->search || (!answer_path() && smbios_speaks_of_us());
}

/* Not without the devices that it may lie on. What was considered stands in the log. */
static bool is_found(void)
{
	static const char *const find[] = { "/usr/bin/bmr", "auto", "--environment",
					    "--find", NULL };
	struct job job = { .argv = find };
	struct err err;
	int status = 0;

	coldplug_wait();
	return job_run(&job, &status, &err) == 0 && status == 0;
}

static size_t open_consoles(const struct cmdline *of_kernel, int fds[CONSOLES_MAX])
{
	struct cmdline cmdline = *of_kernel;
	char name[CONSOLE_NAME_SIZE];
	size_t count = 0;

	if (spcr_console("", name))
		(void)cmdline_add_console(&cmdline, name);
	for (size_t i = 0; i < cmdline.console_count; i++) {
		if (!console_exists(cmdline.consoles[i]) ||
		    console_open(cmdline.consoles[i], &fds[count], NULL) < 0)
			continue;
		console_mode_keys(fds[count++]);
	}
	return count;
}

static bool key_pressed(const int *fds, size_t count)
{
	struct pollfd polls[CONSOLES_MAX] = { 0 };
	struct timespec start, now;
	long left = KEY_WITHIN_MS;

	for (size_t i = 0; i < count; i++)
		polls[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (left > 0) {
		poll(polls, (nfds_t)count, (int)left);
		for (size_t i = 0; i < count; i++) {
			char key;

			if (polls[i].revents && read(fds[i], &key, 1) == 1)
				return true;
			if (polls[i].revents & (POLLHUP | POLLERR))
				polls[i].fd = -1;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = KEY_WITHIN_MS - ((now.tv_sec - start.tv_sec) * 1000 +
					(now.tv_nsec - start.tv_nsec) / 1000000);
	}
	return false;
}

enum session_end automatic_start(const struct cmdline *cmdline)
{
	int fds[CONSOLES_MAX] = { 0 };
	size_t count = open_consoles(cmdline, fds);
	enum session_end end = SESSION_MENU;
	bool stopped;
	AUTO_CLOSE int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* PID 1's standard input is a console: no command may wait for somebody there */
	if (nothing >= 0)
		(void)dup2(nothing, STDIN_FILENO);

	say(fds, count, session_banner());
	if (!cmdline->automatic)
		say(fds, count, "looking for an answer file");
	if (!cmdline->automatic && !is_found()) {
		say(fds, count, "there is none for this machine");
		stopped = true;
	} else {
		say(fds, count,
		    "openbmr: ready\nrestoring automatically in 3 seconds; any key stops "
		    "that");
		stopped = key_pressed(fds, count);
	}
	if (!stopped)
		end = restore_automatically(fds, count, false);
	for (size_t i = 0; i < count; i++) {
		console_mode_lines(fds[i]);
		close(fds[i]);
	}
	return end;
}
