/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr restore-systemstate: Windows' state out of a backup onto the Windows of a disk. */
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include <base/text.h>

#include "options.h"
#include "systemstate.h"

#define AT(member) offsetof(struct systemstate_cli, member)

static enum exit_status take_only(const struct command *command, const char *name,
				  const char *value, void *field)
{
	struct err err = { 0 };

	if (state_parse_classes(value, field, &err) == 0)
		return EXIT_DONE;
	return command_usage(command, "--%s: %s", name, err.text);
}

static const struct cli_option options[] = {
	{ "from", option_text, AT(source.text) },
	{ "credentials", option_text, AT(source.credentials) },
	{ "encrypt", option_encrypt, AT(source) },
	{ "unlock", option_text, AT(source.unlock) },
	{ "retry-for", option_retry_for, AT(source) },
	{ "machine", option_text, AT(machine) },
	{ "version", option_text, AT(version) },
	{ "disk", option_text, AT(disk) },
	{ "volume", option_text, AT(volume) },
	{ "only", take_only, AT(classes) },
	{ "confirm", option_text, AT(confirm) },
	{ "other-machine", option_flag, AT(other_machine), .is_flag = true },
	{ "domain-controller", option_flag, AT(domain_controller), .is_flag = true },
	{ "plan", option_flag, AT(plan), .is_flag = true },
	{ "once", option_flag, AT(once), .is_flag = true },
	{ "finish", option_flag, AT(finish), .is_flag = true },
	{ "json", option_flag, AT(json), .is_flag = true },
	{ "report", option_text, AT(report) },
	{ "progress-fd", option_progress_fd, AT(progress_fd) },
};

static enum exit_status check(const struct systemstate_cli *cli)
{
	const struct command *command = &command_systemstate;

	if (!cli->disk || (!cli->source.text && !cli->finish))
		return command_usage(command,
				     "--from SOURCE and --disk WHICH are needed");
	if (cli->finish && (cli->source.text || cli->plan))
		return command_usage(command,
				     "--finish needs --disk alone: what is to be "
				     "written is on the disk");
	if (cli->volume && strspn(cli->volume, "0123456789") != strlen(cli->volume))
		return command_usage(command,
				     "--volume '%s': must be the number of a partition; "
				     "'bmr disks' lists them",
				     cli->volume);
	if (cli->finish || cli->plan)
		return EXIT_DONE;
	if (!cli->confirm || strcmp(cli->confirm, "replace") != 0)
		return command_usage(command,
				     "--confirm replace is missing: files of the Windows "
				     "on the disk will be replaced; --plan shows what "
				     "would happen");
	return EXIT_DONE;
}

static enum exit_status run_systemstate(int argc, char **argv)
{
	struct systemstate_cli cli = { .source = { .may_prompt = true,
						   .retry_ms = SOURCE_RETRY_MS } };
	enum exit_status status = options_parse(&command_systemstate, options,
						ARRAY_SIZE(options), argc, argv, &cli);

	if (status != EXIT_DONE)
		return status;
	if (optind < argc)
		return command_usage(&command_systemstate, "'%s': what is that?",
				     argv[optind]);
	status = check(&cli);
	return status == EXIT_DONE ? systemstate_run(&command_systemstate, &cli) : status;
}

const struct command command_systemstate = {
	.name = "restore-systemstate",
	.group = "Restore",
	.usage = "restore-systemstate --from SOURCE --disk WHICH --confirm replace "
		 "[OPTION...]\n"
		 "       bmr restore-systemstate --from SOURCE --disk WHICH --plan\n"
		 "       bmr restore-systemstate --disk WHICH --finish",
	.summary = "put registry, boot files and catalogues onto the Windows of a disk",
	.help = "Of any backup with Windows' volume, one of the system state alone, too. "
		"The files that\n"
		"the writers' documents of the set list, else the places that every "
		"Windows has. What is\n"
		"replaced is kept in \\" STATE_FOLDER
		"DATE of the volume, with the same folders; equal\n"
		"files are left alone. The volume must be NTFS, closed by Windows, and "
		"not "
		"encrypted.\n"
		"Boot files go onto the partition that Windows is started from, too: EFI "
		"system\n"
		"partition or System Reserved.\n"
		"All of it is worked out in memory first; a power cut leaves the old "
		"volume, or one\n"
		"that nothing mounts until --finish has made it the new one.\n"
		"\n"
		"  --from SOURCE         as for 'bmr scan'\n"
		"  --disk WHICH          as for 'bmr plan': the disk with that Windows\n"
		"  --volume N            number of its partition; default: the only one "
		"with Windows\n"
		"  --only KINDS          of registry,boot,catalogs; default: all\n"
		"  --plan                show what would be replaced, added and kept; "
		"writes nothing\n"
		"  --confirm replace     yes, do it\n"
		"  --other-machine       even if the computer has another name than the "
		"one of the backup\n"
		"  --domain-controller   even if it is a domain controller\n"
		"  --once                not onto a volume that has a folder of replaced "
		"files already,\n"
		"                        as 'bmr auto' does it\n"
		"  --finish              bring a change to its end that stopped "
		"half-way\n"
		"  --machine NAME, --version WHEN, --credentials FILE, --encrypt WHEN,\n"
		"  --unlock FILE, --retry-for TIME\n"
		"                        as 'bmr show' has them; default: the newest "
		"version\n"
		"  --json                the report for machines, as 'bmr restore' has "
		"it\n"
		"  --report FILE         save the report, as 'bmr restore' "
		"does\n" PROGRESS_FD_HELP,
	.run = run_systemstate,
};
