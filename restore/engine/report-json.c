/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report for machines: the plan and what became of it. */
#include <jansson.h>

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
	text = object ? json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(object);
	return text;
}
