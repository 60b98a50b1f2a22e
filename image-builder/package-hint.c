/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks dpkg: see package-hint.h. */
#include "package-hint.h"

#include <string.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

char *package_hint(const char *path)
{
	const char *argv[] = { "dpkg-query", "-S", path, NULL };
	AUTO_FREE char *output = NULL;
	struct err ignored;

	if (spawn_run(&(struct spawn){ .argv = argv }, &output, &ignored) < 0 ||
	    !strchr(output, ':'))
		return strdup("");
	return text_format(": package '%.*s' has it; add it to packages.list",
			   (int)strcspn(output, ":,"), output);
}
