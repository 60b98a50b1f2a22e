/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the backup is, and the search for it, whose list grows. */
#include <string.h>

#include <jansson.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "../cli/clock.h"
#include "local-scan.h"

/* -- the search ---------------------------------------------------------------------- */

struct search {
	struct task task;
	struct page *page;
	char text[256];
};

static void take_progress(const char *line, void *context)
{
	struct search *search = context;
	json_t *root = json_loads(line, 0, NULL);
	const char *found = json_string_value(json_object_get(root, "found"));
	char folders[24], files[24];

	if (found)
		page_add_item(search->page, strdup(found), NULL);
	snprintf(folders, sizeof(folders), "%lld",
		 json_integer_value(json_object_get(root, "folders")));
	snprintf(files, sizeof(files), "%lld",
		 json_integer_value(json_object_get(root, "files")));
	text_fill(TEXT_SEARCHED, folders, files, search->text, sizeof(search->text));
	json_decref(root);
}

static int went_on(struct page *page, void *context)
{
	struct search *search = context;
	bool ended = task_read(&search->task);

	page->text = search->text;
	return ended;
}

/* *ret_locked: what it said of BitLocker volumes; the person is asked for their key then. */
static int understand(struct menu *menu, struct search *search, char **ret_locked)
{
	AUTO_FREE char *output = text_take(&search->task.output);
	AUTO_FREE char *errors = text_take(&search->task.errors);
	struct err err = { 0 };

	*ret_locked = unlock_lines(errors);
	if (task_exit_status(&search->task) != 0) {
		if (*ret_locked)
			return -1;
		if (choices_from_share(&menu->choices))
			menu_show_share_failure(menu, errors);
		else
			menu_show_failure(menu, errors);
		return -1;
	}
	backup_free(TAKE_PTR(menu->backup));
	menu->machine = NULL;
	menu->version = NULL;
	if (!output ||
	    backup_from_json(output, strlen(output), &menu->backup, &err) < 0) {
		menu_show_failure(menu, err.text);
		return -1;
	}
	return 0;
}

static enum step search(struct menu *menu, const struct arguments *arguments,
			char **ret_locked)
{
	struct task_wishes wishes = menu_task(menu, arguments);
	struct search search = { 0 };
	struct page page = {
		.id = "search",
		.title = TEXT_SEARCH_TITLE,
		.help = TEXT_HELP_SOURCE,
		.text = text_of(TEXT_PLEASE_WAIT),
		.grows = true,
		.buttons = { TEXT_CANCEL },
		.bar = PAGE_NO_BAR,
		.ready = went_on,
		.context = &search,
	};
	struct page_answer answer;
	enum step step = STEP_BACK;
	struct err err;

	search.page = &page;
	wishes.progress = take_progress;
	wishes.context = &search;
	if (task_start(&wishes, &search.task, &err) < 0) {
		menu_show_failure(menu, err.text);
		return STEP_BACK;
	}
	page.fd = search.task.fd;
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_READY && understand(menu, &search, ret_locked) == 0)
		step = STEP_NEXT;
	task_finish(&search.task);
	page_items_clear(&page);
	return answer.end == PAGE_GONE ? STEP_LEAVE : step;
}

bool menu_network_up(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	int status;

	if (!menu->options->environment || !choices_from_share(&menu->choices))
		return true;
	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "net");
	arguments_add(&arguments, NULL, "up");
	menu_add_network(menu, &arguments);
	menu_add_clock(menu, &arguments);
	status = menu_command(menu, TEXT_NETWORK_UP, &arguments, &output, &errors);
	if (status > 0)
		menu_show_failure(menu, errors);
	clock_note(output, menu->clock, sizeof(menu->clock));
	return status == 0;
}

static enum step scan(struct menu *menu, char **ret_locked)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	struct choices *choices = &menu->choices;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "scan");
	arguments_add(&arguments, NULL, choices->source);
	choices_add_source(choices, &menu_secrets, &arguments);
	arguments_add(&arguments, "--json", NULL);
	arguments_add(&arguments, "--progress-fd", "4");
	return search(menu, &arguments, ret_locked);
}

/* Keys are for the source that they were typed for. */
static void forget_keys(struct menu *menu)
{
	struct choices *choices = &menu->choices;

	if (strcmp(menu->searched, choices->source) == 0)
		return;
	explicit_bzero(choices->keys, sizeof(choices->keys));
	snprintf(menu->searched, sizeof(menu->searched), "%s", choices->source);
}

static enum step find_backups(struct menu *menu)
{
	forget_keys(menu);
	if (!menu_network_up(menu))
		return STEP_BACK;
	for (;;) {
		AUTO_FREE char *locked = NULL;
		enum step step = scan(menu, &locked);

		if (!locked)
			return step;
		switch (page_unlock(menu, locked, step == STEP_NEXT)) {
		case UNLOCK_GIVEN:
			break;
		case UNLOCK_WITHOUT:
			return STEP_NEXT;
		case UNLOCK_BACK:
			return STEP_BACK;
		case UNLOCK_GONE:
			return STEP_LEAVE;
		}
	}
}

/* -- the screen ---------------------------------------------------------------------- */

enum source_button {
	SOURCE_SEARCH,
	SOURCE_BROWSE,
	SOURCE_LOCAL,
	SOURCE_NETWORK,
	SOURCE_BACK
};

