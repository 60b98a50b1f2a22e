/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forecasts of a session: see session-forecast.h. */
#include "session-forecast.h"

#include <stdio.h>

#include <base/text.h>

/* Real disks are of this machine, whose firmware counts then; of an image file nobody knows. */
static int read_machine(const struct session *session,
			const struct session_options *options,
			struct forecast_machine *ret, struct err *err)
{
	*ret = (struct forecast_machine){ 0 };
	if (options->efivars)
		return forecast_machine_read(options->efivars, ret, err);
	for (size_t i = 0; i < session->plans.count; i++)
		if (session->plans.plans[i]->disk->is_file)
			return 0;
	return forecast_machine_read(FORECAST_EFIVARS, ret, err);
}

static bool can_be_judged(const struct plan_set *plans)
{
	for (size_t i = 0; i < plans->count; i++)
		if (!plans->plans[i]->after)
			return false;
	return !plan_set_refused(plans);
}

int session_forecast(const struct session *session, const struct session_options *options,
		     bool on_disks, struct forecast *ret, struct err *err)
{
	AUTO(forecast_machine_clear) struct forecast_machine machine = { 0 };
	int r;

	*ret = (struct forecast){ 0 };
	if (!can_be_judged(&session->plans))
		return 0;
	r = read_machine(session, options, &machine, err);
	if (r < 0)
		return r;
	return on_disks ? forecast_disks(&session->plans, &machine, ret, err)
			: forecast_backup(&session->plans, session->reader, &machine, ret,
					  err);
}

void session_tell_forecast(const struct session *session,
			   const struct session_options *options, FILE *out,
			   bool *ret_red)
{
	AUTO(forecast_clear) struct forecast forecast = { 0 };
	AUTO_FREE char *text = NULL;
	struct err err = { 0 };

	if (session_forecast(session, options, false, &forecast, &err) < 0)
		fprintf(out, "no forecast: %s\n", err.text);
	text = forecast_text(&forecast);
	if (text)
		fputs(text, out);
	*ret_red = forecast_is_red(&forecast);
}

static void take_over(char **old, char *new)
{
	if (!new)
		return;
	free(*old);
	*old = new;
}

void session_add_forecast(const struct session *session,
			  const struct session_options *options, char **text, char **json)
{
	AUTO(forecast_clear) struct forecast forecast = { 0 };
	AUTO_FREE char *more = NULL;
	struct err err = { 0 };

	if (session_forecast(session, options, true, &forecast, &err) < 0)
		more = text_format("no forecast: %s\n", err.text);
	else
		more = forecast_text(&forecast);
	if (*text && more)
		take_over(text, text_format("%s%s", *text, more));
	if (*json)
		take_over(json, forecast_add_json(&forecast, *json));
}
