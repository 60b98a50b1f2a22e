/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of partitions in MountedDevices: see plan-mounted.h. */
#include "plan-mounted.h"

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
