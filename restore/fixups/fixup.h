/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fix-ups: small changes to a restored volume without which Windows would not start. Each is
 * a file with a const struct fixup at its end and one line in the table of fixup.c.
 *
 * The fix-ups of a volume run one after the other, each on what those before it left: on an
 * overlay or, for FAT, on a scratch copy. What one changed counts only when it succeeded; what
 * all of them changed becomes patches, which the engine writes through the gate. They run in
 * a child process without privileges and without any descriptor of the disk, before the disk
 * is opened for writing. Each is idempotent and says "old → new".
 */
#pragma once

#include <restore/plan.h>
#include <restore/reader.h>

#include <base/overlay.h>

#include "fixup-shape.h"

/* Bytes that replace what the image has, whole pages (cut at the end of the volume). */
struct patch {
	uint64_t offset; /* in the volume */
	uint32_t length;
	uint8_t *bytes;	 /* owned */
	uint32_t before; /* CRC-32C of what it replaces; 0 where nobody asks */
};

struct patch_list {
	size_t count;
	struct patch *patches; /* ascending, apart from each other */
	size_t move_count;
	struct patch_move *moves; /* by to, ascending, apart from each other */
};

void patch_list_clear(struct patch_list *list);
/* Is a byte of the range in a patch? */
bool patch_list_touches(const struct patch_list *list, uint64_t offset, uint64_t length);
/* Puts the patches' bytes over those of the range; bytes are at offset in the volume. */
void patch_list_apply(const struct patch_list *list, uint64_t offset, uint8_t *bytes,
		      uint64_t length);

/* What a fix-up works with, inside the child. */
struct fixup_job {
	const struct restore_plan *plan;
	const struct plan_partition *partition;
	/* As the fix-ups before this one left it, and as this one has changed it so far; for
	 * one that reshapes: as the image has it. */
	struct block_source *volume;
	struct overlay *overlay; /* takes this one's changes, by change() or without it */
	/* Reports a change or something that was left: "\EFI\Boot\bootx64.efi: absent →
	 * copy of …". Told only if the fix-up succeeds. */
	int (*note)(struct fixup_job *job, enum plan_severity severity, const char *text,
		    struct err *err);
	/* Bytes that are to be in the new volume. */
	int (*change)(struct fixup_job *job, uint64_t offset, const void *bytes, size_t length,
		      struct err *err);
	/* Bytes of the image that lie elsewhere in the new volume. */
	int (*move)(struct fixup_job *job, uint64_t to, uint64_t from, uint64_t length,
		    struct err *err);
	int fuse_fd; /* between prepare and run */
};

struct fixup {
	const char *name;
	/* Gives the volume the length of its partition, or makes it anew: the first of its
	 * volume. */
	bool reshapes;
	/* A failure is an error, while of others it is a warning, and the volume stays as it was.
	 * Those that reshape are essential, too: without them there is no volume. */
	bool essential;
	bool (*applies)(const struct restore_plan *plan, const struct plan_partition *partition);
	/* May be NULL: what must be done while the child still has its privileges. It looks at
	 * nothing that comes from outside. */
	int (*prepare)(struct fixup_job *job, struct err *err);
	int (*run)(struct fixup_job *job, struct err *err);
};

extern const struct fixup fixup_catalog;
extern const struct fixup fixup_boot_store;
extern const struct fixup fixup_bios_files;
extern const struct fixup fixup_efi_fallback;
extern const struct fixup fixup_esp_make;
extern const struct fixup fixup_esp_remake;
extern const struct fixup fixup_ntfs_resize;
extern const struct fixup fixup_system_hive;
extern const struct fixup fixup_winre;

/* Called for every note of a fix-up, and without text some times a second. */
typedef int fixup_report(enum plan_severity severity, const char *text, void *context,
			 struct err *err);

/* note() with a format. -ENOMEM only. */
int fixup_note(struct fixup_job *job, enum plan_severity severity, struct err *err,
	       const char *format, ...) PRINTF(4, 5) MUST_CHECK;

/* What time files that a fix-up changes shall have: the backup's, so that equal input gives
 * equal bytes. Seconds since 1970. */
int64_t fixup_time(const struct fixup_job *job);

/* For overlay_changes() and its like: context is the job, the bytes go to its change(). */
int fixup_take_change(uint64_t offset, const void *bytes, size_t length, void *context,
		      struct err *err);

/* Runs all fix-ups that apply to one partition, in a child process, and gives their patches.
 * Nothing has been written yet. */
int fixups_run(const struct restore_plan *plan, const struct plan_partition *partition,
	       struct block_source *volume, fixup_report *report, void *context,
	       struct patch_list *ret, struct err *err) MUST_CHECK;

/* Does any fix-up apply? */
bool fixups_apply(const struct restore_plan *plan, const struct plan_partition *partition);

/* Seconds of processor time, of the process and of each program that it starts. The longest
 * fix-up, of a volume of many TiB, takes some minutes; one that never ends would leave the restore
 * waiting for ever. */
#define FIXUP_CPU_MAX 3600

/* The jail of the processes that change volumes (reader/reader-protocol.h): what they work on
 * lies in memory, or is shown by themselves to a program. Processor time is limited to
 * FIXUP_CPU_MAX, or stays as it was limited before. */
int fixup_jail(pid_t engine, struct err *err) MUST_CHECK;
