/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MountedDevices with the names of the new disks: see mounted-edit.h. */
#include "mounted-edit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* -- what changes ---- */

/* The backup does not tell how the partition was named. */
static bool is_nothing(const struct mounted_device *device)
{
	return device->kind == MOUNTED_GPT ? guid_is_zero(&device->partition_id)
					   : !device->mbr_signature;
}

static int add(struct mounted_changes *to, const struct mounted_change *change,
	       struct err *err)
{
	struct mounted_change *grown =
		reallocarray(to->changes, to->count + 1, sizeof(*grown));

	if (!grown)
		return err_nomem(err);
	to->changes = grown;
	grown[to->count++] = *change;
	return 0;
}

static int add_partitions(const struct restore_plan *plan, struct mounted_changes *to,
			  struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && plan->after && i < plan->after->count; i++) {
		struct mounted_change change = { .new_table = !plan->in_place };
		struct id_change names;

		if (!plan_partition_names(plan, i, &names))
			continue;
		change.old = mounted_old_name(&names);
		change.new = mounted_new_name(&names);
		if (!is_nothing(&change.old))
			r = add(to, &change, err);
	}
	return r;
}

static bool is_of(const struct source_disk *disk,
		  const struct source_partition *partition)
{
	return partition >= disk->partitions &&
	       partition < disk->partitions + disk->partition_count;
}

/* Is any partition of the disk in the new table of a disk that gets a new one? */
static bool is_restored(const struct restore_plan *plan, const struct source_disk *disk)
{
	for (size_t i = 0; plan->after && !plan->in_place && i < plan->after->count; i++)
		if (is_of(disk, plan->partitions[i].source))
			return true;
	return false;
}

static bool is_known(const struct mounted_changes *changes,
		     const struct mounted_device *device)
{
	for (size_t i = 0; i < changes->count; i++)
		if (mounted_device_equal(&changes->changes[i].old, device))
			return true;
	return false;
}

static int add_gone(const struct source_disk *disk, struct mounted_changes *to,
		    struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < disk->partition_count; i++) {
		const struct source_partition *p = &disk->partitions[i];
		struct mounted_change change = { .gone = true };
		struct id_change names;

		names = (struct id_change){
			.old_style = (enum table_style)disk->style.value,
			.old_id = p->id.value,
			.old_signature = (uint32_t)disk->mbr_signature.value,
			.old_offset = p->offset.value,
		};
		change.old = mounted_old_name(&names);
		if (!is_nothing(&change.old) && !is_known(to, &change.old))
			r = add(to, &change, err);
	}
	return r;
}

static size_t peer_count(const struct restore_plan *plan)
{
	return plan->peer_count ? plan->peer_count : 1;
}

static const struct restore_plan *peer_of(const struct restore_plan *plan, size_t index)
{
	return plan->peer_count ? plan->peers[index] : plan;
}

int mounted_changes_of(const struct restore_plan *plan, struct mounted_changes *ret,
		       struct err *err)
{
	const struct backup_version *version = plan->version;
	struct mounted_changes changes = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < peer_count(plan); i++)
		r = add_partitions(peer_of(plan, i), &changes, err);
	for (size_t d = 0; r == 0 && d < version->disk_count; d++)
		for (size_t i = 0; r == 0 && i < peer_count(plan); i++)
			if (is_restored(peer_of(plan, i), &version->disks[d]))
				r = add_gone(&version->disks[d], &changes, err);
	if (r < 0)
		mounted_changes_clear(&changes);
	else
		*ret = changes;
	return r;
}

void mounted_changes_clear(struct mounted_changes *changes)
{
	free(changes->changes);
	*changes = (struct mounted_changes){ 0 };
}

/* -- the key ---- */

struct entry {
	char *name;	   /* owned */
	bool is_partition; /* else a device of another kind */
	struct mounted_device device;
};

struct entries {
	size_t count;
	struct entry *entries; /* owned */
};

static void entries_clear(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		free(entries->entries[i].name);
	free(entries->entries);
}

static int collect(const char *name, const uint8_t *bytes, size_t length, void *context,
		   struct err *err)
{
	struct entries *entries = context;
	struct entry entry = { 0 }, *grown;

