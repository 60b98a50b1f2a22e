/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file written through zstd. The same bytes and level give the same file, whatever the
 * number of processors.
 */
#pragma once

#include <stdint.h>

#include <base/err.h>
#include <base/cleanup.h>

/* What the kernel's decoder takes: windows up to 128 MiB. Level 19 uses 8 MiB. */
#define COMPRESS_LEVEL_BEST 19
#define COMPRESS_LEVEL_FAST 3 /* a quarter larger, a twentieth of the time: for tests */

struct compressor;

int compressor_open(const char *path, int level, struct compressor **ret,
		    struct err *err) MUST_CHECK;
int compressor_write(struct compressor *compressor, const void *bytes, size_t length,
		     struct err *err) MUST_CHECK;
/* Ends the stream; *ret_length (may be NULL) is the length of the file in bytes. */
int compressor_finish(struct compressor *compressor, uint64_t *ret_length,
		      struct err *err) MUST_CHECK;
void compressor_free(struct compressor *compressor);
DEFINE_FREEP(struct compressor, compressor, compressor_free)
