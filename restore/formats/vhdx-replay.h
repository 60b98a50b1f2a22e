/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A VHDX file as it would be if its log had been written to its place: a block source over
 * the file, which stays as it is.
 */
#pragma once

#include <base/block-source.h>

#include "vhdx-format.h"

struct vhdx_replay_info {
	uint64_t entries; /* of the log that count */
	uint64_t bytes;	  /* that they replace */
};

/* file is taken over on success only. The header names a log to replay. */
int vhdx_replay_new(struct block_source *file, const struct vhdx_header *header,
		    struct block_source **ret, struct vhdx_replay_info *ret_info,
		    struct err *err) MUST_CHECK;
