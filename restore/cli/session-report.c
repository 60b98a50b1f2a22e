/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reports of a session: see session-report.h. */
#include "session-report.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include <base/text.h>

#include "log-bundle.h"
#include "qr.h"
#include "session-forecast.h"
#include "store.h"

/* -- saving ---- */

static int write_file(const char *path, const char *text, bool may_exist, struct err *err)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_CLOEXEC | (may_exist ? O_TRUNC : O_EXCL),
		      0666);
	AUTO_FCLOSE FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	FILE *closing = file;
	bool failed;

	if (!file)
		return err_errno(err, errno, "'%s': the report cannot be saved", path);
	failed = fputs(text, file) < 0 || fflush(file) != 0 || fsync(fd) != 0;
	file = NULL;
	if (fclose(closing) != 0 || failed)
		return err_errno(err, errno, "'%s': the report cannot be saved", path);
	fprintf(stderr, "report saved: %s\n", path);
	return 0;
}

/* "FOLDER/openbmr-MACHINE-TIME". A machine's name comes from outside: it must not lead to another
 * folder. */
static char *file_stem(const char *folder, const char *machine)
{
	char name[64], when[32];
	time_t now = time(NULL);
	struct tm utc;

	snprintf(name, sizeof(name), "%s", machine);
	for (char *c = name; *c; c++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789-_",
			    *c))
			*c = '_';
	if (!gmtime_r(&now, &utc) || !strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &utc))
		return NULL;
	return text_format("%s/openbmr-%s-%s", folder, name, when);
}

static int save_in_folder(const char *folder, const char *machine, const char *json,
			  const char *text, struct err *err)
{
	AUTO_FREE char *stem = file_stem(folder, machine);
	AUTO_FREE char *json_path = stem ? text_format("%s.json", stem) : NULL;
	AUTO_FREE char *text_path = stem ? text_format("%s.txt", stem) : NULL;
	int r;

	if (!json_path || !text_path)
		return err_nomem(err);
	r = write_file(json_path, json, false, err);
	return r < 0 ? r : write_file(text_path, text, false, err);
}

static bool is_text(const char *where)
{
	size_t length = strlen(where);

	return length > 4 && strcasecmp(where + length - 4, ".txt") == 0;
}

int report_save(const char *where, const char *machine, const char *json,
		const char *text, struct err *err)
{
	struct stat st;

	if (stat(where, &st) == 0 && S_ISDIR(st.st_mode))
		return save_in_folder(where, machine, json, text, err);
	return write_file(where, is_text(where) ? text : json, true, err);
}

static int store_report(const struct source_options *source, const char *where,
			const char *content, struct err *err)
{
	int r = store_put(where, source, content, strlen(content), err);

	if (r < 0)
		return err_add(err, "the report cannot be saved");
	fprintf(stderr, "report saved: %s\n", where);
	return 0;
}

/* To a share or a medium, by the login of the backup; a folder ends in '/'. */
static int report_store(const struct source_options *source, const char *where,
			const char *const report[2], const char *machine, struct err *err)
{
	const char *json = report[0], *text = report[1];
	AUTO_FREE char *folder = strndup(where, strlen(where) - store_is_folder(where));
	AUTO_FREE char *stem = folder ? file_stem(folder, machine) : NULL;
	AUTO_FREE char *json_path = stem ? text_format("%s.json", stem) : NULL;
	AUTO_FREE char *text_path = stem ? text_format("%s.txt", stem) : NULL;
	int r;

	if (!json_path || !text_path)
		return err_nomem(err);
	if (!store_is_folder(where))
		return store_report(source, where, is_text(where) ? text : json, err);
	r = store_report(source, json_path, json, err);
	return r < 0 ? r : store_report(source, text_path, text, err);
}

void report_keep(const char *where, const struct source_options *source,
		 const char *machine, const char *json, const char *text)
{
	const char *const report[2] = { json, text };
	struct err err = { 0 };
	int r;

	if (!json || !text)
		r = err_nomem(&err);
	else if (store_is_elsewhere(where))
		r = report_store(source, where, report, machine, &err);
	else
		r = report_save(where, machine, json, text, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
}

static void save(const struct session *session, const struct session_options *options,
		 const struct restore_result *result, const char *json,
		 const char *in_short)
{
	AUTO_FREE char *whole =
		restore_report_whole(&session->plans, result, in_short ? in_short : "");

	if (options->report)
		report_keep(options->report, &options->source, session->machine->name,
			    json, whole);
}

static void keep(const struct session *session, const struct restore_result *result,
		 const char *json, const char *in_short)
{
	AUTO_FREE char *whole =
		restore_report_whole(&session->plans, result, in_short ? in_short : "");

	if (json && whole)
		log_keep_report(whole, json);
}

/* -- telling ---- */

static void show_qr(const struct session *session, const struct restore_result *result,
		    const struct err *error)
{
	AUTO_FREE char *summary = restore_report_summary(&session->plans, result, error);
	AUTO_FREE char *code = NULL;
	struct err err = { 0 };

	if (!summary)
		return;
	if (qr_render(summary, &code, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
	else
		printf("%s%s\n", code, summary);
	fflush(stdout);
}

void session_report(const struct session *session, const struct session_options *options,
		    const struct restore_result *result, const struct err *error)
{
	AUTO_FREE char *text = restore_report_text(&session->plans, result, error);
	AUTO_FREE char *json = restore_report_json(&session->plans, result, error);

	if (!error)
		session_add_forecast(session, options, &text, &json);
	if (options->json && json)
		puts(json);
	else if (text)
		fputs(text, error ? stderr : stdout);
	save(session, options, result, json, text);
	keep(session, result, json, text);
	if (options->qr)
		show_qr(session, result, error);
}

void session_save_refusal(const struct session *session,
			  const struct session_options *options)
{
	const struct restore_result result = { 0 };
	struct err err = { 0 };
	AUTO_FREE char *text = NULL, *json = NULL;

	err_set_text(&err, -EPERM, "refused by the plan, nothing was written");
	text = restore_report_text(&session->plans, &result, &err);
	json = restore_report_json(&session->plans, &result, &err);
	save(session, options, &result, json, text);
	keep(session, &result, json, text);
	if (options->qr)
		show_qr(session, &result, &err);
}
