/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr restore-systemstate: Windows' state out of a backup onto the Windows of a disk. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <base/checked.h>
#include <base/text.h>

#include "systemstate.h"

enum {
	OPTION_FROM = 1,
	OPTION_CREDENTIALS,
	OPTION_ENCRYPT,
	OPTION_UNLOCK,
	OPTION_MACHINE,
	OPTION_VERSION,
	OPTION_DISK,
	OPTION_VOLUME,
	OPTION_ONLY,
	OPTION_CONFIRM,
	OPTION_OTHER_MACHINE,
	OPTION_DOMAIN_CONTROLLER,
	OPTION_PLAN,
	OPTION_FINISH,
};

static const struct option long_options[] = {
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{ "encrypt", required_argument, NULL, OPTION_ENCRYPT },
	{ "unlock", required_argument, NULL, OPTION_UNLOCK },
	{ "machine", required_argument, NULL, OPTION_MACHINE },
	{ "version", required_argument, NULL, OPTION_VERSION },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "volume", required_argument, NULL, OPTION_VOLUME },
	{ "only", required_argument, NULL, OPTION_ONLY },
	{ "confirm", required_argument, NULL, OPTION_CONFIRM },
	{ "other-machine", no_argument, NULL, OPTION_OTHER_MACHINE },
	{ "domain-controller", no_argument, NULL, OPTION_DOMAIN_CONTROLLER },
	{ "plan", no_argument, NULL, OPTION_PLAN },
	{ "finish", no_argument, NULL, OPTION_FINISH },
	{ 0 },
};

static bool take_option(int option, struct systemstate_cli *cli)
{
	const char **const texts[] = {
		[OPTION_FROM] = &cli->source.text,
		[OPTION_CREDENTIALS] = &cli->source.credentials,
		[OPTION_UNLOCK] = &cli->source.unlock,
		[OPTION_MACHINE] = &cli->machine,
		[OPTION_VERSION] = &cli->version,
		[OPTION_DISK] = &cli->disk,
		[OPTION_VOLUME] = &cli->volume,
		[OPTION_ONLY] = &cli->only,
		[OPTION_CONFIRM] = &cli->confirm,
	};
	bool *const flags[] = {
		[OPTION_OTHER_MACHINE] = &cli->other_machine,
		[OPTION_DOMAIN_CONTROLLER] = &cli->domain_controller,
		[OPTION_PLAN] = &cli->plan,
		[OPTION_FINISH] = &cli->finish,
	};

	if (option == OPTION_ENCRYPT)
		return source_take_encryption(&cli->source, optarg);
	if (option <= 0)
		return false;
	if ((size_t)option < ARRAY_SIZE(texts) && texts[option])
		*texts[option] = optarg;
	else if ((size_t)option < ARRAY_SIZE(flags) && flags[option])
		*flags[option] = true;
	else
		return false;
	return true;
}

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

static enum exit_status parse(int argc, char **argv, struct systemstate_cli *ret)
{
	struct err err = { 0 };
	int option;

	*ret = (struct systemstate_cli){ .source = { .may_prompt = true } };
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, ret))
			return command_usage(
				&command_systemstate,
				"'%s': unknown option, or one without its value",
				argv[optind - 1]);
	if (optind < argc)
		return command_usage(&command_systemstate, "'%s': what is that?",
				     argv[optind]);
	if (ret->only && state_parse_classes(ret->only, &ret->classes, &err) < 0)
		return command_usage(&command_systemstate, "--only: %s", err.text);
	return check(ret);
}

/* -- telling ----------------------------------------------------------------------- */

static int tell(enum plan_severity severity, const char *text, void *context,
		struct err *err)
{
	struct progress_display *display = context;

	if (!text)
		return progress_wait(display, err);
	progress_end(display);
	printf("%s", severity == PLAN_NOTE ? "" : "WARNING: ");
	files_put(text, stdout);
	putchar('\n');
	return 0;
}

