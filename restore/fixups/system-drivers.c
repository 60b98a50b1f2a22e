/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The step "boot drivers" of the fix-up "SYSTEM hive": the drivers that serve the controller of
 * the new disk are started by the boot loader. Windows turns off those that it did not need at
 * its installation (Start 3, or 3 in StartOverride), and stops with INACCESSIBLE_BOOT_DEVICE on
 * another controller.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/text.h>

#include "evidence/boot-driver.h"
#include "system-hive.h"

static bool drivers_apply(const struct restore_plan *plan,
			  const struct plan_partition *partition)
{
	return plan_controller(plan) != NULL;
}

static const uint8_t zero[4];

static int start_now(struct fixup_job *job, struct hive_editor *editor, hive_node key,
		     const struct boot_service *service, struct err *err)
{
	const struct hive_datum start = { "Start", HIVE_DWORD, zero, sizeof(zero) };
	int r = hive_editor_set(editor, key, &start, err);

	return r < 0 ? r
		     : fixup_note(job, PLAN_NOTE, err, "driver %s: Start %u → 0",
				  service->name, service->start);
}

struct overrides {
	size_t count;
	char *names[16]; /* one per hardware that Windows has seen */
};

static void overrides_clear(struct overrides *overrides)
{
	for (size_t i = 0; i < overrides->count; i++)
		free(overrides->names[i]);
}

static int collect(const char *name, const uint8_t *bytes, size_t length, void *context,
		   struct err *err)
{
	struct overrides *overrides = context;

	if (overrides->count == ARRAY_SIZE(overrides->names) || length != sizeof(zero) ||
	    memcmp(bytes, zero, length) == 0)
		return 0;
	overrides->names[overrides->count] = strdup(name);
	if (!overrides->names[overrides->count])
		return err_nomem(err);
	overrides->count++;
	return 0;
}

static int drop_overrides(struct fixup_job *job, struct hive_editor *editor,
			  hive_node key, const struct boot_service *service,
			  struct err *err)
{
	AUTO(overrides_clear) struct overrides overrides = { 0 };
	struct hive *hive = NULL;
	hive_node override;
	int r = hive_editor_hive(editor, &hive, err);

	if (r < 0)
		return r;
	override = hive_find(hive, key, "StartOverride");
	r = override ? hive_values(hive, override, collect, &overrides, err) : 0;
	for (size_t i = 0; r == 0 && i < overrides.count; i++) {
		const struct hive_datum datum = { overrides.names[i], HIVE_DWORD, zero,
						  sizeof(zero) };

		r = hive_editor_set(editor, override, &datum, err);
	}
	return r < 0 || !overrides.count
		       ? r
		       : fixup_note(job, PLAN_NOTE, err, "driver %s: StartOverride → 0",
				    service->name);
}

static int start_service(struct fixup_job *job, struct hive_editor *editor,
			 const struct boot_service *service, struct err *err)
{
	AUTO_FREE char *path = NULL;
	char set[CONTROL_SET_SIZE];
	struct hive *hive = NULL;
	hive_node key;
	int r = hive_editor_hive(editor, &hive, err);

	if (r < 0)
		return r;
	control_set_name(hive, set);
	path = text_format("%s/Services/%s", set, service->name);
	if (!path)
		return err_nomem(err);
	key = hive_find(hive, 0, path);
	if (key && service->start)
		r = start_now(job, editor, key, service, err);
	if (key && r == 0 && service->overridden)
		r = drop_overrides(job, editor, key, service, err);
	return r;
}

static int run_drivers(struct fixup_job *job, struct hive_editor *editor, struct err *err)
{
	struct controller controller;
	struct boot_services found = { 0 };
	struct hive *hive = NULL;
	int r = 0;

	/* A controller of which nothing is known was told by the plan. */
	if (controller_from_text(plan_controller(job->plan), &controller, NULL) < 0)
		return 0;
	r = hive_editor_hive(editor, &hive, err);
	if (r == 0)
		r = boot_services_find(hive, &controller, &found, err);
	for (size_t i = 0; r == 0 && i < found.count; i++)
		r = start_service(job, editor, &found.services[i], err);
	return r;
}

const struct system_step system_step_drivers = {
	.applies = drivers_apply,
	.run = run_drivers,
};
