/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What differs when a disk keeps its table (SAFETY.md section 1, step 4): only the chosen
 * volumes are named in the gate, their boot sectors go first and come back last, and with
 * them the boot sector of the EFI system partition, even if it is none of the chosen ones.
 */
#include "restore-job.h"

#include <string.h>

#include <base/checked.h>

/* FAT32 keeps a copy of its boot sector here; Windows and mkfs.fat both say so in it. */
#define FAT_COPY_SECTOR 6

static const struct disk_partition *find_kept_esp(const struct restore_plan *plan)
{
	for (size_t i = 0; i < plan->after->count; i++) {
		const struct disk_partition *p = &plan->after->partitions[i];

		if (partition_is_esp(plan->after, p) && plan->partitions[i].kept)
			return p;
	}
	return NULL;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* The boot sector comes back from memory, or, where an earlier restore was broken off, from
 * its copy on the disk: without an equal copy it is not taken away. */
static int read_kept_esp(struct restore_job *job, struct err *err)
{
	const struct disk_partition *p = job->kept_esp.partition;
	uint32_t sector = job->plan->after->sector_size;
	size_t length = (FAT_COPY_SECTOR + 1) * (size_t)sector;
	AUTO_FREE uint8_t *head = NULL;
	const uint8_t *copy;
	int r;

	if (!sector || p->length < length)
		return err_set(err, -EINVAL, "partition %u: too small for a FAT32 volume",
			       p->slot);
	if (posix_memalign((void **)&head, gate_alignment(job->gate), length))
		return err_nomem(err);
	r = gate_read(job->gate, head, p->offset, length, err);
	if (r < 0)
		return r;
	copy = head + FAT_COPY_SECTOR * (size_t)sector;
	if (copy[510] != 0x55 || copy[511] != 0xaa ||
	    (!is_zero(head, sector) && memcmp(head, copy, sector) != 0))
		return err_set(
			err, -ENOTSUP,
			"'%s', partition %u: the EFI system partition's boot sector "
			"has no equal copy in its sector %d, so it cannot be put "
			"aside safely; choose the volume ESP as well",
			job->plan->disk->path, p->slot, FAT_COPY_SECTOR);
	job->kept_esp.boot_sector = malloc(sector);
	if (!job->kept_esp.boot_sector)
		return err_nomem(err);
	memcpy(job->kept_esp.boot_sector, copy, sector);
	return gate_allow(job->gate, p->offset, sector, true, err);
}

int job_keep_esp(struct restore_job *job, struct err *err)
{
	job->kept_esp.partition = find_kept_esp(job->plan);
	return job->kept_esp.partition ? read_kept_esp(job, err) : 0;
}

typedef int place_action(struct restore_job *job, uint64_t offset, uint64_t length,
			 struct err *err);

static int zero_place(struct restore_job *job, uint64_t offset, uint64_t length,
		      struct err *err)
{
	return gate_zero(job->gate, offset, length, err);
}

/* The EFI system partition first: nothing starts from the disk from then on. */
static int visit_places(struct restore_job *job, place_action *action, struct err *err)
{
	int r = 0;

	if (job->kept_esp.partition)
		r = action(job, job->kept_esp.partition->offset,
			   job->plan->after->sector_size, err);
	for (size_t v = 0; r == 0 && v < job->volume_count; v++) {
		const struct job_volume *volume = &job->volumes[v];

		for (size_t i = 0; r == 0 && i < volume->held_count; i++)
			r = action(job,
				   volume->partition->offset + volume->held[i].offset,
				   volume->held[i].length, err);
	}
	return r;
}

int job_invalidate_in_place(struct restore_job *job, struct err *err)
{
	int r = visit_places(job, zero_place, err);

	if (r == 0)
		r = gate_flush(job->gate, err);
	return r < 0 ? r : visit_places(job, job_check_zero, err);
}
