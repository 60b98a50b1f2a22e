/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress as people read it: see progress-text.h. */
#include "progress-text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "texts.h"

#define STALL_MS 30000 /* no byte for so long is worth a word (USERS.md section 2) */

static json_int_t number_at(const json_t *line, const char *key)
{
	const json_t *value = json_object_get(line, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const char *text_at(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text ? text : "";
}

static const char *size_at(const json_t *line, const char *key, char text[SIZE_TEXT_SIZE])
{
	json_int_t bytes = number_at(line, key);

	return size_format(bytes < 0 ? 0 : (uint64_t)bytes, text);
}

/* The phases as `--progress-fd` calls them. */
static const struct phase {
	const char *id;
	enum text_id text;
	bool writes;
} phases[] = {
	{ "scan", TEXT_PHASE_SCAN, false },
	{ "measure", TEXT_PHASE_MEASURE, false },
	{ "preflight", TEXT_PHASE_PREPARE, false },
	{ "prove", TEXT_PHASE_PROVE, false },
	{ "compare", TEXT_PHASE_COMPARE, false },
	{ "invalidate", TEXT_PHASE_ERASE, true },
	{ "copy", TEXT_PHASE_COPY, true },
	{ "verify", TEXT_PHASE_VERIFY, true },
	{ "commit", TEXT_PHASE_COMMIT, true },
	{ "done", TEXT_PHASE_DONE, true },
};

static const char *take_phase(struct progress_text *progress, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
		if (strcmp(phases[i].id, id) == 0) {
			progress->writes |= phases[i].writes;
			return text_of(phases[i].text);
		}
	return id;
}

/* What is read, before the disk is erased or to compare it, is not written. */
static bool is_read(const char *phase)
{
	return strcmp(phase, "prove") == 0 || strcmp(phase, "compare") == 0 ||
	       strcmp(phase, "verify") == 0;
}

static void add_bytes(struct text *text, const json_t *line)
{
	char done[SIZE_TEXT_SIZE], total[SIZE_TEXT_SIZE], filled[PROGRESS_TEXT_SIZE];

	if (number_at(line, "bytes_total") <= 0)
		return;
	text_fill(is_read(text_at(line, "phase")) ? TEXT_PROGRESS_READ
						  : TEXT_PROGRESS_BYTES,
		  size_at(line, "bytes_done", done), size_at(line, "bytes_total", total),
		  filled, sizeof(filled));
	text_add(text, "\n\n%s", filled);
	text_fill(TEXT_PROGRESS_RATE, size_at(line, "rate_now", done),
		  size_at(line, "rate_average", total), filled, sizeof(filled));
	text_add(text, "\n%s", filled);
}

static void add_left(struct text *text, const json_t *line)
{
	json_int_t left = number_at(line, "eta_s");
	char time[32], filled[PROGRESS_TEXT_SIZE];

	if (left < 0)
		return;
	snprintf(time, sizeof(time), "%lld:%02lld:%02lld", (long long)left / 3600,
		 (long long)left / 60 % 60, (long long)left % 60);
	text_fill(TEXT_PROGRESS_LEFT, time, NULL, filled, sizeof(filled));
	text_add(text, "\n%s", filled);
}

/* What went wrong on the way and was put right. */
static void add_troubles(struct text *text, const json_t *line)
{
	json_int_t retries = number_at(line, "retries");
	json_int_t reconnects = number_at(line, "reconnects");
	char first[24], second[24], filled[PROGRESS_TEXT_SIZE];

	if (retries <= 0 && reconnects <= 0)
		return;
	snprintf(first, sizeof(first), "%lld", retries > 0 ? (long long)retries : 0);
	snprintf(second, sizeof(second), "%lld",
		 reconnects > 0 ? (long long)reconnects : 0);
	text_fill(TEXT_PROGRESS_RETRIES, first, second, filled, sizeof(filled));
	text_add(text, "\n%s", filled);
}

static void add_sides(struct text *text, const json_t *line)
{
	json_int_t source = number_at(line, "source_busy");
	json_int_t disk = number_at(line, "disk_busy");
	json_int_t idle = number_at(line, "idle_ms");
	json_int_t lost = number_at(line, "lost_ms");
	char first[24], second[24], filled[PROGRESS_TEXT_SIZE];

	if (source >= 0 && disk >= 0) {
		snprintf(first, sizeof(first), "%lld", (long long)source);
		snprintf(second, sizeof(second), "%lld", (long long)disk);
		text_fill(TEXT_PROGRESS_LIMIT, first, second, filled, sizeof(filled));
		text_add(text, "\n%s", filled);
	}
	if (lost >= 0) {
		snprintf(first, sizeof(first), "%lld", (long long)lost / 1000);
		snprintf(second, sizeof(second), "%lld",
			 (long long)number_at(line, "lost_tries"));
		text_fill(TEXT_PROGRESS_LOST, first, second, filled, sizeof(filled));
		text_add(text, "\n\n%s", filled);
	}
	if (idle >= STALL_MS) {
		snprintf(first, sizeof(first), "%lld", (long long)idle / 1000);
		text_fill(TEXT_PROGRESS_STALL, first, NULL, filled, sizeof(filled));
		text_add(text, "\n\n%s", filled);
	}
}

#define VOLUME_BAR 20 /* characters */

/* "> C:           [##########..........]  50 %  14.5 GiB of 29.0 GiB" */
static void add_volume(struct text *text, const json_t *volume, bool active)
{
	json_int_t done = number_at(volume, "bytes_done");
	json_int_t total = number_at(volume, "bytes_total");
	bool whole = total <= 0 || done >= total;
	int share = whole      ? 1000
		    : done > 0 ? (int)(1000.0 * (double)done / (double)total)
			       : 0;
	int filled = share * VOLUME_BAR / 1000;
	char sizes[2][SIZE_TEXT_SIZE], amount[2 * SIZE_TEXT_SIZE + 16];

	text_fill(whole	      ? TEXT_VOLUME_DONE
		  : done <= 0 ? TEXT_VOLUME_WAITS
			      : TEXT_VOLUME_AMOUNT,
		  size_at(volume, whole ? "bytes_total" : "bytes_done", sizes[0]),
		  size_at(volume, "bytes_total", sizes[1]), amount, sizeof(amount));
	text_add(text, "\n%s %-12.12s [", active ? ">" : " ", text_at(volume, "name"));
	for (int i = 0; i < VOLUME_BAR; i++)
		text_add(text, "%c", i < filled ? '#' : '.');
	text_add(text, "] %3d %%  %s", share / 10, amount);
}

static size_t count_lines(const struct text *text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text->length; i++)
		lines += text->string[i] == '\n';
	return lines;
}

/* A bar for each; where there is no room for all, the active one and those around it. */
static void add_volumes(struct text *text, const json_t *line)
{
	const json_t *volumes = json_object_get(line, "volumes");
	size_t count = json_array_size(volumes), first = 0, active = 0;
	size_t used = text->failed ? PROGRESS_LINES : count_lines(text) + 1, room;

	if (!count || used >= PROGRESS_LINES)
		return;
	room = PROGRESS_LINES - used;
	while (active + 1 < count && number_at(json_array_get(volumes, active),
					       "number") != number_at(line, "volume_at"))
		active++;
	if (active > room / 2)
		first = active - room / 2;
	if (first + room > count)
		first = count > room ? count - room : 0;
	text_add(text, "\n");
	for (size_t i = first; i < count && i - first < room; i++)
		add_volume(text, json_array_get(volumes, i), i == active);
}

/* " (2 of 4)" behind the volume's name. */
static void add_number(struct text *text, const json_t *line)
{
	json_int_t at = number_at(line, "volume_at"),
		   count = number_at(line, "volume_count");
	char first[24], second[24], filled[64];

	if (at < 1 || count < 2 || !text_at(line, "volume")[0])
		return;
	snprintf(first, sizeof(first), "%lld", (long long)at);
	snprintf(second, sizeof(second), "%lld", (long long)count);
	text_fill(TEXT_VOLUME_NUMBER, first, second, filled, sizeof(filled));
	text_add(text, " %s", filled);
}

void progress_text_take(struct progress_text *progress, const char *line)
{
	json_t *root = json_loads(line, 0, NULL);
	json_int_t total = number_at(root, "bytes_total");
	json_int_t done = number_at(root, "bytes_done");
	static const char *const details[] = { "volume", "step" };
	struct text text = { 0 };
	AUTO_FREE char *all = NULL;

	if (!json_is_object(root)) {
		json_decref(root);
		return;
	}
	text_add(&text, "%s", take_phase(progress, text_at(root, "phase")));
	for (size_t i = 0; i < ARRAY_SIZE(details); i++)
		if (text_at(root, details[i])[0])
			text_add(&text, " %s", text_at(root, details[i]));
	add_number(&text, root);
	add_bytes(&text, root);
	add_left(&text, root);
	add_troubles(&text, root);
	add_sides(&text, root);
	add_volumes(&text, root);
	all = text_take(&text);
	if (all)
		snprintf(progress->text, sizeof(progress->text), "%s", all);
	progress->bar = 0;
	if (total > 0 && done > 0)
		progress->bar = (int)(1000.0 * (double)done / (double)total);
	json_decref(root);
}
