/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machine, which version: the newest whole one is proposed. */
#include <string.h>
#include <time.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

/* An item of the list. */
struct place {
	const struct backup_machine *machine;
	const struct backup_version *version;
};

/* "2026-08-31 21:00 UTC", and the local time of day where that is another. */
static char *format_time(const struct backup_version *version)
{
	time_t seconds = (time_t)version->time.value;
	char utc[TIME_TEXT_SIZE], local[16] = "";
	struct tm parts;

	if (version->time.origin == ORIGIN_NONE)
		return strdup("?");
	time_format((int64_t)version->time.value, utc);
	utc[strlen("2026-08-31 21:00")] = '\0';
	if (localtime_r(&seconds, &parts) && parts.tm_gmtoff != 0)
		strftime(local, sizeof(local), " (%H:%M)", &parts);
	return text_format("%s UTC%s", utc, local);
}

static uint64_t stored(const struct backup_version *version)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < version->volume_count; i++)
		bytes += version->volumes[i].image.file_size;
	return bytes;
}

static char *describe(const struct place *place)
{
	AUTO_FREE char *time = format_time(place->version);
	char size[SIZE_TEXT_SIZE];

	return text_format("%-15.15s %-28s %-8s %2zu %s %s", place->machine->name,
			   time ? time : "", health_text(place->version->health),
			   place->version->volume_count, text_of(TEXT_VOLUMES_SHORT),
			   size_format(stored(place->version), size));
}

/* Why it is not proposed; it cannot be restored bare-metal then. */
static char *reasons(const struct backup_version *version)
{
	struct text text = { 0 };

	if (version->health == HEALTH_WHOLE)
		return NULL;
	for (size_t i = 0; i < version->reason_count; i++)
		text_add(&text, "%s%s", i ? "; " : "", version->reasons[i]);
	return text_take(&text);
}

static size_t count_versions(const struct backup *backup)
{
	size_t count = 0;

	for (size_t i = 0; i < backup->machine_count; i++)
		count += backup->machines[i].version_count;
	return count;
}

/* What was chosen before, or is named by an answer file; NULL: nothing, or it is not there. */
static const struct backup_version *find_chosen(const struct menu *menu)
{
	const struct choices *choices = &menu->choices;
	const char *version = choices->version[0] ? choices->version : NULL;
	const struct backup_machine *machine;
	const struct backup_version *chosen = NULL;
	struct err err = { 0 };

	if (!choices->machine[0] && !version)
		return NULL;
	if (backup_choose(menu->backup, choices->machine[0] ? choices->machine : NULL,
			  version, &machine, &chosen, &err) < 0)
		return NULL;
	return chosen;
}

/* The cursor stands on what was chosen, else on the newest whole version of any machine. */
static void fill(const struct menu *menu, struct page *page, struct place *places)
{
	const struct backup_version *chosen = find_chosen(menu), *best = NULL;
	const struct backup *backup = menu->backup;

	for (size_t i = 0; i < backup->machine_count; i++)
		for (size_t j = 0; j < backup->machines[i].version_count; j++) {
			struct place place = { &backup->machines[i],
					       &backup->machines[i].versions[j] };

			if (!page_add_item(page, describe(&place),
					   reasons(place.version)))
				return;
			places[page->item_count - 1] = place;
			if (chosen ? place.version == chosen
				   : place.version->health == HEALTH_WHOLE &&
					     (!best || place.version->time.value >
							       best->time.value)) {
				best = place.version;
				page->item = page->item_count - 1;
			}
		}
}

/* "2026-08-31T21:00Z", as --version takes it. */
static void take(struct menu *menu, const struct place *place)
{
	struct choices *choices = &menu->choices;
	char utc[TIME_TEXT_SIZE];

	if (!place->machine) /* the list could not be made in full */
		return;
	menu->machine = place->machine;
	menu->version = place->version;
	snprintf(choices->machine, sizeof(choices->machine), "%s", place->machine->name);
	choices->version[0] = '\0';
	if (place->version->time.origin == ORIGIN_NONE)
		return;
	time_format((int64_t)place->version->time.value, utc);
	snprintf(choices->version, sizeof(choices->version), "%.10sT%.5sZ", utc,
		 utc + 11);
}

static void show_details(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	struct choices *choices = &menu->choices;
	int status;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "show");
	arguments_add(&arguments, NULL, choices->source);
	choices_add_source(choices, &menu_secrets, &arguments);
	arguments_add(&arguments, "--machine", choices->machine);
	arguments_add(&arguments, "--version", choices->version);
	status = menu_command(menu, TEXT_DETAILS, &arguments, &output, &errors);
	if (status == 0)
		ui_text(&menu->ui, TEXT_DETAILS, output);
	else if (status > 0)
		menu_show_failure(menu, errors);
}

/* True: *step leads away from this screen. */
static bool act(struct menu *menu, enum text_id button, enum step *step)
{
	switch (button) {
	case TEXT_DETAILS:
		show_details(menu);
		return false;
	case TEXT_FILES_BUTTON:
		page_files(menu);
		return false;
	case TEXT_STATE_BUTTON:
		*step = page_state(menu);
		return *step != STEP_BACK;
	default:
		*step = STEP_NEXT;
		return true;
	}
}

enum step screen_backup(struct menu *menu)
{
	AUTO_FREE struct place *places =
		calloc(count_versions(menu->backup) + 1, sizeof(*places));
	struct page page = {
		.id = "backup.version",
		.title = TEXT_BACKUP_TITLE,
		.help = TEXT_HELP_BACKUP,
		.text = text_of(TEXT_BACKUP_TEXT),
		.buttons = { TEXT_GO_ON, TEXT_DETAILS, TEXT_FILES_BUTTON,
			     TEXT_STATE_BUTTON, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;
	enum step step = STEP_BACK;

	if (places)
		fill(menu, &page, places);
	while (page.item_count) {
		answer = ui_show(&menu->ui, &page);
		step = answer.end == PAGE_GONE ? STEP_LEAVE : STEP_BACK;
		if (answer.end != PAGE_BUTTON || page.buttons[answer.button] == TEXT_BACK)
			break;
		take(menu, &places[page.item]);
		if (act(menu, page.buttons[answer.button], &step))
			break;
	}
	page_items_clear(&page);
	return step;
}
