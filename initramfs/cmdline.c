/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of the kernel's command line: see cmdline.h. */
#include "cmdline.h"

#include <string.h>

#include <base/cleanup.h>

static void add_console(struct cmdline *cmdline, const char *name, size_t length)
{
	char *free_name;

	if (length == 4 && strncmp(name, "tty0", 4) == 0) {
		name = "tty1";
		length = strlen(name);
	}
	if (length == 0 || length >= CONSOLE_NAME_SIZE || memchr(name, '/', length))
		return;
	for (size_t i = 0; i < cmdline->console_count; i++)
		if (strncmp(cmdline->consoles[i], name, length) == 0 &&
		    cmdline->consoles[i][length] == '\0')
			return;
	if (cmdline->console_count == CONSOLES_MAX)
		return;
	free_name = cmdline->consoles[cmdline->console_count++];
	memcpy(free_name, name, length);
	free_name[length] = '\0';
}

static void take_word(struct cmdline *cmdline, const char *word, size_t length)
{
	static const char console[] = "console=", mode[] = "openbmr.mode=",
			  answer[] = "openbmr.answer=";
	const size_t console_length = strlen(console), mode_length = strlen(mode);

	if (length >= console_length && strncmp(word, console, console_length) == 0) {
		word += console_length;
		length -= console_length;
		/* options follow a comma: "ttyS0,115200" */
		for (size_t i = 0; i < length; i++)
			if (word[i] == ',')
				length = i;
		add_console(cmdline, word, length);
	} else if (length >= mode_length && strncmp(word, mode, mode_length) == 0) {
		word += mode_length;
		length -= mode_length;
		cmdline->automatic = length == 4 && strncmp(word, "auto", 4) == 0;
		cmdline->search = length == 6 && strncmp(word, "search", 6) == 0;
	} else if (length > strlen(answer) &&
		   strncmp(word, answer, strlen(answer)) == 0) {
		cmdline->search = true;
	}
}

struct cmdline cmdline_parse(const char *text)
{
	static const char blanks[] = " \t\n";
	struct cmdline cmdline = { 0 };

	add_console(&cmdline, "tty1", 4);
	add_console(&cmdline, "ttyS0", 5);
	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t length = strcspn(text, blanks);

		take_word(&cmdline, text, length);
		text += length;
	}
	return cmdline;
}

bool cmdline_add_console(struct cmdline *cmdline, const char *name)
{
	size_t before = cmdline->console_count;

	add_console(cmdline, name, strlen(name));
	return cmdline->console_count > before;
}
