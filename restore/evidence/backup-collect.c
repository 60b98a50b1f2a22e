/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets that were found become versions of machines: see backup-collect.h. */
#include "backup-collect.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include <base/text.h>

#include "backup-parts.h"
#include "previous.h"

/* -- what is known of a set by its place ---- */

/* "Backup 2019-02-22 124351", in UTC (FORMAT.md section 1). */
static bool parse_folder_time(const char *name, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *end;

	if (strncasecmp(name, "Backup ", 7) != 0)
		return false;
	end = strptime(name + 7, "%Y-%m-%d %H%M%S", &tm);
	if (!end || *end != '\0')
		return false;
	*ret = timegm(&tm);
	return *ret > 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Of several sets in one folder its name tells nothing. */
static void set_time(struct backup_version *version, bool is_split,
		     const struct set_files *images)
{
	int64_t time = 0;
	struct tm tm;
	time_t seconds;

	if (!is_split && parse_folder_time(base_name(version->path), &time)) {
		version->time.origin = ORIGIN_FOLDER_NAME;
	} else {
		for (size_t i = 0; i < images->count; i++)
			if (images->files[i].mtime_s > time)
				time = images->files[i].mtime_s;
		if (time <= 0)
			return;
		version->time.origin = ORIGIN_FILE_TIME;
	}
	version->time.value = (uint64_t)time;
	seconds = (time_t)time;
	if (gmtime_r(&seconds, &tm))
		strftime(version->id, sizeof(version->id), "%m/%d/%Y-%H:%M", &tm);
}

/* The last part of the tree's name, for sets at its root. */
static char *tree_title(const struct tree *tree)
{
	size_t length = strlen(tree->name), start;

	while (length > 1 && strchr("/\\", tree->name[length - 1]))
		length--;
	start = length;
	while (start && !strchr("/\\", tree->name[start - 1]))
		start--;
	return start == length ? strdup(tree->name)
			       : strndup(tree->name + start, length - start);
}

/* The machine's folder lies above the one of the set, unless that was moved elsewhere: to
 * the root of the tree, or next to other sets. */
static char *machine_by_place(const struct tree *tree, const char *path)
{
	const char *name, *parent;
	AUTO_FREE char *above = NULL;
	int64_t time;

	path = previous_within(path);
	name = base_name(path);
	if (path[0] == '\0')
		return tree_title(tree);
	if (name == path) /* at the root */
		return parse_folder_time(name, &time) ? tree_title(tree) : strdup(name);
	above = strndup(path, (size_t)(name - path) - 1);
	if (!above)
		return NULL;
	parent = base_name(above);
	if (strcasecmp(parent, "WindowsImageBackup") == 0)
		return strdup(name);
	return strdup(parent);
}

/* -- the result ---- */

static struct backup_machine *find_machine(struct backup *backup, const char *name)
{
	for (size_t i = 0; i < backup->machine_count; i++)
		if (strcasecmp(backup->machines[i].name, name) == 0)
			return &backup->machines[i];
	return NULL;
}

/* name is taken over. */
static int add_machine(struct backup *backup, char *name, enum origin origin,
		       struct backup_machine **ret, struct err *err)
{
	struct backup_machine *grown;

	grown = reallocarray(backup->machines, backup->machine_count + 1, sizeof(*grown));
	if (!grown) {
		free(name);
		return err_nomem(err);
	}
	backup->machines = grown;
	*ret = &grown[backup->machine_count++];
	**ret = (struct backup_machine){ .name = name, .name_origin = origin };
	return 0;
}

/* "PC (2)" in place of name: another machine's set in the same folder. */
static char *number_machine(char *name, unsigned number)
{
	char *numbered = text_format("%s (%u)", name, number);

	free(name);
	return numbered;
}

/* The version is taken out of result. */
static int add_version(const struct tree *tree, struct backup *backup,
		       struct set_result *result, struct backup_machine **ret,
		       struct err *err)
{
	bool named = result->machine && result->machine[0];
	enum origin origin = named ? ORIGIN_ASRSIF : ORIGIN_FOLDER_NAME;
	AUTO_FREE char *name = NULL;
	struct backup_machine *machine;
	struct backup_version *grown;
	int r;

	name = named ? strdup(result->machine)
		     : machine_by_place(tree, result->version.path);
	if (name && !named && result->machine_number)
		name = number_machine(name, result->machine_number + 1);
	if (!name)
		return err_nomem(err);
	machine = find_machine(backup, name);
	if (!machine) {
		r = add_machine(backup, TAKE_PTR(name), origin, &machine, err);
		if (r < 0)
			return r;
	}
	grown = reallocarray(machine->versions, machine->version_count + 1,
			     sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	machine->versions = grown;
	grown[machine->version_count++] = result->version;
	result->version = (struct backup_version){ 0 };
	if (origin < machine->name_origin)
		machine->name_origin = origin;
	*ret = machine;
	return 0;
}

static char *describe(const struct backup_machine *machine,
		      const struct backup_version *version)
{
	char time[TIME_TEXT_SIZE];

	if (version->time.origin == ORIGIN_NONE)
		return text_format("%s, time unknown", machine->name);
	return text_format("%s, %.16s UTC", machine->name,
			   time_format((int64_t)version->time.value, time));
}

int collect_set(const struct tree *tree, const struct set_files *images,
		struct set_result *result, struct backup *backup, char **ret_found,
		struct err *err)
{
	struct backup_machine *machine;
	int r;

	set_time(&result->version, result->is_split, images);
	r = add_version(tree, backup, result, &machine, err);
	if (r < 0)
		return r;
	*ret_found = describe(machine, &machine->versions[machine->version_count - 1]);
	return *ret_found ? 0 : err_nomem(err);
}

static int compare_machines(const void *a, const void *b)
{
	const struct backup_machine *m = a, *n = b;

	return strcasecmp(m->name, n->name);
}

/* An unknown time is 0, the oldest. */
static int compare_versions(const void *a, const void *b)
{
	const struct backup_version *v = a, *w = b;

	if (v->time.value != w->time.value)
		return v->time.value > w->time.value ? -1 : 1;
	return strcmp(v->path, w->path);
}

/* -- what a volume and its shadow copies have in common ---- */

static bool same_image(const struct backup_volume *v, const struct backup_volume *w)
{
	return strcmp(base_name(v->image_path), base_name(w->image_path)) == 0 &&
	       guid_equal(&v->image.unique_id, &w->image.unique_id) &&
	       v->image.file_size == w->image.file_size &&
	       v->image.allocated == w->image.allocated && v->length == w->length &&
	       v->used == w->used;
}

/* v in a shadow copy or previous version. The same place, the same time, the same images as far as metadata tell. */
static bool same_set(const struct backup_version *v, const struct backup_version *w)
{
	if (!previous_same_place(v->path, w->path) || v->time.value != w->time.value ||
	    v->health != w->health || v->volume_count != w->volume_count)
		return false;
	for (size_t i = 0; i < v->volume_count; i++)
		if (!same_image(&v->volumes[i], &w->volumes[i]))
			return false;
	return true;
}

/* A backup that was there before a shadow copy was made is in the copy, too. It is listed
 * once: where it lies on the volume or share itself, else in the newest copy. */
static bool is_told_elsewhere(const struct backup_machine *machine, size_t index)
{
	const struct backup_version *version = &machine->versions[index];

	for (size_t i = 0; previous_is(version->path) && i < machine->version_count;
	     i++) {
		const struct backup_version *other = &machine->versions[i];

		if (i != index && same_set(version, other) &&
		    (!previous_is(other->path) || strcmp(other->path, version->path) > 0))
			return true;
	}
	return false;
}

static void drop_repeated(struct backup_machine *machine)
{
	for (size_t i = 0; i < machine->version_count;) {
		struct backup_version *version = &machine->versions[i];

		if (!is_told_elsewhere(machine, i)) {
			i++;
			continue;
		}
		backup_version_clear(version);
		memmove(version, version + 1,
			(--machine->version_count - i) * sizeof(*version));
	}
}

void collect_sort(struct backup *backup)
{
	if (backup->machine_count)
		qsort(backup->machines, backup->machine_count, sizeof(*backup->machines),
		      compare_machines);
	for (size_t i = 0; i < backup->machine_count; i++)
		drop_repeated(&backup->machines[i]);
	for (size_t i = 0; i < backup->machine_count; i++)
		qsort(backup->machines[i].versions, backup->machines[i].version_count,
		      sizeof(*backup->machines[i].versions), compare_versions);
}