/* The field that something is wrong with is marked. */
static bool is_complete(const struct choices *choices, struct page_field *fields)
{
	bool share = choices_from_share(choices);

	fields[0].wrong = choices->source[0] ? NULL : text_of(TEXT_SOURCE_MISSING);
	fields[1].wrong = share && !choices->user[0] ? text_of(TEXT_USER_MISSING) : NULL;
	fields[2].wrong =
		share && !choices->password[0] ? text_of(TEXT_PASSWORD_MISSING) : NULL;
	return !fields[0].wrong && !fields[1].wrong && !fields[2].wrong;
}

/* A name alone is a server's here. */
static void browse(struct menu *menu, struct page_field *fields)
{
	struct choices *choices = &menu->choices;
	char typed[sizeof(choices->source)];

	if (choices->source[0] && !choices_from_share(choices)) {
		memcpy(typed, choices->source, sizeof(typed));
		snprintf(choices->source, sizeof(choices->source), "smb://%.*s",
			 (int)(sizeof(typed) - sizeof("smb://")), typed);
	}
	if (!is_complete(choices, fields)) {
		if (fields[0].wrong)
			fields[0].wrong = text_of(TEXT_SERVER_MISSING);
		return;
	}
	if (menu_network_up(menu))
		page_browse(menu);
}

/* The screen while the disks of this machine are searched. */
struct asking {
	const struct menu *menu;
	struct local_scan local;
	char *text; /* owned */
};

/* Two lines for the disks, whatever is told of them: the rows below stay where they are. */
static void tell(struct asking *asking, struct page *page)
{
	const char *clock = asking->menu->clock;
	AUTO_FREE char *wrapped = NULL;
	char local[256];

	local_scan_text(asking->menu, &asking->local, local, sizeof(local));
	wrapped = page_wrap(local, PAGE_WIDTH);
	free(asking->text);
	asking->text = text_format(
		"%s%s%s%s%s%s%s", text_of(TEXT_SOURCE_TEXT), clock[0] ? "\n" : "",
		clock[0] ? text_of(TEXT_CLOCK) : "", clock, local[0] ? "\n" : "", local,
		local[0] && wrapped && !strchr(wrapped, '\n') ? "\n " : "");
	page->text = asking->text;
}

/* The page stays: somebody may be typing. */
static int search_went_on(struct page *page, void *context)
{
	struct asking *asking = context;

	if (local_scan_read(&asking->local))
		tell(asking, page);
	return 0;
}

static struct page_answer ask(struct menu *menu, struct asking *asking, struct page *page)
{
	struct page_answer answer;

	local_scan_start(menu, &asking->local);
	tell(asking, page);
	page->fd = asking->local.runs ? asking->local.task.fd : -1;
	page->ready = search_went_on;
	page->context = asking;
	answer = ui_show(&menu->ui, page);
	page->fd = -1;
	local_scan_stop(&asking->local);
	return answer;
}

/* What was found without being asked needs no second search. */
static enum step take_local(struct menu *menu, struct local_scan *local)
{
	if (!local->found || local->locked)
		return find_backups(menu);
	forget_keys(menu);
	backup_free(menu->backup);
	menu->backup = TAKE_PTR(local->found);
	menu->machine = NULL;
	menu->version = NULL;
	return STEP_NEXT;
}

static void asking_clear(struct asking *asking)
{
	local_scan_clear(&asking->local);
	free(asking->text);
}

enum step screen_source(struct menu *menu)
{
	AUTO(asking_clear) struct asking asking = { .menu = menu };
	struct choices *choices = &menu->choices;
	struct page_field fields[] = {
		{ "source.url", TEXT_FIELD_SOURCE, choices->source,
		  sizeof(choices->source), FIELD_OPEN, NULL },
		{ "source.user", TEXT_FIELD_USER, choices->user, sizeof(choices->user),
		  FIELD_OPEN, NULL },
		{ "source.password", TEXT_FIELD_PASSWORD, choices->password,
		  sizeof(choices->password), FIELD_SECRET, NULL },
	};
	struct page page = {
		.id = "source",
		.title = TEXT_SOURCE_TITLE,
		.help = TEXT_HELP_SOURCE,
		.field_count = ARRAY_SIZE(fields),
		.fields = fields,
		.buttons = { TEXT_SEARCH, TEXT_BROWSE, TEXT_LOCAL_DISKS, TEXT_NETWORK,
			     TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	enum step step = STEP_BACK;

	while (step == STEP_BACK) {
		struct page_answer answer = ask(menu, &asking, &page);

		if (answer.end == PAGE_GONE)
			return STEP_LEAVE;
		if (answer.end != PAGE_BUTTON || answer.button == SOURCE_BACK)
			return STEP_BACK;
		if (answer.button == SOURCE_NETWORK) {
			page_network(menu);
			continue;
		}
		if (answer.button == SOURCE_BROWSE) {
			browse(menu, fields);
			continue;
		}
		if (answer.button == SOURCE_LOCAL)
			snprintf(choices->source, sizeof(choices->source), "%s",
				 local_place(menu));
		if (!is_complete(choices, fields))
			continue;
		step = answer.button == SOURCE_LOCAL ? take_local(menu, &asking.local)
						     : find_backups(menu);
	}
	return step;
}
