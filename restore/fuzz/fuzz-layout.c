/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layout that a user gives, and the plan that is made of it. */
#include <string.h>

#include <base/checked.h>
#include <restore/layout-file.h>
#include <restore/plan.h>

#include "evidence/backup-parts.h"
#include "fuzz/fuzz.h"
#include "plan/plan-rules.h"

static void make_plan(struct backup_version *version)
{
	struct disk disk = {
		.path = (char *)"/dev/sda",
		.exists = true,
		.model = (char *)"",
		.serial = (char *)"A1",
		.wwn = (char *)"",
		.bus = (char *)"ata",
		.size = 4 * GiB,
		.sector_size = 512,
		.protection_text = (char *)"",
	};
	const struct disk_list disks = { 1, &disk, NULL };
	const struct backup_machine machine = { .name = (char *)"SRV01",
						.version_count = 1,
						.versions = version };
	const struct backup backup = { .source = (char *)"/backups" };
	const struct plan_wishes wishes = { .volumes = "all" };
	const struct plan_order order = { &backup, &machine, version, &disks, &wishes };
	AUTO(plan_freep) struct restore_plan *plan = NULL;
	struct err err = { 0 };

	if (plan_make_disk(&order, &(struct plan_target){ .disk = &disk }, &plan, &err) <
	    0) {
		fuzz_require(err.text[0], "an error without a text");
		return;
	}
	fuzz_require(plan_refused(plan) || layout_check(plan->after, &err) == 0,
		     "a table that is not sound");
	fuzz_require(plan_refused(plan) || plan->minimum_size <= disk.size,
		     "a table beyond the disk");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct backup_volume volumes[] = {
		{ .image_path = (char *)"set/Esp.vhdx",
		  .length = 100 * MiB,
		  .role = ROLE_ESP,
		  .fs = { .fs = FS_FAT32, .sector_size = 512, .cluster_size = 1024 } },
		{ .image_path = (char *)"set/c.vhdx",
		  .length = 300 * MiB,
		  .role = ROLE_WINDOWS,
		  .fs = { .fs = FS_NTFS, .sector_size = 512, .cluster_size = 4096 } },
	};
	struct backup_version version = { .path = (char *)"set",
					  .volume_count = ARRAY_SIZE(volumes),
					  .volumes = volumes };
	struct backup_version layout;
	struct err err = { 0 };
	int r = layout_file_apply((const char *)bytes, length, "layout.json", &version,
				  &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	if (r == 0)
		r = plan_make_plain(&version, &err);
	if (r == 0)
		make_plan(&version);
	layout = (struct backup_version){ .disk_count = version.disk_count,
					  .disks = version.disks };
	backup_version_clear(&layout);
	return 0;
}
