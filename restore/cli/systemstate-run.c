/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is worked out, written, and brought to its end: see systemstate.h. */
#include "systemstate.h"

#include <string.h>
#include <time.h>

struct job {
	const struct systemstate_cli *cli;
	struct systemstate_place place;
	struct systemstate_report report;
};

static int tell(enum plan_severity severity, const char *text, void *context,
		struct err *err)
{
	struct job *job = context;

	if (!text)
		return progress_wait(&job->place.display, err);
	progress_end(&job->place.display);
	return systemstate_report_note(&job->report, severity, text, err);
}

static int show_phase(struct job *job, enum restore_phase phase, struct err *err)
{
	if (progress_phase(&job->place.display, phase, NULL) == 0)
		return 0;
	return err_set(err, -ECANCELED, "cancelled");
}

static int work_out(struct job *job, struct state_change **ret, struct err *err)
{
	const struct systemstate_cli *cli = job->cli;
	struct systemstate_place *place = &job->place;
	const struct state_options options = {
		.classes = cli->classes,
		.other_machine = cli->other_machine,
		.domain_controller = cli->domain_controller,
		.once = cli->once,
		.time = job->report.time,
		.report = tell,
		.context = job,
	};
	const struct state_backup backup = { place->backup.reader, place->backup.version,
					     place->windows, place->windows_number };
	const struct state_target target = { place->target, place->target_number,
					     place->partition->length };
	int r = show_phase(job, PHASE_PREFLIGHT, err);

	if (r == 0)
		r = state_work_out(&backup, &target, &options, ret, &job->report.sum,
				   err);
	progress_end(&place->display);
	return r;
}

/* From the first byte on it is not cancelled: it is short, and ends by itself. */
static int write_change(struct job *job, const struct state_change *change,
			struct err *err)
{
	struct restore_result *result = &job->report.result;
	int r = show_phase(job, PHASE_COPY, err);

	if (r < 0)
		return r;
	r = state_write(change, job->place.disk, job->place.partition, err);
	if (r == 0)
		result->copied = result->verified = result->write_bytes =
			job->report.sum.bytes;
	result->target_touched = r == 0 || r == -EINPROGRESS;
	result->resumable = r == -EINPROGRESS;
	return r;
}

static int carry_out(struct job *job, struct err *err)
{
	AUTO(state_change_freep) struct state_change *change = NULL;
	int r = work_out(job, &change, err);

	if (r < 0)
		return r;
	/* They hold the disk open. */
	systemstate_release(&job->place);
	return change && !job->cli->plan ? write_change(job, change, err) : 0;
}

static int finish(struct job *job, struct err *err)
{
	int r;

	progress_init(&job->place.display, "source", job->cli->progress_fd);
	r = show_phase(job, PHASE_COPY, err);
	if (r == 0)
		r = state_finish(job->place.disk, job->place.partition, err);
	job->report.finished = job->report.result.target_touched = r == 0;
	return r;
}

static int run(struct job *job, struct err *err)
{
	struct systemstate_place *place = &job->place;
	bool half = false;
	int r = systemstate_find_disk(job->cli, place, &half, err);

	if (r == 0 && job->cli->plan && half)
		r = err_set(err, -EBUSY,
			    "partition %u: a change has stopped half-way: --finish "
			    "brings it to its end",
			    place->partition->slot);
	if (r == 0 && !half)
		r = systemstate_open(job->cli, place, err);
	if (r < 0)
		return r;
	r = half ? finish(job, err) : carry_out(job, err);
	progress_end(&place->display);
	return r;
}

/* What was done before is no failure. */
static enum exit_status fail(const struct command *command, const struct err *err)
{
	enum exit_status status;

	if (err->code == -EALREADY) {
		printf("%s\n", err->text);
		return EXIT_DONE;
	}
	status = command_fail(command, err);
	if (err->code == -EINPROGRESS)
		return EXIT_RESUMABLE;
	return err->code == -EACCES || err->code == -EBUSY ? EXIT_REFUSED : status;
}

enum exit_status systemstate_run(const struct command *command,
				 const struct systemstate_cli *cli)
{
	struct job job = { .cli = cli };
	enum exit_status status = EXIT_DONE;
	struct err err = { 0 };
	int r;

	job.report = (struct systemstate_report){ .cli = cli,
						  .place = &job.place,
						  .time = time(NULL) };
	systemstate_report_start(&job.report);
	r = run(&job, &err);
	if (r < 0)
		status = fail(command, &err);
	systemstate_report_end(&job.report, r < 0 ? &err : NULL);
	systemstate_report_clear(&job.report);
	systemstate_clear(&job.place);
	return status;
}
