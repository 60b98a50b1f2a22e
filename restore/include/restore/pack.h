/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packing an image of a backup: its file as independent zstd frames with the seek table of
 * the public seekable format, which any zstd unpacks and image_open() reads in place.
 */
#pragma once

#include <restore/restore.h>

struct pack_options {
	unsigned threads;	/* that compress; 0: as many as there are processors */
	int level;		/* of zstd, PACK_LEVEL_MIN to PACK_LEVEL_MAX */
	restore_report *report; /* may be NULL; non-zero cancels */
	void *context;
};

#define PACK_LEVEL_DEFAULT 3
#define PACK_LEVEL_MIN	   1
#define PACK_LEVEL_MAX	   19
#define PACK_MAX_THREADS   64

struct pack_result {
	uint64_t size, stored; /* bytes: of the image's file, of the packed one */
	uint64_t frames;
	double seconds;
};

/* Packs path, a VHD or VHDX, to a new file out with the same time, reads that back and
 * compares it. Never overwrites: -EEXIST; on failure out is not there. -ENOEXEC: no image;
 * -EBADMSG: what was read back is not what was packed; -ESTALE: the image changed meanwhile. */
int pack_file(const char *path, const char *out, const struct pack_options *options,
	      struct pack_result *ret, struct err *err) MUST_CHECK;
