/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's copy: see journal-mirror.h. */
#include "restore-job.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal-mirror.h"

#define SECTOR 512 /* of the file: what a disk of whatever kind writes at once */

/* As many bytes of the hash as tell the disks of a fleet apart. */
#define NAMED_BYTES 8

char *journal_mirror_path(const char *folder, const uint8_t disk_hash[32])
{
	char name[2 * NAMED_BYTES + 1];

	for (size_t i = 0; i < NAMED_BYTES; i++)
		snprintf(name + 2 * i, 3, "%02x", disk_hash[i]);
	return text_format("%s/openbmr-%s.jnl", folder, name);
}

static int fill_with_zeros(int fd, const char *path, struct err *err)
{
	static const uint8_t zeros[JOURNAL_SLOT_LENGTH];

	for (unsigned i = 0; i < JOURNAL_SLOTS; i++) {
		ssize_t n = pwrite(fd, zeros, sizeof(zeros), (off_t)(i * sizeof(zeros)));

		if (n >= 0 && n != (ssize_t)sizeof(zeros))
			errno = ENOSPC;
		if (n != (ssize_t)sizeof(zeros))
			return err_errno(err, errno, "'%s': making it", path);
	}
	return fsync(fd) < 0 ? err_errno(err, errno, "'%s': making it", path) : 0;
}

int journal_mirror_open(const char *path, struct block_target **ret, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "'%s': opening", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "'%s': no ordinary file", path);
	if (st.st_size < (off_t)JOURNAL_MIRROR_SIZE)
		r = fill_with_zeros(fd, path, err);
	if (r < 0) {
		(void)unlink(path);
		return r;
	}
	return target_file_from_fd(TAKE_FD(fd), path, JOURNAL_MIRROR_SIZE, SECTOR, false,
				   ret, err);
}

int journal_mirror_read(const char *path, uint8_t *slots, struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	int r = source_file_open(path, &file, err);

	if (r == 0 && file->size < JOURNAL_MIRROR_SIZE)
		r = err_set(err, -ENOEXEC, "'%s': too short for a journal", path);
	return r < 0 ? r : source_read(file, slots, 0, JOURNAL_MIRROR_SIZE, err);
}

/* -- of a job ------------------------------------------------------------------------- */

static int lose_mirror(struct restore_job *job, const struct err *why, struct err *err)
{
	target_close(TAKE_PTR(job->journal.mirror));
	if (why->code == -ENOMEM)
		return err_nomem(err);
	return job_note(
		job, PLAN_WARNING, err,
		"no mirror of the journal is kept from here on: %s; the restore goes "
		"on, the journal on '%s' itself is enough to resume it",
		why->text, job->plan->disk->path);
}

int job_open_mirror(struct restore_job *job, struct err *err)
{
	struct err why = { 0 };
	int r;

	if (!job->open_mirror)
		return 0;
	r = job->open_mirror(job, &job->journal.mirror, &why);
	/* that of an earlier restore must not outlive what it claims */
	if (r == 0 && !job->journal.resume)
		r = target_zero(job->journal.mirror, 0, JOURNAL_MIRROR_SIZE, &why);
	if (r == 0 && !job->journal.resume)
		r = target_flush(job->journal.mirror, &why);
	return r < 0 ? lose_mirror(job, &why, err) : 0;
}

int job_write_mirror(struct restore_job *job, const uint8_t *slot, uint64_t offset,
		     size_t length, struct err *err)
{
	struct err why = { 0 };
	int r;

	if (!job->journal.mirror)
		return 0;
	r = target_write(job->journal.mirror, slot, offset, length, &why);
	if (r == 0)
		r = target_flush(job->journal.mirror, &why);
	return r < 0 ? lose_mirror(job, &why, err) : 0;
}

int job_read_mirror(struct restore_job *job, uint8_t **ret, struct err *err)
{
	AUTO_FREE uint8_t *slots = NULL;
	struct err why = { 0 };

	*ret = NULL;
	if (!job->journal.mirror)
		return 0;
	slots = malloc(JOURNAL_MIRROR_SIZE);
	if (!slots)
		return err_nomem(err);
	if (target_read(job->journal.mirror, slots, 0, JOURNAL_MIRROR_SIZE, &why) < 0)
		return lose_mirror(job, &why, err);
	*ret = TAKE_PTR(slots);
	return 0;
}

int job_tell_pick(struct restore_job *job, enum journal_pick pick, struct err *err)
{
	static const char *const texts[] = {
		[JOURNAL_PICK_GAP_DISAGREES] = "the mirror of the journal is of another "
					       "restore; the disk's own journal counts",
		[JOURNAL_PICK_MIRROR] =
			"the disk's own journal cannot be read; its mirror "
			"takes its place",
		[JOURNAL_PICK_MIRROR_NEWER] =
			"the newest journal on the disk is lost; its "
			"mirror takes its place",
	};

	if (pick == JOURNAL_PICK_GAP)
		return 0;
	return job_note(job, PLAN_WARNING, err, "'%s': %s", job->plan->disk->path,
			texts[pick]);
}
