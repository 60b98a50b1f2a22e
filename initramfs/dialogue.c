/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogue: see session.h. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "coldplug.h"
#include "console.h"
#include "job.h"
#include "menu.h"
#include "session.h"

#define WORD_SIZE 32

struct dialogue {
	enum menu_kind kind;
	enum menu_action last; /* what "try again" means */
};

static void show_tail(void)
{
	AUTO_CLOSE int fd = open(LOG_PATH, O_RDONLY | O_CLOEXEC);
	struct stat st;
	const char *start;
	char *text;
	size_t length;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
		return;
	length = (size_t)st.st_size;
	text = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return;
	start = last_lines(text, length, TAIL_LINES);
	printf("the last lines of %s:\n%.*s\n", LOG_PATH, (int)(text + length - start),
	       start);
	munmap(text, length);
}

static void show_result(void)
{
	AUTO_FCLOSE FILE *file = fopen(RESULT_PATH, "re");
	char line[256];

	show_tail();
	if (file && fgets(line, sizeof(line), file))
		printf("\n%s", line);
}

static void show_menu(const struct dialogue *dialogue)
{
	struct text items = { 0 };
	AUTO_FREE char *text = NULL;

	menu_show(dialogue->kind, answer_path(), &items);
	text = text_take(&items);
	printf("\n%s\npress a key: ", text ? text : "");
	fflush(stdout);
}

static void run_shell(void)
{
	static const char *const argv[] = { "/bin/sh", "-l", NULL };
	struct err err;
	int status;

	console_mode_lines(STDIN_FILENO);
	puts("a shell; 'exit' leads back to the menu");
	fflush(stdout);
	if (job_run_terminal(argv, &status, &err) < 0)
		puts(err.text);
}

/* A disk that is half restored does not start. */
static bool may_stop(const char *word)
{
	char question[128], answer[WORD_SIZE];

	if (!restore_is_running())
		return true;
	snprintf(question, sizeof(question),
		 "A restore is running. Type %s to stop it, anything else to go back",
		 word);
	return console_ask(question, false, answer, sizeof(answer)) == 0 &&
	       strcmp(answer, word) == 0;
}

/* Neither DHCP nor TFTP nor HTTP says who is at the other end. */
static bool may_follow_answer(void)
{
	static const char *const show[] = { "/bin/cat", NETWORK_ANSWER_PATH, NULL };
	struct job job = { .argv = show,
			   .outputs = { STDOUT_FILENO },
			   .output_count = 1 };
	char answer[WORD_SIZE];
	struct err err;
	int status;

	if (!answer_needs_trust())
		return true;
	puts("This answer file came over the network:\n");
	if (job_run(&job, &status, &err) < 0)
		puts(err.text);
	return console_ask("\nType erase to follow it, anything else to go back", false,
			   answer, sizeof(answer)) == 0 &&
	       strcmp(answer, "erase") == 0;
}

/* How bmr menu ends (restore/menu/menu.h). */
#define MENU_WANTS_REBOOT    100
#define MENU_WANTS_POWER_OFF 101

/* SESSION_MENU: it ended otherwise, and the keys are next. */
static enum session_end run_menu(void)
{
	/* the menu shows the plan and has it confirmed, wherever the answer file came from */
	const char *answer = answer_path();
	const char *const argv[] = {
		"/usr/bin/bmr",
		"menu",
		"--environment",
		"--log",
		LOG_PATH,
		"--shell",
		"/bin/sh",
		"--lock",
		LOCK_PATH,
		"--result",
		RESULT_PATH,
		"--ready",
		DEVICES_READY_PATH,
		"--remote",
		SSH_PATH,
		"--language-file",
		LANGUAGE_PATH,
		answer ? "--answer" : NULL,
		answer,
		NULL,
	};
	struct err err;
	int status = 0;

	console_mode_lines(STDIN_FILENO);
	if (job_run_terminal(argv, &status, &err) < 0)
		puts(err.text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == MENU_WANTS_REBOOT)
		return SESSION_REBOOT;
	if (WIFEXITED(status) && WEXITSTATUS(status) == MENU_WANTS_POWER_OFF)
		return SESSION_POWER_OFF;
	return SESSION_MENU;
}

/* SESSION_MENU: the dialogue goes on. */
static enum session_end perform(struct dialogue *dialogue, enum menu_action action)
{
	static const int here[] = { STDOUT_FILENO };
	enum session_end end = SESSION_MENU;

	if (action == MENU_AGAIN)
		action = dialogue->last;
	switch (action) {
	case MENU_AUTOMATIC:
		if (!may_follow_answer())
			break;
		dialogue->last = action;
		dialogue->kind = MENU_RESULT;
		end = restore_automatically(here, 1, true);
		break;
	case MENU_BY_HAND:
		dialogue->last = action;
		end = run_menu();
		break;
	case MENU_SHELL:
		end = SESSION_SHELL;
		break;
	case MENU_REBOOT:
		end = may_stop("restart") ? SESSION_REBOOT : SESSION_MENU;
		break;
	case MENU_POWER_OFF:
		end = may_stop("poweroff") ? SESSION_POWER_OFF : SESSION_MENU;
		break;
	case MENU_MAIN:
		dialogue->kind = MENU_START;
		break;
	case MENU_AGAIN:
	case MENU_UNKNOWN:
		break;
	}
	if (end == SESSION_SHELL)
		run_shell();
	return end == SESSION_REBOOT || end == SESSION_POWER_OFF ? end : SESSION_MENU;
}

enum session_end dialogue_run(enum session_end start)
{
	struct dialogue dialogue = {
		.kind = start == SESSION_RESULT ? MENU_RESULT : MENU_START,
		.last = start == SESSION_RESULT ? MENU_AUTOMATIC : MENU_BY_HAND,
	};
	enum session_end end = SESSION_MENU;

	/* Ctrl-C is for the commands, not for the dialogue */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	printf("\n%s\n", session_banner());
	if (start == SESSION_SHELL)
		run_shell();
	puts("openbmr: ready");
	fflush(stdout);
	end = run_menu();
	if (end == SESSION_MENU && start == SESSION_RESULT)
		show_result();
	while (end == SESSION_MENU) {
		int key;

		show_menu(&dialogue);
		console_mode_keys(STDIN_FILENO);
		key = console_read_key();
		if (key < 0)
			return SESSION_MENU; /* the terminal is gone; PID 1 starts it anew
					      */
		puts("");
		end = perform(&dialogue, menu_choose(dialogue.kind, answer_path(), key));
	}
	return end;
}
