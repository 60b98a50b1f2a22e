/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A restore for other firmware needs files that not every Windows has, or not where they can be
 * read: the fix-ups that use them are run once while the plan is made, and what they give is thrown
 * away.
 */
#include <restore/restore.h>

#include "fixup.h"

static int ignore_note(enum plan_severity severity, const char *text, void *context,
		       struct err *err)
{
	return 0;
}

static int try_volume(const struct restore_plan *plan,
		      const struct plan_partition *partition, struct reader *reader,
		      unsigned volume, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	struct patch_list patches = { 0 };
	int r = reader_source(reader, volume, &source, err);

	if (r == 0)
		r = fixups_run(plan, partition, source, ignore_note, NULL, &patches, err);
	patch_list_clear(&patches);
	return r;
}

int restore_try_firmware(const struct restore_plan *plan, struct reader *reader,
			 struct err *err)
{
	if (!plan->after || !plan_converts_firmware(plan))
		return 0;
	for (size_t i = 0; i < plan->after->count; i++) {
		const struct plan_partition *partition = &plan->partitions[i];
		enum volume_role role = plan->uefi ? ROLE_ESP : ROLE_WINDOWS;
		struct err closing = { 0 };
		unsigned volume;
		uint64_t length;
		int r;

		if (!partition->volume || partition->volume->role != role)
			continue;
		r = reader_open_volume(reader, partition->volume, &volume, &length, err);
		if (r < 0)
			return r;
		r = try_volume(plan, partition, reader, volume, err);
		if (reader_close_volume(reader, volume, &closing) < 0 && r == 0)
			r = err_set(err, closing.code, "%s", closing.text);
		if (r < 0)
			return r;
	}
	return 0;
}
