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

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

static uint64_t rate(uint64_t bytes, uint64_t milliseconds)
{
	return milliseconds ? (uint64_t)((double)bytes * 1000 / (double)milliseconds) : 0;
}

/* Work that was going on when the window began, or that several readers do at the same time,
 * can add up to more than the window. */
static unsigned busy_percent(const struct meter *meter, const struct meter_sample *oldest,
			     enum restore_side side, uint64_t now)
{
	unsigned workers = side == SIDE_SOURCE && meter->workers ? meter->workers : 1;
	uint64_t window = (now - oldest->at_ms) * workers;
	uint64_t worked = (meter->busy_ns[side] - oldest->busy_ns[side]) / 1000000;

	if (meter->busy_ns[side] == meter->began_ns[side] || !window)
		return PROGRESS_UNKNOWN;
	return (unsigned)min_u64(100, worked * 100 / window);
}

static void look_at_disk(struct meter *meter)
{
	if (meter->disk_ns)
		meter->busy_ns[SIDE_DISK] = *meter->disk_ns;
}

static int report(struct meter *meter, uint64_t now, struct err *err)
{
	struct restore_progress *p = &meter->progress;
	unsigned first = meter->next_sample % METER_SAMPLES;
	const struct meter_sample *oldest;

	if (meter->next_sample < METER_SAMPLES)
		first = 0;
	oldest = &meter->samples[first];
	look_at_disk(meter);
	if (meter->started_ms) /* else the phase has ended */
		p->elapsed_ms = now - meter->started_ms;
	p->rate_average = rate(p->bytes_done, p->elapsed_ms);
	p->rate_now = rate(p->bytes_done - oldest->bytes, now - oldest->at_ms);
	p->eta_s = UINT64_MAX;
	/* short gaps that are copied along can make it more than was expected */
	if (p->bytes_total && p->bytes_done >= p->bytes_total)
		p->eta_s = 0;
	else if (p->rate_average && p->bytes_total)
		p->eta_s = (p->bytes_total - p->bytes_done) /
			   max_u64(p->rate_now ? p->rate_now : p->rate_average, 1);
	for (enum restore_side side = 0; side < RESTORE_SIDES; side++)
		p->busy[side] = busy_percent(meter, oldest, side, now);
	p->idle_ms = now - meter->last_byte_ms;
	meter->last_report_ms = now;
	if (meter->report && meter->report(p, meter->context) != 0)
		return err_set(err, -ECANCELED, "cancelled");
	return 0;
}

static void sample(struct meter *meter, uint64_t now)
{
	unsigned newest = (meter->next_sample + METER_SAMPLES - 1) % METER_SAMPLES;
	struct meter_sample *next = &meter->samples[meter->next_sample % METER_SAMPLES];

	if (now - meter->samples[newest].at_ms < SAMPLE_INTERVAL_MS)
		return;
	look_at_disk(meter);
	next->at_ms = now;
	next->bytes = meter->progress.bytes_done;
	memcpy(next->busy_ns, meter->busy_ns, sizeof(next->busy_ns));
	meter->next_sample++;
}

void meter_end(struct meter *meter)
{
	struct restore_timing *timing;

	if (!meter->timings || !meter->started_ms)
		return;
	look_at_disk(meter);
	meter->progress.elapsed_ms = clock_ms() - meter->started_ms;
	timing = &meter->timings[meter->progress.phase];
	timing->ms += meter->progress.elapsed_ms;
	timing->bytes += meter->progress.bytes_done;
	for (enum restore_side side = 0; side < RESTORE_SIDES; side++)
		timing->busy_ms[side] +=
			(meter->busy_ns[side] - meter->began_ns[side]) / 1000000 /
			(side == SIDE_SOURCE && meter->workers ? meter->workers : 1);
	meter->started_ms = 0;
}

int meter_start(struct meter *meter, enum restore_phase phase, uint64_t total,
		struct err *err)
{
	uint64_t now = clock_ms();
	int r = 0;

	/* How the phase before ended. */
	if (meter->progress.bytes_done)
		r = report(meter, now, err);
	if (r < 0)
		return r;
	meter_end(meter);
	meter->progress = (struct restore_progress){ .phase = phase,
						     .bytes_total = total,
						     .retries = meter->progress.retries };
	meter->started_ms = meter->last_byte_ms = now;
	look_at_disk(meter);
	memcpy(meter->began_ns, meter->busy_ns, sizeof(meter->began_ns));
	memset(meter->samples, 0, sizeof(meter->samples));
	meter->samples[0].at_ms = now;
	memcpy(meter->samples[0].busy_ns, meter->busy_ns, sizeof(meter->busy_ns));
	meter->next_sample = 1;
	return report(meter, now, err);
}

void meter_volume(struct meter *meter, const char *name)
{
	meter->progress.volume = name;
	meter->progress.step = NULL;
}

int meter_step(struct meter *meter, const char *step, struct err *err)
{
	meter->progress.step = step;
	return report(meter, clock_ms(), err);
}

void meter_busy(struct meter *meter, enum restore_side side, uint64_t ns)
{
	meter->busy_ns[side] += ns;
}

void meter_retry(struct meter *meter)
{
	meter->progress.retries++;
}

int meter_waits(struct meter *meter, enum restore_side side, struct err *err)
{
	int r;

	meter->progress.waits[side] = true;
	r = meter_add(meter, 0, err);
	meter->progress.waits[side] = false;
	return r;
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
