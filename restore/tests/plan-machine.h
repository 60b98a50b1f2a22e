/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine with two source disks and four disks to choose from, for tests of what goes where.
 * Include it after cmocka. */
#pragma once

#include "plan-fixture.h"

/* The machine of the fixture and a second source disk with D: on it; four disks here. */
struct machine {
	struct fixture f;
	struct backup_volume volumes[3];
	struct source_partition data[2];
	struct source_disk sources[2];
	struct disk disks[4];
	enum plan_firmware firmware;
	struct plan_set set;
	struct err err;
};

static inline void set_up_machine(struct machine *m)
{
	struct fixture *f = &m->f;

	*m = (struct machine){ 0 };
	set_up(f);
	memcpy(m->volumes, f->volumes, sizeof(f->volumes));
	set_volume(&m->volumes[2], "d.vhdx", "D:", ROLE_DATA, 500 * MiB);
	m->data[0] = f->partitions[1]; /* an MSR of its own */
	m->data[0].id = known_guid(0x30);
	m->data[1] = f->partitions[2];
	m->data[1].offset = known(117 * MiB);
	m->data[1].length = known(500 * MiB);
	m->data[1].id = known_guid(0x31);
	m->data[1].volume = 2;
	m->sources[0] = f->source;
	m->sources[1] = f->source;
	m->sources[1].disk_id = known_guid(0x60);
	m->sources[1].size = known(GiB);
	m->sources[1].partition_count = 2;
	m->sources[1].partitions = m->data;
	f->version.volume_count = 3;
	f->version.volumes = m->volumes;
	f->version.disk_count = 2;
	f->version.disks = m->sources;
	set_disk(&m->disks[0], "/dev/sda", "A1", 2 * GiB);
	set_disk(&m->disks[1], "/dev/sdb", "B2", GiB);
	set_disk(&m->disks[2], "/dev/sdc", "C3", 4 * GiB);
	set_disk(&m->disks[3], "/dev/sdd", "D4", 512 * MiB);
	f->list = (struct disk_list){ 4, m->disks };
}

static inline void tear_down_machine(struct machine *m)
{
	plan_set_clear(&m->set);
	for (size_t i = 0; i < 4; i++)
		layout_free(m->disks[i].layout);
}

static inline int map_disks(struct machine *m, const char *volumes, bool new_ids,
		     const struct plan_named *named, const struct disk *excluded)
{
	struct plan_wishes wishes = { .volumes = volumes, .new_ids = new_ids };
	struct plan_order order = { &m->f.backup, &m->f.machine, &m->f.version,
				    &m->f.list, &wishes };
	struct plan_choices choices = { .firmware = m->firmware,
					.named_count = named[1].disk ? 2 : 1,
					.named = named,
					.excluded_count = excluded ? 1 : 0,
					.excluded = &excluded };

	plan_set_clear(&m->set);
	return plan_set_make(&order, &choices, &m->set, &m->err);
}

/* Of the last plan, or of any with that text. */
static inline bool is_told(const struct machine *m, enum plan_severity severity,
		    const char *text)
{
	for (size_t p = 0; p < m->set.count; p++)
		for (size_t i = 0; i < m->set.plans[p]->finding_count; i++)
			if (m->set.plans[p]->findings[i].severity == severity &&
			    strcmp(m->set.plans[p]->findings[i].text, text) == 0)
				return true;
	return false;
}

static inline void give_ids(struct machine *m, size_t disk, size_t source)
{
	struct disk_layout *layout = layout_new();

	layout->style = TABLE_GPT;
	layout->sector_size = 512;
	layout->disk_id = m->sources[source].disk_id.value;
	layout_free(m->disks[disk].layout);
	m->disks[disk].layout = layout;
}
