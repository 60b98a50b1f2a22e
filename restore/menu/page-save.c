/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Saving what was answered: to a path, the stick, the share. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "../cli/machine-facts.h"
#include "menu.h"

static const char *write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t length = strlen(text);
	bool written;

	if (fd < 0)
		return strerror(errno);
	written = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
	if (close(fd) == 0 && written)
		return NULL;
	return strerror(errno ? errno : EIO);
}

/* Where this machine, and no other, looks for it (restore/answer-machine.h). */
static char *share_place(const struct menu *menu)
{
	const char *share = menu->choices.source;
	size_t length = strlen(share);
	struct answer_machine machine;
	char name[ANSWER_NAME_MAX] = "";
	char *place;

	machine_facts_read("", &machine);
	for (size_t i = 0; !name[0] && answer_name(&machine, i, name); i++)
		;
	while (length && (share[length - 1] == '/' || share[length - 1] == '\\'))
		length--;
	place = text_format("%.*s/openbmr/%s", (int)length, share, name);
	for (char *c = place; c && share[0] == '\\' && *c; c++)
		if (*c == '/')
			*c = '\\';
	return place;
}

/* By a command in a process of its own, out of a file that is there only meanwhile. */
static bool keep(struct menu *menu, const char *text, const char *where)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	char path[] = "/tmp/openbmr-answers-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC), status;
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	if (!written) {
		menu_show_failure(menu, strerror(errno));
		return false;
	}
	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "put");
	arguments_add(&arguments, NULL, path);
	arguments_add(&arguments, NULL, where);
	if (choices_from_share(&menu->choices) && menu->choices.user[0])
		arguments_add(&arguments, "--credentials", TASK_CREDENTIALS);
	if (menu->choices.require_encryption)
		arguments_add(&arguments, "--encrypt", "required");
	status = menu_command(menu, TEXT_SAVE_TITLE, &arguments, &output, &errors);
	(void)unlink(path);
	if (status > 0)
		menu_show_failure(menu, errors);
	return status == 0;
}

static void say_saved(struct menu *menu, const char *where)
{
	AUTO_FREE char *text = text_format("%s\n\n%s", text_of(TEXT_SAVED), where);

	ui_message(&menu->ui, TEXT_SAVE_TITLE, text ? text : text_of(TEXT_SAVED));
}

/* What a button means: NULL is the path in the field. */
static char *place_of(const struct menu *menu, enum text_id button)
{
	if (button == TEXT_SAVE_SHARE)
		return share_place(menu);
	return button == TEXT_SAVE_STICK ? strdup("stick:openbmr.ini") : NULL;
}

/* False: it was not saved there. */
static bool save(struct menu *menu, const char *file, enum text_id button,
		 struct page_field *field)
{
	AUTO_FREE char *where = place_of(menu, button);

	if (where && !keep(menu, file, where))
		return false;
	if (!where)
		field->wrong = write_file(field->value, file);
	if (field->wrong)
		return false;
	say_saved(menu, where ? where : field->value);
	return true;
}

static void offer(const struct menu *menu, enum text_id *button)
{
	*button++ = TEXT_SAVE_NOW;
	if (menu->options->environment)
		*button++ = TEXT_SAVE_STICK;
	if (choices_from_share(&menu->choices))
		*button++ = TEXT_SAVE_SHARE;
	*button = TEXT_BACK;
}

void page_save(struct menu *menu)
{
	char path[CHOICE_SIZE] = "";
	AUTO_FREE char *command = choices_command_line(&menu->choices);
	AUTO_FREE char *file = choices_answer_file(&menu->choices);
	AUTO_FREE char *text = text_format("%s\n\n%s\n\n%s", text_of(TEXT_SAVE_TEXT),
					   command ? command : "", file ? file : "");
	struct page_field field = { "save.path",  TEXT_FIELD_PATH, path,
				    sizeof(path), FIELD_OPEN,	   NULL };
	struct page page = {
		.id = "save",
		.title = TEXT_SAVE_TITLE,
		.help = TEXT_HELP_SAVE,
		.text = text,
		.field_count = 1,
		.fields = &field,
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	bool saved = false;

	offer(menu, page.buttons);
	snprintf(path, sizeof(path), "%s", menu->options->save_path);
	while (file && !saved) {
		struct page_answer answer = ui_show(&menu->ui, &page);

		field.wrong = NULL;
		if (answer.end != PAGE_BUTTON || page.buttons[answer.button] == TEXT_BACK)
			return;
		saved = save(menu, file, page.buttons[answer.button], &field);
	}
}