	entry.is_partition = mounted_device_identify(bytes, length, &entry.device) == 0;
	grown = reallocarray(entries->entries, entries->count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	entries->entries = grown;
	entry.name = strdup(name);
	if (!entry.name)
		return err_nomem(err);
	grown[entries->count++] = entry;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcasecmp(x->name, y->name);
}

/* Values are changed by name, so that no two may have the same. */
static int sort_entries(struct entries *entries, struct err *err)
{
	if (entries->count)
		qsort(entries->entries, entries->count, sizeof(*entries->entries),
		      compare_names);
	for (size_t i = 1; i < entries->count; i++)
		if (compare_names(&entries->entries[i - 1], &entries->entries[i]) == 0)
			return err_set(err, -EBADMSG,
				       "MountedDevices has two values '%s'",
				       entries->entries[i].name);
	return 0;
}

static bool has(const struct mounted_changes *changes,
		const struct mounted_device *device, bool old)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct mounted_change *change = &changes->changes[i];

		if (!old && change->gone)
			continue;
		if (mounted_device_equal(old ? &change->old : &change->new, device))
			return true;
	}
	return false;
}

/* Where partitions of an MBR disk moved, the new name of one can be the old name of another.
 * Then a name that is only a new one tells that the hive was changed before. */
static bool is_done(const struct entries *entries, const struct mounted_changes *changes)
{
	bool only_new = false, only_old = false;

	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *entry = &entries->entries[i];
		bool old = entry->is_partition && has(changes, &entry->device, true);
		bool new = entry->is_partition &&has(changes, &entry->device, false);

		only_old |= old && !new;
		only_new |= new && !old;
	}
	return only_new && !only_old;
}

/* An MBR disk that is restored has no partition but those of the list. */
static bool is_lost(const struct mounted_changes *changes,
		    const struct mounted_device *device)
{
	bool disk = false;

	for (size_t i = 0; i < changes->count; i++) {
		const struct mounted_change *change = &changes->changes[i];

		if (mounted_device_equal(&change->old, device))
			return change->gone;
		disk |= change->new_table && device->kind == MOUNTED_MBR &&
			change->old.kind == MOUNTED_MBR &&
			change->old.mbr_signature == device->mbr_signature;
	}
	return disk && !has(changes, device, false);
}

static const struct mounted_device *new_name(const struct mounted_changes *changes,
					     const struct mounted_device *device)
{
	for (size_t i = 0; i < changes->count; i++)
		if (!changes->changes[i].gone &&
		    mounted_device_equal(&changes->changes[i].old, device))
			return &changes->changes[i].new;
	return device;
}

struct mounted_job {
	struct hive_editor *editor;
	hive_node key;
	const struct mounted_changes *changes;
	mounted_report *report;
	void *context;
};

static int edit_entry(const struct mounted_job *job, const struct entry *entry,
		      struct err *err)
{
	uint8_t bytes[MOUNTED_VALUE_SIZE];
	struct hive_datum datum = { entry->name, HIVE_BINARY, bytes, 0 };
	const struct mounted_device *new = new_name(job->changes, &entry->device);
	int r;

	if (is_lost(job->changes, &entry->device)) {
		r = hive_editor_delete_value(job->editor, job->key, entry->name, err);
		new = NULL;
	} else if (mounted_device_equal(new, &entry->device)) {
		return 0;
	} else {
		datum.length = mounted_device_encode(new, bytes);
		r = hive_editor_set(job->editor, job->key, &datum, err);
	}
	if (r < 0)
		return r;
	return job->report(entry->name, &entry->device, new, job->context, err);
}

int mounted_devices_edit(struct hive_editor *editor,
			 const struct mounted_changes *changes, mounted_report *report,
			 void *context, struct err *err)
{
	AUTO(entries_clear) struct entries entries = { 0 };
	struct mounted_job job = { editor, 0, changes, report, context };
	struct hive *hive = NULL;
	int r = hive_editor_hive(editor, &hive, err);

	if (r < 0)
		return r;
	job.key = hive_find(hive, 0, "MountedDevices");
	if (!job.key)
		return 0;
	r = hive_values(hive, job.key, collect, &entries, err);
	if (r == 0)
		r = sort_entries(&entries, err);
	if (r < 0 || is_done(&entries, changes))
		return r;
	for (size_t i = 0; r == 0 && i < entries.count; i++)
		if (entries.entries[i].is_partition)
			r = edit_entry(&job, &entries.entries[i], err);
	return r;
}
