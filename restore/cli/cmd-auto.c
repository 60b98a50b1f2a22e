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

#define CA_MAX (1u << 20) /* all that a browser trusts has a quarter of it */

enum {
	OPTION_ANSWER = 1,
	OPTION_CA,
	OPTION_CHECK,
	OPTION_ENVIRONMENT,
	OPTION_FIND,
	OPTION_FIRMWARE_ENTRY,
	OPTION_PROGRESS_FD,
	OPTION_QR,
	OPTION_REPORT,
	OPTION_ROOT,
	OPTION_SIGNED_BY,
};

static const struct option long_options[] = {
	{ "answer", required_argument, NULL, OPTION_ANSWER },
	{ "ca", required_argument, NULL, OPTION_CA },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "environment", no_argument, NULL, OPTION_ENVIRONMENT },
	{ "find", no_argument, NULL, OPTION_FIND },
	{ "firmware-entry", no_argument, NULL, OPTION_FIRMWARE_ENTRY },
	{ "progress-fd", required_argument, NULL, OPTION_PROGRESS_FD },
	{ "qr", no_argument, NULL, OPTION_QR },
	{ "report", required_argument, NULL, OPTION_REPORT },
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "signed-by", required_argument, NULL, OPTION_SIGNED_BY },
	{ 0 },
};

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

static enum exit_status take_option(int option, struct auto_options *o)
{
	switch (option) {
	case OPTION_ANSWER:
		o->search.path = optarg;
		return EXIT_DONE;
	case OPTION_CA:
		o->ca = optarg;
		return EXIT_DONE;
	case OPTION_CHECK:
		o->run.check = true;
		return EXIT_DONE;
	case OPTION_ENVIRONMENT:
		o->search.environment = o->run.environment = true;
		o->run.firmware_entry = true;
		return EXIT_DONE;
	case OPTION_FIND:
		o->find = o->search.local_only = true;
		return EXIT_DONE;
	case OPTION_FIRMWARE_ENTRY:
		o->run.firmware_entry = true;
		return EXIT_DONE;
	case OPTION_PROGRESS_FD:
		return progress_take_fd(optarg, &o->run.progress_fd)
			       ? EXIT_DONE
			       : usage("--progress-fd: no open descriptor from 1 on");
	case OPTION_QR:
		o->run.qr = true;
		return EXIT_DONE;
	case OPTION_REPORT:
		o->run.report = optarg;
		return EXIT_DONE;
	case OPTION_ROOT:
		o->search.root = optarg;
		o->elsewhere = optarg && *optarg;
		return EXIT_DONE;
	case OPTION_SIGNED_BY:
		o->search.signed_by = optarg;
		return EXIT_DONE;
	default:
		return usage("unknown option, or one without its value");
	}
}

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
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		enum exit_status status = take_option(option, &options);

		if (status != EXIT_DONE)
			return status;
	}
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
