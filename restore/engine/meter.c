/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress: see meter.h. */
#include "meter.h"

#include <string.h>
#include <time.h>

#include <base/checked.h>

#define REPORT_INTERVAL_MS 250
#define SAMPLE_INTERVAL_MS                                                               \
	500 /* 16 of them: the rate "now" is over the last 8 seconds                     \
	     */

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t rate(uint64_t bytes, uint64_t milliseconds)
{
	return milliseconds ? (uint64_t)((double)bytes * 1000 / (double)milliseconds) : 0;
}

static int report(struct meter *meter, uint64_t now, struct err *err)
{
	struct restore_progress *p = &meter->progress;
	unsigned oldest = meter->next_sample % METER_SAMPLES;

	if (meter->next_sample < METER_SAMPLES)
		oldest = 0;
	p->rate_average = rate(p->bytes_done, now - meter->started_ms);
	p->rate_now = rate(p->bytes_done - meter->samples[oldest].bytes,
			   now - meter->samples[oldest].at_ms);
	p->eta_s = UINT64_MAX;
	if (p->rate_average && p->bytes_total >= p->bytes_done)
		p->eta_s = (p->bytes_total - p->bytes_done) /
			   max_u64(p->rate_now ? p->rate_now : p->rate_average, 1);
	p->idle_ms = now - meter->last_byte_ms;
	meter->last_report_ms = now;
	if (meter->report && meter->report(p, meter->context) != 0)
		return err_set(err, -ECANCELED, "cancelled");
	return 0;
}

static void sample(struct meter *meter, uint64_t now)
{
	unsigned newest = (meter->next_sample + METER_SAMPLES - 1) % METER_SAMPLES;

	if (now - meter->samples[newest].at_ms < SAMPLE_INTERVAL_MS)
		return;
	meter->samples[meter->next_sample % METER_SAMPLES].at_ms = now;
	meter->samples[meter->next_sample % METER_SAMPLES].bytes =
		meter->progress.bytes_done;
	meter->next_sample++;
}

int meter_start(struct meter *meter, enum restore_phase phase, uint64_t total,
		struct err *err)
{
	uint64_t now = clock_ms();

	meter->progress =
		(struct restore_progress){ .phase = phase, .bytes_total = total };
	meter->started_ms = meter->last_byte_ms = now;
	memset(meter->samples, 0, sizeof(meter->samples));
	meter->samples[0].at_ms = now;
	meter->next_sample = 1;
	return report(meter, now, err);
}

void meter_volume(struct meter *meter, const char *name)
{
	meter->progress.volume = name;
}

int meter_add(struct meter *meter, uint64_t bytes, struct err *err)
{
	uint64_t now = clock_ms();

	meter->progress.bytes_done += bytes;
	if (bytes)
		meter->last_byte_ms = now;
	sample(meter, now);
	if (now - meter->last_report_ms < REPORT_INTERVAL_MS)
		return 0;
	return report(meter, now, err);
}
