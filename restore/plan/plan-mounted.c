/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drive letters of partitions that get another name: see plan-mounted.h. */
#include "plan-mounted.h"

#include "plan-rules.h"

static struct mounted_device identity(enum table_style style, const struct guid *id,
				      uint32_t signature, uint64_t offset)
{
	struct mounted_device device = { .kind = MOUNTED_GPT };

	if (style == TABLE_GPT) {
		device.partition_id = *id;
		return device;
	}
	device.kind = MOUNTED_MBR;
	device.mbr_signature = signature;
	device.offset = offset;
	return device;
}

struct mounted_device mounted_old_name(const struct id_change *names)
{
	return identity(names->old_style, &names->old_id, names->old_signature,
			names->old_offset);
}

struct mounted_device mounted_new_name(const struct id_change *names)
{
	return identity(names->new_style, &names->new_id, names->new_signature,
			names->new_offset);
}

static bool has_windows(const struct backup_version *version)
{
	for (size_t i = 0; i < version->volume_count; i++)
		if (version->volumes[i].role == ROLE_WINDOWS)
			return true;
	return false;
}

/* What fixups/system-mounted.c will do. */
int plan_tell_letters(const struct plan_context *context, const char *rule,
		      struct err *err)
{
	struct restore_plan *plan = context->plan;
	int r = 0;

	for (size_t i = 0;
	     r == 0 && has_windows(plan->version) && i < plan->id_change_count; i++) {
		const struct id_change *names = &plan->id_changes[i];
		const struct backup_volume *volume =
			plan->partitions[names->partition].volume;
		struct mounted_device old = mounted_old_name(names);
		struct mounted_device new = mounted_new_name(names);
		AUTO_FREE char *from = NULL, *to = NULL;

		if (!volume || mounted_device_equal(&old, &new))
			continue;
		from = mounted_device_text(&old);
		to = mounted_device_text(&new);
		if (!from || !to)
			return err_nomem(err);
		r = plan_find(plan, PLAN_NOTE, rule, err, "MountedDevices: %s: %s → %s",
			      plan_partition_name(plan, names->partition), from, to);
	}
	return r;
}
