/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fix-up "resize": an NTFS volume gets the length of its new partition. The program
 * ntfsresize works on a virtual volume (ntfs-view.h) before any disk is opened for writing;
 * what it changed becomes patches, what it relocated becomes moves. Then it checks its own
 * work: every cluster of every file against $Bitmap. Whatever fails, nothing was written.
 *
 * The backup boot sector, which ntfsresize leaves out, is written by the engine.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/text.h>
#include <restore/ntfs-size.h>

#include "fixup.h"
#include "jailed-question.h"
#include "ntfs-view.h"

/* Twice "force": do not ask, and do not stop at a volume that is marked dirty, as one is
 * whose shadow copy was taken while it was written. */
#define NTFSRESIZE "ntfsresize", "--force", "--force", "--no-progress-bar"

/* Why ntfsresize does not want: the line of its output that says so. */
static int tell_failure(const struct block_source *volume, const struct err *fault,
			struct err *err)
{
	return err_set(err, fault->code == -EIO ? -ENOTSUP : fault->code,
		       "'%s': its NTFS cannot be resized: %s", volume->name, fault->text);
}

/* Reads all metadata, by which the view learns where it is. */
static int look(struct ntfs_view *view, const struct block_source *volume,
		char **ret_output, struct err *err)
{
	const char *const argv[] = { NTFSRESIZE, "--info", NTFS_VIEW_FILE, NULL };
	struct err fault = { 0 };

	if (ntfs_view_run(view, argv, ret_output, &fault) < 0)
		return tell_failure(volume, &fault, err);
	return 0;
}

static int resize_once(struct ntfs_view *view, uint64_t from, uint64_t to,
		       uint32_t sector_size, bool marks, struct err *err)
{
	/* The backup boot sector lies behind the last cluster. */
	AUTO_FREE char *size = text_format("%" PRIu64, to - sector_size);
	const char *const argv[] = { NTFSRESIZE, "--size", size, NTFS_VIEW_FILE, NULL };
	int r;

	if (!size)
		return err_nomem(err);
	r = ntfs_view_begin(view, marks && to < from ? to : UINT64_MAX, err);
	if (r == 0)
		r = ntfs_view_run(view, argv, NULL, err);
	return r;
}

static int resize(struct ntfs_view *view, const struct block_source *volume, uint64_t to,
		  uint32_t sector_size, struct err *err)
{
	struct err fault = { 0 };
	int r = look(view, volume, NULL, err);

	if (r < 0)
		return r;
	r = resize_once(view, volume->size, to, sector_size, true, &fault);
	if (r == -EXDEV)
		r = resize_once(view, volume->size, to, sector_size, false, &fault);
	if (r < 0)
		return tell_failure(volume, &fault, err);
	ntfs_view_cut(view, to);
	r = look(view, volume, NULL, err);
	return r < 0 ? err_add(err, "after resizing to %" PRIu64 " bytes", to) : 0;
}

/* -- the fix-up ---- */

static uint64_t new_length(const struct restore_plan *plan,
			   const struct plan_partition *partition)
{
	return plan->after->partitions[partition - plan->partitions].length;
}

static bool resize_applies(const struct restore_plan *plan,
			   const struct plan_partition *partition)
{
	return partition->volume && partition->volume->fs.fs == FS_NTFS &&
	       plan_resizes(plan, (size_t)(partition - plan->partitions));
}

static int prepare_resize(struct fixup_job *job, struct err *err)
{
	return ntfs_view_mount(&job->fuse_fd, err);
}

static int hand_over(struct fixup_job *job, struct ntfs_view *view, struct err *err)
{
	size_t count;
	const struct ntfs_move *moves = ntfs_view_moves(view, &count);
	uint64_t moved = 0;
	AUTO_FREE char *text = NULL;
	char size[SIZE_TEXT_SIZE];
	int r = ntfs_view_changes(view, fixup_take_change, job, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = job->move(job, moves[i].to, moves[i].from, moves[i].length, err);
		moved += moves[i].length;
	}
	if (r < 0)
		return r;
	text = text_format("NTFS: %" PRIu64 " → %" PRIu64
			   " bytes, %s of file content relocated; "
			   "Windows will run chkdsk on it at its first start",
			   job->volume->size, new_length(job->plan, job->partition),
			   size_format(moved, size));
	if (!text)
		return err_nomem(err);
	return job->note(job, PLAN_NOTE, text, err);
}

