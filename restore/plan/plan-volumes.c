/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which volumes of the backup are written: critical ones, all, or those that are named. */
#include "plan-rules.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

static bool wish_is(const struct plan_wishes *wishes, const char *word)
{
	return wishes->volumes && strcasecmp(wishes->volumes, word) == 0;
}

/* "C:", "C" and "C:\" are one letter. */
static bool is_letter(const char *name, const char *access_path)
{
	size_t length = strlen(name);

	if (!access_path || !access_path[0])
		return false;
	if (length && name[length - 1] == '\\')
		length--;
	return (length == 1 || length == strlen(access_path)) &&
	       strncasecmp(name, access_path, length) == 0 &&
	       (length > 1 || access_path[1] == ':');
}

static bool is_guid(const char *name, const struct backup_volume *volume)
{
	struct guid guid;

	return volume->volume_guid.origin && guid_parse(name, strlen(name), &guid) == 0 &&
	       guid_equal(&guid, &volume->volume_guid.value);
}

static bool is_called(const struct backup_volume *volume, const char *name)
{
	if (is_letter(name, volume->access_path.value) || is_guid(name, volume))
		return true;
	if (volume->role == ROLE_ESP && strcasecmp(name, "ESP") == 0)
		return true;
	return volume->label.value && volume->label.value[0] &&
	       strcasecmp(name, volume->label.value) == 0;
}

/* The next name of a list with commas, without the blanks around it; NULL: no more. */
static char *next_name(char **rest)
{
	char *name = strsep(rest, ",");
	size_t length;

	if (!name)
		return NULL;
	name += strspn(name, " \t");
	length = strlen(name);
	while (length && strchr(" \t", name[length - 1]))
		name[--length] = '\0';
	return name;
}

bool plan_chooses(const struct plan_wishes *wishes, const struct backup_volume *volume)
{
	AUTO_FREE char *names = NULL;
	char *rest;

	if (!wishes->volumes || wish_is(wishes, "critical"))
		return volume->role != ROLE_DATA ||
		       (volume->critical.origin && volume->critical.value);
	if (wish_is(wishes, "all"))
		return true;
	names = strdup(wishes->volumes);
	rest = names;
	for (char *name = next_name(&rest); name; name = next_name(&rest))
		if (is_called(volume, name))
			return true;
	return false;
}

bool plan_chooses_disk(const struct plan_wishes *wishes,
		       const struct backup_version *version,
		       const struct source_disk *disk)
{
	for (size_t i = 0; i < disk->partition_count; i++)
		if (disk->partitions[i].volume >= 0 &&
		    plan_chooses(wishes, &version->volumes[disk->partitions[i].volume]))
			return true;
	return false;
}

/* "C:, ESP, {guid}": all names that could have been written. */
static char *list_names(const struct backup_version *version)
{
	struct text out = { 0 };
	char guid[GUID_TEXT_SIZE];

	for (size_t i = 0; i < version->volume_count; i++) {
		const struct backup_volume *volume = &version->volumes[i];

		text_add(&out, "%s", i ? ", " : "");
		if (volume->access_path.value && volume->access_path.value[0])
			text_add(&out, "%s", volume->access_path.value);
		else if (volume->role == ROLE_ESP)
			text_add(&out, "ESP");
		else if (volume->volume_guid.origin)
			text_add(&out, "%s",
				 guid_format(&volume->volume_guid.value, guid));
		else
			text_add(&out, "%s (only with all)", volume->image_path);
	}
	return text_take(&out);
}

static bool is_image(const struct backup_volume *volume, const char *name)
{
	const char *slash = strrchr(volume->image_path, '/');

	return strcasecmp(slash ? slash + 1 : volume->image_path, name) == 0;
}

int plan_find_volume(const struct backup_version *version, const char *name, size_t *ret,
		     struct err *err)
{
	AUTO_FREE char *known = NULL;
	size_t found = 0;

	for (size_t i = 0; i < version->volume_count; i++) {
		if (!is_called(&version->volumes[i], name) &&
		    !is_image(&version->volumes[i], name))
			continue;
		*ret = i;
		found++;
	}
	if (found == 1)
		return 0;
	if (found)
		return err_set(err, -EEXIST,
			       "%zu volumes are called '%s': name one by its "
			       "id",
			       found, name);
	known = list_names(version);
	return known ? err_set(err, -ENOENT,
			       "volume '%s' is not in the backup; it has %s", name, known)
		     : err_nomem(err);
}

static bool is_in_version(const struct backup_version *version, const char *name)
{
	for (size_t i = 0; i < version->volume_count; i++)
		if (is_called(&version->volumes[i], name))
			return true;
	return false;
}

int plan_check_volumes(const struct plan_context *context, const char *rule,
		       struct err *err)
{
	struct restore_plan *plan = context->plan;
	const char *wish = plan->wishes.volumes;
	AUTO_FREE char *names = NULL;
	AUTO_FREE char *known = NULL;
	char *rest;
	int r = 0;

	if (!wish || wish_is(&plan->wishes, "critical") || wish_is(&plan->wishes, "all"))
		return 0;
	names = strdup(wish);
	rest = names;
	known = list_names(plan->version);
	if (!names || !known)
		return err_nomem(err);
	for (char *name = next_name(&rest); r == 0 && name; name = next_name(&rest))
		if (!is_in_version(plan->version, name))
			r = plan_find(plan, PLAN_REFUSAL, rule, err,
				      "volume '%s' is not in the backup; it has %s", name,
				      known);
	return r;
}
