/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr plan: shows what a restore would do. Never opens a disk for writing. */
#include <stdio.h>

#include <jansson.h>

#include "newer.h"
#include "session-forecast.h"
#include "session-time.h"

/* Files that the restore would erase. Nothing depends on it: a person may want to know before. */
static void tell_newer(struct session *session)
{
	if (session->version->time.origin == ORIGIN_NONE)
		return;
	for (size_t i = 0; i < session->plans.count; i++)
		newer_tell(session->plans.plans[i], (int64_t)session->version->time.value,
			   &session->display);
}

static json_t *newer_of_plans(struct session *session)
{
	json_t *disks = json_array();

	if (session->version->time.origin == ORIGIN_NONE)
		return disks;
	for (size_t i = 0; i < session->plans.count; i++) {
		json_t *disk = newer_json(session->plans.plans[i],
					  (int64_t)session->version->time.value,
					  &session->display);

		if (disk)
			json_array_append_new(disks, disk);
	}
	return disks;
}

/* Nothing depends on it either. */
static void tell_time(struct session *session)
{
	struct session_time time;
	struct err fault = { 0 };
	AUTO_FREE char *text = NULL;
	int r;

	if (plan_set_refused(&session->plans))
		return;
	r = session_time(session, &time, &fault);
	text = session_time_text(&time, r < 0 ? fault.text : NULL);
	fputs(text ? text : "", stdout);
}

static json_t *time_of_plans(struct session *session)
{
	struct session_time time;
	struct err fault = { 0 };
	int r;

	if (plan_set_refused(&session->plans))
		return json_null();
	r = session_time(session, &time, &fault);
	return session_time_json(&time, r < 0 ? fault.text : NULL);
}

/* Plan, forecast, time and newer files as one object; a new string. NULL: no memory. */
static char *make_json(struct session *session, const struct session_options *options)
{
	AUTO(forecast_clear) struct forecast forecast = { 0 };
	AUTO_FREE char *plan = NULL, *text = NULL;
	struct err err = { 0 };
	json_t *object;

	if (session_forecast(session, options, false, &forecast, &err) < 0)
		fprintf(stderr, "no forecast: %s\n", err.text);
	plan = plan_set_json(&session->plans);
	text = forecast_add_json(&forecast, plan);
	object = text ? json_loads(text, 0, NULL) : NULL;
	if (!object)
		return NULL;
	free(text);
	if (!options->no_estimate)
		json_object_set_new(object, "time", time_of_plans(session));
	json_object_set_new(object, "newer_files", newer_of_plans(session));
	text = json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(object);
	return TAKE_PTR(text);
}

static enum exit_status run_plan(int argc, char **argv)
{
	struct session_options options;
	struct session session;
	struct err err = { 0 };
	AUTO_FREE char *text = NULL;
	bool red;
	enum exit_status status = session_parse(&command_plan, argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
	if (session_open(&options, &session, &err) < 0)
		return command_fail(&command_plan, &err);
	if (options.json) {
		text = make_json(&session, &options);
		puts(text ? text : "");
	} else {
		text = plan_set_text(&session.plans);
		fputs(text ? text : "", stdout);
		session_tell_forecast(&session, &options, stdout, &red);
		if (!options.no_estimate)
			tell_time(&session);
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