static int run_resize(struct fixup_job *job, struct err *err)
{
	AUTO(ntfs_view_freep) struct ntfs_view *view = NULL;
	uint64_t to = new_length(job->plan, job->partition);
	/* Room for a backup boot sector of either kind */
	uint32_t sector = (uint32_t)max_u64(job->plan->after->sector_size,
					    job->partition->volume->fs.sector_size);
	int fd = job->fuse_fd;
	int r;

	job->fuse_fd = -1;
	r = ntfs_view_new(job->volume, max_u64(job->volume->size, to), fd, &view, err);
	if (r == 0)
		r = resize(view, job->volume, to, sector, err);
	if (r == 0)
		r = hand_over(job, view, err);
	return r;
}

const struct fixup fixup_ntfs_resize = {
	.name = "resize",
	.reshapes = true,
	.applies = resize_applies,
	.prepare = prepare_resize,
	.run = run_resize,
};

/* -- what the plan asks beforehand ---- */

struct size_question {
	struct block_source *volume;
	uint32_t sector_size;
	uint64_t length; /* 0: what is the minimum? Else: does this work? */
};

/* "You might resize at 82677760 bytes or 83 MB (freeing 253 MB)." */
static int parse_minimum(const struct size_question *question, const char *output,
			 uint64_t *ret, struct err *err)
{
	static const char words[] = "might resize at ";
	const char *found = strstr(output, words);
	uint64_t bytes;
	char *end;

	if (!found)
		return err_set(err, -ENOTSUP,
			       "'%s': ntfsresize does not say how small it can be",
			       question->volume->name);
	bytes = strtoull(found + strlen(words), &end, 10);
	if (strncmp(end, " bytes", 6) != 0 || bytes > question->volume->size)
		return err_set(err, -EPROTO, "'%s': ntfsresize says %.40s",
			       question->volume->name, found);
	*ret = bytes + question->sector_size;
	return 0;
}

/* The answer is the smallest length, a uint64_t. */
static int answer_question(const void *job, pid_t engine, void *answer, struct err *err)
{
	const struct size_question *question = job;
	AUTO(ntfs_view_freep) struct ntfs_view *view = NULL;
	AUTO_FREE char *output = NULL;
	int fd, r;

	r = ntfs_view_mount(&fd, err);
	if (r == 0)
		r = fixup_jail(engine, err);
	if (r == 0)
		r = ntfs_view_new(question->volume, question->volume->size, fd, &view,
				  err);
	if (r < 0)
		return r;
	if (question->length)
		return resize(view, question->volume, question->length,
			      question->sector_size, err);
	r = look(view, question->volume, &output, err);
	return r < 0 ? r : parse_minimum(question, output, answer, err);
}

static int ask(const struct size_question *question, uint64_t *ret_minimum,
	       struct err *err)
{
	AUTO_FREE char *what = text_format("'%s': the process that asks ntfsresize",
					   question->volume->name);

	if (!what)
		return err_nomem(err);
	return jailed_ask(&(struct jailed_question){ answer_question, question, what,
						     FIXUP_CPU_MAX },
			  ret_minimum, sizeof(*ret_minimum), err);
}

int ntfs_minimum(struct block_source *volume, uint32_t sector_size, uint64_t *ret,
		 struct err *err)
{
	struct size_question question = { volume, sector_size, 0 };

	return ask(&question, ret, err);
}

int ntfs_try_resize(struct block_source *volume, uint32_t sector_size, uint64_t length,
		    struct err *err)
{
	struct size_question question = { volume, sector_size, length };
	uint64_t unused;

	return ask(&question, &unused, err);
}
