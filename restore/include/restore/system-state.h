/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Windows' state (registry, boot files, catalogues) out of a backup onto a Windows volume that is
 * there, and onto the one that it is started from. All of it is worked out first, by a process without privileges, on an overlay in memory:
 * what is replaced is kept beside, the whole volume is changed or nothing of it. What is to be
 * written then goes to the disk so that a power cut leaves the old volume, or one that
 * state_finish() makes the new one (restore/state/redo.h).
 */
#pragma once

#include <partition/disks.h>
#include <restore/plan.h>
#include <restore/reader.h>

/* Old files go to a folder of this name with the time behind it, in the root of the volume. */
#define STATE_FOLDER "openbmr-replaced-"

/* The folder of a change of that time, seconds since 1970. */
#define STATE_FOLDER_SIZE 64
void state_folder_name(int64_t time, char ret[STATE_FOLDER_SIZE]);

struct state_sum {
	uint64_t replaced, added, emptied, same; /* files */
	uint64_t bytes;				 /* that will be written to the volume */
};

struct state_options {
	unsigned classes; /* bits of enum state_class, evidence/writer-files.h; 0: all */
	bool other_machine;	/* its name may be another */
	bool domain_controller; /* it may be one */
	/* The volume is one that Windows is started from without being on it (System Reserved, NTFS;
	 * an EFI system partition, FAT): its boot files alone; whose they are, the Windows beside it
	 * has told. */
	bool starts_windows;
	bool once;    /* not on a volume that has a folder of replaced files: -EALREADY */
	int64_t time; /* of the change, seconds since 1970 */
	/* One line each of what will be done; text NULL: time passes. Non-zero cancels. */
	int (*report)(enum plan_severity severity, const char *text, void *context,
		      struct err *err);
	void *context;
};

/* "registry,boot" → bits. -EINVAL. */
int state_parse_classes(const char *text, unsigned *ret, struct err *err) MUST_CHECK;

/* Are boot files among the classes? */
bool state_wants_boot(unsigned classes);

/* What the files are taken from: a version of a backup, its Windows volume, opened by
 * reader_open_volume() as number source. */
struct state_backup {
	struct reader *reader;
	const struct backup_version *version;
	const struct backup_volume *volume;
	unsigned number;
};

/* Where they go: a partition as a volume of another reader. */
struct state_target {
	struct reader *reader;
	unsigned number;
	uint64_t length; /* bytes */
};

/* What is to be written. */
struct state_change;
void state_change_free(struct state_change *change); /* NULL is fine */
DEFINE_FREEP(struct state_change, state_change, state_change_free)

/* Writes nothing. *ret NULL: all files are there already. -ENODATA: the volume of the backup has none;
 * -EACCES: the machine is another one, or a
 * domain controller; -EBUSY: Windows did not close the volume; -ENOSPC: no room on it; -EFBIG: more
 * than the memory of this machine takes. */
int state_work_out(const struct state_backup *backup, const struct state_target *target,
		   const struct state_options *options, struct state_change **ret,
		   struct state_sum *ret_sum, struct err *err) MUST_CHECK;

/* Writes it to the partition and proves it by reading it back. -ESTALE: the disk, or what is on the
 * volume, is not what it was; -EINPROGRESS: from now on only state_finish() helps. */
int state_write(const struct state_change *change, const struct disk *disk,
		const struct disk_partition *partition, struct err *err) MUST_CHECK;

/* The partition whose change stopped half-way: *ret points into the disk's layout, NULL: none. Then
 * state_finish() brings it to its end. */
int state_find_half(const struct disk *disk, const struct disk_partition **ret,
		    struct err *err) MUST_CHECK;
int state_finish(const struct disk *disk, const struct disk_partition *partition,
		 struct err *err) MUST_CHECK;
