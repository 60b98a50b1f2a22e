/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Windows' own recovery would have said: each of its codes, and what makes it say so. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "plan-machine.h"

#define DEEP                                                                             \
	"smb://nas1/backups/2026/recovered by the backup server/first storage pool/"     \
	"protection group 7"

static void leave(struct machine *m)
{
	(void)m;
}

static void make_small(struct machine *m)
{
	for (size_t i = 0; i < 4; i++)
		m->disks[i].size = 2 * GiB - 512;
}

static void make_data_disk_small(struct machine *m)
{
	m->disks[1].size = m->disks[3].size = GiB - 512;
	m->disks[2].size = MiB;
}

static void make_critical_data_disk_small(struct machine *m)
{
	make_data_disk_small(m);
	m->sources[1].critical = known(1);
}

static void leave_one_disk(struct machine *m)
{
	for (size_t i = 1; i < 4; i++)
		m->disks[i].bus = (char *)"usb";
}

static void have_usb_only(struct machine *m)
{
	leave_one_disk(m);
	m->disks[0].bus = (char *)"usb";
}

static void lie_deep(struct machine *m)
{
	m->f.backup.source = (char *)DEEP;
}

static void lie_below_a_folder(struct machine *m)
{
	m->f.backup.source = (char *)"smb://nas1/backups/old";
}

static void lie_under_another_name(struct machine *m)
{
	m->f.version.path = (char *)"copy/SRV01/Backup 2026-08-31 210000";
}

static void lie_in_a_local_folder(struct machine *m)
{
	m->f.backup.source = (char *)"/mnt/old";
	lie_under_another_name(m);
}

static void start_by_bios(struct machine *m)
{
	m->firmware = PLAN_FIRMWARE_BIOS;
	m->f.version.firmware_origin.origin = ORIGIN_ASRSIF;
}

static void start_a_bios_machine_by_uefi(struct machine *m)
{
	m->firmware = PLAN_FIRMWARE_UEFI;
	m->f.version.firmware_origin.origin = ORIGIN_ASRSIF;
	m->f.version.uefi = false;
}

static void be_a_bios_machine(struct machine *m)
{
	start_by_bios(m);
	m->f.version.uefi = false;
}

static void have_a_small_first_disk(struct machine *m)
{
	be_a_bios_machine(m);
	m->disks[0].size = 2 * GiB - 512;
}

static void have_a_data_disk_first(struct machine *m)
{
	be_a_bios_machine(m);
	m->disks[0].size = 8 * GiB;
	give_ids(m, 0, 1);
}

static void exclude_the_system_disk(struct machine *m)
{
	give_ids(m, 3, 0);
}

static void have_a_dynamic_disk(struct machine *m)
{
	m->f.partitions[1].type.value = partition_type_ldm_metadata;
}

static void have_a_storage_pool_of_data(struct machine *m)
{
	m->data[0].type.value = partition_type_storage_spaces;
}

static void have_a_hidden_active_partition(struct machine *m)
{
	be_a_bios_machine(m);
	m->disks[0].size = 4 * GiB;
	m->f.partitions[0].mbr_active = known(1);
	m->f.partitions[0].mbr_type = known(0x17);
}

static void have_an_unknown_active_partition(struct machine *m)
{
	have_a_hidden_active_partition(m);
	m->f.partitions[0].mbr_type = known(0x07);
}

