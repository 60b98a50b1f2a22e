/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a restore will take: see session-time.h. */
#include "session-time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <base/checked.h>
#include <base/log.h>
#include <base/text.h>

#define RANGES	   256
#define SAMPLE_MAX (64 * MiB)
#define SAMPLE_MIN MiB /* less says nothing */
#define SAMPLE_MS  1000
/* Little enough under way that a slow line has it soon, enough that a long one is kept busy. */
#define PIECE	  (512 * KiB)
#define UNDER_WAY 8

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* -- what there is ---------------------------------------------------------------------- */

typedef int range_visit(const struct volume_range *range, void *context, struct err *err);

/* Of a volume's data, in order. 1 of visit: enough. */
static int walk_data(struct reader *reader, unsigned number, range_visit *visit,
		     void *context, struct err *err)
{
	struct volume_range ranges[RANGES];
	uint64_t offset = 0;
	size_t count = 1;
	int r = 0;

	while (r == 0 && count) {
		r = reader_map(reader, number, offset, ranges, RANGES, &count, err);
		for (size_t i = 0; r == 0 && i < count; i++) {
			offset = ranges[i].offset + ranges[i].length;
			if (ranges[i].kind == RANGE_DATA)
				r = visit(&ranges[i], context, err);
		}
	}
	return r < 0 ? r : 0;
}

static int count_range(const struct volume_range *range, void *context, struct err *err)
{
	*(uint64_t *)context += range->length;
	return 0;
}

/* Closes it in any case; what failed first is told. */
static int with_volume(struct session *session, const struct backup_volume *volume,
		       range_visit *visit, void *context, unsigned *ret_number,
		       struct err *err)
{
	struct err fault = { 0 };
	uint64_t length;
	int r = reader_open_volume(session->reader, volume, ret_number, &length, err);

	if (r < 0)
		return r;
	r = walk_data(session->reader, *ret_number, visit, context, err);
	while (reader_in_flight(session->reader)) {
		struct reader_block block;

		if (reader_wait(session->reader, READER_TIMEOUT_MS, &block, &fault) < 0)
			break;
		reader_release(session->reader, block.slot);
	}
	if (r == 0)
		return reader_close_volume(session->reader, *ret_number, err);
	if (reader_close_volume(session->reader, *ret_number, &fault) < 0)
		log_debug("%s, ignoring", fault.text);
	return r;
}

/* -- the sample ------------------------------------------------------------------------- */

struct sample {
	struct session *session;
	unsigned number; /* of the volume */
	uint64_t started_ms, asked, bytes, ms;
};

static int take_one(struct sample *sample, struct err *err)
{
	struct reader_block block;
	int r = reader_wait(sample->session->reader, READER_TIMEOUT_MS, &block, err);

	if (r < 0)
		return r;
	sample->bytes += block.length;
	sample->ms = now_ms() - sample->started_ms;
	reader_release(sample->session->reader, block.slot);
	return 0;
}

static bool is_enough(const struct sample *sample)
{
	return sample->asked >= SAMPLE_MAX || sample->ms >= SAMPLE_MS;
}

static int sample_range(const struct volume_range *range, void *context, struct err *err)
{
	struct sample *sample = context;
	struct reader *reader = sample->session->reader;
	uint64_t done = 0;
	int r = 0;

	if (!sample->started_ms)
		sample->started_ms = now_ms();
	while (r == 0 && done < range->length && !is_enough(sample)) {
		uint32_t length = (uint32_t)min_u64(PIECE, range->length - done);

		if (reader_in_flight(reader) >= UNDER_WAY ||
		    !reader_can_submit(reader, length)) {
			r = take_one(sample, err);
			continue;
		}
		r = reader_submit(reader, sample->number, range->offset + done, length,
				  err);
		sample->asked += length;
		done += length;
	}
	if (r < 0 || !is_enough(sample))
		return r;
	while (r == 0 && reader_in_flight(reader))
		r = take_one(sample, err);
	return r < 0 ? r : 1;
}

static const char *name_of(const struct backup_volume *volume)
{
	const char *path = volume->access_path.value;

	return path && path[0] ? path : volume_role_text(volume->role);
}

