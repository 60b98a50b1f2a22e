/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk on which a restore stopped half-way, as its journal tells: resume it, begin again, or leave
 * it. The journal comes from a disk: what it says is shown before anything is given to the server
 * that it names.
 */
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

const struct disk_item *menu_half(const struct menu *menu)
{
	return disk_items_half(&menu->halves);
}

static void add_line(struct text *text, enum text_id id, const char *value1,
		     const char *value2)
{
	char line[CHOICE_SIZE];

	text_fill(id, value1, value2, line, sizeof(line));
	text_add(text, "%s\n", line);
}

static char *describe(const struct disk_item *disk, bool share)
{
	const struct half_restore *half = disk->half;
	char backup[TIME_TEXT_SIZE], written[TIME_TEXT_SIZE], done[SIZE_TEXT_SIZE],
		total[SIZE_TEXT_SIZE];
	struct text text = { 0 };

	text_add(&text, "%s\n%s\n", text_of(TEXT_HALF_TEXT), disk->line);
	add_line(&text, TEXT_HALF_BACKUP, half->machine,
		 time_format(half->backup_time, backup));
	add_line(&text, TEXT_HALF_DONE, size_format(half->done, done),
		 size_format(half->total, total));
	add_line(&text, TEXT_HALF_WHEN, time_format(half->written, written), half->plan);
	add_line(&text, TEXT_HALF_SOURCE, half->source, NULL);
	if (share)
		text_add(&text, "%s", text_of(TEXT_HALF_LOGIN));
	return text_take(&text);
}

static bool is_complete(struct page_field *fields, size_t count)
{
	static const enum text_id missing[] = { TEXT_USER_MISSING,
						TEXT_PASSWORD_MISSING };
	bool complete = true;

	for (size_t i = 0; i < count && i < ARRAY_SIZE(missing); i++) {
		fields[i].wrong = fields[i].value[0] ? NULL : text_of(missing[i]);
		complete = complete && !fields[i].wrong;
	}
	return complete;
}

enum half_button { HALF_RESUME, HALF_AGAIN, HALF_LEAVE };

static enum step act(struct menu *menu, const struct disk_item *disk,
		     struct page_answer answer, const struct page *page)
{
	if (answer.end == PAGE_GONE)
		return STEP_LEAVE;
	if (answer.end != PAGE_BUTTON || answer.button == HALF_LEAVE)
		return STEP_START;
	if (answer.button == HALF_AGAIN)
		return STEP_NEXT;
	if (!is_complete(page->fields, page->field_count))
		return STEP_BACK;
	if (!menu_network_up(menu))
		return STEP_BACK;
	snprintf(menu->resume_disk, sizeof(menu->resume_disk), "%s", disk->which);
	return STEP_RESUME;
}

enum step page_half(struct menu *menu, const struct disk_item *disk)
{
	struct choices *choices = &menu->choices;
	struct page_field fields[] = {
		{ "source.user", TEXT_FIELD_USER, choices->user, sizeof(choices->user),
		  FIELD_OPEN, NULL },
		{ "source.password", TEXT_FIELD_PASSWORD, choices->password,
		  sizeof(choices->password), FIELD_SECRET, NULL },
	};
	struct page page = {
		.id = "half",
		.title = TEXT_HALF_TITLE,
		.help = TEXT_HELP_HALF,
		.fields = fields,
		.buttons = { TEXT_RESUME, TEXT_HALF_AGAIN, TEXT_HALF_LEAVE },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	AUTO_FREE char *text = NULL;
	enum step step = STEP_BACK;

	snprintf(choices->source, sizeof(choices->source), "%s", disk->half->source);
	if (choices_from_share(choices))
		page.field_count = ARRAY_SIZE(fields);
	text = describe(disk, page.field_count);
	page.text = text;
	while (step == STEP_BACK)
		step = act(menu, disk, ui_show(&menu->ui, &page), &page);
	return step;
}