static const struct {
	void (*change)(struct machine *m);
	const char *text; /* behind "Windows' own recovery "; NULL: it would go on */
} cases[] = {
	{ leave, NULL },
	{ lie_deep, "would have stopped with 0x80070001: the path on the share has 123 "
		    "characters, about 110 are too many" },
	{ lie_below_a_folder,
	  "would not have found the backup: 'old/WindowsImageBackup/SRV01/Backup "
	  "2026-08-31 210000' is not WindowsImageBackup directly below the share's "
	  "root" },
	{ lie_under_another_name,
	  "would not have found the backup: 'copy/SRV01/Backup 2026-08-31 210000' is not "
	  "WindowsImageBackup directly below the share's root" },
	{ lie_in_a_local_folder, NULL },
	{ start_by_bios,
	  "would have refused, different firmware: the system image was created on a "
	  "computer using EFI and this computer is using BIOS" },
	{ start_a_bios_machine_by_uefi,
	  "would have refused, different firmware: the system image was created on a "
	  "computer using BIOS and this computer is using EFI" },
	{ be_a_bios_machine, NULL },
	{ have_usb_only, "would have stopped with 0x80042413: no fixed disk" },
	{ have_a_dynamic_disk,
	  "would have stopped with 0x80042411: a critical volume is on source disk 0, "
	  "which has dynamic disk metadata" },
	{ have_a_storage_pool_of_data, NULL },
	{ have_a_hidden_active_partition, "would have stopped with 0x80042416: the "
					  "active partition is hidden or its file "
					  "system is not recognised (type 17)" },
	{ have_an_unknown_active_partition, "would have stopped with 0x80042416: the "
					    "active partition is hidden or its file "
					    "system is not recognised (type 07)" },
	{ make_small,
	  "would have stopped with 0x80042412: no disk can be used for the system disk, "
	  "which had 2147483648 bytes; the largest has 2147483136" },
	{ have_a_small_first_disk,
	  "would have stopped with 0x80042407: the disk that the BIOS starts from, if it "
	  "is '/dev/sda', is too small for the system disk, which had 2147483648 bytes" },
	{ have_a_data_disk_first,
	  "would have stopped with 0x80042406: the disk that the BIOS starts from, if it "
	  "is '/dev/sda', is a data disk of the backup" },
	{ make_critical_data_disk_small,
	  "would have stopped with 0x80042408: not as many suitable disks as there were "
	  "critical ones, each the same size or larger" },
	{ make_data_disk_small,
	  "would have stopped with 0x80042401: too few disks, or too small ones: 4 fixed "
	  "disks for 2" },
	{ leave_one_disk,
	  "would have stopped with 0x80042401: too few disks, or too small "
	  "ones: 1 fixed disks for 2" },
};

static const char *find_answer(const struct machine *m)
{
	static const char start[] = "Windows' own recovery ";
	const struct restore_plan *last = m->set.plans[m->set.count - 1];

	for (size_t i = 0; i < last->finding_count; i++)
		if (strcmp(last->findings[i].rule, "windows-says") == 0) {
			assert_int_equal(last->findings[i].severity, PLAN_NOTE);
			assert_memory_equal(last->findings[i].text, start, strlen(start));
			return last->findings[i].text + strlen(start);
		}
	return NULL;
}

static void each_of_windows_own_answers_is_told(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m;
		const char *found;

		set_up_machine(&m);
		m.volumes[0].fs.fs = FS_UNKNOWN;
		cases[i].change(&m);
		{
			const struct plan_named named[2] = { { 0, &m.disks[0] },
							     { 1, &m.disks[1] } };

			assert_int_equal(map_disks(&m, "all", false, named, NULL), 0);
		}
		found = find_answer(&m);
		if (!cases[i].text != !found ||
		    (found && strcmp(found, cases[i].text) != 0))
			fail_msg("%zu: '%s', not '%s'", i, found ? found : "nothing",
				 cases[i].text ? cases[i].text : "nothing");
		tear_down_machine(&m);
	}
}

static void what_is_excluded_counts_for_windows(void **state)
{
	struct machine m;

	set_up_machine(&m);
	exclude_the_system_disk(&m);
	m.disks[0].is_file = false;
	{
		const struct plan_named named[2] = { { 0, &m.disks[2] } };

		assert_int_equal(map_disks(&m, NULL, true, named, &m.disks[3]), 0);
	}
	assert_string_equal(
		find_answer(&m),
		"would have stopped with 0x80042415: '/dev/sdd' was critical at "
		"the time of the backup and is excluded");
	leave_one_disk(&m);
	m.disks[0].bus = (char *)"usb";
	m.disks[3].bus = (char *)"nvme";
	{
		const struct plan_named named[2] = { { 0, &m.disks[2] } };

		assert_int_equal(map_disks(&m, NULL, true, named, &m.disks[3]), 0);
	}
	assert_string_equal(find_answer(&m),
			    "would have stopped with 0x80042414: no fixed "
			    "disk is left after exclusion");
	tear_down_machine(&m);
}

static void other_firmware_is_warned_of(void **state)
{
	struct machine m;

	set_up_machine(&m);
	start_by_bios(&m);
	{
		const struct plan_named named[2] = { { 0, &m.disks[0] } };

		assert_int_equal(map_disks(&m, NULL, false, named, NULL), 0);
	}
	assert_false(plan_set_refused(&m.set));
	assert_true(
		is_told(&m, PLAN_WARNING,
			"the restored disk is one that starts by UEFI, and this machine "
			"was started by BIOS: choose UEFI in its firmware's settings, "
			"or convert with '--firmware bios'"));
	tear_down_machine(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_windows_own_answers_is_told),
		cmocka_unit_test(what_is_excluded_counts_for_windows),
		cmocka_unit_test(other_firmware_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
