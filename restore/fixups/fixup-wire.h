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
	MESSAGE_ERROR,
	MESSAGE_DONE
};

struct message {
	uint32_t kind;	 /* enum message_kind */
	int32_t value;	 /* severity of a note, code of an error */
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
