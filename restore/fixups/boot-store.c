/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot stores under change: see boot-store.h. */
#include "boot-store.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <base/utf.h>

#include "boot-variable.h"
#include "hives/hive-values.h"
#include "new-name.h"

/* Real stores have some ten device elements. */
#define CHANGES_MAX 1000

/* An element that is to get other bytes. */
struct change {
	hive_node node;
	uint8_t *bytes; /* owned */
	size_t length;
	bool whole_disk;
	struct bcd_device from, to;
	char *who; /* "Windows Boot Manager (device)"; owned */
};

struct patch_walk {
	const struct boot_store_job *job;
	struct hive *hive;
	hive_node object;
	const char *object_name;
	char *default_loader; /* name of its object, or NULL */
	bool default_found;
	size_t count;
	struct change *changes; /* CHANGES_MAX */
};

/* -- reading ---- */

/* NULL where there is no such text. */
static char *read_text(struct hive *hive, hive_node object, const char *element)
{
	AUTO_FREE char *path = text_format("Elements/%s", element);

	return path ? hive_text(hive, hive_find(hive, object, path), "Element") : NULL;
}

static const char *element_name(const char *number)
{
	static const struct {
		const char *number, *name;
	} names[] = {
		{ BCD_ELEMENT_DEVICE, "device" },
		{ BCD_ELEMENT_OS, "osdevice" },
		{ BCD_ELEMENT_SDI, "ramdisksdidevice" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].number, number) == 0)
			return names[i].name;
	return number;
}

/* "'Windows Boot Manager' device". */
static char *who(struct patch_walk *walk, const char *element)
{
	AUTO_FREE char *text = read_text(walk->hive, walk->object, BCD_ELEMENT_TEXT);

	return text_format("'%.100s' %s", text ? text : walk->object_name,
			   element_name(element));
}

/* -- one element ---- */

static bool must_work(const struct patch_walk *walk)
{
	return strcasecmp(walk->object_name, BCD_OBJECT_MANAGER) == 0 ||
	       (walk->default_loader &&
		strcasecmp(walk->object_name, walk->default_loader) == 0);
}

static int tell_lost(struct patch_walk *walk, const char *element,
		     const struct bcd_place *place, const struct new_name *name,
		     struct err *err)
{
	AUTO_FREE char *what = who(walk, element);
	AUTO_FREE char *where = bcd_place_text(&place->device, place->whole_disk);
	const char *why = name->fate == NAME_UNKNOWN ? "which is not in the backup"
			  : name->is_empty	     ? "which is created empty"
						     : "which is not restored";

	if (!what || !where)
		return err_nomem(err);
	return fixup_note(walk->job->job, must_work(walk) ? PLAN_WARNING : PLAN_NOTE, err,
			  "%s: %s is %s, %s: this entry will not start%s",
			  walk->job->name, what, where, why,
			  must_work(walk) ? "; 'bcdboot C:\\Windows' from a Windows "
					    "installation medium makes a new one"
					  : "");
}

static int add_change(struct patch_walk *walk, hive_node node, const char *element,
		      const struct change *change, struct err *err)
{
	struct change *to = &walk->changes[walk->count];

	if (walk->count == CHANGES_MAX)
		return err_set(err, -E2BIG, "'%s': more than %d device elements",
			       walk->job->name, CHANGES_MAX);
	*to = *change;
	to->node = node;
	to->who = who(walk, element);
	to->bytes = malloc(change->length);
	walk->count++;
	if (!to->who || !to->bytes)
		return err_nomem(err);
	memcpy(to->bytes, change->bytes, change->length);
	return 0;
}

static int judge_place(struct patch_walk *walk, hive_node node, const char *element,
		       const struct bcd_place *place, struct change *change,
		       struct err *err)
{
	struct new_name name =
		name_find(walk->job->job->plan, &place->device, place->whole_disk);
	int r = 0;

	if (name.fate == NAME_GONE || name.fate == NAME_UNKNOWN ||
	    (name.is_empty && !place->whole_disk))
		r = tell_lost(walk, element, place, &name, err);
	if (r < 0 || name.fate != NAME_CHANGED)
		return r;
	bcd_place_set(change->bytes, place, &name.device);
	change->whole_disk = place->whole_disk;
	change->from = place->device;
	change->to = name.device;
	return add_change(walk, node, element, change, err);
}

