/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The device this environment was started from: it can never be a target. */
#include <partition/boot-medium.h>

#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

#define KEY "openbmr.boot="

char *boot_medium_read(void)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/cmdline", "re");
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	char *rest;

	if (!file || getline(&line, &room, file) < 0)
		return NULL;
	rest = line;
	for (char *word = strsep(&rest, " \n"); word; word = strsep(&rest, " \n"))
		if (strncmp(word, KEY, strlen(KEY)) == 0)
			return strdup(word + strlen(KEY));
	return NULL;
}
