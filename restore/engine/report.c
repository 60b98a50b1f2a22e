/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report of a restore or a verification as people read it. */
#include <inttypes.h>

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

static void add_state_after_failure(struct text *out, const struct restore_plan *plan,
				    const struct restore_result *result)
{
	if (result->resumable)
		text_add(out,
			 "'%s' is half restored: nothing boots from it and nothing "
			 "recognises it.\n"
			 "Mend the cause, then go on with 'bmr resume'.\n",
			 plan->disk->path);
	else if (result->target_touched && plan->in_place)
		text_add(out,
			 "'%s': the volumes that were being written have no boot sector: "
			 "nothing starts\n"
			 "from them or mounts them. What was not chosen is as it was. "
			 "Mend "
			 "the cause, then\n"
			 "start the restore again.\n",
			 plan->disk->path);
	else if (result->target_touched)
		text_add(out,
			 "'%s' was being written: its old content is gone, nothing boots "
			 "from it\n"
			 "and nothing recognises it. Mend the cause, then start the "
			 "restore again.\n",
			 plan->disk->path);
	else
		text_add(out, "Nothing was written to '%s'.\n", plan->disk->path);
}

char *restore_report_text(const struct plan_set *set, const struct restore_result *result,
			  const struct err *error)
{
	struct text out = { 0 };

	if (error) {
		text_add(&out, "FAILED: %s\n", error->text);
		for (size_t i = 0; i < set->count; i++)
			add_state_after_failure(&out, set->plans[i], result);
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
