/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A restore from preflight to commit: the phases in their order. */
#include "restore-job.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "delta.h"
#include "disk-open.h"
#include "fixups/firmware.h"
#include "journal-mirror.h"

const char *restore_phase_text(enum restore_phase phase)
{
	static const char *const texts[] = {
		[PHASE_SCAN] = "searching",
		[PHASE_MEASURE] = "measuring volumes",
		[PHASE_PREFLIGHT] = "checking the backup",
		[PHASE_PROVE] = "proving the backup",
		[PHASE_COMPARE] = "comparing with the disk",
		[PHASE_INDEX] = "hashing the backup",
		[PHASE_INVALIDATE] = "erasing the old table",
		[PHASE_COPY] = "writing",
		[PHASE_VERIFY] = "reading back",
		[PHASE_COMMIT] = "writing boot sectors and table",
		[PHASE_DONE] = "done",
		[PHASE_PACK] = "packing",
		[PHASE_PACK_CHECK] = "unpacking and comparing",
		[PHASE_FILES] = "taking files out",
	};

	return texts[phase];
}

int restore_prove_parse(const char *text, enum restore_prove *ret, struct err *err)
{
	if (strcmp(text, "sample") != 0 && strcmp(text, "full") != 0)
		return err_set(err, -EINVAL, "'%s': must be sample or full", text);
	*ret = strcmp(text, "full") == 0 ? PROVE_FULL : PROVE_SAMPLE;
	return 0;
}

int restore_result_note(struct restore_result *result, enum plan_severity severity,
			const char *text, struct err *err)
{
	struct restore_note *notes =
		reallocarray(result->notes, result->note_count + 1, sizeof(*notes));

	if (!notes)
		return err_nomem(err);
	result->notes = notes;
	notes[result->note_count] = (struct restore_note){ severity, strdup(text) };
	if (!notes[result->note_count].text)
		return err_nomem(err);
	result->note_count++;
	return 0;
}

int job_note(struct restore_job *job, enum plan_severity severity, struct err *err,
	     const char *format, ...)
{
	AUTO_FREE char *text = NULL;
	va_list args;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	return text ? restore_result_note(job->result, severity, text, err)
		    : err_nomem(err);
}

void restore_result_clear(struct restore_result *result)
{
	for (size_t i = 0; i < result->note_count; i++)
		free(result->notes[i].text);
	free(result->notes);
	*result = (struct restore_result){ 0 };
}

static int refuse(const struct restore_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->finding_count; i++)
		if (plan->findings[i].severity == PLAN_REFUSAL)
			return err_set(err, -EPERM, "%s", plan->findings[i].text);
	return 0;
}

/* Every disk that was touched carries its journal, and none of them is what failed. */
static bool can_resume(const struct restore_job *jobs, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		const struct restore_job *job = &jobs[i];

		if (!job->gate)
			continue;
		if (job->disk_failed || gate_disk_failed(job->gate))
			return false;
		any = any || job->journal.written;
	}
	return any;
}

int job_wait_tick(struct restore_job *job, struct err *err)
{
	int r;

	reader_trouble(job->reader, &job->meter.progress.server);
	r = meter_waits(&job->meter, SIDE_SOURCE, err);
	job->meter.progress.server.lost = false;
	return r;
}

static int wait_for_reader(void *context, struct err *err)
{
	return job_wait_tick(context, err);
}

/* For the report. */
static int note_outages(struct restore_job *job, struct err *err)
{
	struct reader_trouble trouble;

	reader_trouble(job->reader, &trouble);
	if (!trouble.times)
		return 0;
	return job_note(job, PLAN_NOTE, err,
			"the connection to the server was lost and had again, times: %u, "
			"seconds without it: %" PRIu64,
			trouble.times, trouble.total_ms / 1000);
}

int job_run_watched(struct restore_job *job,
		    int (*phase)(struct restore_job *, struct err *), struct err *err)
{
	int r;

	reader_on_wait(job->reader, wait_for_reader, job);
	r = phase(job, err);
	reader_on_wait(job->reader, NULL, NULL);
	return r;
}

/* What writes is not for a disk on which nothing differs. */
static const struct {
	int (*run)(struct restore_job *job, struct err *err);
	bool writes;
} phases[] = {
	{ job_prepare, false },	     { job_prove, false },
	{ job_open_gate, false },    { job_find_journal, false },
	{ job_compare_disk, false }, { job_invalidate, true },
	{ job_begin_journal, true }, { job_copy, true },
	{ job_read_back, true },     { job_check_unchanged, false },
	{ job_mark_verified, true }, { job_commit, true },
};

