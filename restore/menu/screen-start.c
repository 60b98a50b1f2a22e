/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first screen: what this machine is, and what one can do. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "../cli/clock.h"
#include "firmware-state.h"
#include "menu.h"

enum start_tag {
	START_RESTORE,
	START_RESUME,
	START_ANSWER,
	START_NETWORK,
	START_KEYBOARD,
	START_LANGUAGE,
	START_REBOOT,
	START_POWER_OFF,
	START_LEAVE,
};

static const struct start_item {
	enum start_tag tag;
	enum text_id text;
	bool needs_environment, needs_answer, outside_only, needs_half;
} start_items[] = {
	{ .tag = START_RESUME, .text = TEXT_START_RESUME, .needs_half = true },
	{ .tag = START_RESTORE, .text = TEXT_START_RESTORE },
	{ .tag = START_ANSWER, .text = TEXT_START_ANSWER, .needs_answer = true },
	{ .tag = START_NETWORK, .text = TEXT_START_NETWORK },
	{ .tag = START_KEYBOARD, .text = TEXT_START_KEYBOARD, .needs_environment = true },
	{ .tag = START_LANGUAGE, .text = TEXT_START_LANGUAGE },
	{ .tag = START_REBOOT, .text = TEXT_START_REBOOT, .needs_environment = true },
	{ .tag = START_POWER_OFF,
	  .text = TEXT_START_POWER_OFF,
	  .needs_environment = true },
	{ .tag = START_LEAVE, .text = TEXT_START_LEAVE, .outside_only = true },
};

static void add_file_line(struct text *text, const char *path)
{
	AUTO_FCLOSE FILE *file = path ? fopen(path, "re") : NULL;
	char line[256];

	if (file && fgets(line, sizeof(line), file))
		text_add(text, "\n%s", line);
}

/* A clock that cannot be right: an empty battery. */
static void add_clock(struct text *text)
{
	char shown[TIME_TEXT_SIZE], line[256];
	int64_t now = time(NULL);

	if (now >= CLOCK_EARLIEST_S)
		return;
	text_fill(TEXT_CLOCK_WRONG, time_format(now, shown), NULL, line, sizeof(line));
	text_add(text, "\n%s", line);
}

static bool offers_answer(const struct menu *menu)
{
	return menu->options->answer_path && !menu->answer_missing &&
	       !menu->answer_wrong && access(menu->options->answer_path, R_OK) == 0;
}

/* Whether it can be followed, or what a person must answer. */
static void add_answer(struct text *text, const struct menu *menu)
{
	char line[CHOICE_SIZE + sizeof(((struct err *)0)->text)];

	if (offers_answer(menu)) {
		text_add(text, "\n%s", text_of(TEXT_ANSWER_FOUND));
	} else if (menu->answer_missing || menu->answer_wrong) {
		text_fill(menu->answer_wrong ? TEXT_ANSWER_BAD : TEXT_ANSWER_MISSING,
			  menu->answer_wrong ? menu->answer_wrong : menu->answer_missing,
			  NULL, line, sizeof(line));
		text_add(text, "\n%s", line);
	}
}

static char *describe(const struct menu *menu)
{
	struct text text = { 0 };

	text_add(&text, "%s\n", text_of(TEXT_START_TEXT));
	firmware_state_add(FIRMWARE_FOLDER, &text);
	add_answer(&text, menu);
	add_clock(&text);
	add_file_line(&text, menu->options->result_path);
	add_file_line(&text, menu->options->remote_path);
	return text_take(&text);
}

static void offer(const struct menu *menu, struct page *page,
		  enum start_tag tags[ARRAY_SIZE(start_items)])
{
	bool environment = menu->options->environment;

	for (size_t i = 0; i < ARRAY_SIZE(start_items); i++) {
		const struct start_item *item = &start_items[i];

		if ((item->needs_environment && !environment) ||
		    (item->outside_only && environment) ||
		    (item->needs_answer && !offers_answer(menu)) ||
		    (item->needs_half && !menu_half(menu)))
			continue;
		tags[page->item_count] = item->tag;
		if (!page_add_item(page, strdup(text_of(item->text)), NULL))
			return;
	}
}

/* As the answer file says; what it would do is shown first. */
static enum step follow_answer(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	int status;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "auto");
	arguments_add(&arguments, "--answer", menu->options->answer_path);
	arguments_add(&arguments, "--check", NULL);
	status = menu_command(menu, TEXT_START_ANSWER, &arguments, &output, &errors);
	if (status < 0)
		return STEP_START;
	if (status != 0) {
		AUTO_FREE char *all = text_format("%s\n%s", errors, output);

		menu_show_failure(menu, all);
		return STEP_START;
	}
	ui_text(&menu->ui, TEXT_START_ANSWER, output);
	if (!ui_confirm(&menu->ui, TEXT_START_ANSWER, text_of(TEXT_ANSWER_CONFIRM),
			TEXT_START_NOW))
		return STEP_START;
	menu->follow_answer = true;
	screen_progress(menu);
	return STEP_RESULT;
}

