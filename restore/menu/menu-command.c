/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands behind a page: see menu.h. */
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

const struct choices_secrets menu_secrets = { TASK_CREDENTIALS, TASK_KEYS };

struct task_wishes menu_task(const struct menu *menu, const struct arguments *arguments)
{
	bool share = choices_from_share(&menu->choices) && menu->choices.user[0];

	return (struct task_wishes){
		.program = menu->program,
		.arguments = arguments->words,
		.user = share ? menu->choices.user : NULL,
		.password = menu->choices.password,
		.keys = menu->choices.keys,
		.log_path = menu->options->log_path,
		.lock_fd = -1,
	};
}

void menu_add_clock(const struct menu *menu, struct arguments *arguments)
{
	const char *lock = menu->options->lock_path;

	arguments_add(arguments, "--clock-from", menu->choices.source);
	arguments_add(arguments, "--lock", lock ? lock : "");
}

static int is_ready(struct page *page, void *context)
{
	return task_read(context);
}

void menu_show_failure(struct menu *menu, const char *errors)
{
	ui_text(&menu->ui, TEXT_FAILED,
		errors && errors[0] ? errors : text_of(TEXT_NO_REASON));
}

int menu_command(struct menu *menu, enum text_id title, const struct arguments *arguments,
		 char **ret_output, char **ret_errors)
{
	struct task_wishes wishes = menu_task(menu, arguments);
	struct page page = {
		.id = "working",
		.title = title,
		.help = TEXT_HELP_KEYS,
		.text = text_of(TEXT_PLEASE_WAIT),
		.buttons = { TEXT_CANCEL },
		.bar = PAGE_NO_BAR,
		.ready = is_ready,
	};
	struct task task;
	struct page_answer answer;
	struct err err;
	int status = -1;

	if (task_start(&wishes, &task, &err) < 0) {
		menu_show_failure(menu, err.text);
		return -1;
	}
	page.fd = task.fd;
	page.context = &task;
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_READY) {
		status = task_exit_status(&task);
		if (ret_output)
			*ret_output = text_take(&task.output);
		if (ret_errors)
			*ret_errors = text_take(&task.errors);
	}
	task_finish(&task);
	return status;
}
