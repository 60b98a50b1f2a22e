/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See answer-run.h. */
#include "answer-run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <net/http.h>

#include "answer-network.h"
#include "answer-once.h"
#include "answer-status.h"
#include "log-bundle.h"
#include "session-forecast.h"
#include "systemstate.h"

/* Where PID 1 of the environment looks for what to do after a restore. */
#define ACTION_FILE "/run/openbmr/action"

#define RETRY_AFTER_S                                                                    \
	10 /* a server that starts again takes longer, and there are more tries */
#define CREDENTIALS_MAX	 4096
#define FETCH_TIMEOUT_MS 30000

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

/* plan = …: what was found must lead to what was planned then. */
static bool is_the_plan(const struct session *session, const char *wanted)
{
	char hash[PLAN_HASH_SIZE];

	for (size_t i = 0; wanted && i < session->plans.count; i++) {
		if (plan_hash(session->plans.plans[i], hash) && !strcmp(hash, wanted))
			continue;
		fprintf(stderr,
			"bmr auto: refused, nothing was written: the plan for '%s' is "
			"sha256:%s, and\nthe answer file allows only sha256:%s\n",
			session->plans.plans[i]->disk->path, hash, wanted);
		return false;
	}
	return true;
}

/* state = …: onto the Windows of the disk that disk0 names. */
static enum exit_status follow_state(const struct answer *answer, bool check,
				     const struct session_options *options)
{
	const struct systemstate_cli cli = {
		.source = options->source,
		.machine = answer->machine,
		.version = answer->version,
		.disk = strchr(answer->disks[0], '=') + 1,
		.volume = answer->partition,
		.report = check ? NULL : options->report,
		.classes = answer->state_classes,
		.other_machine = answer->other_machine,
		.domain_controller = answer->domain_controller,
		.plan = check,
		.once = true,
		.progress_fd = options->progress_fd,
	};

	return systemstate_run(&command_auto, &cli);
}

static enum exit_status follow_once(const struct answer *answer, bool check,
				    struct session_options *options)
{
	struct session session;
	struct err err = { 0 };
	AUTO_FREE char *text = NULL;
	enum exit_status status;

	if (answer->system_state)
		return follow_state(answer, check, options);
	if (session_open(options, &session, &err) < 0)
		return command_fail(&command_auto, &err);
	text = plan_set_text(&session.plans);
	if (text)
		fputs(text, stdout);
	fflush(stdout);
	if (!is_the_plan(&session, answer->plan))
		status = EXIT_REFUSED;
	else if (check)
		status = say_only(&session, options);
	else
		status = restore_or_resume(&session, options);
	session_close(&session);
	return status;
}

/* What a refusal says will be said again. */
static bool is_worth_a_try(enum exit_status status)
{
	return status == EXIT_FAILED || status == EXIT_RESUMABLE;
}

static enum exit_status follow_and_retry(const struct answer *answer, bool check,
					 struct session_options *options)
{
	enum exit_status status = follow_once(answer, check, options);

	for (unsigned i = 1; i <= answer->retries && !check && is_worth_a_try(status);
	     i++) {
		printf("on_fail: try %u of %u in %d s\n", i, answer->retries,
		       RETRY_AFTER_S);
		fflush(stdout);
		sleep(RETRY_AFTER_S);
		status = follow_once(answer, check, options);
	}
	return status;
}

/* url: is told how far it is, from a process that is started before any disk is opened; NULL:
 * nobody wants to know. */
static enum exit_status follow(const struct answer *answer, const char *url,
			       const struct answer_machine *machine,
			       const struct answer_run *run,
			       struct session_options *options)
{
	struct status_sender *sender = NULL;
	enum exit_status status;
	struct err err = { 0 };

	if (url && !run->check &&
	    status_start(&(struct status_place){ url, run->ca }, machine,
			 options->progress_fd, &sender, &options->progress_fd, &err) < 0)
		fprintf(stderr, "%s, ignoring\n", err.text);
	status = follow_and_retry(answer, run->check, options);
	status_end(sender, status);
	return status;
}

/* -- from the file to options ---- */

static void fill_options(const struct answer *answer, const struct answer_run *run,
			 struct session_options *options)
{
	options->source.require_encryption = answer->require_encryption;
	if (answer->gives_retry)
		options->source.retry_ms = answer->retry_seconds * 1000;
	options->source.unlock = answer->unlock;
	options->machine = answer->machine;
	options->version = answer->version;
	options->volumes = answer->volumes;
	options->controller = answer->controller;
	options->drivers = answer->drivers;
	options->grow = answer->grow;
	options->wipe = answer->wipe;
	options->no_shrink = answer->no_shrink;
	options->despite_forecast = answer->ignore_forecast;
	options->delta = answer->delta;
	options->prove = answer->prove_full ? PROVE_FULL : PROVE_SAMPLE;
	options->disk_count = answer->disk_count;
	options->exclude_count = answer->exclude_count;
	memcpy(options->disks, answer->disks, sizeof(answer->disks));
	memcpy(options->excludes, answer->excludes, sizeof(answer->excludes));
	options->new_ids = answer->new_ids;
	options->firmware = answer->firmware;
	options->dynamic_plain = answer->dynamic_plain;
	options->layout = answer->layout;
	options->qr = run->qr;
	options->firmware_entry = run->firmware_entry;
	options->progress_fd = run->progress_fd;
}

