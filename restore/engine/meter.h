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
	struct {
		uint64_t at_ms, bytes;
	} samples[METER_SAMPLES]; /* of the last seconds, a ring */
	unsigned next_sample;
};

uint64_t clock_ms(void); /* monotonic */

/* Begins a phase of total bytes. */
int meter_start(struct meter *meter, enum restore_phase phase, uint64_t total,
		struct err *err) MUST_CHECK;
void meter_volume(struct meter *meter, const char *name);
/* bytes more are done (0: only time has passed). -ECANCELED where the report says so. */
int meter_add(struct meter *meter, uint64_t bytes, struct err *err) MUST_CHECK;
