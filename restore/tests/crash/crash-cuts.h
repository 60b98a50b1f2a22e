/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Restores that are cut at every operation, and what must hold after each cut. All functions that
 * answer bool say in crash_violation what is wrong.
 */
#pragma once

#include "crash-scene.h"

extern struct crash_counts {
	uint64_t points, resumes, mirrors, errors, allocations, healed;
} crash_counts;

/* What must hold at a cut. */
struct crash_expectation {
	bool resumable;	  /* a journal of this restore must be there */
	uint64_t resumed; /* at least so many bytes are found again */
};

/* Resumes, or starts again where nothing was begun, on what the cut left. */
bool crash_go_on(struct crash_scene *scene, const uint8_t *image,
		 const struct crash_expectation *expected);

enum crash_start {
	FRESH,
	OVER_A_HALF,
	FROM_COPY,
	FROM_COMMIT,
	FROM_TABLE,
	FLUSH_FAILS,
	BOTH,
	DELTA,
	STARTS
};

extern const char *const crash_start_texts[STARTS];

/* A run whose log is cut. */
struct crash_run {
	struct crash_disk log; /* the operations */
	uint8_t *before;       /* the disk before the first */
	bool resumes, delta;
	size_t begun;	 /* from this operation on it can be resumed */
	size_t mirrored; /* and from this one on by the mirror alone */
};

/* A restore onto `before`, its operations kept. failing: number of the operation that fails; 0:
 * none. */
struct crash_outcome crash_record(struct crash_scene *scene, const uint8_t *before,
				  bool resumes, size_t failing, struct crash_run *ret);
void crash_clear_run(struct crash_run *run);

/* The image that is left when everything up to an operation has reached the disk. */
void crash_image_at(const struct crash_disk *log, size_t count, uint8_t *image);

/* Of a whole run: the flush that is the n-th behind the first journal write, else the number of
 * operations before the write of LBA 0 or behind it. */
size_t crash_find_place(const struct crash_scene *scene, const struct crash_disk *log,
			enum crash_start start);

/* Cuts a restore of this start at every operation, after each with so many patterns of loss; ends
 * at `limit` points. */
bool crash_cut_start(struct crash_scene *scene, enum crash_start start, unsigned patterns,
		     uint64_t seed, uint64_t limit);
