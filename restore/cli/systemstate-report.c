/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What 'bmr restore-systemstate' tells, in the words and fields of 'bmr restore': see systemstate.h. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <base/text.h>

#include "log-bundle.h"
#include "session-report.h"
#include "systemstate.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void systemstate_report_start(struct systemstate_report *report)
{
	report->start_ms = now_ms();
}

/* Told at once, and kept. JSON alone goes to standard output where that is asked for. */
static void tell_line(struct systemstate_report *report, const char *line)
{
	FILE *stream = report->cli->json ? stderr : stdout;

	files_put(line, stream);
	putc('\n', stream);
	text_add(&report->text, "%s\n", line);
}

int systemstate_report_note(struct systemstate_report *report,
			    enum plan_severity severity, const char *text,
			    struct err *err)
{
	AUTO_FREE char *line =
		text_format("%s%s", severity == PLAN_NOTE ? "" : "WARNING: ", text);

	if (!line)
		return err_nomem(err);
	tell_line(report, line);
	return restore_result_note(&report->result, severity, text, err);
}

/* -- for people -------------------------------------------------------------------------- */

static bool is_change(const struct state_sum *sum)
{
	return sum->replaced || sum->added || sum->emptied;
}

static char *sum_text(const struct systemstate_report *report)
{
	const struct state_sum *sum = &report->sum;
	bool written = !report->cli->plan;
	char bytes[SIZE_TEXT_SIZE];

	if (report->finished)
		return text_format("partition %u: the change that had stopped half-way "
				   "was brought to its end, and read back",
				   report->place->partition->slot);
	if (!is_change(sum))
		return text_format("nothing to do: all %" PRIu64
				   " files are equal already",
				   sum->same);
	return text_format(
		"%s: %" PRIu64 " files replaced, %" PRIu64 " added, %" PRIu64
		" logs of hives emptied, %" PRIu64 " equal already; %s of the volume %s",
		written ? "done" : "plan, nothing is written", sum->replaced, sum->added,
		sum->emptied, sum->same, size_format(sum->bytes, bytes),
		written ? "written and read back" : "would be written");
}

static const char *next_step(const struct systemstate_report *report,
			     const struct err *error)
{
	if (report->finished)
		return "the same command as before, with --from, where more than one "
		       "partition was to be changed: what is equal is left alone";
	if (error && error->code == -EINPROGRESS)
		return "bmr restore-systemstate --disk WHICH --finish";
	if (error || report->cli->plan || !report->result.target_touched)
		return NULL;
	return "start Windows; the old files are in \\" STATE_FOLDER
	       "… on its volume, to be put back by hand or deleted";
}

/* -- for machines ------------------------------------------------------------------------ */

/* The disk as plans have it. */
static json_t *json_target(const struct disk *disk)
{
	if (disk->is_file)
		return json_pack("{s:s, s:b, s:I, s:i}", "file", disk->path, "exists",
				 disk->exists, "size", (json_int_t)disk->size,
				 "sector_size", (int)disk->sector_size);
	return json_pack("{s:s, s:s, s:I, s:i}", "serial", disk->serial, "wwn", disk->wwn,
			 "size", (json_int_t)disk->size, "sector_size",
			 (int)disk->sector_size);
}

static json_t *json_files(const struct state_sum *sum)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "replaced",
			 (json_int_t)sum->replaced, "added", (json_int_t)sum->added,
			 "emptied", (json_int_t)sum->emptied, "equal",
			 (json_int_t)sum->same, "bytes", (json_int_t)sum->bytes);
}

static char *json_plan(const struct systemstate_report *report)
{
	const struct systemstate_place *place = report->place;
	const struct backup_version *version = place->backup.version;
	char folder[STATE_FOLDER_SIZE];
	json_t *object = json_pack(
		"{s:b, s:s?, s:s?, s:s?, s:s?, s:o, s:o}", "plan_only", report->cli->plan,
		"source", report->cli->source.text, "machine",
		place->backup.machine ? place->backup.machine->name : NULL, "version",
		version ? version->id : NULL, "folder", version ? version->path : NULL,
		"target", place->disk ? json_target(place->disk) : json_null(),
		"partition",
		place->partition ? json_integer(place->partition->slot) : json_null());
	char *text;

	if (object && place->boot_partition)
		json_object_set_new(object, "boot_partition",
				    json_integer(place->boot_partition->slot));
	if (object && !report->finished) {
		state_folder_name(report->time, folder);
		json_object_set_new(object, "files", json_files(&report->sum));
		json_object_set_new(object, "kept_in", json_string(folder));
	}
	text = object ? json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(object);
	return text;
}

static char *report_json(const struct systemstate_report *report, const char *next,
			 const struct err *error)
{
	const struct source_backup *backup = &report->place->backup;
	const char *const steps[] = { next, NULL };
	AUTO_FREE char *plan = json_plan(report);
	const struct restore_about about = {
		.machine = backup->machine ? backup->machine->name : NULL,
		.source = report->cli->source.text,
		.plan = plan,
		.next_steps = steps,
	};

	return restore_result_json(&report->result, &about, error);
}

/* -- both -------------------------------------------------------------------------------- */

static const char *machine_name(const struct systemstate_report *report)
{
	const struct source_backup *backup = &report->place->backup;

	return backup->machine ? backup->machine->name : "systemstate";
}

void systemstate_report_end(struct systemstate_report *report, const struct err *error)
{
	const struct systemstate_cli *cli = report->cli;
	const char *next = next_step(report, error);
	AUTO_FREE char *sum =
		error ? text_format("FAILED: %s", error->text) : sum_text(report);
	AUTO_FREE char *step = next ? text_format("next: %s", next) : NULL;
	AUTO_FREE char *json = NULL, *text = NULL;

	report->result.seconds = (double)(now_ms() - report->start_ms) / 1000;
	json = report_json(report, next, error);
	if (error) /* which has been told */
		text_add(&report->text, "%s\n", sum ? sum : "");
	else if (sum)
		tell_line(report, sum);
	if (step && !error)
		tell_line(report, step);
	else if (step)
		text_add(&report->text, "%s\n", step);
	text = text_take(&report->text);
	if (cli->json && json)
		puts(json);
	if (cli->report)
		report_keep(cli->report, &cli->source, machine_name(report), json, text);
	if (json && text)
		log_keep_report(text, json);
}

void systemstate_report_clear(struct systemstate_report *report)
{
	text_clear(&report->text);
	restore_result_clear(&report->result);
}
