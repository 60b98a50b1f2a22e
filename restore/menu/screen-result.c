/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the restore ended, and what to do next. */
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

/* By exit status (ARCHITECTURE.md section 7). */
static enum text_id verdict(int status)
{
	static const enum text_id verdicts[] = {
		TEXT_RESULT_DONE,    TEXT_RESULT_FAILED,  TEXT_RESULT_FAILED,
		TEXT_RESULT_STOPPED, TEXT_RESULT_REFUSED, TEXT_RESULT_RESUMABLE,
	};

	if (status < 0 || (size_t)status >= ARRAY_SIZE(verdicts))
		return TEXT_RESULT_FAILED;
	return verdicts[status];
}

#define RESUMABLE 5 /* exit status */

static enum step leave(struct menu *menu, enum menu_end end)
{
	menu->end = end;
	return STEP_LEAVE;
}

enum step screen_result(struct menu *menu)
{
	AUTO_FREE char *text =
		text_format("%s\n\n%s", text_of(verdict(menu->result_status)),
			    menu->result ? menu->result : "");
	struct page page = {
		.id = "result",
		.title = menu->result_status == 0 ? TEXT_RESULT_TITLE
						  : TEXT_RESULT_BAD_TITLE,
		.help = TEXT_HELP_RESULT,
		.text = text,
		.scrolls = true,
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	enum text_id *button = page.buttons;
	struct page_answer answer;

	if (menu->result_status == RESUMABLE)
		*button++ = TEXT_RESUME;
	*button++ = TEXT_FIRST_SCREEN;
	if (menu->options->environment) {
		*button++ = TEXT_START_REBOOT;
		*button++ = TEXT_START_POWER_OFF;
	} else {
		*button++ = TEXT_START_LEAVE;
	}
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_GONE)
		return STEP_LEAVE;
	if (answer.end != PAGE_BUTTON)
		return STEP_START;
	switch (page.buttons[answer.button]) {
	case TEXT_RESUME:
		return STEP_RESUME;
	case TEXT_START_REBOOT:
		return leave(menu, MENU_REBOOT);
	case TEXT_START_POWER_OFF:
		return leave(menu, MENU_POWER_OFF);
	case TEXT_START_LEAVE:
		return leave(menu, MENU_LEFT);
	default:
		return STEP_START;
	}
}
