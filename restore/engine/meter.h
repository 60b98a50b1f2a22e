/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures a phase and reports it: bytes, rate now and on average, time to the end. */
#pragma once

#include <restore/restore.h>

#define METER_SAMPLES 16

struct meter {
	restore_report *report; /* may be NULL */
	void *context;
	struct restore_progress progress;
	uint64_t started_ms, last_report_ms, last_byte_ms;
	uint64_t busy_ns[RESTORE_SIDES];
	uint64_t began_ns[RESTORE_SIDES]; /* the same when the phase began */
	/* How long was waited for the disk, counted by its gate; NULL: there is none. A disk with
	 * operations under way is not at work all the time; but where it is the limit, it is waited
	 * for. */
	const uint64_t *disk_ns;
	struct restore_timing *timings; /* what phases came to is added here; may be NULL */
	unsigned workers; /* readers that work at the same time; 0 means 1 */
	struct meter_sample {
		uint64_t at_ms, bytes, busy_ns[RESTORE_SIDES];
	} samples[METER_SAMPLES]; /* of the last seconds, a ring */
	unsigned next_sample;
};

uint64_t clock_ms(void); /* monotonic */
uint64_t clock_ns(void);

/* Begins a phase of total bytes. */
int meter_start(struct meter *meter, enum restore_phase phase, uint64_t total,
		struct err *err) MUST_CHECK;
/* Ends the last phase. */
void meter_end(struct meter *meter);
void meter_volume(struct meter *meter, const char *name);
/* What is being done, within a phase that is not counted in bytes; a constant text. */
int meter_step(struct meter *meter, const char *step, struct err *err) MUST_CHECK;
/* The side worked for so long; all readers' work together. */
void meter_busy(struct meter *meter, enum restore_side side, uint64_t ns);
/* Something has to be done again. */
void meter_retry(struct meter *meter);
/* Called while the engine waits for a side. -ECANCELED as below. */
int meter_waits(struct meter *meter, enum restore_side side, struct err *err) MUST_CHECK;
/* bytes more are done (0: only time has passed). -ECANCELED where the report says so. */
int meter_add(struct meter *meter, uint64_t bytes, struct err *err) MUST_CHECK;
