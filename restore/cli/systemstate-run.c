/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is worked out, written, and brought to its end: see systemstate.h. */
#include "systemstate.h"

#include <string.h>
#include <time.h>

#include <base/text.h>

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

/* What is to be written, to the partition with Windows and to the one it is started from; NULL:
 * nothing. */
struct changes {
	struct state_change *windows, *boot;
};

static void changes_clear(struct changes *changes)
{
	state_change_free(changes->windows);
	state_change_free(changes->boot);
}

static void add_sum(struct state_sum *to, const struct state_sum *sum)
{
	to->replaced += sum->replaced;
	to->added += sum->added;
	to->emptied += sum->emptied;
	to->same += sum->same;
	to->bytes += sum->bytes;
}

static struct state_options options_of(struct job *job, bool starts_windows)
{
	const struct systemstate_cli *cli = job->cli;

	return (struct state_options){
		.classes = cli->classes,
		.other_machine = cli->other_machine,
		.domain_controller = cli->domain_controller,
		.starts_windows = starts_windows,
		.once = cli->once,
		.time = job->report.time,
		.report = tell,
		.context = job,
	};
}

static int work_out_windows(struct job *job, struct state_change **ret, struct err *err)
{
	struct systemstate_place *place = &job->place;
	const struct state_options options = options_of(job, false);
	const struct state_backup backup = { place->backup.reader, place->backup.version,
					     place->windows, place->windows_number };
	const struct state_target target = { place->target, place->target_number,
					     place->partition->length };

	return state_work_out(&backup, &target, &options, ret, &job->report.sum, err);
}

static int tell_partition(struct job *job, struct err *err)
{
	AUTO_FREE char *text =
		text_format("on partition %u, from which Windows is started:",
			    job->place.boot_partition->slot);

	return text ? tell(PLAN_NOTE, text, job, err) : err_nomem(err);
}

/* Boot files on a partition of their own, where both the backup and the disk have one. */
static int work_out_boot(struct job *job, struct state_change **ret, struct err *err)
{
	struct systemstate_place *place = &job->place;
	const struct state_options options = options_of(job, true);
	struct state_backup backup;
	struct state_target target;
	struct state_sum sum = { 0 };
	AUTO_FREE char *why = NULL;
	int r = systemstate_open_boot(place, &why, err);

	if (r == 0 && why)
		r = tell(PLAN_WARNING, why, job, err);
	if (r < 0 || !place->boot)
		return r;
	backup = (struct state_backup){ place->backup.reader, place->backup.version,
					place->boot, place->boot_number };
	target = (struct state_target){ place->target, place->boot_target_number,
					place->boot_partition->length };
	r = tell_partition(job, err);
	if (r == 0)
		r = state_work_out(&backup, &target, &options, ret, &sum, err);
	if (r == -ENODATA) /* it was backed up without them */
		return 0;
	if (r == 0)
		add_sum(&job->report.sum, &sum);
	if (r == 0 || r == -ECANCELED)
		return r;
	return err_add(err,
		       "boot files on partition %u ('--only registry,catalogs' leaves "
		       "them)",
		       place->boot_partition->slot);
}

static int work_out(struct job *job, struct changes *ret, struct err *err)
{
	int r = show_phase(job, PHASE_PREFLIGHT, err), windows = 0;

	if (r == 0)
		r = windows = work_out_windows(job, &ret->windows, err);
	if (r == -ENODATA && state_wants_boot(job->cli->classes))
		r = 0; /* they may lie on the other partition, all of them */
	if (r == 0 && state_wants_boot(job->cli->classes))
		r = work_out_boot(job, &ret->boot, err);
	if (r == 0 && windows == -ENODATA && !job->place.boot)
		r = windows; /* which err still tells of */
	progress_end(&job->place.display);
	return r;
}

static int write_one(struct job *job, const struct state_change *change,
		     const struct disk_partition *partition, struct err *err)
{
	struct restore_result *result = &job->report.result;
	int r = change ? state_write(change, job->place.disk, partition, err) : 0;

	result->target_touched |= change && (r == 0 || r == -EINPROGRESS);
	result->resumable = r == -EINPROGRESS;
	return r;
}

/* From the first byte on it is not cancelled: it is short, and ends by itself. What Windows is
 * started from comes first: the old Windows starts from its new files as well. */
static int write_changes(struct job *job, const struct changes *changes, struct err *err)
{
	const struct systemstate_place *place = &job->place;
	struct restore_result *result = &job->report.result;
	int r = show_phase(job, PHASE_COPY, err);

	if (r == 0)
		r = write_one(job, changes->boot, place->boot_partition, err);
	if (r < 0)
		return r;
	r = write_one(job, changes->windows, place->partition, err);
	if (r < 0 && changes->boot)
		err_add(err, "the boot files on partition %u are new already",
			place->boot_partition->slot);
	if (r == 0)
		result->copied = result->verified = result->write_bytes =
			job->report.sum.bytes;
	return r;
}

static int carry_out(struct job *job, struct err *err)
{
	AUTO(changes_clear) struct changes changes = { 0 };
	int r = work_out(job, &changes, err);

	if (r < 0)
		return r;
	/* They hold the disk open. */
	systemstate_release(&job->place);
	if (job->cli->plan || (!changes.windows && !changes.boot))
		return 0;
	return write_changes(job, &changes, err);
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
