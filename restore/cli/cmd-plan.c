/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr plan: shows what a restore would do. Never opens a disk for writing. */
#include <stdio.h>

#include "newer.h"
#include "session-forecast.h"

/* Nothing depends on it: a person may want to know before the disk is erased. */
static void tell_newer(struct session *session)
{
	if (session->version->time.origin == ORIGIN_NONE)
		return;
	for (size_t i = 0; i < session->plans.count; i++)
		newer_tell(session->plans.plans[i]->disk,
			   (int64_t)session->version->time.value, &session->display);
}

static enum exit_status run_plan(int argc, char **argv)
{
	struct session_options options;
	struct session session;
	struct err err = { 0 };
	AUTO_FREE char *plan = NULL;
	bool red;
	AUTO(forecast_clear) struct forecast forecast = { 0 };
	AUTO_FREE char *text = NULL;
	enum exit_status status = session_parse(&command_plan, argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
	if (session_open(&options, &session, &err) < 0)
		return command_fail(&command_plan, &err);
	if (options.json) {
		if (session_forecast(&session, &options, false, &forecast, &err) < 0)
			fprintf(stderr, "no forecast: %s\n", err.text);
		plan = plan_set_json(&session.plans);
		text = forecast_add_json(&forecast, plan);
		puts(text ? text : "");
	} else {
		text = plan_set_text(&session.plans);
		fputs(text ? text : "", stdout);
		session_tell_forecast(&session, &options, stdout, &red);
		tell_newer(&session);
	}
	status = plan_set_refused(&session.plans) ? EXIT_REFUSED : EXIT_DONE;
	session_close(&session);
	return text ? status : EXIT_FAILED;
}

const struct command command_plan = {
	.name = "plan",
	.group = "Restore",
	.usage = "plan --from SOURCE --disk WHICH [OPTION...]",
	.summary = "show what a restore would write, and why; writes nothing",
	.help = session_help,
	.run = run_plan,
};
