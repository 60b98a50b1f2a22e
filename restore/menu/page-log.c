/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the log goes, with all that helps to understand it: to the stick, a share, a file. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/cleanup.h>

#include "menu.h"

static bool is_share(const char *where)
{
	return strncasecmp(where, "smb:", 4) == 0 || strncmp(where, "\\\\", 2) == 0;
}

static int save(struct menu *menu, const char *where, char **ret_output)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *errors = NULL;
	int status;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "log");
	arguments_add(&arguments, NULL, "save");
	arguments_add(&arguments, "--log", menu->options->log_path);
	arguments_add(&arguments, "--to", where);
	/* the login is that of the backup, for its own server's sake */
	if (is_share(where) && choices_from_share(&menu->choices) &&
	    menu->choices.user[0])
		arguments_add(&arguments, "--credentials", TASK_CREDENTIALS);
	status = menu_command(menu, TEXT_SAVE_LOG, &arguments, ret_output, &errors);
	if (status > 0)
		menu_show_failure(menu, errors);
	return status;
}

void page_log(void *context)
{
	struct menu *menu = context;
	char where[CHOICE_SIZE];
	struct page_field field = { "log.to",	   TEXT_FIELD_PATH, where,
				    sizeof(where), FIELD_OPEN,	    NULL };
	struct page page = {
		.id = "save-log",
		.title = TEXT_SAVE_LOG,
		.help = TEXT_HELP_KEYS,
		.text = text_of(TEXT_SAVE_LOG_TEXT),
		.field_count = 1,
		.fields = &field,
		.buttons = { TEXT_SAVE_NOW, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};

	snprintf(where, sizeof(where), "%s",
		 menu->options->environment ? "stick:openbmr-log.tar.gz"
					    : "openbmr-log.tar.gz");
	for (;;) {
		struct page_answer answer = ui_show(&menu->ui, &page);
		AUTO_FREE char *output = NULL;

		if (answer.end != PAGE_BUTTON || answer.button != 0)
			return;
		if (save(menu, where, &output) == 0) {
			ui_message(&menu->ui, TEXT_SAVE_LOG, output ? output : "");
			return;
		}
	}
}