/* Variables, and a login that is asked for once. */
struct expanded {
	char *url, *report, *log, *login, *status;
};

static void expanded_clear(struct expanded *expanded)
{
	free(expanded->url);
	free(expanded->report);
	free(expanded->log);
	free(expanded->login);
	free(expanded->status);
}

/* Who serves it can make it valid for one request alone: it is kept in memory for further tries. */
static int fetch_login(const char *address, const struct answer_machine *machine,
		       const char *ca, char **ret, struct err *err)
{
	const struct http_options options = { FETCH_TIMEOUT_MS, ca };
	AUTO_FREE char *url = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r = answer_expand(address, machine, &url, err);

	if (r == 0)
		r = http_get(url, CREDENTIALS_MAX, &options, &bytes, &length, err);
	if (r == 0)
		r = answer_keep_in_memory(bytes, length, ret, err);
	if (bytes)
		explicit_bzero(bytes, length);
	return r < 0 ? err_add(err, "credentials") : 0;
}

/* ${host} in the name of a report or a log: this machine's, else the one that is restored. */
static int expand_places(const struct answer *answer,
			 const struct answer_machine *machine, struct expanded *ret,
			 struct err *err)
{
	struct answer_machine named = *machine;
	int r = 0;

	if (!named.host[0] && answer->machine)
		snprintf(named.host, sizeof(named.host), "%s", answer->machine);
	if (answer->report)
		r = answer_expand(answer->report, &named, &ret->report, err);
	if (r == 0 && answer->log)
		r = answer_expand(answer->log, &named, &ret->log, err);
	return r;
}

/* What was fetched can name no file of this machine: there it is the login it was fetched with. */
static char *choose_login(const struct answer_found *found)
{
	const char *named = found->answer.credentials;

	if (named && found->address && *named != '/' && found->login)
		named = found->login;
	if (!named && found->place != ANSWER_NAMED)
		named = found->login;
	return named ? strdup(named) : NULL;
}

static int expand(const struct answer_found *found, const struct answer_machine *machine,
		  const char *ca, struct expanded *ret, struct err *err)
{
	const struct answer *answer = &found->answer;
	int r = expand_places(answer, machine, ret, err);

	if (r == 0 && answer->status)
		r = answer_expand(answer->status, machine, &ret->status, err);
	if (r < 0)
		return err_add(err, "'%s'", found->name);
	if (answer->credentials_url)
		return fetch_login(answer->credentials, machine, ca, &ret->login, err);
	ret->login = choose_login(found);
	return 0;
}

/* How the restore ended does not depend on it. */
static void keep_log(const char *where, const struct source_options *login)
{
	struct err err = { 0 };
	size_t length = 0;

	if (log_bundle_save(LOG_PATH, where, login, &length, &err) < 0)
		fprintf(stderr, "the log cannot be saved: %s\n", err.text);
	else
		fprintf(stderr, "log saved: %s\n", where);
}

static enum exit_status prepare_and_follow(const struct answer_run *run,
					   struct answer_found *found,
					   const struct answer_machine *machine)
{
	struct session_options options = { .source = { .retry_ms = SOURCE_RETRY_MS } };
	AUTO(expanded_clear) struct expanded expanded = { 0 };
	const struct answer *answer = &found->answer;
	enum exit_status status;
	struct err err = { 0 };

	if (answer_check_whole(answer, &err) < 0)
		return command_fail(&command_auto, &err);
	if (answer_expand(answer->source_url, machine, &expanded.url, &err) < 0) {
		err_add(&err, "'%s'", found->name);
		return command_fail(&command_auto, &err);
	}
	if (run->environment)
		answer_network_up(&answer->network, expanded.url);
	if (expand(found, machine, run->ca, &expanded, &err) < 0)
		return command_fail(&command_auto, &err);
	fill_options(answer, run, &options);
	options.source.text = expanded.url;
	options.source.credentials = expanded.login;
	options.report = run->report ? run->report : expanded.report;
	status = follow(answer, expanded.status, machine, run, &options);
	if (expanded.log && !run->check)
		keep_log(expanded.log, &options.source);
	if (status == EXIT_DONE && !run->check)
		answer_mark_done(found, &options.source);
	return status;
}

enum exit_status answer_follow(const struct answer_run *run, struct answer_found *found,
			       const struct answer_machine *machine)
{
	enum exit_status status = prepare_and_follow(run, found, machine);

	if (run->check)
		return status;
	if (status == EXIT_DONE)
		hand_over_action(found->answer.action);
	else if (status != EXIT_CANCELLED)
		hand_over_action(found->answer.on_fail);
	return status;
}
