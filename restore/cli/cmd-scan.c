/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr scan: which backups of which machines a folder or share holds. */
#include <stdio.h>

#include "backup-print.h"

static enum exit_status run_scan(int argc, char **argv)
{
	AUTO(backup_freep) struct backup *backup = NULL;
	AUTO_FREE char *json = NULL;
	struct backup_options options = { 0 };
	const char *protection = NULL;
	struct err err = { 0 };
	enum exit_status status =
		backup_options_parse(&command_scan, false, argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
	options.source.ret_protection = &protection;
	if (backup_options_scan(&options, &backup, &err) < 0)
		return command_fail(&command_scan, &err);
	if (!options.json) {
		if (protection)
			printf("The connection to the share is %s.\n\n", protection);
		print_backup_list(backup);
		return EXIT_DONE;
	}
	if (backup_to_json(backup, &json, &err) < 0)
		return command_fail(&command_scan, &err);
	puts(json);
	return EXIT_DONE;
}

const struct command command_scan = {
	.name = "scan",
	.group = "Backups",
	.usage = "scan SOURCE [--credentials FILE] [--encrypt WHEN]\n"
		 "                [--unlock FILE] [--json]",
	.summary = "find backups: machines and versions",
	.help = "  SOURCE              folder, "
		"smb://[DOMAIN;]user@host[:port]/share/path,\n"
		"                      \\\\host\\share\\path; disk:auto or disk:SERIAL: "
		"NTFS\n"
		"                      and exFAT volumes of all disks or of one, with "
		"shadow\n"
		"                      copies; the image file of such a disk or volume. "
		"Searched\n"
		"                      at any depth\n"
		"  --credentials FILE  user name and password for a share; else they are "
		"asked\n"
		"                      for\n"
		"  --encrypt WHEN      required: a share that is not encrypted is not "
		"read;\n"
		"                      if-offered (default): it is signed at least\n"
		"  --unlock FILE       keys of BitLocker disks: a startup key (*.bek), "
		"or "
		"text\n"
		"                      with lines 'password = …' and recovery keys "
		"anywhere;\n"
		"                      'prompt' asks, as happens where nothing else can "
		"be read\n"
		"  --json              result for machines\n"
		"  --progress-fd N     a line of JSON some times a second on this "
		"descriptor\n",
	.run = run_scan,
};
