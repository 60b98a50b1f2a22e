/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr show: one version of a machine, with its volumes, disks and the origin of all. */
#include <stdio.h>

#include "backup-print.h"

/* The JSON of a backup that holds this version only. */
static int choice_to_json(const struct backup *backup,
			  const struct backup_machine *machine,
			  const struct backup_version *version, char **ret,
			  struct err *err)
{
	struct backup_version one_version = *version;
	struct backup_machine one_machine = *machine;
	struct backup one = *backup;

	one_machine.version_count = 1;
	one_machine.versions = &one_version;
	one.machine_count = 1;
	one.machines = &one_machine;
	return backup_to_json(&one, ret, err);
}

static enum exit_status run_show(int argc, char **argv)
{
	AUTO(backup_freep) struct backup *backup = NULL;
	AUTO_FREE char *json = NULL;
	const struct backup_machine *machine;
	const struct backup_version *version;
	struct backup_options options = { 0 };
	struct err err = { 0 };
	enum exit_status status =
		backup_options_parse(&command_show, true, argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
	if (backup_options_scan(&options, &backup, &err) < 0 ||
	    backup_choose(backup, options.machine,
			  options.version ? options.version : "newest", &machine,
			  &version, &err) < 0)
		return command_fail(&command_show, &err);
	if (!options.json) {
		print_backup_version(machine, version);
		return EXIT_DONE;
	}
	if (choice_to_json(backup, machine, version, &json, &err) < 0)
		return command_fail(&command_show, &err);
	puts(json);
	return EXIT_DONE;
}

const struct command command_show = {
	.name = "show",
	.group = "Backups",
	.usage = "show SOURCE [--machine M] [--version V] [--credentials FILE]\n"
		 "                [--encrypt WHEN] [--unlock FILE] [--json]",
	.summary =
		"show what a backup holds: volumes, disks, and where each fact is from",
	.help = "  SOURCE              as for 'bmr scan'\n"
		"  --machine NAME      which machine, if the source holds more than one\n"
		"  --version WHEN      newest (default), latest (newest whole one),\n"
		"                      2026-08-31T21:00Z, 08/31/2026-21:00, or the "
		"folder "
		"as\n"
		"                      'bmr scan' shows it\n"
		"  --credentials FILE  user name and password for a share; else they are "
		"asked\n"
		"                      for\n"
		"  --encrypt WHEN      required or if-offered, as for 'bmr scan'\n"
		"  --unlock FILE       keys of BitLocker disks, as for 'bmr scan'\n"
		"  --json              result for machines\n"
		"  --progress-fd N     a line of JSON some times a second on this "
		"descriptor\n",
	.run = run_show,
};
