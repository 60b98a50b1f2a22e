/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first screen: what this machine is, and what one can do. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

enum start_tag {
	START_RESTORE,
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
	bool needs_environment, needs_answer, outside_only;
} start_items[] = {
	{ START_RESTORE, TEXT_START_RESTORE, false, false, false },
	{ START_ANSWER, TEXT_START_ANSWER, false, true, false },
	{ START_NETWORK, TEXT_START_NETWORK, false, false, false },
	{ START_KEYBOARD, TEXT_START_KEYBOARD, true, false, false },
	{ START_LANGUAGE, TEXT_START_LANGUAGE, false, false, false },
	{ START_REBOOT, TEXT_START_REBOOT, true, false, false },
	{ START_POWER_OFF, TEXT_START_POWER_OFF, true, false, false },
	{ START_LEAVE, TEXT_START_LEAVE, false, false, true },
};

/* The firmware's variable is 4 bytes of attributes and 1 of value. */
#define SECURE_BOOT_VARIABLE                                                             \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static enum text_id secure_boot(void)
{
	AUTO_CLOSE int fd = open(SECURE_BOOT_VARIABLE, O_RDONLY | O_CLOEXEC);
	char bytes[5];

	if (access("/sys/firmware/efi", F_OK) < 0)
		return TEXT_FIRMWARE_BIOS;
	if (fd < 0 || read(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		return TEXT_FIRMWARE_UEFI;
	return bytes[4] ? TEXT_SECURE_BOOT_ON : TEXT_SECURE_BOOT_OFF;
}

static void add_file_line(struct text *text, const char *path)
{
	AUTO_FCLOSE FILE *file = path ? fopen(path, "re") : NULL;
	char line[256];

	if (file && fgets(line, sizeof(line), file))
		text_add(text, "\n%s", line);
}

static bool offers_answer(const struct menu *menu)
{
	return menu->options->answer_path &&
	       access(menu->options->answer_path, R_OK) == 0;
}

static char *describe(const struct menu *menu)
{
	struct text text = { 0 };

	text_add(&text, "%s\n%s", text_of(TEXT_START_TEXT), text_of(secure_boot()));
	if (offers_answer(menu))
		text_add(&text, "\n%s", text_of(TEXT_ANSWER_FOUND));
	add_file_line(&text, menu->options->result_path);
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
		    (item->needs_answer && !offers_answer(menu)))
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

	menu->follow_answer = false;
	offer(menu, &page, tags);
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_GONE)
		step = STEP_LEAVE;
	else if (answer.end == PAGE_BUTTON && page.item < page.item_count)
		step = go(menu, tags[page.item]);
	page_items_clear(&page);
	return step;
}
