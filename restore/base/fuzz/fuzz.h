/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzz targets share. A target is one function, which libFuzzer calls with inputs of
 * its own ('make fuzz') and replay.c with those of the corpus ('make unit').
 *
 * Images are megabytes of mostly zeros, so a target that reads one takes it sparse:
 *
 *	+-----------+---------------------------------------+-----
 *	| le64 size | le64 offset | le32 length | bytes ...  | ...   zeros everywhere else
 *	+-----------+---------------------------------------+-----
 *
 * The size is only claimed: 64 TiB cost nothing here, and must cost nothing in the parser.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/block-source.h>

/* Returns 0, always: libFuzzer wants it so. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A sparse file; name decides how it is judged ("fuzz.vhd"). NULL: the input is none. The
 * source borrows bytes. */
struct block_source *fuzz_sparse_source(const uint8_t *bytes, size_t length, const char *name);

/* Reads a little at the start, in the middle and at the end, and asks for extents. Errors are
 * fine; what comes back must be sound. */
void fuzz_read_around(struct block_source *source);

/* A NUL-terminated copy of the input. */
char *fuzz_text(const uint8_t *bytes, size_t length);

/* What must hold whatever the input: ends the program where it does not. */
void fuzz_require(bool holds, const char *what);