static bool is_device_element(const char *name)
{
	return strlen(name) == 8 && strspn(name, "0123456789abcdefABCDEF") == 8 &&
	       name[1] == '1';
}

static int visit_element(hive_node node, const char *name, void *context, struct err *err)
{
	struct patch_walk *walk = context;
	struct bcd_element element;
	struct change change = { 0 };
	struct err fault = { 0 };
	AUTO_FREE uint8_t *bytes = NULL;
	int r;

	if (!is_device_element(name) ||
	    hive_value(walk->hive, node, "Element", &bytes, &change.length, &fault) < 0)
		return 0;
	r = bcd_element_decode(bytes, change.length, &element, &fault);
	if (r < 0)
		return fixup_note(walk->job->job,
				  must_work(walk) ? PLAN_WARNING : PLAN_NOTE, err,
				  "%s: %s %s stays as it is: %s", walk->job->name,
				  walk->object_name, element_name(name), fault.text);
	change.bytes = bytes;
	return element.has_place
		       ? judge_place(walk, node, name, &element.place, &change, err)
		       : 0;
}

static int visit_object(hive_node node, const char *name, void *context, struct err *err)
{
	struct patch_walk *walk = context;
	hive_node elements = hive_find(walk->hive, node, "Elements");

	walk->object = node;
	walk->object_name = name;
	if (walk->default_loader && strcasecmp(name, walk->default_loader) == 0)
		walk->default_found = true;
	return elements ? hive_children(walk->hive, elements, visit_element, walk, err)
			: 0;
}

/* -- the store ---- */

static int find_objects(struct patch_walk *walk, hive_node *ret, struct err *err)
{
	hive_node objects = hive_find(walk->hive, 0, "Objects"), manager;

	if (!objects)
		return err_set(err, -EBADMSG,
			       "'%s': a hive without 'Objects' is not a boot store",
			       walk->job->name);
	manager = hive_find(walk->hive, objects, BCD_OBJECT_MANAGER);
	if (!manager && walk->job->starts_windows)
		return err_set(err, -EBADMSG,
			       "'%s': it has no boot manager, object " BCD_OBJECT_MANAGER,
			       walk->job->name);
	if (manager)
		walk->default_loader =
			read_text(walk->hive, manager, BCD_ELEMENT_DEFAULT);
	*ret = objects;
	return 0;
}

static int tell_default(struct patch_walk *walk, struct err *err)
{
	if (!walk->job->starts_windows || walk->default_found)
		return 0;
	if (!walk->default_loader)
		return fixup_note(walk->job->job, PLAN_NOTE, err,
				  "%s: the boot manager names no default entry",
				  walk->job->name);
	return fixup_note(walk->job->job, PLAN_WARNING, err,
			  "%s: the default entry %.60s does not exist", walk->job->name,
			  walk->default_loader);
}

static bool same_change(const struct change *a, const struct change *b)
{
	return a->whole_disk == b->whole_disk && bcd_device_equal(&a->from, &b->from) &&
	       bcd_device_equal(&a->to, &b->to);
}

/* One line for each partition, with all elements that name it. */
static int tell_changes(struct patch_walk *walk, size_t first, struct err *err)
{
	const struct change *change = &walk->changes[first];
	AUTO_FREE char *from = bcd_place_text(&change->from, change->whole_disk);
	AUTO_FREE char *to = bcd_place_text(&change->to, change->whole_disk);
	AUTO_FREE char *list = NULL;
	struct text names = { 0 };

	for (size_t i = 0; i < first; i++)
		if (same_change(&walk->changes[i], change))
			return 0; /* told already */
	for (size_t i = first; i < walk->count; i++)
		if (same_change(&walk->changes[i], change))
			text_add(&names, "%s%s", i == first ? "" : ", ",
				 walk->changes[i].who);
	list = text_take(&names);
	if (!from || !to || !list)
		return err_nomem(err);
	return fixup_note(walk->job->job, PLAN_NOTE, err, "%s: %.500s: %s → %s",
			  walk->job->name, list, from, to);
}

