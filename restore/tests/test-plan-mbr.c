/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MBR disks: layouts of real machines (FORMAT.md section 4.4) become tables that can be
 * written, with the extended partition that no document has to name. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include <base/cleanup.h>

#include "fixups/mbr-boot.h"
#include "plan-fixture.h"

#define MAX_PARTITIONS 8

struct entry {
	unsigned slot; /* 0: not known */
	uint64_t first_lba, sectors;
	uint8_t type;
	bool active;
};

struct mbr_machine {
	struct fixture f;
	struct source_partition partitions[MAX_PARTITIONS];
};

static void set_up_mbr(struct mbr_machine *m, const struct entry *entries)
{
	struct fixture *f = &m->f;

	set_up(f);
	memset(m->partitions, 0, sizeof(m->partitions));
	f->version.uefi = false;
	f->source.style = known(TABLE_MBR);
	f->source.mbr_signature = known(0x8ae9dbe5);
	f->source.partitions = m->partitions;
	f->source.partition_count = 0;
	for (const struct entry *e = entries; e->sectors; e++) {
		m->partitions[f->source.partition_count++] = (struct source_partition){
			.slot = { e->slot, e->slot ? ORIGIN_ASRSIF : ORIGIN_NONE },
			.offset = known(e->first_lba * 512),
			.length = known(e->sectors * 512),
			.mbr_type = known(e->type),
			.mbr_active = known(e->active),
			.volume = -1,
		};
	}
	/* C: is the first one */
	m->partitions[0].volume = 0;
	f->volumes[1].length = m->partitions[0].length.value;
	f->version.volumes = &f->volumes[1];
	f->version.volume_count = 1;
}

static void tear_down_mbr(struct mbr_machine *m)
{
	plan_free(m->f.plan);
}

/* "1 p 2048+204800 *\n5 l …": slot, kind, place, active */
static char *describe(const struct disk_layout *layout)
{
	static const char kinds[] = {
		[MBR_PRIMARY] = 'p', [MBR_EXTENDED] = 'x', [MBR_LOGICAL] = 'l'
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < layout->count; i++) {
		const struct disk_partition *p = &layout->partitions[i];

		fprintf(out, "%u%c %llu+%llu%s ", p->slot, kinds[p->mbr_kind],
			(unsigned long long)p->offset / 512,
			(unsigned long long)p->length / 512, p->mbr_active ? "*" : "");
	}
	fclose(out);
	return text;
}

static const struct {
	const char *name;
	struct entry entries[MAX_PARTITIONS];
	const char *wanted;
} layouts[] = {
	{ "Windows 7",
	  { { 1, 2048, 204800, 0x07, true }, { 2, 206848, 1000001, 0x07 } },
	  "1p 2048+204800* 2p 206848+1000001 " },
	{ "HP: four primaries, in another order than on the disk",
	  { { 1, 2048, 400000, 0x07, true },
	    { 2, 402048, 2000000, 0x07 },
	    { 4, 2402048, 200000, 0x0c },
	    { 3, 2602048, 300000, 0x27 } },
	  "1p 2048+400000* 2p 402048+2000000 3p 2602048+300000 4p 2402048+200000 " },
	{ "XP: start at LBA 63, logical partitions as Windows counts them",
	  { { 1, 63, 1000000, 0x07, true },
	    { 2, 1000063, 2000000, 0x0f },
	    { 5, 1000126, 900000, 0x07 },
	    { 9, 1900189, 1000000, 0x0b } },
	  "1p 63+1000000* 2x 1000063+2000000 5l 1000126+900000 6l 1900189+1000000 " },
	{ "the extended partition is in no document",
	  { { 1, 2048, 1000000, 0x07, true },
	    { 5, 1005000, 900000, 0x07 },
	    { 6, 1907048, 100000, 0x07 } },
	  "1p 2048+1000000* 2x 1002952+1004096 5l 1005000+900000 6l 1907048+100000 " },
	{ "the same with the narrow gap of old systems",
	  { { 1, 63, 1000000, 0x07, true }, { 5, 1000126, 900000, 0x07 } },
	  "1p 63+1000000* 2x 1000063+900063 5l 1000126+900000 " },
	{ "two logical partitions of one slot",
	  { { 1, 2048, 1000000, 0x07, true },
	    { 3, 1002048, 2000000, 0x05 },
	    { 5, 1906144, 900000, 0x07 },
	    { 5, 1004096, 900000, 0x07 } },
	  "1p 2048+1000000* 3x 1002048+2000000 5l 1004096+900000 6l 1906144+900000 " },
	{ "logical partitions are known by their place only",
	  { { 1, 2048, 1000000, 0x07, true },
	    { 3, 1002048, 2000000, 0x05 },
	    { 0, 1004096, 900000, 0x07 },
	    { 0, 1906144, 900000, 0x07 } },
	  "1p 2048+1000000* 3x 1002048+2000000 5l 1004096+900000 6l 1906144+900000 " },
};

