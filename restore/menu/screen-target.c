/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which volumes, and onto which disk: for each disk that the backup had. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

/* -- volumes ------------------------------------------------------------------------- */

enum volumes_tag { VOLUMES_CRITICAL, VOLUMES_ALL, VOLUMES_CHOOSE, VOLUMES_COUNT };

/* As --volumes takes it. */
static const char *volume_name(const struct backup_volume *volume)
{
	if (volume->access_path.value)
		return volume->access_path.value;
	if (volume->role == ROLE_ESP)
		return "ESP";
	return volume->label.value ? volume->label.value : "";
}

static char *describe_volume(const struct backup_volume *volume)
{
	char size[SIZE_TEXT_SIZE];

	return text_format("%-10s %-20s %9s  %s", volume_name(volume),
			   volume_role_text(volume->role),
			   size_format(volume->length, size),
			   volume->label.value ? volume->label.value : "");
}

static enum volumes_tag chosen_volumes(const struct choices *choices)
{
	if (!choices->volumes[0] || strcmp(choices->volumes, "critical") == 0)
		return VOLUMES_CRITICAL;
	return strcmp(choices->volumes, "all") == 0 ? VOLUMES_ALL : VOLUMES_CHOOSE;
}

/* Among the names that were chosen before; else what Windows needs. */
static bool is_ticked(const struct choices *choices, const struct backup_volume *volume)
{
	const char *name = volume_name(volume), *at = choices->volumes;
	char guid[GUID_TEXT_SIZE + 2];
	char text[GUID_TEXT_SIZE];

	if (chosen_volumes(choices) != VOLUMES_CHOOSE)
		return volume->critical.value;
	snprintf(guid, sizeof(guid), "{%s}",
		 guid_format(&volume->volume_guid.value, text));
	while (*at) {
		size_t length = strcspn(at += strspn(at, ", "), ",");

		while (length && at[length - 1] == ' ')
			length--;
		if ((length == strlen(name) && strncasecmp(at, name, length) == 0) ||
		    (length == strlen(guid) && strncasecmp(at, guid, length) == 0))
			return length > 0;
		at += strcspn(at, ",");
	}
	return false;
}

static void take_volumes(struct choices *choices, const struct page *page,
			 const struct backup_version *version)
{
	struct text names = { 0 };
	AUTO_FREE char *list = NULL;
	size_t item = 0;

	for (size_t i = 0; i < version->volume_count && item < page->item_count; i++) {
		char guid[GUID_TEXT_SIZE];
		const struct backup_volume *volume = &version->volumes[i];
		const char *name = volume_name(volume);

		if (!page->items[item++].checked)
			continue;
		text_add(&names, "%s", names.length ? "," : "");
		if (name[0])
			text_add(&names, "%s", name);
		else
			text_add(&names, "{%s}",
				 guid_format(&volume->volume_guid.value, guid));
	}
	list = text_take(&names);
	snprintf(choices->volumes, sizeof(choices->volumes), "%s", list ? list : "");
}

