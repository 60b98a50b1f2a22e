/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The restore plan: see plan.h. */
#include <restore/plan.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/text.h>
#include <nettle/sha2.h>

#include "plan-rules.h"

int plan_find(struct restore_plan *plan, enum plan_severity severity, const char *rule,
	      struct err *err, const char *format, ...)
{
	struct plan_finding *findings;
	char *text;
	va_list args;
	int length;

	findings =
		reallocarray(plan->findings, plan->finding_count + 1, sizeof(*findings));
	if (!findings)
		return err_nomem(err);
	plan->findings = findings;
	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return err_nomem(err);
	findings[plan->finding_count++] = (struct plan_finding){ severity, rule, text };
	return 0;
}

bool plan_has_role(const struct restore_plan *plan, enum volume_role role)
{
	for (size_t i = 0; plan->after && i < plan->after->count; i++)
		if (plan->partitions[i].volume &&
		    plan->partitions[i].volume->role == role)
			return true;
	return false;
}

bool plan_refused(const struct restore_plan *plan)
{
	for (size_t i = 0; i < plan->finding_count; i++)
		if (plan->findings[i].severity == PLAN_REFUSAL)
			return true;
	return false;
}

const char *plan_hash(const struct restore_plan *plan, char text[PLAN_HASH_SIZE])
{
	AUTO_FREE char *json = plan_deed_json(plan);
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	if (!json)
		return NULL;
	sha256_init(&ctx);
	sha256_update(&ctx, strlen(json), (const uint8_t *)json);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return text;
}

int plan_make_disk(const struct plan_order *order, const struct plan_target *target,
		   struct restore_plan **ret, struct err *err)
{
	AUTO(plan_freep) struct restore_plan *plan = NULL;
	struct plan_context context = {
		order->backup,	      order->disks,    NULL,
		target->source_count, target->sources, target->named_twice
	};
	int r;

	plan = calloc(1, sizeof(*plan));
	if (!plan)
		return err_nomem(err);
	plan->machine = order->machine;
	plan->version = order->version;
	plan->disk = target->disk;
	plan->wishes = *order->wishes;
	plan->uefi = plan_wished_uefi(order);
	plan->source = strdup(order->backup->source);
	if (!plan->source)
		return err_nomem(err);
	context.plan = plan;
	r = plan_make_layout(&context, err);
	for (size_t i = 0; r == 0 && i < plan_rule_count; i++)
		r = plan_rules[i].check(&context, plan_rules[i].name, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

void plan_free(struct restore_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->finding_count; i++)
		free(plan->findings[i].text);
	free(plan->findings);
	free(plan->partitions);
	free(plan->id_changes);
	free(plan->old_ids);
	layout_free(plan->after);
	free(plan->made_esp); /* what it points to is the backup's */
	free(plan->source);
	free(plan);
}
