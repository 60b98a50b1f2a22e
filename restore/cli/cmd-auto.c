/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr auto: a restore as the answer file says, without a question. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <base/block-source.h>

#include "answer-network.h"
#include "answer-run.h"
#include "answer-search.h"
#include "machine-facts.h"
#include "options.h"

#define CA_MAX (1u << 20) /* all that a browser trusts has a quarter of it */

struct auto_options {
	struct answer_search_wishes search;
	struct answer_run run;
	bool find;
	bool elsewhere; /* --root names a folder that stands for a machine's root */
	const char *ca; /* path of a file; NULL */
};

static enum exit_status usage(const char *text)
{
	return command_usage(&command_auto, "%s", text);
}

static enum exit_status take_environment(const struct command *command, const char *name,
					 const char *value, void *field)
{
	struct auto_options *o = field;

	o->search.environment = o->run.environment = true;
	o->run.firmware_entry = true;
	return EXIT_DONE;
}

static enum exit_status take_find(const struct command *command, const char *name,
				  const char *value, void *field)
{
	struct auto_options *o = field;

	o->find = o->search.local_only = true;
	return EXIT_DONE;
}

static enum exit_status take_root(const struct command *command, const char *name,
				  const char *value, void *field)
{
	struct auto_options *o = field;

	o->search.root = value;
	o->elsewhere = *value;
	return EXIT_DONE;
}

#define AT(member) offsetof(struct auto_options, member)

static const struct cli_option cli_options[] = {
	{ "answer", option_text, AT(search.path) },
	{ "ca", option_text, AT(ca) },
	{ "check", option_flag, AT(run.check), .is_flag = true },
	{ "environment", take_environment, .is_flag = true },
	{ "find", take_find, .is_flag = true },
	{ "firmware-entry", option_flag, AT(run.firmware_entry), .is_flag = true },
	{ "progress-fd", option_progress_fd, AT(run.progress_fd) },
	{ "qr", option_flag, AT(run.qr), .is_flag = true },
	{ "report", option_text, AT(run.report) },
	{ "root", take_root },
	{ "signed-by", option_text, AT(search.signed_by) },
};

/* Looks for it, says what was considered, and follows it. */
static enum exit_status find_and_follow(const struct auto_options *options)
{
	struct answer_machine machine;
	struct answer_found found = { 0 };
	AUTO_FREE char *log = NULL;
	struct err err = { 0 };
	enum exit_status status;
	int r;

	machine_facts_read(options->search.root, &machine);
	r = answer_search(&options->search, &machine, &found, &log, &err);
	if (log && (!options->search.path || options->run.check))
		fputs(log, stdout);
	fflush(stdout);
	if (r < 0)
		return command_fail(&command_auto, &err);
	status = options->find ? EXIT_DONE
			       : answer_follow(&options->run, &found, &machine);
	answer_found_clear(&found);
	return status;
}

/* *ret: what the file of --ca says, which the options then point to. */
static int read_authorities(struct auto_options *o, uint8_t **ret, struct err *err)
{
	size_t length = 0;
	int r = o->ca ? source_file_read_whole(o->ca, "a file of certificates", CA_MAX,
					       ret, &length, err)
		      : 0;

	if (r == 0 && *ret) {
		(*ret)[length] = '\0';
		o->search.ca = o->run.ca = (const char *)*ret;
	}
	return r;
}

static enum exit_status run_auto(int argc, char **argv)
{
	struct auto_options options = { .search = { .root = "" } };
	AUTO_FREE uint8_t *authorities = NULL;
	struct err err = { 0 };
	enum exit_status status =
		options_parse(&command_auto, cli_options, ARRAY_SIZE(cli_options), argc,
			      argv, &options);

	if (status != EXIT_DONE)
		return status;
	if (optind < argc && !options.search.path)
		options.search.path = argv[optind++];
	if (optind < argc)
		return usage("one answer file, and nothing else");
	/* A stick that lies about must not restore whatever machine this is typed on. */
	if (!options.search.path && !options.search.environment && !options.run.check &&
	    !options.find && !options.elsewhere)
		return usage(
			"FILE is missing: only the recovery environment follows what "
			"it finds; '--check' tells what there is");
	if (read_authorities(&options, &authorities, &err) < 0)
		return command_fail(&command_auto, &err);
	return find_and_follow(&options);
}

const struct command command_auto = {
	.name = "auto",
	.group = "Restore",
	.usage = "auto [FILE] [--check] [--find] [--signed-by KEY] [--ca FILE] "
		 "[--firmware-entry] [--report FILE] [--progress-fd N] [--qr]",
	.summary = "restore as an answer file says, without a question",
	.help = "  FILE              the answer file, openbmr.ini, and no other; also "
		"--answer FILE\n"
		"                    Without it, in the recovery environment: "
		"openbmr.answer=, "
		"what "
		"the boot\n"
		"                    application handed over, SMBIOS and fw_cfg, "
		"removable "
		"media, the\n"
		"                    boot medium; the first one that is for this machine "
		"counts\n"
		"  --check           only say what would happen, and which files were "
		"considered\n"
		"  --find            only say which files were considered, without the "
		"network\n"
		"  --signed-by KEY   FILE.sig must be a signature of the answer file by "
		"this\n"
		"                    public Ed25519 key (PEM), or it is refused; without "
		"FILE this\n"
		"                    concerns what came over a network unencrypted\n"
		"  --ca FILE         the authorities (PEM) one of which must have signed "
		"the\n"
		"                    certificate of a server that https:// names\n"
		"  --firmware-entry  write the firmware boot entry of this machine\n"
		"  --report FILE     save the report: in a folder as text and JSON, else "
		"as JSON, or\n"
		"                    as text if FILE ends in .txt; also smb://… and "
		"stick:NAME\n"
		"  --qr              show a summary of the result as a QR code\n"
		"  --progress-fd N   a line of JSON some times a second on this "
		"descriptor\n"
		"  --environment     in the recovery environment: mount media, set up "
		"the "
		"network,\n"
		"                    write the firmware entry, rename the file after "
		"success\n"
		"  --root DIR        look for answer files in a folder that stands for "
		"the "
		"machine\n",
	.run = run_auto,
};
