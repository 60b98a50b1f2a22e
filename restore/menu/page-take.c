/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where files go that a command takes out or saves; the command while it runs; what came of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

/* -- the command ---------------------------------------------------------------------- */

struct running {
	struct task task;
	char text[512];
};

static void take_progress(const char *line, void *context)
{
	struct running *running = context;
	json_t *root = json_loads(line, 0, NULL);
	json_t *done = json_object_get(root, "bytes_done");
	const char *step = json_string_value(json_object_get(root, "step"));
	char files[24], bytes[SIZE_TEXT_SIZE], head[256];

	if (json_object_get(root, "files")) {
		snprintf(files, sizeof(files), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_object_get(root, "files")));
		size_format((uint64_t)json_integer_value(done), bytes);
		text_fill(TEXT_FILES_TAKEN, files, bytes, head, sizeof(head));
		snprintf(running->text, sizeof(running->text), "%s\n%.200s", head,
			 step ? step : "");
	}
	json_decref(root);
}

static int went_on(struct page *page, void *context)
{
	struct running *running = context;

	page->text = running->text;
	return task_read(&running->task);
}

static void show_result(struct menu *menu, struct task *task)
{
	AUTO_FREE char *output = text_take(&task->output);
	AUTO_FREE char *errors = text_take(&task->errors);
	AUTO_FREE char *text =
		text_format("%s%s", output ? output : "",
			    task_exit_status(task) && errors ? errors : "");

	ui_text(&menu->ui, TEXT_FILES_RESULT, text ? text : "");
}

static void wait_for_end(struct menu *menu, struct running *running)
{
	struct page page = {
		.id = "files.progress",
		.title = TEXT_FILES,
		.help = TEXT_HELP_FILES,
		.text = text_of(TEXT_PLEASE_WAIT),
		.buttons = { TEXT_CANCEL },
		.bar = PAGE_NO_BAR,
		.fd = running->task.fd,
		.ready = went_on,
		.context = running,
	};

	for (;;) {
		struct page_answer answer = ui_show(&menu->ui, &page);

		if (answer.end == PAGE_READY)
			return;
		/* what was taken until then is whole */
		task_cancel(&running->task);
		if (answer.end == PAGE_GONE) {
			task_wait(&running->task);
			return;
		}
	}
}

static void take(struct menu *menu, const struct destination *to,
		 struct arguments *arguments)
{
	struct running running = { 0 };
	struct task_wishes wishes;
	struct err err;

	snprintf(running.text, sizeof(running.text), "%s", text_of(TEXT_PLEASE_WAIT));
	arguments_add(arguments, "--to", to->place);
	if (to->user[0])
		arguments_add(arguments, "--to-credentials", TASK_CREDENTIALS);
	arguments_add(arguments, "--progress-fd", "4");
	wishes = menu_task(menu, arguments);
	if (to->user[0]) {
		wishes.user = to->user;
		wishes.password = to->password;
	}
	wishes.progress = take_progress;
	wishes.context = &running;
	if (task_start(&wishes, &running.task, &err) < 0) {
		menu_show_failure(menu, err.text);
		return;
	}
	wait_for_end(menu, &running);
	show_result(menu, &running.task);
	task_finish(&running.task);
}

/* -- the question ---------------------------------------------------------------------- */

/* A share that is the source has its login already. */
void page_take(struct menu *menu, struct destination *to, const char *what,
	       struct arguments *arguments)
{
	bool share = choices_from_share(&menu->choices);
	AUTO_FREE char *text = text_format("%s\n\n%s", what, text_of(TEXT_FILES_TO_TEXT));
	struct page_field fields[] = {
		{ "files.to", TEXT_FIELD_TO, to->place, sizeof(to->place), FIELD_OPEN,
		  NULL },
		{ "files.user", TEXT_FIELD_USER, to->user, sizeof(to->user), FIELD_OPEN,
		  NULL },
		{ "files.password", TEXT_FIELD_PASSWORD, to->password,
		  sizeof(to->password), FIELD_SECRET, NULL },
	};
	struct page page = {
		.id = "files.destination",
		.title = TEXT_FILES_TO,
		.help = TEXT_HELP_FILES,
		.text = text ? text : "",
		.field_count = share ? 1 : ARRAY_SIZE(fields),
		.fields = fields,
		.buttons = { TEXT_FILES_TAKE, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};

	for (;;) {
		struct page_answer answer = ui_show(&menu->ui, &page);

		if (answer.end != PAGE_BUTTON || answer.button != 0)
			return;
		if (to->place[0])
			break;
		fields[0].wrong = text_of(TEXT_TO_MISSING);
	}
	take(menu, to, arguments);
}
