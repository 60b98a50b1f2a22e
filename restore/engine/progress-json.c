/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress for machines, and the verdict on which side is the limit: see restore/restore.h. */
#include <string.h>

#include <jansson.h>

#include <restore/restore.h>

/* Below this a side has time to spare. */
#define LIMIT_PERCENT 80

const char *restore_phase_id(enum restore_phase phase)
{
	static const char *const ids[] = {
		[PHASE_SCAN] = "scan",
		[PHASE_MEASURE] = "measure",
		[PHASE_PREFLIGHT] = "preflight",
		[PHASE_PROVE] = "prove",
		[PHASE_COMPARE] = "compare",
		[PHASE_INDEX] = "index",
		[PHASE_INVALIDATE] = "invalidate",
		[PHASE_COPY] = "copy",
		[PHASE_VERIFY] = "verify",
		[PHASE_COMMIT] = "commit",
		[PHASE_DONE] = "done",
		[PHASE_PACK] = "pack",
		[PHASE_PACK_CHECK] = "pack-check",
		[PHASE_FILES] = "files",
	};

	return ids[phase];
}

enum restore_side restore_progress_limit(const struct restore_progress *progress)
{
	enum restore_side most = RESTORE_SIDES;
	unsigned percent = LIMIT_PERCENT - 1;

	for (enum restore_side side = 0; side < RESTORE_SIDES; side++) {
		if (progress->busy[side] == PROGRESS_UNKNOWN ||
		    progress->busy[side] <= percent)
			continue;
		most = side;
		percent = progress->busy[side];
	}
	return most;
}

static json_t *known(uint64_t value, uint64_t unknown)
{
	return value == unknown ? json_null() : json_integer((json_int_t)value);
}

static const char *side_id(enum restore_side side)
{
	static const char *const ids[] = { "source", "disk", NULL };

	return ids[side];
}

static enum restore_side waited_for(const struct restore_progress *progress)
{
	enum restore_side side = 0;

	while (side < RESTORE_SIDES && !progress->waits[side])
		side++;
	return side;
}

/* A line must not be longer than PIPE_BUF, or it does not come whole (cli/progress.c): of many
 * volumes these are told, around the one that is worked on. */
#define VOLUMES_TOLD 12
#define NAME_BYTES   24

static json_t *volume_json(const struct restore_volume_progress *volume, size_t number)
{
	size_t length = strnlen(volume->name, NAME_BYTES);

	/* not in the middle of a character */
	while (length && ((unsigned char)volume->name[length] & 0xc0) == 0x80)
		length--;
	return json_pack("{s:i, s:s%, s:I, s:I}", "number", (int)number, "name",
			 volume->name, length, "bytes_done",
			 (json_int_t)volume->bytes_done, "bytes_total",
			 (json_int_t)volume->bytes_total);
}

static void add_volumes(json_t *object, const struct restore_progress *p)
{
	size_t first =
		p->volume_at > VOLUMES_TOLD / 2 ? p->volume_at - VOLUMES_TOLD / 2 : 0;
	json_t *list = json_array();

	if (first + VOLUMES_TOLD > p->volume_count)
		first = p->volume_count > VOLUMES_TOLD ? p->volume_count - VOLUMES_TOLD
						       : 0;
	for (size_t i = first; i < p->volume_count && i - first < VOLUMES_TOLD; i++)
		json_array_append_new(list, volume_json(&p->volumes[i], i + 1));
	json_object_set_new(object, "volume_at",
			    json_integer((json_int_t)p->volume_at + 1));
	json_object_set_new(object, "volume_count",
			    json_integer((json_int_t)p->volume_count));
	json_object_set_new(object, "volumes", list);
}

char *restore_progress_json(const struct restore_progress *p)
{
	json_t *object = json_pack(
		"{s:s, s:s?, s:s?, s:I, s:o, s:I, s:I, s:o, s:I, s:I, s:b, s:i}", "phase",
		restore_phase_id(p->phase), "volume", p->volume, "step", p->step,
		"bytes_done", (json_int_t)p->bytes_done, "bytes_total",
		known(p->bytes_total, 0), "rate_now", (json_int_t)p->rate_now,
		"rate_average", (json_int_t)p->rate_average, "eta_s",
		known(p->eta_s, UINT64_MAX), "elapsed_ms", (json_int_t)p->elapsed_ms,
		"idle_ms", (json_int_t)p->idle_ms, "stalled",
		p->idle_ms >= PROGRESS_STALL_MS, "retries", (int)p->retries);
	char *text;

	if (!object)
		return NULL;
	for (enum restore_side side = 0; side < RESTORE_SIDES; side++) {
		const char *key = side == SIDE_SOURCE ? "source_busy" : "disk_busy";

		json_object_set_new(object, key, known(p->busy[side], PROGRESS_UNKNOWN));
	}
	json_object_set_new(object, "limit",
			    json_pack("s?", side_id(restore_progress_limit(p))));
	json_object_set_new(object, "waits_for", json_pack("s?", side_id(waited_for(p))));
	json_object_set_new(object, "lost_ms",
			    p->server.lost ? json_integer((json_int_t)p->server.lost_ms)
					   : json_null());
	json_object_set_new(object, "lost_tries", json_integer(p->server.tries));
	json_object_set_new(object, "reconnects", json_integer(p->server.times));
	if (p->phase == PHASE_SCAN || p->phase == PHASE_FILES) {
		json_object_set_new(object, "folders",
				    json_integer((json_int_t)p->folders));
		json_object_set_new(object, "files", json_integer((json_int_t)p->files));
		json_object_set_new(object, "found", json_pack("s?", p->found));
	}
	if (p->volumes)
		add_volumes(object, p);
	text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	return text;
}
