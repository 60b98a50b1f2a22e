/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disks of this machine, searched without being asked: see local-scan.h. */
#include "local-scan.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <base/cleanup.h>

/* Lines take one question at a time, and nobody should wait for this one. */
#define PATIENCE_MS 10000

const char *local_place(const struct menu *menu)
{
	return menu->options->image ? menu->options->image : "disk:auto";
}

/* On a machine that runs something else its disks are none of ours until it is said. */
static bool is_wanted(const struct menu *menu)
{
	return menu->options->environment || menu->options->image;
}

static void understand(struct local_scan *local)
{
	AUTO_FREE char *output = text_take(&local->task.output);
	AUTO_FREE char *errors = text_take(&local->task.errors);
	AUTO_FREE char *locked = unlock_lines(errors);
	struct err err = { 0 };

	local->ended = true;
	local->locked = locked != NULL;
	if (task_exit_status(&local->task) == 0 && output &&
	    backup_from_json(output, strlen(output), &local->found, &err) < 0)
		local->found = NULL;
}

bool local_scan_read(struct local_scan *local)
{
	if (!task_read(&local->task))
		return false;
	if (!local->ended)
		understand(local);
	return true;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_a_little(struct local_scan *local)
{
	struct pollfd readable = { .fd = local->task.fd, .events = POLLIN };
	long end = now_ms() + PATIENCE_MS, left = PATIENCE_MS;

	while (left > 0 && !local_scan_read(local)) {
		(void)poll(&readable, 1, (int)left);
		left = end - now_ms();
	}
}

void local_scan_start(struct menu *menu, struct local_scan *local)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	struct task_wishes wishes;
	struct err err;

	if (!is_wanted(menu) || local->ended || local->runs)
		return;
	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "scan");
	arguments_add(&arguments, NULL, local_place(menu));
	arguments_add(&arguments, "--json", NULL);
	wishes = menu_task(menu, &arguments);
	wishes.user = wishes.keys = NULL;
	/* what it says is no failure of what a person did */
	wishes.log_path = NULL;
	if (arguments.failed || task_start(&wishes, &local->task, &err) < 0)
		return;
	local->runs = true;
	if (menu->ui.kind == &ui_plain) {
		wait_a_little(local);
		local_scan_stop(local);
	}
}

void local_scan_stop(struct local_scan *local)
{
	if (local->runs)
		task_finish(&local->task);
	local->runs = false;
}

void local_scan_clear(struct local_scan *local)
{
	local_scan_stop(local);
	backup_free(local->found);
	*local = (struct local_scan){ 0 };
}

/* The newest whole one; NULL: there is none such. */
static const struct backup_version *newest(const struct backup *backup,
					   const struct backup_machine **ret_machine,
					   size_t *ret_count)
{
	const struct backup_version *best = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < backup->machine_count; i++)
		for (size_t j = 0; j < backup->machines[i].version_count; j++) {
			const struct backup_version *version =
				&backup->machines[i].versions[j];

			++*ret_count;
			if (best && (version->health != HEALTH_WHOLE ||
				     (best->health == HEALTH_WHOLE &&
				      version->time.value <= best->time.value)))
				continue;
			best = version;
			*ret_machine = &backup->machines[i];
		}
	return best;
}

static void describe(const struct backup *backup, char *to, size_t size)
{
	const struct backup_machine *machine = NULL;
	size_t count;
	const struct backup_version *version = newest(backup, &machine, &count);
	char time[TIME_TEXT_SIZE] = "?", name[64], number[24];

	if (!version)
		return;
	if (version->time.origin != ORIGIN_NONE) {
		time_format((int64_t)version->time.value, time);
		time[strlen("2026-08-31 21:00")] = '\0';
	}
	snprintf(name, sizeof(name), "%.32s, %s UTC", machine->name, time);
	snprintf(number, sizeof(number), "%zu", count);
	text_fill(TEXT_LOCAL_FOUND, name, number, to, size);
}

void local_scan_text(const struct menu *menu, const struct local_scan *local, char *to,
		     size_t size)
{
	to[0] = '\0';
	if (!is_wanted(menu))
		return;
	if (local->found)
		describe(local->found, to, size);
	else if (local->locked)
		text_fill(TEXT_LOCAL_LOCKED, NULL, NULL, to, size);
	else if (local->ended)
		text_fill(TEXT_LOCAL_NOTHING, NULL, NULL, to, size);
	else if (local->runs)
		text_fill(TEXT_LOCAL_SEARCHED, NULL, NULL, to, size);
}