static int take_sample(struct session *session, const struct backup_volume *volume,
		       struct session_time *time, struct err *err)
{
	struct sample sample = { .session = session };
	int r = reader_expect_blocks(session->reader, err);

	if (r == 0)
		r = with_volume(session, volume, sample_range, &sample, &sample.number,
				err);
	if (r < 0 || sample.bytes < SAMPLE_MIN)
		return r;
	time->sample_bytes = sample.bytes;
	time->sample_ms = max_u64(sample.ms, 1);
	time->rate = (uint64_t)((double)sample.bytes * 1000 / (double)time->sample_ms);
	time->seconds = time->bytes / max_u64(time->rate, 1);
	snprintf(time->sample_of, sizeof(time->sample_of), "%s", name_of(volume));
	return 0;
}

static int measure(struct session *session, struct session_time *time, struct err *err)
{
	const struct backup_volume *largest = NULL;
	uint64_t most = 0;
	int r = 0;

	for (size_t i = 0; i < session->plans.count; i++) {
		const struct restore_plan *plan = session->plans.plans[i];

		for (size_t j = 0; r == 0 && plan->after && j < plan->after->count; j++) {
			const struct backup_volume *volume = plan->partitions[j].volume;
			uint64_t bytes = 0;
			unsigned number;

			if (!volume || plan_remakes(plan, volume))
				continue;
			r = with_volume(session, volume, count_range, &bytes, &number,
					err);
			time->bytes += bytes;
			if (bytes > most) {
				most = bytes;
				largest = volume;
			}
		}
	}
	return r < 0 || !largest ? r : take_sample(session, largest, time, err);
}

int session_time(struct session *session, struct session_time *ret, struct err *err)
{
	int r;

	*ret = (struct session_time){ 0 };
	if (plan_set_refused(&session->plans))
		return 0;
	reader_on_wait(session->reader, progress_wait, &session->display);
	r = measure(session, ret, err);
	reader_on_wait(session->reader, NULL, NULL);
	progress_end(&session->display);
	return r;
}

/* -- words ------------------------------------------------------------------------------ */

static void duration_text(uint64_t seconds, char text[32])
{
	uint64_t minutes = (seconds + 59) / 60;

	if (seconds < 60)
		snprintf(text, 32, "%" PRIu64 " s", max_u64(seconds, 1));
	else if (minutes < 60)
		snprintf(text, 32, "%" PRIu64 " min", minutes);
	else
		snprintf(text, 32, "%" PRIu64 " h %02u min", minutes / 60,
			 (unsigned)(minutes % 60));
}

char *session_time_text(const struct session_time *time, const char *why)
{
	char bytes[SIZE_TEXT_SIZE], rate[SIZE_TEXT_SIZE], sample[SIZE_TEXT_SIZE],
		duration[32];

	if (why)
		return text_format("\nHow long will it take?\n  not known, the source "
				   "could not be measured: %s\n",
				   why);
	size_format(time->bytes, bytes);
	if (!time->sample_bytes)
		return text_format("\nHow long will it take?\n  not known: %s are to be "
				   "copied, too little to measure the source by\n",
				   bytes);
	duration_text(time->seconds, duration);
	return text_format(
		"\nHow long will it take?\n"
		"  at least %s to copy %s at %s/s: so fast %s of %s were read now\n"
		"  not measured: how fast the disk writes, and reads back what was "
		"written\n",
		duration, bytes, size_format(time->rate, rate),
		size_format(time->sample_bytes, sample), time->sample_of);
}

json_t *session_time_json(const struct session_time *time, const char *why)
{
	bool known = !why && time->sample_bytes;
	json_int_t values[] = { (json_int_t)time->sample_bytes,
				(json_int_t)time->sample_ms, (json_int_t)time->rate,
				(json_int_t)time->seconds };
	static const char *const keys[] = { "sample_bytes", "sample_ms", "source_rate",
					    "copy_seconds_at_least" };
	json_t *object = json_object();

	json_object_set_new(object, "bytes_to_copy",
			    why ? json_null() : json_integer((json_int_t)time->bytes));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_object_set_new(object, keys[i],
				    known ? json_integer(values[i]) : json_null());
	json_object_set_new(object, "sample_of",
			    known ? json_string(time->sample_of) : json_null());
	json_object_set_new(object, "why", why ? json_string(why) : json_null());
	return object;
}