int jobs_run(struct restore_job *jobs, size_t count, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(phases); i++)
		for (size_t j = 0; r == 0 && j < count; j++)
			if (!phases[i].writes || !jobs[j].delta.whole)
				r = job_run_watched(&jobs[j], phases[i].run, err);
	if (r < 0 && reader_check_given_up(jobs[0].reader, err) < 0)
		r = err->code;
	else if (r == 0)
		r = note_outages(&jobs[0], err);
	/* What was written came from a set that is no more: there is nothing to go on with. */
	if (r < 0)
		jobs[0].result->resumable = r != -ESTALE && can_resume(jobs, count);
	for (size_t j = 0; j < count && jobs[j].gate; j++) {
		struct gate_counts counts = gate_counts(jobs[j].gate);

		jobs[j].result->writes += counts.writes;
		jobs[j].result->write_bytes += counts.bytes + counts.zeroed_bytes;
	}
	return r;
}

/* In place: the table that the plan was made for is still the disk's. */
static int check_kept_table(const struct restore_plan *plan, struct err *err)
{
	AUTO(source_freep) struct block_source *disk = NULL;
	AUTO(layout_freep) struct disk_layout *found = NULL;
	char why[256];
	int r = disk_open_for_reading(plan->disk, &disk, err);

	if (r == 0)
		r = layout_read(disk, plan->after->sector_size, &found, NULL, err);
	if (r < 0)
		return r;
	if (layout_equal(found, plan->after, why, sizeof(why)))
		return 0;
	return err_set(err, -ESTALE,
		       "'%s': its partition table has changed since the plan was made: "
		       "%s; plan again",
		       plan->disk->path, why);
}

static int open_disk(const struct restore_plan *plan, struct block_target **ret,
		     struct err *err)
{
	int r = plan->in_place ? check_kept_table(plan, err) : 0;

	if (r < 0)
		return r;
	return disk_open_for_writing(plan->disk, plan->target_size, ret, err);
}

static int open_mirror(const struct restore_job *job, struct block_target **ret,
		       struct err *err)
{
	AUTO_FREE char *path = journal_mirror_path(job->journal.mirror_folder,
						   job->journal.last.identity.disk_hash);

	return path ? journal_mirror_open(path, ret, err) : err_nomem(err);
}

/* The kernel's view of the partitions is for whoever looks next; the restore is done. */
static void reread_table(const struct disk *disk)
{
	AUTO_CLOSE int fd = -1;

	if (disk->is_file)
		return;
	fd = open(disk->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)ioctl(fd, BLKRRPART);
}

/* The disk is whole whatever becomes of the entry: a failure is a warning with its fact.
 */
static int write_firmware_entry(struct restore_job *job, struct err *err)
{
	AUTO_FREE char *done = NULL;
	struct err fault = { 0 };

	if (firmware_entry_write(job->plan, &done, &fault) == 0)
		return job_note(job, PLAN_NOTE, err, "%s", done);
	return job_note(
		job, PLAN_WARNING, err,
		"no firmware boot entry was written: %s; the firmware will find the "
		"disk by the loader in \\EFI\\Boot",
		fault.text);
}

/* After the commit of all: what tells others of the new disks. */
static int announce(struct restore_job *jobs, size_t count, bool firmware_entry,
		    struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		reread_table(jobs[i].plan->disk);
		if (firmware_entry && jobs[i].plan->uefi &&
		    plan_has_role(jobs[i].plan, ROLE_ESP))
			r = write_firmware_entry(&jobs[i], err);
	}
	return r;
}

int restore_run(const struct plan_set *set, struct reader *reader,
		const struct restore_options *options, struct restore_result *ret_result,
		struct err *err)
{
	AUTO_FREE struct restore_job *jobs = calloc(set->count, sizeof(*jobs));
	uint64_t started = clock_ms();
	int r = 0;

	*ret_result = (struct restore_result){ 0 };
	if (!jobs)
		return err_nomem(err);
	for (size_t i = 0; r == 0 && i < set->count; i++) {
		jobs[i] = (struct restore_job){
			.plan = set->plans[i],
			.reader = reader,
			.result = ret_result,
			.prove = options->prove,
			.delta = { .wanted = options->delta,
				   .no_index = options->no_index },
			.open_target = open_disk,
			.open_mirror = options->journal_mirror ? open_mirror : NULL,
			.journal = { .resume = options->resume,
				     .mirror_folder = options->journal_mirror,
				     .words = options->words,
				     .words_length = options->words_length },
			.meter = { .timings = ret_result->timings,
				   .report = options->report,
				   .context = options->context },
		};
		r = refuse(set->plans[i], err);
	}
	if (r == 0)
		r = jobs_run(jobs, set->count, err);
	for (size_t i = 0; i < set->count; i++) {
		meter_end(&jobs[i].meter);
		job_clear(&jobs[i]);
	}
	if (r == 0)
		r = announce(jobs, set->count, options->firmware_entry, err);
	if (r == 0)
		r = meter_start(&jobs[0].meter, PHASE_DONE, 0, err);
	ret_result->seconds = (double)(clock_ms() - started) / 1000;
	return r;
}
