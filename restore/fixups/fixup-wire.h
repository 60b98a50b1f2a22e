/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the process that runs fix-ups tells the engine, through a pipe. */
#pragma once

#include "fixup.h"

/* What fix-ups may send: boot files are a few MiB, a hive some tens; resizing rewrites
 * $LogFile, $Bitmap and the MFT records of what it relocates. */
#define FIXUP_MAX_BYTES GiB
#define FIXUP_MAX_MOVES (16u << 20) /* of at least 4 KiB each */
#define FIXUP_MAX_NOTES 1000

enum message_kind {
	MESSAGE_NOTE,
	MESSAGE_CHANGE,
	MESSAGE_MOVE,
	MESSAGE_ANSWER, /* what fixup_work.answer takes */
	MESSAGE_ERROR,
	MESSAGE_DONE
};

struct message {
	uint32_t kind;	 /* enum message_kind */
	int32_t value;	 /* severity of a note, code of an error, patch.before of a change */
	uint64_t offset; /* of a change */
	uint32_t length; /* of what follows: text or bytes */
};

/* The length of the volume in its new partition, where it is made anew or resized; else that
 * of the image. */
uint64_t fixup_volume_size(const struct restore_plan *plan,
			   const struct plan_partition *partition,
			   const struct block_source *image);

/* The process: runs all that applies, and ends. */
__attribute__((noreturn)) void fixup_process(const struct restore_plan *plan,
					     const struct plan_partition *partition,
					     struct block_source *image, pid_t engine,
					     int out);

/* For the process. */
int fixup_send(int fd, const struct message *message, const void *bytes,
	       struct err *err) MUST_CHECK;

/* Another process that works on a volume as fix-ups do: what it sends is taken, and checked. */
struct fixup_work {
	/* Runs in the process, after the fork, and ends it. */
	void (*process)(const void *context, pid_t engine, int out);
	const void *context;
	uint64_t image_size, volume_size; /* bytes: before, afterwards */
	unsigned max_notes;
	void *answer; /* of answer_size bytes, filled in; NULL: none */
	size_t answer_size;
	fixup_report *report;
	void *report_context;
};
int fixup_work_run(const struct fixup_work *work, struct patch_list *ret,
		   struct err *err) MUST_CHECK;
