/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which modules a pattern means: see modules.h. Pure. */
#include <fnmatch.h>
#include <string.h>

#include "modules.h"

char *module_name(const char *path)
{
	const char *base = strrchr(path, '/');
	char *name;

	base = base ? base + 1 : path;
	name = strndup(base, strcspn(base, "."));
	for (char *c = name; c && *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

bool module_pattern_matches(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);
	const char *base;

	if (length > 0 && pattern[length - 1] == '/')
		return strncmp(pattern, path, length) == 0;
	if (strchr(pattern, '/'))
		return fnmatch(pattern, path, 0) == 0;
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	for (size_t i = 0; i < length; i++) {
		char a = pattern[i] == '-' ? '_' : pattern[i];
		char b = base[i] == '-' ? '_' : base[i];

		if (a != b)
			return false;
	}
	return base[length] == '.';
}
