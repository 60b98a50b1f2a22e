/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr auto: a restore as the answer file says, without a question. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <base/text.h>
#include <restore/answer.h>

#include "session-forecast.h"

/* Where PID 1 of the environment looks for what to do after a restore. */
#define ACTION_FILE "/run/openbmr/action"

static enum exit_status usage(const char *text)
{
	return command_usage(&command_auto, "%s", text);
}

/* Outside the environment there is no such folder, and nobody to restart. */
static void hand_over_action(enum after_action action)
{
	AUTO_FCLOSE FILE *file = fopen(ACTION_FILE, "we");

	if (file)
		fprintf(file, "%s\n", after_action_text(action));
}

/* Nobody is there to decide whether a disk that will not start is better than the old one. */
static enum exit_status stopped_by_forecast(void)
{
	fprintf(stderr, "bmr auto: stopped by the forecast, nothing was written: what is "
			"RED above "
			"keeps Windows\nfrom starting; 'forecast = ignore' in [target] "
			"restores all "
			"the same\n");
	return EXIT_REFUSED;
}

/* A machine that starts from the network again and again ends here: what was restored by this
 * plan is not restored again. What stopped half-way is taken up. */
static enum exit_status restore_or_resume(struct session *session,
					  struct session_options *options)
{
	enum restore_found_kind found = RESTORE_FOUND_NONE;
	bool red;
	enum exit_status status = session_look(&command_auto, session, options, &found);

	if (status != EXIT_DONE)
		return status;
	if (found == RESTORE_FOUND_WHOLE) {
		puts("already restored: the disk carries the record of this restore, and "
		     "its table;\nnothing was written ('bmr restore' would do it again)");
		return EXIT_DONE;
	}
	session_tell_forecast(session, options, stdout, &red);
	if (red && !options->despite_forecast && found != RESTORE_FOUND_HALF)
		return stopped_by_forecast();
	options->resume = found == RESTORE_FOUND_HALF;
	if (options->resume)
		puts("a restore of this plan stopped half-way: it is resumed");
	fflush(stdout);
	return session_restore(&command_auto, session, options);
}

static enum exit_status say_only(const struct session *session,
				 const struct session_options *options)
{
	bool red;

	session_tell_forecast(session, options, stdout, &red);
	if (plan_set_refused(&session->plans))
		return EXIT_REFUSED;
	return red && !options->despite_forecast ? stopped_by_forecast() : EXIT_DONE;
}

static enum exit_status follow(const struct answer *answer, bool check,
			       struct session_options *options)
{
	struct session session;
	struct err err = { 0 };
	AUTO_FREE char *text = NULL;
	enum exit_status status;

	if (session_open(options, &session, &err) < 0)
		return command_fail(&command_auto, &err);
	text = plan_set_text(&session.plans);
	if (text)
		fputs(text, stdout);
	fflush(stdout);
	if (check)
		status = say_only(&session, options);
	else
		status = restore_or_resume(&session, options);
	session_close(&session);
	if (status == EXIT_DONE && !check)
		hand_over_action(answer->action);
	return status;
}

static enum exit_status run_auto(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "answer", required_argument, NULL, 'a' },
		{ "check", no_argument, NULL, 'c' },
		{ "firmware-entry", no_argument, NULL, 'f' },
		{ "progress-fd", required_argument, NULL, 'p' },
		{ "qr", no_argument, NULL, 'q' },
		{ "report", required_argument, NULL, 'r' },
		{ "signed-by", required_argument, NULL, 's' },
		{ 0 },
	};
	struct session_options options = { .source = { .may_prompt = false } };
	struct answer answer = { 0 };
	const char *path = NULL, *signed_by = NULL;
	struct err err = { 0 };
	enum exit_status status;
	bool check = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'a')
			path = optarg;
		else if (option == 'c')
			check = true;
		else if (option == 'f')
			options.firmware_entry = true;
		else if (option == 'p') {
			if (!progress_take_fd(optarg, &options.progress_fd))
				return usage("--progress-fd: no open descriptor from 1 "
					     "on");
		} else if (option == 'q')
			options.qr = true;
		else if (option == 'r')
			options.report = optarg;
		else if (option == 's')
			signed_by = optarg;
		else
			return usage("unknown option, or one without its value");
	}
	if (!path || optind < argc)
		return usage("--answer FILE is needed, and nothing else");
	if (answer_read(path, signed_by, &answer, &err) < 0)
		return command_fail(&command_auto, &err);
	options.source.text = answer.source_url;
	options.source.credentials = answer.credentials;
	options.source.unlock = answer.unlock;
	options.source.require_encryption = answer.require_encryption;
	options.machine = answer.machine;
	options.version = answer.version;
	options.volumes = answer.volumes;
	options.controller = answer.controller;
	options.drivers = answer.drivers;
	options.grow = answer.grow;
	options.no_shrink = answer.no_shrink;
	options.despite_forecast = answer.ignore_forecast;
	options.delta = answer.delta;
	options.prove = answer.prove_full ? PROVE_FULL : PROVE_SAMPLE;
	options.disk_count = answer.disk_count;
	options.exclude_count = answer.exclude_count;
	memcpy(options.disks, answer.disks, sizeof(answer.disks));
	memcpy(options.excludes, answer.excludes, sizeof(answer.excludes));
	options.new_ids = answer.new_ids;
	options.firmware = answer.firmware;
	options.dynamic_plain = answer.dynamic_plain;
	options.layout = answer.layout;
	if (!options.report)
		options.report = answer.report;
	status = follow(&answer, check, &options);
	answer_clear(&answer);
	return status;
}

const struct command command_auto = {
	.name = "auto",
	.group = "Restore",
	.usage = "auto --answer FILE [--check] [--signed-by KEY] [--firmware-entry] "
		 "[--report FILE] [--progress-fd N]",
	.summary = "restore as an answer file says, without a question",
	.help = "  --answer FILE     the answer file, openbmr.ini\n"
		"  --check           only say what would happen\n"
		"  --signed-by KEY   FILE.sig must be a signature of the answer file by "
		"this\n"
		"                    public Ed25519 key (PEM), or it is refused\n"
		"  --firmware-entry  write the firmware boot entry of this machine\n"
		"  --report FILE     save the report: in a folder as text and JSON, else "
		"as "
		"JSON, or\n"
		"                    as text if FILE ends in .txt (answer file: report = "
		"file:FILE)\n"
		"  --qr              show a summary of the result as a QR code\n"
		"  --progress-fd N   a line of JSON some times a second on this "
		"descriptor\n",
	.run = run_auto,
};