static enum step go(struct menu *menu, enum start_tag tag)
{
	switch (tag) {
	case START_RESTORE:
		return STEP_NEXT;
	case START_RESUME:
		return page_half(menu, menu_half(menu));
	case START_ANSWER:
		return follow_answer(menu);
	case START_NETWORK:
		page_network(menu);
		return STEP_START;
	case START_KEYBOARD:
		page_keyboard(menu);
		return STEP_START;
	case START_LANGUAGE:
		page_language(menu);
		return STEP_START;
	case START_REBOOT:
		menu->end = MENU_REBOOT;
		return STEP_LEAVE;
	case START_POWER_OFF:
		menu->end = MENU_POWER_OFF;
		return STEP_LEAVE;
	case START_LEAVE:
		break;
	}
	menu->end = MENU_LEFT;
	return STEP_LEAVE;
}

/* -- disks that are half restored ------------------------------------------------------ */

static int start_looking(struct menu *menu, struct task *task)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	struct task_wishes wishes;
	struct err err;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "disks");
	arguments_add(&arguments, "--json", NULL);
	if (menu->options->ready_path)
		arguments_add(&arguments, "--when-ready", menu->options->ready_path);
	if (menu->options->image)
		arguments_add(&arguments, NULL, menu->options->image);
	wishes = menu_task(menu, &arguments);
	return arguments.failed ? -ENOMEM : task_start(&wishes, task, &err);
}

/* What the disks tell; where they cannot be listed the screen with the disks will say why. */
static void understand(struct menu *menu, struct task *task)
{
	AUTO_FREE char *output = NULL;
	struct err err = { 0 };

	menu->looked = true;
	disk_items_clear(&menu->halves);
	output = text_take(&task->output);
	if (task_exit_status(task) != 0 || !output ||
	    disk_items_parse(output, &menu->halves, &err) < 0)
		return;
}

struct look {
	struct menu *menu;
	struct task task;
};

/* The page ends where there is another one to show: a key that is pressed while one page takes
 * another's place is lost (newtOpenWindow() flushes the keyboard). */
static int went_on(struct page *page, void *context)
{
	struct look *look = context;
	AUTO_FREE char *text = NULL;

	if (look->menu->looked || !task_read(&look->task))
		return 0;
	understand(look->menu, &look->task);
	text = describe(look->menu);
	return menu_half(look->menu) || !text || strcmp(text, page->text) != 0;
}

/* The page is shown while the disks are looked at: nobody waits for them. Lines do wait, as there
 * is no second question while one is open. */
static struct page_answer show_and_look(struct menu *menu, struct page *page)
{
	struct look look = { .menu = menu };
	struct page_answer answer = { .end = PAGE_READY };

	if (menu->looked || start_looking(menu, &look.task) < 0)
		return ui_show(&menu->ui, page);
	if (menu->ui.kind == &ui_plain) {
		task_wait(&look.task);
		understand(menu, &look.task);
	} else {
		page->fd = look.task.fd;
		page->ready = went_on;
		page->context = &look;
		answer = ui_show(&menu->ui, page);
		page->fd = -1;
	}
	task_finish(&look.task);
	if (menu->ui.kind == &ui_plain && !menu_half(menu))
		return ui_show(&menu->ui, page);
	return answer;
}

enum step screen_start(struct menu *menu)
{
	enum start_tag tags[ARRAY_SIZE(start_items)];
	AUTO_FREE char *text = describe(menu);
	struct page page = {
		.id = "start",
		.title = TEXT_START_TITLE,
		.help = TEXT_HELP_START,
		.text = text,
		.buttons = { TEXT_GO_ON },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;
	enum step step = STEP_START;

	menu->follow_answer = menu->choices.system_state = false;
	explicit_bzero(menu->choices.keys, sizeof(menu->choices.keys));
	menu->resume_disk[0] = '\0';
	offer(menu, &page, tags);
	page.item = menu->start_item < page.item_count ? menu->start_item : 0;
	answer = show_and_look(menu, &page);
	/* what there is to tell may have grown meanwhile; the cursor stays where it was */
	menu->start_item = answer.end == PAGE_READY ? page.item : 0;
	if (answer.end == PAGE_READY)
		step = menu_half(menu) ? page_half(menu, menu_half(menu)) : STEP_START;
	else if (answer.end == PAGE_GONE)
		step = STEP_LEAVE;
	else if (answer.end == PAGE_BUTTON && page.item < page.item_count)
		step = go(menu, tags[page.item]);
	page_items_clear(&page);
	return step;
}
