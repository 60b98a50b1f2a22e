/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statuses, lines and words: see report.h. */
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <base/cleanup.h>

static const struct {
	int code;
	const char *text;
} statuses[] = {
	{ 0, "done" },
	{ 1, "failed" },
	{ 2, "not understood: wrong usage" },
	{ 3, "cancelled" },
	{ 4, "refused by the plan" },
	{ 5, "stopped, can be resumed" },
	{ 127, "could not be started" },
};

const char *status_text(int status, char text[STATUS_TEXT_SIZE])
{
	if (WIFSIGNALED(status)) {
		snprintf(text, STATUS_TEXT_SIZE, "ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
		return text;
	}
	snprintf(text, STATUS_TEXT_SIZE, "ended with status %d", WEXITSTATUS(status));
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (WIFEXITED(status) && WEXITSTATUS(status) == statuses[i].code)
			snprintf(text, STATUS_TEXT_SIZE, "%s", statuses[i].text);
	return text;
}

const char *last_lines(const char *text, size_t length, size_t count)
{
	const char *start = text + length;

	if (length > 0 && start[-1] == '\n')
		start--;
	while (start > text) {
		if (start[-1] == '\n' && --count == 0)
			break;
		start--;
	}
	return start;
}

enum after_action action_parse(const char *word)
{
	static const struct {
		const char *word;
		enum after_action action;
	} actions[] = {
		{ "reboot", AFTER_REBOOT },
		{ "poweroff", AFTER_POWER_OFF },
		{ "shell", AFTER_SHELL },
	};
	size_t length = strcspn(word, " \t\r\n");

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strlen(actions[i].word) == length &&
		    strncmp(word, actions[i].word, length) == 0)
			return actions[i].action;
	return AFTER_HOLD;
}
