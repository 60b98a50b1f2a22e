/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report for machines: the plan and what became of it. */
#include <jansson.h>
#include <time.h>

#include <restore/restore.h>

static json_t *json_notes(const struct restore_result *result)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->note_count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:s}", "severity",
						result->notes[i].severity == PLAN_NOTE
							? "note"
							: "warning",
						"text", result->notes[i].text));
	return array;
}

static json_t *json_phases(const struct restore_result *result)
{
	json_t *array = json_array();

	for (enum restore_phase i = 0; i < RESTORE_PHASES; i++) {
		const struct restore_timing *timing = &result->timings[i];

		if (timing->ms || timing->bytes)
			json_array_append_new(
				array,
				json_pack("{s:s, s:f, s:I, s:I, s:I}", "phase",
					  restore_phase_id(i), "seconds",
					  (double)timing->ms / 1000, "bytes",
					  (json_int_t)timing->bytes, "source_busy_ms",
					  (json_int_t)timing->busy_ms[SIDE_SOURCE],
					  "disk_busy_ms",
					  (json_int_t)timing->busy_ms[SIDE_DISK]));
	}
	return array;
}

static json_t *json_texts(const char *const *texts)
{
	json_t *array = json_array();

	for (; *texts; texts++)
		json_array_append_new(array, json_string(*texts));
	return array;
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, text ? json_string(text) : json_null());
}

char *restore_result_json(const struct restore_result *result,
			  const struct restore_about *about, const struct err *error)
{
	json_t *object;
	char *text;

	object = json_pack(
		"{s:b, s:s?, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:o}",
		"done", error == NULL, "error", error ? error->text : NULL,
		"target_touched", result->target_touched, "copied_bytes",
		(json_int_t)result->copied, "unchanged_bytes",
		(json_int_t)result->unchanged, "zeroed_bytes", (json_int_t)result->zeroed,
		"skipped_bytes", (json_int_t)result->skipped, "verified_bytes",
		(json_int_t)result->verified, "writes", (json_int_t)result->writes,
		"write_bytes", (json_int_t)result->write_bytes, "seconds",
		result->seconds, "notes", json_notes(result), "plan",
		about->plan ? json_loads(about->plan, 0, NULL) : json_null());
	if (object) {
		json_object_set_new(object, "phases", json_phases(result));
		set_text(object, "machine", about->machine);
		set_text(object, "source", about->source);
		json_object_set_new(object, "finished", json_integer(time(NULL)));
		if (about->next_steps)
			json_object_set_new(object, "next_steps",
					    json_texts(about->next_steps));
	}
	text = object ? json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(object);
	return text;
}

static void free_texts(char **texts)
{
	for (char **text = texts; text && *text; text++)
		free(*text);
	free(texts);
}

char *restore_report_json(const struct plan_set *set, const struct restore_result *result,
			  const struct err *error)
{
	AUTO_FREE char *plan = plan_set_json(set);
	char **steps = error ? calloc(set->count + 1, sizeof(*steps)) : NULL, *text;
	const struct restore_about about = {
		.machine = set->plans[0]->machine->name,
		.source = set->plans[0]->source,
		.plan = plan,
		.next_steps = (const char *const *)steps,
	};
	size_t count = 0;

	for (size_t i = 0; steps && i < set->count; i++) {
		steps[count] = restore_state_text(set->plans[i], result);
		count += steps[count] != NULL;
	}
	text = restore_result_json(result, &about, error);
	free_texts(steps);
	return text;
}
