/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr verify: compares a disk with a backup, any time after a restore. */
#include <stdio.h>

#include "session-forecast.h"

static enum exit_status compare(struct session *session,
				const struct session_options *options)
{
	struct restore_result result = { 0 };
	struct restore_options restore = { .report = progress_show,
					   .context = &session->display };
	struct err err = { 0 };
	AUTO_FREE char *text = NULL, *json = NULL;
	int r;

	r = restore_verify(&session->plans, session->reader, &restore, &result, &err);
	progress_end(&session->display);
	text = restore_report_text(&session->plans, &result, r < 0 ? &err : NULL);
	json = restore_report_json(&session->plans, &result, r < 0 ? &err : NULL);
	session_add_forecast(session, options, &text, &json);
	if (options->json && json)
		puts(json);
	else if (text)
		fputs(text, stdout);
	restore_result_clear(&result);
	if (r == 0)
		return EXIT_DONE;
	return r == -ECANCELED ? EXIT_CANCELLED : EXIT_FAILED;
}

static enum exit_status run_verify(int argc, char **argv)
{
	struct session_options options;
	struct session session;
	struct err err = { 0 };
	enum exit_status status = session_parse(&command_verify, argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
	if (session_open(&options, &session, &err) < 0)
		return command_fail(&command_verify, &err);
	status = compare(&session, &options);
	session_close(&session);
	return status;
}

const struct command command_verify = {
	.name = "verify",
	.group = "Restore",
	.usage = "verify --from SOURCE --disk WHICH [OPTION...]",
	.summary = "compare a restored disk with its backup; writes nothing",
	.help = session_help,
	.run = run_verify,
};
