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

static json_t *json_next_steps(const struct plan_set *set,
			       const struct restore_result *result)
{
	json_t *array = json_array();

	for (size_t i = 0; i < set->count; i++) {
		AUTO_FREE char *text = restore_state_text(set->plans[i], result);

		if (text)
			json_array_append_new(array, json_string(text));
	}
	return array;
}

char *restore_report_json(const struct plan_set *set, const struct restore_result *result,
			  const struct err *error)
{
	char *plan_text = plan_set_json(set), *text;
	json_t *object;

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
		plan_text ? json_loads(plan_text, 0, NULL) : json_null());
	free(plan_text);
	if (object) {
		const struct restore_plan *plan = set->plans[0];

		json_object_set_new(object, "phases", json_phases(result));
		json_object_set_new(object, "machine", json_string(plan->machine->name));
		json_object_set_new(object, "source", json_string(plan->source));
		json_object_set_new(object, "finished", json_integer(time(NULL)));
		if (error)
			json_object_set_new(object, "next_steps",
					    json_next_steps(set, result));
	}
	text = object ? json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(object);
	return text;
}
