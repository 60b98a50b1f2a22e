/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report of a restore or a verification as people read it. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <base/text.h>
#include <restore/restore.h>

static void add_numbers(struct text *out, const struct restore_result *result)
{
	char copied[SIZE_TEXT_SIZE], zeroed[SIZE_TEXT_SIZE], skipped[SIZE_TEXT_SIZE];
	char unchanged[SIZE_TEXT_SIZE], resumed[SIZE_TEXT_SIZE], verified[SIZE_TEXT_SIZE],
		rate[SIZE_TEXT_SIZE];

	if (result->copied || result->zeroed)
		text_add(out, "  written     %s, zeroed %s, free and left %s\n",
			 size_format(result->copied, copied),
			 size_format(result->zeroed, zeroed),
			 size_format(result->skipped, skipped));
	if (result->resumed)
		text_add(out, "  there       %s, from before the stop\n",
			 size_format(result->resumed, resumed));
	if (result->unchanged)
		text_add(out, "  unchanged   %s, compared and left\n",
			 size_format(result->unchanged, unchanged));
	text_add(out, "  read back   %s, all equal\n",
		 size_format(result->verified, verified));
	text_add(out, "  time        %.1f s", result->seconds);
	if (result->copied && result->seconds > 0)
		text_add(out, ", %s/s in all",
			 size_format((uint64_t)((double)result->copied / result->seconds),
				     rate));
	text_add(out, "\n");
}

char *restore_state_text(const struct restore_plan *plan,
			 const struct restore_result *result)
{
	struct text out = { 0 };

	if (result->resumable)
		text_add(&out,
			 "'%s' is half restored: nothing boots from it and nothing "
			 "recognises it.\n"
			 "Mend the cause, then go on with 'bmr resume'.\n",
			 plan->disk->path);
	else if (result->target_touched && plan->in_place)
		text_add(&out,
			 "'%s': the volumes that were being written have no boot sector: "
			 "nothing starts\n"
			 "from them or mounts them. What was not chosen is as it was. "
			 "Mend "
			 "the cause, then\n"
			 "start the restore again.\n",
			 plan->disk->path);
	else if (result->target_touched)
		text_add(&out,
			 "'%s' was being written: its old content is gone, nothing boots "
			 "from it\n"
			 "and nothing recognises it. Mend the cause, then start the "
			 "restore again.\n",
			 plan->disk->path);
	else
		text_add(&out, "Nothing was written to '%s'.\n", plan->disk->path);
	return text_take(&out);
}

char *restore_report_text(const struct plan_set *set, const struct restore_result *result,
			  const struct err *error)
{
	struct text out = { 0 };

	if (error) {
		text_add(&out, "FAILED: %s\n", error->text);
		for (size_t i = 0; i < set->count; i++) {
			AUTO_FREE char *state = restore_state_text(set->plans[i], result);

			if (state)
				text_add(&out, "%s", state);
		}
	} else {
		for (size_t i = 0; i < set->count; i++)
			text_add(&out, "%s onto %s: done and proved\n",
				 set->plans[i]->machine->name, set->plans[i]->disk->path);
		add_numbers(&out, result);
	}
	for (size_t i = 0; i < result->note_count; i++)
		text_add(&out, "  %s%s\n",
			 result->notes[i].severity == PLAN_NOTE ? "" : "WARNING: ",
			 result->notes[i].text);
	return text_take(&out);
}

/* -- to be kept ---- */

static void add_phases(struct text *out, const struct restore_result *result)
{
	char bytes[SIZE_TEXT_SIZE], rate[SIZE_TEXT_SIZE];

	for (enum restore_phase i = 0; i < RESTORE_PHASES; i++) {
		const struct restore_timing *timing = &result->timings[i];

		if (!timing->ms && !timing->bytes)
			continue;
		text_add(out, "  %-32s %9.1f s", restore_phase_text(i),
			 (double)timing->ms / 1000);
		if (timing->bytes && timing->ms)
			text_add(out, "  %s, %s/s; source at work %.0f %%, disk %.0f %%",
				 size_format(timing->bytes, bytes),
				 size_format(timing->bytes * 1000 / timing->ms, rate),
				 100.0 * (double)timing->busy_ms[SIDE_SOURCE] /
					 (double)timing->ms,
				 100.0 * (double)timing->busy_ms[SIDE_DISK] /
					 (double)timing->ms);
		text_add(out, "\n");
	}
}

char *restore_report_whole(const struct plan_set *set,
			   const struct restore_result *result, const char *in_short)
{
	AUTO_FREE char *plan = plan_set_text(set);
	char now[TIME_TEXT_SIZE];
	struct text out = { 0 };

	text_add(&out, "openbmr report, %s UTC\n\nResult\n\n%s\nHow long it took\n\n",
		 time_format(time(NULL), now), in_short);
	add_phases(&out, result);
	text_add(&out, "\nWhat was planned, and where each value comes from\n\n%s",
		 plan ? plan : "");
	return text_take(&out);
}

/* Cuts between characters, not within one. */
static void cut(char *text, size_t length)
{
	if (strlen(text) <= length)
		return;
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	text[length] = '\0';
}

char *restore_report_summary(const struct plan_set *set,
			     const struct restore_result *result, const struct err *error)
{
	const struct restore_plan *plan = set->plans[0];
	char now[TIME_TEXT_SIZE], hash[PLAN_HASH_SIZE], size[SIZE_TEXT_SIZE];
	char *text;

	time_format(time(NULL), now);
	now[16] = '\0'; /* to the minute */
	if (error)
		text = text_format("openbmr %.24s FAILED %sZ %s", plan->machine->name,
				   now, error->text);
	else
		text = text_format("openbmr %.24s done %sZ %s verified %.0fs plan %.12s",
				   plan->machine->name, now,
				   size_format(result->verified, size), result->seconds,
				   plan_hash(plan, hash) ? hash : "");
	if (text)
		cut(text, RESTORE_SUMMARY_MAX);
	return text;
}
