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
		.buttons = { TEXT_FIRST_SCREEN, TEXT_START_REBOOT, TEXT_START_POWER_OFF },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	if (!menu->options->environment)
		page.buttons[1] = TEXT_START_LEAVE, page.buttons[2] = TEXT_NONE;
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_GONE)
		return STEP_LEAVE;
	if (answer.end != PAGE_BUTTON || answer.button == 0)
		return STEP_START;
	if (menu->options->environment)
		menu->end = answer.button == 1 ? MENU_REBOOT : MENU_POWER_OFF;
	return STEP_LEAVE;
}