static void real_layouts_become_tables_that_can_be_written(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		AUTO(table_image_clear) struct table_image table = { 0 };
		AUTO_FREE char *found = NULL;
		struct mbr_machine m;
		struct err err = { 0 };

		set_up_mbr(&m, layouts[i].entries);
		make_plan_of(&m.f, "all");
		if (plan_refused(m.f.plan))
			fail_msg("%s: %s", layouts[i].name, m.f.plan->findings[0].text);
		found = describe(m.f.plan->after);
		if (strcmp(found, layouts[i].wanted) != 0)
			fail_msg("%s: %s", layouts[i].name, found);
		if (layout_compose(m.f.plan->after, mbr_boot_code, &table, &err) < 0)
			fail_msg("%s: %s", layouts[i].name, err.text);
		assert_memory_equal(table.pieces[table.count - 1].bytes, mbr_boot_code,
				    MBR_BOOT_CODE_LENGTH);
		tear_down_mbr(&m);
	}
}

static const char *refusal(const struct fixture *f)
{
	for (size_t i = 0; i < f->plan->finding_count; i++)
		if (f->plan->findings[i].severity == PLAN_REFUSAL)
			return f->plan->findings[i].text;
	return "none";
}

static void what_an_mbr_cannot_hold_is_refused(void **state)
{
	static const struct {
		struct entry entries[MAX_PARTITIONS];
		const char *text;
	} cases[] = {
		{ { { 1, 2048, 1000, 0x07, true },
		    { 2, 4096, 1000, 0x07 },
		    { 3, 8192, 1000, 0x07 },
		    { 4, 12288, 1000, 0x07 },
		    { 5, 16384, 1000, 0x07 } },
		  "the source disk has 1 logical partitions, and there is no free entry "
		  "for "
		  "the extended partition around them" },
		{ { { 1, 2048, 1000000, 0x07, true }, { 5, 1002048, 1000, 0x07 } },
		  "the source disk has 1 logical partitions, and there is no room for "
		  "the "
		  "extended partition around them" },
		{ { { 1, 2048, 1000000, 0x07, true },
		    { 2, UINT64_C(0x100000000), 2048, 0x07 } },
		  "the new table: partition 2: 2199023255552+1048576 leaves the usable "
		  "area, which ends at byte 2199023255552 of the disk's 4398046511104" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mbr_machine m;

		set_up_mbr(&m, cases[i].entries);
		m.f.disks[0].size = 4 * TiB;
		make_plan_of(&m.f, "all");
		assert_string_equal(refusal(&m.f), cases[i].text);
		tear_down_mbr(&m);
	}
}

static void a_disk_that_cannot_start_is_told(void **state)
{
	static const struct entry none_active[MAX_PARTITIONS] = {
		{ 1, 2048, 1000000, 0x07, false },
	};
	struct mbr_machine m;
	bool told = false;

	set_up_mbr(&m, none_active);
	make_plan_of(&m.f, "all");
	for (size_t i = 0; i < m.f.plan->finding_count; i++)
		told |= strcmp(m.f.plan->findings[i].text,
			       "no partition of the MBR is active: a BIOS machine will "
			       "not "
			       "start from this disk") == 0;
	assert_true(told);
	tear_down_mbr(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_layouts_become_tables_that_can_be_written),
		cmocka_unit_test(what_an_mbr_cannot_hold_is_refused),
		cmocka_unit_test(a_disk_that_cannot_start_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
