/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packed images (".vhdx.zst", ".vhd.zst"): the file of an image in independent zstd frames
 * with a seek table (packed-table.h), shown as the image's file. Reads unpack the frames that
 * they touch, several at once; frames that are touched in part are kept for a while.
 */
#pragma once

#include <base/block-source.h>

#define PACKED_EXTENSION ".zst"

/* If file is packed by its first bytes or by its name, *ret shows what is in it; else it is
 * file itself. file is taken over, on failure too. -ENOTSUP: zstd, but without a seek table;
 * -EBADMSG: damaged. */
int packed_open(struct block_source *file, struct block_source **ret, bool *ret_packed,
		struct err *err) MUST_CHECK;

/* The length of name without ".zst", no case; all of it where it does not end so. */
size_t packed_name_length(const char *name);