static void tell_sum(const struct state_sum *sum, bool written)
{
	char bytes[SIZE_TEXT_SIZE];

	if (!sum->replaced && !sum->added && !sum->emptied) {
		printf("nothing to do: all %" PRIu64 " files are equal already\n",
		       sum->same);
		return;
	}
	printf("%s: %" PRIu64 " files replaced, %" PRIu64 " added, %" PRIu64
	       " logs of hives emptied, %" PRIu64 " equal already; %s of the volume %s\n",
	       written ? "done" : "plan, nothing is written", sum->replaced, sum->added,
	       sum->emptied, sum->same, size_format(sum->bytes, bytes),
	       written ? "written and read back" : "would be written");
	if (written)
		puts("next: start Windows; the old files are in \\" STATE_FOLDER
		     "… on its volume, to be put back by hand or deleted");
}

/* -- the work ---------------------------------------------------------------------- */

static int work_out(const struct systemstate_cli *cli, struct systemstate_place *place,
		    struct state_change **ret, struct state_sum *ret_sum, struct err *err)
{
	const struct state_options options = {
		.classes = cli->classes,
		.other_machine = cli->other_machine,
		.domain_controller = cli->domain_controller,
		.time = time(NULL),
		.report = tell,
		.context = &place->display,
	};
	const struct state_backup backup = { place->reader, place->version,
					     place->windows, place->windows_number };
	const struct state_target target = { place->target, place->target_number,
					     place->partition->length };
	int r = state_work_out(&backup, &target, &options, ret, ret_sum, err);

	progress_end(&place->display);
	return r;
}

static enum exit_status fail(const struct err *err)
{
	enum exit_status status = command_fail(&command_systemstate, err);

	if (err->code == -EINPROGRESS)
		return EXIT_RESUMABLE;
	return err->code == -EACCES || err->code == -EBUSY ? EXIT_REFUSED : status;
}

static enum exit_status carry_out(const struct systemstate_cli *cli,
				  struct systemstate_place *place)
{
	AUTO(state_change_freep) struct state_change *change = NULL;
	struct state_sum sum = { 0 };
	struct err err = { 0 };
	int r = work_out(cli, place, &change, &sum, &err);

	if (r < 0)
		return fail(&err);
	/* They hold the disk open. */
	systemstate_release(place);
	if (change && !cli->plan)
		r = state_write(change, place->disk, place->partition, &err);
	if (r < 0)
		return fail(&err);
	tell_sum(&sum, change && !cli->plan);
	return EXIT_DONE;
}

static enum exit_status finish(struct systemstate_place *place)
{
	struct err err = { 0 };

	if (state_finish(place->disk, place->partition, &err) < 0)
		return fail(&err);
	printf("partition %u: the change that had stopped half-way was brought to its "
	       "end, "
	       "and read back\n",
	       place->partition->slot);
	return EXIT_DONE;
}

static enum exit_status run_systemstate(int argc, char **argv)
{
	struct systemstate_place place = { 0 };
	struct systemstate_cli cli;
	struct err err = { 0 };
	bool half = false;
	enum exit_status status = parse(argc, argv, &cli);
	int r;

	if (status != EXIT_DONE)
		return status;
	r = systemstate_find_disk(&cli, &place, &half, &err);
	if (r == 0 && cli.plan && half)
		r = err_set(&err, -EBUSY,
			    "partition %u: a change has stopped half-way: --finish "
			    "brings it to its end",
			    place.partition->slot);
	if (r == 0 && !half)
		r = systemstate_open(&cli, &place, &err);
	if (r < 0)
		status = fail(&err);
	else
		status = half ? finish(&place) : carry_out(&cli, &place);
	systemstate_clear(&place);
	return status;
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
		"  --finish              bring a change to its end that stopped "
		"half-way\n"
		"  --machine NAME, --version WHEN, --credentials FILE, --encrypt WHEN,\n"
		"  --unlock FILE         as 'bmr show' has them; default: the newest "
		"version\n",
	.run = run_systemstate,
};
