/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small UEFI machine and what its backup tells, for tests of plan and restore. Include it
 * after cmocka.
 */
#pragma once

#include <string.h>

#include <base/checked.h>
#include <restore/plan.h>

#include "plan/plan-rules.h"

/* A small UEFI machine: ESP, MSR without image, C:, as Windows lays it out. */
struct fixture {
	struct backup_volume volumes[2];
	struct source_partition partitions[3];
	struct source_disk source;
	struct backup_version version;
	struct backup_machine machine;
	struct backup backup;
	struct disk disks[2];
	struct disk_list list;
	struct restore_plan *plan;
};

static inline int fixture_plan(const struct fixture *f, const struct backup_version *version,
			       const struct disk *disk, const struct plan_wishes *wishes,
			       struct restore_plan **ret, struct err *err)
{
	const struct plan_order order = { &f->backup, &f->machine, version, &f->list, wishes };
	const struct plan_target onto = { .disk = disk };

	return plan_make_disk(&order, &onto, ret, err);
}

static inline struct value_u64 known(uint64_t value)
{
	return (struct value_u64){ value, ORIGIN_ASRSIF };
}

static inline struct value_guid known_guid(uint8_t first)
{
	struct value_guid guid = { .origin = ORIGIN_ASRSIF };

	memset(guid.value.b, 0x11, sizeof(guid.value.b));
	guid.value.b[0] = first;
	return guid;
}

static inline void set_volume(struct backup_volume *volume, const char *image, const char *letter,
		       enum volume_role role, uint64_t length)
{
	*volume = (struct backup_volume){
		.image_path = (char *)image,
		.length = length,
		.access_path = { (char *)letter, ORIGIN_BACKUP_SPECS },
		.role = role,
	};
}

static inline void set_partition(struct fixture *f, size_t index, uint64_t offset, uint64_t length,
			  const struct guid *type, int volume)
{
	f->partitions[index] = (struct source_partition){
		.slot = known(index + 1),
		.offset = known(offset),
		.length = known(length),
		.type = { *type, ORIGIN_ASRSIF },
		.id = known_guid((uint8_t)(0x20 + index)),
		.attributes = known(0),
		.volume = volume,
	};
}

static inline void set_disk(struct disk *disk, const char *path, const char *serial, uint64_t size)
{
	*disk = (struct disk){
		.path = (char *)path,
		.exists = true,
		.model = (char *)"disk",
		.serial = (char *)serial,
		.wwn = (char *)"",
		.bus = (char *)"nvme",
		.size = size,
		.sector_size = 512,
		.physical_sector_size = 512,
		.protection_text = (char *)"",
	};
}

static inline void set_up(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	set_volume(&f->volumes[0], "Esp.vhdx", NULL, ROLE_ESP, 100 * MiB);
	set_volume(&f->volumes[1], "c.vhdx", "C:", ROLE_WINDOWS, 1000 * MiB + 512);
	set_partition(f, 0, MiB, 100 * MiB, &partition_type_esp, 0);
	set_partition(f, 1, 101 * MiB, 16 * MiB, &partition_type_msr, -1);
	set_partition(f, 2, 117 * MiB, 1000 * MiB + 512, &partition_type_basic_data, 1);
	f->source = (struct source_disk){
		.style = known(TABLE_GPT),
		.size = known(2 * GiB),
		.sector_size = known(512),
		.disk_id = known_guid(0x10),
		.partition_count = 3,
		.partitions = f->partitions,
	};
	f->version = (struct backup_version){
		.path = (char *)"WindowsImageBackup/SRV01/Backup 2026-08-31 210000",
		.time = known(1788210000),
		.id = "08/31/2026-21:00",
		.uefi = true,
		.health = HEALTH_WHOLE,
		.volume_count = 2,
		.volumes = f->volumes,
		.disk_count = 1,
		.disks = &f->source,
	};
	f->machine = (struct backup_machine){ .name = (char *)"SRV01",
					      .version_count = 1,
					      .versions = &f->version };
	f->backup = (struct backup){ .source = (char *)"smb://nas1/backups",
				     .machine_count = 1,
				     .machines = &f->machine };
	set_disk(&f->disks[0], "/dev/nvme0n1", "A1", 2 * GiB);
	set_disk(&f->disks[1], "/dev/sda", "B2", 4 * GiB);
	f->list = (struct disk_list){ 2, f->disks };
}

static inline void make_plan_of(struct fixture *f, const char *volumes)
{
	struct plan_wishes wishes = { .volumes = volumes };
	struct err err = { 0 };

	plan_free(f->plan);
	f->plan = NULL;
	assert_int_equal(fixture_plan(f, &f->version, &f->disks[0], &wishes, &f->plan, &err), 0);
}

static inline void make_plan(struct fixture *f)
{
	make_plan_of(f, NULL);
}

/* The first disk carries what a restore of everything would leave on it. */
static inline void make_intact(struct fixture *f)
{
	make_plan_of(f, "all");
	layout_free(f->disks[0].layout);
	f->disks[0].layout = layout_copy(f->plan->after);
	assert_non_null(f->disks[0].layout);
}