static struct page_answer tick_volumes(struct menu *menu)
{
	const struct backup_version *version = menu->version;
	struct page page = {
		.id = "backup.volumes",
		.title = TEXT_VOLUMES_TITLE,
		.help = TEXT_HELP_VOLUMES,
		.text = text_of(TEXT_TICK_TEXT),
		.several = true,
		.buttons = { TEXT_GO_ON, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	for (size_t i = 0; i < version->volume_count; i++)
		if (page_add_item(&page, describe_volume(&version->volumes[i]), NULL))
			page.items[page.item_count - 1].checked =
				is_ticked(&menu->choices, &version->volumes[i]);
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_BUTTON && answer.button == 0)
		take_volumes(&menu->choices, &page, version);
	page_items_clear(&page);
	return answer;
}

static struct page_answer choose_volumes(struct menu *menu)
{
	static const struct {
		enum text_id text;
		const char *word;
	} kinds[VOLUMES_COUNT] = {
		[VOLUMES_CRITICAL] = { TEXT_VOLUMES_CRITICAL, "critical" },
		[VOLUMES_ALL] = { TEXT_VOLUMES_ALL, "all" },
		[VOLUMES_CHOOSE] = { TEXT_VOLUMES_CHOOSE, NULL },
	};
	struct page page = {
		.id = "backup.volumes",
		.title = TEXT_VOLUMES_TITLE,
		.help = TEXT_HELP_VOLUMES,
		.text = text_of(TEXT_VOLUMES_TEXT),
		.item = chosen_volumes(&menu->choices),
		.buttons = { TEXT_GO_ON, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	for (size_t i = 0; i < VOLUMES_COUNT; i++)
		page_add_item(&page, strdup(text_of(kinds[i].text)), NULL);
	do {
		answer = ui_show(&menu->ui, &page);
		if (answer.end != PAGE_BUTTON || answer.button != 0)
			break;
		if (page.item != VOLUMES_CHOOSE) {
			snprintf(menu->choices.volumes, sizeof(menu->choices.volumes),
				 "%s", kinds[page.item].word);
			break;
		}
		answer = tick_volumes(menu);
	} while (answer.end == PAGE_BACK || answer.button != 0);
	page_items_clear(&page);
	return answer;
}

/* -- disks --------------------------------------------------------------------------- */

bool menu_read_disks(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL;
	struct err err;
	int status;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "disks");
	arguments_add(&arguments, "--json", NULL);
	if (menu->options->image)
		arguments_add(&arguments, NULL, menu->options->image);
	status = menu_command(menu, TEXT_LOOKING_AT_DISKS, &arguments, &output, &errors);
	if (status > 0)
		menu_show_failure(menu, errors);
	if (status != 0)
		return false;
	disk_items_clear(&menu->disks);
	if (disk_items_parse(output, &menu->disks, &err) == 0)
		return true;
	menu_show_failure(menu, err.text);
	return false;
}

enum disk_button { DISK_TAKE, DISK_AGAIN, DISK_EXCLUDE, DISK_BACK };

static char *ask_for_disk(const struct menu *menu, size_t number)
{
	const struct source_disk *disk = &menu->version->disks[number];
	char size[SIZE_TEXT_SIZE];

	if (menu->version->disk_count == 0)
		return strdup(text_of(TEXT_TARGET_TEXT));
	return text_format("%s\n%s %zu: %s, %zu %s", text_of(TEXT_TARGET_TEXT),
			   text_of(TEXT_SOURCE_DISK), number,
			   size_format(disk->size.value, size), disk->partition_count,
			   text_of(TEXT_PARTITIONS));
}

static const char *find_exclude(const struct choices *choices, const char *which)
{
	for (size_t i = 0; i < CHOICES_DISKS && choices->excludes[i][0]; i++)
		if (strcasecmp(choices->excludes[i], which) == 0)
			return choices->excludes[i];
	return NULL;
}

/* Disks that are here; one that an answer file names and that is not here stays named, and the plan
 * refuses it: nobody knows what it was meant to protect. */
static void take_excludes(struct menu *menu, const struct page *page)
{
	struct choices *choices = &menu->choices;
	size_t count = 0, item = 0;

	for (size_t i = 0; i < CHOICES_DISKS && choices->excludes[i][0]; i++)
		if (!disk_items_find(&menu->disks, choices->excludes[i]))
			memmove(choices->excludes[count++], choices->excludes[i],
				CHOICE_SIZE);
	for (size_t i = 0; i < menu->disks.count && item < page->item_count; i++) {
		const char *which = menu->disks.items[i].which;

		if (which[0] && page->items[item++].checked && count < CHOICES_DISKS)
			snprintf(choices->excludes[count++], CHOICE_SIZE, "%s", which);
	}
	while (count < CHOICES_DISKS)
		choices->excludes[count++][0] = '\0';
}

/* Only disks that have a name. */
static void exclude_disks(struct menu *menu)
{
	struct page page = {
		.id = "target.exclude",
		.title = TEXT_EXCLUDE_TITLE,
		.help = TEXT_HELP_EXCLUDE,
		.text = text_of(TEXT_EXCLUDE_TEXT),
		.several = true,
		.buttons = { TEXT_OK, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer = { .end = PAGE_BACK };

	for (size_t i = 0; i < menu->disks.count; i++) {
		const struct disk_item *disk = &menu->disks.items[i];

		if (!disk->which[0])
			continue;
		if (!page_add_item(&page, strdup(disk->line), NULL))
			break;
		page.items[page.item_count - 1].checked =
			find_exclude(&menu->choices, disk->which);
	}
	if (page.item_count)
		answer = ui_show(&menu->ui, &page);
	else
		ui_message(&menu->ui, TEXT_EXCLUDE_TITLE, text_of(TEXT_EXCLUDE_NONE));
	if (answer.end == PAGE_BUTTON && answer.button == 0)
		take_excludes(menu, &page);
	page_items_clear(&page);
}

/* NULL: it can be chosen. */
static const char *why_not(const struct menu *menu, const struct disk_item *disk)
{
	if (disk->reason)
		return disk->reason;
	if (!disk->which[0])
		return text_of(TEXT_DISK_WITHOUT_NAME);
	return find_exclude(&menu->choices, disk->which) ? text_of(TEXT_EXCLUDED) : NULL;
}

/* Does it carry the ids of that disk of the backup? */
static bool is_same(const struct menu *menu, size_t number, const struct disk_item *disk)
{
	const struct source_disk *source;
	char id[GUID_TEXT_SIZE] = "";

	if (number >= menu->version->disk_count)
		return false;
	source = &menu->version->disks[number];
	if (source->disk_id.origin != ORIGIN_NONE)
		guid_format(&source->disk_id.value, id);
	else if (source->mbr_signature.origin != ORIGIN_NONE)
		snprintf(id, sizeof(id), "%08" PRIx64, source->mbr_signature.value);
	return id[0] && strcasecmp(id, disk->table_id) == 0;
}

/* In this order: the disk that was backed up itself, others, removable ones, and what cannot be
 * chosen. */
enum disk_rank { RANK_SAME, RANK_OTHER, RANK_REMOVABLE, RANK_NOT, DISK_RANKS };

static enum disk_rank rank_disk(const struct menu *menu, size_t number,
				const struct disk_item *disk)
{
	if (why_not(menu, disk))
		return RANK_NOT;
	if (is_same(menu, number, disk))
		return RANK_SAME;
	return disk->removable ? RANK_REMOVABLE : RANK_OTHER;
}

static void add_disk(const struct menu *menu, size_t number, const struct disk_item *disk,
		     struct page *page)
{
	const char *reason = why_not(menu, disk), *chosen = menu->choices.disks[number];
	bool same = is_same(menu, number, disk);
	struct page_item *item;

	if (!page_add_item(page, strdup(disk->line), reason ? strdup(reason) : NULL))
		return;
	item = &page->items[page->item_count - 1];
	item->marked = same && !reason;
	item->note =
		same ? text_format("%s; %s", text_of(TEXT_TARGET_SAME), disk->content)
		     : strdup(disk->content);
	if (chosen[0] && strcasecmp(disk->which, chosen) == 0)
		page->item = page->item_count - 1;
}

/* The first item of further disks: found by its ids, or not needed. order: which disk each of the
 * others is. */
static void fill_disks(const struct menu *menu, size_t number, struct page *page,
		       const struct disk_item **order)
{
	const char *chosen = menu->choices.disks[number];

	if (number)
		page_add_item(page, strdup(text_of(TEXT_TARGET_BY_IDS)), NULL);
	for (enum disk_rank rank = 0; rank < DISK_RANKS; rank++)
		for (size_t i = 0; i < menu->disks.count; i++) {
			const struct disk_item *disk = &menu->disks.items[i];

			if (rank_disk(menu, number, disk) != rank)
				continue;
			*order++ = disk;
			add_disk(menu, number, disk, page);
		}
	if (!menu->options->environment &&
	    page_add_item(page, strdup(text_of(TEXT_TARGET_FILE)), NULL) &&
	    strchr(chosen, '/'))
		page->item = page->item_count - 1;
	while (page->item + 1 < page->item_count && page->items[page->item].reason)
		page->item++;
}

/* A disk image, made anew if it is not there. */
static bool ask_for_file(struct menu *menu, const char *id, char *chosen)
{
	char path[CHOICE_SIZE];
	struct page_field field = { id,		  TEXT_FIELD_PATH, path,
				    sizeof(path), FIELD_OPEN,	   NULL };
	struct page page = {
		.id = id,
		.title = TEXT_TARGET_TITLE,
		.help = TEXT_HELP_TARGET,
		.text = text_of(TEXT_TARGET_FILE_TEXT),
		.field_count = 1,
		.fields = &field,
		.buttons = { TEXT_GO_ON, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;

	snprintf(path, sizeof(path), "%s", strchr(chosen, '/') ? chosen : "");
	do {
		answer = ui_show(&menu->ui, &page);
		if (answer.end != PAGE_BUTTON || answer.button != 0)
			return false;
		field.wrong = text_of(TEXT_TARGET_FILE_WRONG);
	} while (!strchr(path, '/'));
	snprintf(chosen, CHOICE_SIZE, "%s", path);
	return true;
}

static struct page_answer choose_disk(struct menu *menu, size_t number, const char *what)
{
	char *chosen = menu->choices.disks[number], id[32];
	AUTO_FREE char *text = what ? strdup(what) : ask_for_disk(menu, number);
	AUTO_FREE const struct disk_item **order =
		calloc(menu->disks.count + 1, sizeof(const struct disk_item *));
	struct page page = {
		.id = id,
		.title = TEXT_TARGET_TITLE,
		.help = TEXT_HELP_TARGET,
		.text = text,
		.buttons = { TEXT_GO_ON, TEXT_SEARCH_AGAIN, TEXT_EXCLUDE, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	size_t before = number > 0; /* the item that is no disk */
	struct page_answer answer = { .end = PAGE_BACK };

	if (!order)
		return answer;
	snprintf(id, sizeof(id), "target.disk%zu", number);
	fill_disks(menu, number, &page, order);
	answer = ui_show(&menu->ui, &page);
	if (answer.end == PAGE_BUTTON && answer.button == 0) {
		const char *which = "";
		bool file = page.item >= before + menu->disks.count;

		if (page.item >= before && !file)
			which = order[page.item - before]->which;
		if (!file)
			snprintf(chosen, CHOICE_SIZE, "%s", which);
		else if (!ask_for_file(menu, id, chosen))
			answer.button = DISK_AGAIN;
	}
	page_items_clear(&page);
	return answer;
}

enum step menu_choose_disks(struct menu *menu, size_t count, const char *what)
{
	if (count > CHOICES_DISKS)
		count = CHOICES_DISKS;
	for (size_t i = 0; i < (count ? count : 1);) {
		struct page_answer answer = choose_disk(menu, i, what);

		if (answer.end == PAGE_GONE)
			return STEP_LEAVE;
		if (answer.end != PAGE_BUTTON || answer.button == DISK_BACK) {
			if (i-- == 0)
				return STEP_BACK;
		} else if (answer.button == DISK_EXCLUDE) {
			exclude_disks(menu);
		} else if (answer.button == DISK_AGAIN) {
			if (!menu_read_disks(menu))
				return STEP_BACK;
		} else if (menu->choices.disks[i][0] || i) {
			i++;
		}
	}
	return STEP_NEXT;
}

enum step screen_target(struct menu *menu)
{
	for (;;) {
		struct page_answer answer = choose_volumes(menu);
		enum step step;

		if (answer.end == PAGE_GONE)
			return STEP_LEAVE;
		if (answer.end != PAGE_BUTTON || answer.button != 0)
			return STEP_BACK;
		if (!menu_read_disks(menu))
			return STEP_BACK;
		step = menu_choose_disks(menu, menu->version->disk_count, NULL);
		if (step != STEP_BACK)
			return step;
	}
}
