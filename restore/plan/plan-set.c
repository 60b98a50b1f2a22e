/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plans of all disks of one machine: see plan.h. */
#include <jansson.h>

#include <base/text.h>

#include "plan-rules.h"

int plan_set_add(struct plan_set *set, struct restore_plan *plan, struct err *err)
{
	struct restore_plan **plans =
		reallocarray(set->plans, set->count + 1, sizeof(struct restore_plan *));

	if (!plans) {
		plan_free(plan);
		return err_nomem(err);
	}
	set->plans = plans;
	plans[set->count++] = plan;
	for (size_t i = 0; i < set->count; i++) {
		plans[i]->peers = plans;
		plans[i]->peer_count = set->count;
	}
	return 0;
}

void plan_set_clear(struct plan_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		plan_free(set->plans[i]);
	free(set->plans);
	*set = (struct plan_set){ 0 };
}

bool plan_set_refused(const struct plan_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (plan_refused(set->plans[i]))
			return true;
	return false;
}

char *plan_set_text(const struct plan_set *set)
{
	struct text out = { 0 };

	for (size_t i = 0; i < set->count; i++) {
		AUTO_FREE char *text = plan_text(set->plans[i]);

		text_add(&out, "%s%s", i ? "\n" : "", text ? text : "");
	}
	return text_take(&out);
}

char *plan_set_json(const struct plan_set *set)
{
	json_t *disks, *object;
	char *text;

	if (set->count == 1)
		return plan_json(set->plans[0]);
	disks = json_array();
	for (size_t i = 0; i < set->count; i++) {
		AUTO_FREE char *plan = plan_json(set->plans[i]);

		json_array_append_new(disks, plan ? json_loads(plan, 0, NULL) : NULL);
	}
	object = json_pack("{s:o}", "disks", disks);
	text = object ? json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	json_decref(object);
	return text;
}
