/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the kernel's uevents: see uevent.h. */
#include "uevent.h"

#include <stdlib.h>
#include <string.h>

#include <base/sorted.h>

/* What stands behind key, up to its NUL; NULL: nothing. */
static const char *value_of(const char *message, size_t length, const char *key)
{
	const char *end = message + length;

	/* Each string must have its NUL: then the loop stays within the message. */
	if (length == 0 || end[-1] != '\0')
		return NULL;
	for (const char *string = message; string < end; string += strlen(string) + 1)
		if (strncmp(string, key, strlen(key)) == 0)
			return string + strlen(key);
	return NULL;
}

const char *uevent_modalias(const char *message, size_t length)
{
	const char *alias = value_of(message, length, "MODALIAS=");

	if (alias && strncmp(message, "add@", 4) != 0 &&
	    strncmp(message, "change@", 7) != 0)
		return NULL;
	return alias;
}

bool uevent_is_new_partition(const char *message, size_t length)
{
	const char *type = value_of(message, length, "DEVTYPE=");

	return type && strcmp(type, "partition") == 0 && strncmp(message, "add@", 4) == 0;
}

static bool alias_is_before(const void *record, const void *alias)
{
	return strcmp(*(char *const *)record, alias) < 0;
}

static bool make_room(struct alias_set *set)
{
	size_t capacity = set->capacity ? set->capacity * 2 : 128;
	char **aliases;

	if (set->count < set->capacity)
		return true;
	aliases = reallocarray(set->aliases, capacity, sizeof(*aliases));
	if (!aliases)
		return false;
	set->aliases = aliases;
	set->capacity = capacity;
	return true;
}

bool alias_set_add(struct alias_set *set, const char *alias)
{
	size_t place = sorted_find(set->aliases, set->count, sizeof(*set->aliases),
				   alias_is_before, alias);
	char *copy;

	if (place < set->count && strcmp(set->aliases[place], alias) == 0)
		return false;
	if (!make_room(set))
		return false;
	copy = strdup(alias);
	if (!copy)
		return false;
	memmove(&set->aliases[place + 1], &set->aliases[place],
		(set->count - place) * sizeof(*set->aliases));
	set->aliases[place] = copy;
	set->count++;
	return true;
}

void alias_set_clear(struct alias_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->aliases[i]);
	free(set->aliases);
	*set = (struct alias_set){ 0 };
}
