/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The key of BitLocker volumes that hold the backup. What is typed is checked by its own rule beside
 * the field, goes into the choices' keys, from there to commands in memory that has no name, and is
 * wiped when another source is searched, at the first screen, and at the end.
 */
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <restore/unlock.h>

#include "menu.h"

/* As long as Windows lets them be: 256 characters, of up to 4 bytes in UTF-8. */
#define PASSWORD_SIZE (4 * 256 + 1)

/* 48 digits, a mark between groups, and room for what was typed too much. */
#define RECOVERY_SIZE 80

#define LABEL_WIDTH 15 /* so that all of a recovery key can be seen */

struct typed {
	char recovery[RECOVERY_SIZE], password[PASSWORD_SIZE];
};

char *unlock_lines(const char *errors)
{
	struct text text = { 0 };

	for (const char *line = errors; line && *line;) {
		size_t length = strcspn(line, "\n");

		if (memmem(line, length, UNLOCK_LOCKED, strlen(UNLOCK_LOCKED)))
			text_add(&text, "%s%.*s", text.length ? "\n" : "", (int)length,
				 line);
		line += length + (line[length] == '\n');
	}
	return text.length ? text_take(&text) : NULL;
}

/* False: the field says what is wrong with it. */
static bool check(struct page_field *field, const struct typed *typed, char *wrong,
		  size_t size)
{
	unsigned group = typed->recovery[0] ? unlock_wrong_group(typed->recovery) : 0;
	enum text_id text = TEXT_NONE;
	char number[16];

	if (!typed->recovery[0] && !typed->password[0])
		text = TEXT_KEY_MISSING;
	else if (group > 8)
		text = TEXT_KEY_TOO_LONG;
	else if (group)
		text = TEXT_KEY_GROUP_WRONG;
	if (!text)
		return true;
	snprintf(number, sizeof(number), "%u", group);
	text_fill(text, number, NULL, wrong, size);
	field->wrong = wrong;
	return false;
}

/* Beside those that are there; where they have no room these are the only ones. */
static void keep(struct choices *choices, const struct typed *typed)
{
	size_t room = sizeof(choices->keys) - strlen(choices->keys);
	char *end;

	if (room < strlen(typed->recovery) + strlen(typed->password) + 32)
		explicit_bzero(choices->keys, sizeof(choices->keys));
	if (typed->recovery[0]) {
		end = strchr(choices->keys, '\0');
		snprintf(end, sizeof(choices->keys) - (size_t)(end - choices->keys),
			 "%s\n", typed->recovery);
	}
	if (typed->password[0]) {
		end = strchr(choices->keys, '\0');
		snprintf(end, sizeof(choices->keys) - (size_t)(end - choices->keys),
			 "password = %s\n", typed->password);
	}
}

static enum unlock_answer ask(struct menu *menu, struct page *page, struct typed *typed)
{
	char wrong[128];

	for (;;) {
		struct page_answer answer = ui_show(&menu->ui, page);
		enum text_id button = answer.end == PAGE_BUTTON
					      ? page->buttons[answer.button]
					      : TEXT_BACK;

		if (answer.end == PAGE_GONE)
			return UNLOCK_GONE;
		if (button == TEXT_BACK)
			return UNLOCK_BACK;
		if (button == TEXT_UNLOCK_WITHOUT)
			return UNLOCK_WITHOUT;
		if (button == TEXT_UNLOCK_SHOW) {
			for (size_t i = 0; i < page->field_count; i++)
				page->fields[i].secret =
					page->fields[i].secret == FIELD_SECRET
						? FIELD_SHOWN
						: FIELD_SECRET;
			continue;
		}
		if (check(&page->fields[0], typed, wrong, sizeof(wrong))) {
			keep(&menu->choices, typed);
			return UNLOCK_GIVEN;
		}
	}
}

enum unlock_answer page_unlock(struct menu *menu, const char *locked, bool may_go_on)
{
	struct typed typed = { 0 };
	AUTO_FREE char *text = text_format("%s\n%s", text_of(TEXT_UNLOCK_TEXT), locked);
	struct page_field fields[] = {
		{ "source.unlock", TEXT_FIELD_RECOVERY, typed.recovery,
		  sizeof(typed.recovery), FIELD_SECRET, NULL },
		{ "source.unlock.password", TEXT_FIELD_UNLOCK_PASSWORD, typed.password,
		  sizeof(typed.password), FIELD_SECRET, NULL },
	};
	struct page page = {
		.id = "source.unlock",
		.title = TEXT_UNLOCK_TITLE,
		.help = TEXT_HELP_UNLOCK,
		.text = text ? text : locked,
		.field_count = ARRAY_SIZE(fields),
		.fields = fields,
		.label_width = LABEL_WIDTH,
		.buttons = { TEXT_UNLOCK, TEXT_UNLOCK_SHOW },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	enum text_id *button = page.buttons + 2;
	enum unlock_answer answer;

	if (may_go_on)
		*button++ = TEXT_UNLOCK_WITHOUT;
	*button = TEXT_BACK;
	if (menu->choices.keys[0])
		fields[0].wrong = text_of(TEXT_KEY_REJECTED);
	/* none of them fits anything */
	if (!may_go_on)
		explicit_bzero(menu->choices.keys, sizeof(menu->choices.keys));
	answer = ask(menu, &page, &typed);
	explicit_bzero(&typed, sizeof(typed));
	return answer;
}