static int apply_changes(struct patch_walk *walk, struct hive_editor *editor,
			 struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < walk->count; i++) {
		const struct change *change = &walk->changes[i];
		const struct hive_datum datum = { "Element", HIVE_BINARY, change->bytes,
						  change->length };

		r = hive_editor_set(editor, change->node, &datum, err);
		if (r == 0)
			r = tell_changes(walk, i, err);
	}
	return r;
}

/* -- the copy of the firmware's entry ---- */

static int tell_variable(struct patch_walk *walk, const struct id_change *names,
			 struct err *err)
{
	char old[GUID_TEXT_SIZE], new[GUID_TEXT_SIZE];

	return fixup_note(walk->job->job, PLAN_NOTE, err,
			  "%s: copy of the firmware's entry: partition {%s} at byte "
			  "%" PRIu64 " → {%s} at byte %" PRIu64,
			  walk->job->name, guid_format(&names->old_id, old),
			  names->old_offset, guid_format(&names->new_id, new),
			  names->new_offset);
}

/* 1: something was changed. */
static int patch_by_plan(struct patch_walk *walk, const struct restore_plan *plan,
			 uint8_t *bytes, size_t length, struct err *err)
{
	const struct disk_layout *after = plan->after;
	int r, changed = 0;

	for (size_t i = 0; after && i < after->count; i++) {
		const struct disk_partition *p = &after->partitions[i];
		struct boot_variable_place place = {
			.slot = p->slot,
			.first_lba = p->offset / after->sector_size,
			.sectors = p->length / after->sector_size,
			.id = p->id,
		};
		struct id_change names;

		if (after->style != TABLE_GPT || !plan_partition_names(plan, i, &names) ||
		    names.old_style != TABLE_GPT ||
		    !boot_variable_patch(bytes, length, &names.old_id, &place))
			continue;
		changed = 1;
		r = tell_variable(walk, &names, err);
		if (r < 0)
			return r;
	}
	return changed;
}

static int patch_variable(struct patch_walk *walk, hive_node objects,
			  struct hive_editor *editor, struct err *err)
{
	const struct restore_plan *plan = walk->job->job->plan;
	hive_node description =
		hive_find(walk->hive, objects, BCD_OBJECT_MANAGER "/Description");
	struct hive_datum datum = { .name = "FirmwareVariable", .type = HIVE_BINARY };
	AUTO_FREE uint8_t *bytes = NULL;
	struct err none = { 0 };
	int r = 0, changed = 0;

	if (!description || hive_value(walk->hive, description, datum.name, &bytes,
				       &datum.length, &none) < 0)
		return 0;
	if (!plan->peer_count)
		changed = patch_by_plan(walk, plan, bytes, datum.length, err);
	for (size_t i = 0; r >= 0 && i < plan->peer_count; i++) {
		r = patch_by_plan(walk, plan->peers[i], bytes, datum.length, err);
		changed |= r == 1;
	}
	if (r < 0 || changed < 0)
		return r < 0 ? r : changed;
	datum.bytes = bytes;
	return changed ? hive_editor_set(editor, description, &datum, err) : 0;
}

static void clear_walk(struct patch_walk *walk)
{
	for (size_t i = 0; i < walk->count; i++) {
		free(walk->changes[i].bytes);
		free(walk->changes[i].who);
	}
	free(walk->changes);
	free(walk->default_loader);
}

int boot_store_patch(const struct boot_store_job *job, struct hive_editor *editor,
		     struct err *err)
{
	AUTO(clear_walk) struct patch_walk walk = { .job = job };
	hive_node objects = 0;
	int r = hive_editor_hive(editor, &walk.hive, err);

	if (r < 0)
		return r;
	walk.changes = calloc(CHANGES_MAX, sizeof(*walk.changes));
	if (!walk.changes)
		return err_nomem(err);
	r = find_objects(&walk, &objects, err);
	if (r == 0)
		r = hive_children(walk.hive, objects, visit_object, &walk, err);
	if (r == 0)
		r = tell_default(&walk, err);
	if (r == 0)
		r = patch_variable(&walk, objects, editor, err);
	return r < 0 ? r : apply_changes(&walk, editor, err);
}
