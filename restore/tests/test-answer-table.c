/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answer files: each of a table (answer-cases.h) is understood, or refused, as it says there, in
 * UTF-8 and in UTF-16.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <base/utf.h>
#include <restore/answer.h>

#include "answer-cases.h"

static void show_text(struct text *text, const char *key, const char *value)
{
	if (value)
		text_add(text, " %s=%s", key, value);
}

static void show_flag(struct text *text, const char *name, bool set)
{
	if (set)
		text_add(text, " %s", name);
}

static void show_match(struct text *text, const struct answer_match *match)
{
	if (match->uuid)
		text_add(text, " match=%s,%s,%s,%s,%s,%s", match->uuid, match->serial,
			 match->mac, match->host, match->vendor, match->model);
}

static const char *or_dash(const char *value)
{
	return value ? value : "-";
}

static void show_network(struct text *text, const struct answer_network *network)
{
	if (network->address || network->interface)
		text_add(text, " net=%s,%s,%s,%s,%u", or_dash(network->interface),
			 or_dash(network->address), or_dash(network->gateway),
			 or_dash(network->dns), network->vlan);
}

static void show_after(struct text *text, const struct answer *answer)
{
	if (answer->action != AFTER_HOLD)
		show_text(text, "action", after_action_text(answer->action));
	if (answer->on_fail != AFTER_HOLD)
		show_text(text, "on_fail", after_action_text(answer->on_fail));
	if (answer->retries)
		text_add(text, " retries=%u", answer->retries);
	show_text(text, "report", answer->report);
	show_text(text, "log", answer->log);
	show_text(text, "status", answer->status);
}

/* What is not as in an empty answer, in a fixed order. */
static char *show(const struct answer *answer)
{
	struct text text = { 0 };

	show_match(&text, &answer->match);
	show_text(&text, "url", answer->source_url);
	show_text(&text, answer->credentials_url ? "cred-url" : "cred",
		  answer->credentials);
	show_flag(&text, "encrypt", answer->require_encryption);
	show_text(&text, "unlock", answer->unlock);
	show_flag(&text, "leads", answer->leads_to_share);
	for (size_t i = 0; i < answer->disk_count; i++)
		show_text(&text, "disk", answer->disks[i]);
	for (size_t i = 0; i < answer->exclude_count; i++)
		show_text(&text, "exclude", answer->excludes[i]);
	show_text(&text, "plan", answer->plan);
	show_text(&text, "for", answer->controller);
	show_text(&text, "drivers", answer->drivers);
	show_flag(&text, "ignore", answer->ignore_forecast);
	show_flag(&text, "delta", answer->delta);
	show_flag(&text, "wipe", answer->wipe);
	show_flag(&text, "confirm", answer->confirm_erase);
	show_flag(&text, "replace", answer->confirm_replace);
	if (answer->system_state)
		text_add(&text, " state=%u", answer->state_classes);
	show_text(&text, "partition", answer->partition);
	show_flag(&text, "other", answer->other_machine);
	show_flag(&text, "domain", answer->domain_controller);
	show_text(&text, "machine", answer->machine);
	show_text(&text, "version", answer->version);
	show_text(&text, "volumes", answer->volumes);
	show_flag(&text, "prove", answer->prove_full);
	show_text(&text, "grow", answer->grow);
	show_flag(&text, "no-shrink", answer->no_shrink);
	show_flag(&text, "new-ids", answer->new_ids);
	if (answer->firmware)
		text_add(&text, " firmware=%d", (int)answer->firmware);
	show_flag(&text, "plain", answer->dynamic_plain);
	show_text(&text, "layout", answer->layout);
	show_after(&text, answer);
	show_network(&text, &answer->network);
	show_text(&text, "missing", answer->missing);
	return text_take(&text);
}

/* What is understood, or what is said. */
static char *outcome(const void *bytes, size_t length)
{
	struct answer answer = { 0 };
	struct err err = { 0 };
	char *text;

	if (answer_parse(bytes, length, "a.ini", "/f", &answer, &err) < 0)
		return strdup(err.text);
	text = show(&answer);
	answer_clear(&answer);
	/* the blank in front */
	if (text && *text)
		memmove(text, text + 1, strlen(text));
	return text;
}

static void every_case_has_its_outcome(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *found = outcome(cases[i].file, strlen(cases[i].file));

		if (strcmp(found, cases[i].expected) != 0)
			print_error("case %zu:\n%s", i, cases[i].file);
		assert_string_equal(found, cases[i].expected);
	}
}

/* Notepad's "Unicode"; the byte-order mark of one case is the file's own. */
static void every_case_is_the_same_in_utf_16(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *wide = NULL;
		AUTO_FREE char *found = NULL;
		struct err err = { 0 };
		size_t length;

		assert_int_equal(utf8_to_utf16le(cases[i].file, &wide, &length, &err), 0);
		found = outcome(wide, length);
		if (strcmp(found, cases[i].expected) != 0)
			print_error("case %zu:\n%s", i, cases[i].file);
		assert_string_equal(found, cases[i].expected);
	}
}

static void the_table_is_as_long_as_it_should_be(void **state)
{
	assert_true(ARRAY_SIZE(cases) >= 120);
}

/* A line of the table at the end of make check (.ci/summary); nobody may want one. */
static void count_for_summary(int failures)
{
	const char *path = getenv("SUMMARY");
	AUTO_FCLOSE FILE *file = path ? fopen(path, "a") : NULL;

	if (file)
		fprintf(file, "answer-file cases %zu %d\n", ARRAY_SIZE(cases), failures);
	printf("answer files: %zu cases, each in UTF-8 and UTF-16\n", ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_has_its_outcome),
		cmocka_unit_test(every_case_is_the_same_in_utf_16),
		cmocka_unit_test(the_table_is_as_long_as_it_should_be),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);

	count_for_summary(failures);
	return failures;
}
