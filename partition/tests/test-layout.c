/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layouts as data: a good one, then each rule broken in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <base/checked.h>

#include <partition/layout.h>

#define LAYOUT AUTO(layout_freep) struct disk_layout

static const struct guid some_id =
	GUID_INIT(0x11223344, 0x5566, 0x7788, 0x99, 0xaa, 1, 2, 3, 4, 5, 6);

static struct disk_partition *add(struct disk_layout *layout, unsigned slot,
				  uint64_t offset, uint64_t length)
{
	struct disk_partition *p = layout_add(layout);

	assert_non_null(p);
	p->slot = slot;
	p->offset = offset;
	p->length = length;
	return p;
}

static struct disk_layout *gpt_layout(void)
{
	struct disk_layout *layout = layout_new();

	assert_non_null(layout);
	layout->style = TABLE_GPT;
	layout->sector_size = 512;
	layout->disk_size = 100 * MiB;
	layout->disk_id = some_id;
	for (unsigned slot = 1; slot <= 3; slot++) {
		struct disk_partition *p = add(layout, slot, slot * MiB, MiB);

		p->type = partition_type_basic_data;
		p->id = some_id;
		p->id.b[0] = (uint8_t)slot;
	}
	return layout;
}

/* Primaries at 1 and 2 MiB, extended at 4+16 MiB with logical ones at 5 and 7 MiB. */
static struct disk_layout *mbr_layout(void)
{
	struct disk_layout *layout = layout_new();

	assert_non_null(layout);
	layout->style = TABLE_MBR;
	layout->sector_size = 512;
	layout->disk_size = 100 * MiB;
	add(layout, 1, 1 * MiB, MiB)->mbr_active = true;
	add(layout, 2, 2 * MiB, MiB);
	add(layout, 3, 4 * MiB, 16 * MiB)->mbr_kind = MBR_EXTENDED;
	add(layout, 5, 5 * MiB, MiB)->mbr_kind = MBR_LOGICAL;
	add(layout, 6, 7 * MiB, MiB)->mbr_kind = MBR_LOGICAL;
	for (size_t i = 0; i < layout->count; i++)
		layout->partitions[i].mbr_type = 0x07;
	layout->partitions[2].mbr_type = 0x0f;
	return layout;
}

static void sound_layouts_pass(void **state)
{
	LAYOUT *gpt = gpt_layout(), *mbr = mbr_layout();
	struct err err = { 0 };

	assert_int_equal(layout_check(gpt, &err), 0);
	assert_int_equal(layout_check(mbr, &err), 0);
	gpt->slots = 256;
	assert_int_equal(layout_check(gpt, &err), 0);
}

static void partitions_may_use_the_whole_usable_area(void **state)
{
	LAYOUT *layout = gpt_layout();
	struct err err = { 0 };
	uint64_t start, end;

	layout_usable(layout, &start, &end);
	assert_int_equal(start, 34 * 512);
	assert_int_equal(end, layout->disk_size - 33 * 512);
	layout->count = 1;
	layout->partitions[0].offset = start;
	layout->partitions[0].length = end - start;
	assert_int_equal(layout_check(layout, &err), 0);
	layout->partitions[0].length += 512;
	assert_int_equal(layout_check(layout, &err), -EINVAL);
	layout->sector_size = 4096;
	layout_usable(layout, &start, &end);
	assert_int_equal(start, 6 * 4096);
	assert_int_equal(end, layout->disk_size - 5 * 4096);
}

/* One rule broken: a change to the first partition or to the layout, and the text. */
struct broken_rule {
	void (*change)(struct disk_layout *layout, struct disk_partition *first);
	const char *text;
};

#define RULE(name, statement)                                                            \
	static void name(struct disk_layout *layout, struct disk_partition *first)       \
	{                                                                                \
		statement;                                                               \
	}

RULE(no_style, layout->style = TABLE_NONE)
RULE(sector_of_1000, layout->sector_size = 1000)
RULE(sector_of_8192, layout->sector_size = 8192)
RULE(few_slots, layout->slots = 4)
RULE(many_slots, layout->slots = 1025)
RULE(no_disk_id, layout->disk_id = (struct guid){ 0 })
RULE(small_disk, layout->disk_size = 4 * MiB + 33 * 512 - 1)
RULE(unknown_disk, layout->disk_size = 0)
RULE(slot_0, first->slot = 0)
RULE(slot_129, first->slot = 129)
RULE(slot_twice, first->slot = 2)
RULE(no_type, first->type = (struct guid){ 0 })
RULE(no_id, first->id = (struct guid){ 0 })
RULE(id_twice, first->id = layout->partitions[1].id)
RULE(length_0, first->length = 0)
RULE(odd_offset, first->offset += 100)
RULE(odd_length, first->length += 1)
RULE(in_table, first->offset = 33 * 512)
RULE(beyond, first->offset = UINT64_MAX - 511)
RULE(overlap, first->length += 512)
RULE(long_name, memset(first->name, 'x', 37))
RULE(endless_name, memset(first->name, 'x', sizeof(first->name)))
RULE(bad_name, memcpy(first->name, "\xc3(", 3))

static const struct broken_rule gpt_rules[] = {
	{ no_style, "layout has no table style" },
	{ sector_of_1000, "sector size 1000, must be a power of two from 512 to 4096" },
	{ sector_of_8192, "sector size 8192, must be a power of two from 512 to 4096" },
	{ few_slots, "4 slots, must be 128 to 1024" },
	{ many_slots, "1025 slots, must be 128 to 1024" },
	{ no_disk_id, "disk id is zero" },
	{ small_disk, "disk of 4211199 bytes, the layout needs 4211200" },
	{ unknown_disk, "disk of 0 bytes, the layout needs 4211200" },
	{ slot_0, "partition 0: the table has slots 1 to 128" },
	{ slot_129, "partition 129: the table has slots 1 to 128" },
	{ slot_twice, "two partitions have slot 2" },
	{ no_type, "partition 1: type is zero" },
	{ no_id, "partition 1: id is zero" },
	{ id_twice, "partitions 2 and 1: same id 11223302-5566-7788-99aa-010203040506" },
	{ length_0, "partition 1: length 0" },
	{ odd_offset,
	  "partition 1: 1048676+1048576 is not made of whole sectors of 512 bytes" },
	{ odd_length,
	  "partition 1: 1048576+1048577 is not made of whole sectors of 512 bytes" },
	{ in_table,
	  "partition 1: starts at byte 16896, the table before it ends at 17408" },
	{ beyond, "disk of 104857600 bytes, the layout needs 18446744073709551615" },
	{ overlap, "partitions 1 (1048576+1049088) and 2 (2097152+1048576) overlap" },
	{ long_name,
	  "partition 1: name 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' has 37 UTF-16 "
	  "units, at most 36 fit" },
	{ endless_name, "partition 1: name without end" },
	{ bad_name, "partition 1: name is not UTF-8" },
};

RULE(mbr_slot_7, layout->partitions[4].slot = 7)
RULE(mbr_slot_3, layout->partitions[4].slot = 4)
RULE(mbr_primary_slot_5, first->slot = 7)
RULE(mbr_type_0, first->mbr_type = 0)
RULE(mbr_type_ee, first->mbr_type = 0xee)
RULE(mbr_type_extended, first->mbr_type = 0x05)
RULE(mbr_active_logical, layout->partitions[3].mbr_active = true)
RULE(mbr_two_active, layout->partitions[1].mbr_active = true)
RULE(mbr_outside, layout->partitions[4].offset = 30 * MiB)
RULE(mbr_no_room, layout->partitions[4].offset = 6 * MiB)
RULE(mbr_no_room_first, layout->partitions[3].offset = 4 * MiB)
RULE(mbr_no_room_second, layout->partitions[4].offset = 4 * MiB + 512;
     layout->partitions[4].length = 512)
RULE(mbr_too_far, layout->disk_size = 3 * TiB; first->offset = 2 * TiB)
RULE(mbr_too_long, layout->disk_size = 3 * TiB; first->length = 2 * TiB)

static void mbr_two_extended(struct disk_layout *layout, struct disk_partition *first)
{
	first->mbr_kind = MBR_EXTENDED;
	first->mbr_type = 0x05;
	first->mbr_active = false;
}

static void mbr_no_extended(struct disk_layout *layout, struct disk_partition *first)
{
	layout->partitions[2].mbr_kind = MBR_PRIMARY;
	layout->partitions[2].mbr_type = 0x07;
}

static const struct broken_rule mbr_rules[] = {
	{ slot_0, "partition 0: primary partitions have slots 1 to 4" },
	{ mbr_slot_7, "partition 7: logical partitions have no gaps in their slots" },
	{ mbr_slot_3, "partition 4: logical partitions have slots from 5" },
	{ mbr_primary_slot_5, "partition 7: primary partitions have slots 1 to 4" },
	{ mbr_type_0, "partition 1: type 00 does not fit its kind" },
	{ mbr_type_ee, "partition 1: type ee does not fit its kind" },
	{ mbr_type_extended, "partition 1: type 05 does not fit its kind" },
	{ mbr_active_logical, "partition 5: only a primary partition can be active" },
	{ mbr_two_active, "2 active partitions, at most 1 is possible" },
	{ mbr_two_extended, "2 extended partitions, at most 1 is possible" },
	{ mbr_no_extended, "2 logical partitions without an extended partition" },
	{ mbr_outside,
	  "logical partition 6 (31457280+1048576) leaves extended partition 3 "
	  "(4194304+16777216)" },
	{ mbr_no_room,
	  "partition 6: no room for an extended boot record before byte 6291456" },
	{ mbr_no_room_first,
	  "partition 5: no room for an extended boot record before byte 4194304" },
	{ mbr_no_room_second,
	  "partition 6: no room for an extended boot record before byte 4194816" },
	{ mbr_too_far,
	  "partition 1: 2199023255552+1048576 leaves the usable area, which ends at "
	  "byte 2199023255552 of the disk's 3298534883328" },
	{ mbr_too_long,
	  "partition 1: 1048576+2199023255552 leaves the usable area, which ends "
	  "at byte 2199023255552 of the disk's 3298534883328" },
};

static void check_rules(struct disk_layout *(*good)(void),
			const struct broken_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		LAYOUT *layout = good();
		struct err err = { 0 };

		rules[i].change(layout, &layout->partitions[0]);
		assert_int_equal(layout_check(layout, &err), -EINVAL);
		assert_string_equal(err.text, rules[i].text);
	}
}

static void each_broken_rule_of_gpt_is_told(void **state)
{
	check_rules(gpt_layout, gpt_rules, ARRAY_SIZE(gpt_rules));
}

static void each_broken_rule_of_mbr_is_told(void **state)
{
	check_rules(mbr_layout, mbr_rules, ARRAY_SIZE(mbr_rules));
}

static void the_minimum_size_includes_the_backup_table(void **state)
{
	LAYOUT *gpt = gpt_layout(), *mbr = mbr_layout();

	assert_int_equal(layout_minimum_size(gpt), 4 * MiB + 33 * 512);
	gpt->sector_size = 4096;
	assert_int_equal(layout_minimum_size(gpt), 4 * MiB + 5 * 4096);
	assert_int_equal(layout_minimum_size(mbr), 20 * MiB);
	gpt->count = 0;
	assert_int_equal(layout_minimum_size(gpt), 11 * 4096);
}

static void a_copy_is_equal_and_independent(void **state)
{
	LAYOUT *layout = gpt_layout(), *copy = layout_copy(layout);
	char why[200] = "";

	assert_non_null(copy);
	assert_true(layout_equal(layout, copy, why, sizeof(why)));
	assert_ptr_not_equal(layout->partitions, copy->partitions);
	copy->disk_size *= 2;
	copy->slots = 128; /* the same as 0 */
	assert_true(layout_equal(layout, copy, NULL, 0));
}

RULE(other_style, layout->style = TABLE_MBR)
RULE(other_sector, layout->sector_size = 4096)
RULE(other_count, layout->count = 2)
RULE(other_disk_id, layout->disk_id.b[15] = 7)
RULE(other_slots, layout->slots = 256)
RULE(other_slot, first->slot = 9)
RULE(other_offset, first->offset = 512)
RULE(other_length, first->length = 512)
RULE(other_type, first->type = partition_type_esp)
RULE(other_id, first->id.b[0] = 0xff)
RULE(other_attributes, first->attributes = 1)
RULE(other_name, strcpy(first->name, "C"))

static const struct broken_rule gpt_differences[] = {
	{ other_style, "style: GPT and MBR" },
	{ other_sector, "sector size: 512 and 4096" },
	{ other_count, "partitions: 3 and 2" },
	{ other_disk_id, "disk id: 11223344-5566-7788-99aa-010203040506 and "
			 "11223344-5566-7788-99aa-010203040507" },
	{ other_slots, "slots: 128 and 256" },
	{ other_slot, "partition 1: only in the first layout" },
	{ other_offset, "partition 1: 1048576+1048576 and 512+1048576" },
	{ other_length, "partition 1: 1048576+1048576 and 1048576+512" },
	{ other_type, "partition 1: type ebd0a0a2-b9e5-4433-87c0-68b6b72699c7 and "
		      "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" },
	{ other_id, "partition 1: id 11223301-5566-7788-99aa-010203040506 and "
		    "112233ff-5566-7788-99aa-010203040506" },
	{ other_attributes,
	  "partition 1: attributes 0000000000000000 and 0000000000000001" },
	{ other_name, "partition 1: name '' and 'C'" },
};

RULE(other_signature, layout->mbr_signature = 0xdeb62)
RULE(other_mbr_type, first->mbr_type = 0x27)
RULE(not_active, first->mbr_active = false)

static const struct broken_rule mbr_differences[] = {
	{ other_signature, "disk signature: 00000000 and 000deb62" },
	{ other_mbr_type, "partition 1: type 07 and 27" },
	{ not_active, "partition 1: active only in the first layout" },
};

static void check_differences(struct disk_layout *(*good)(void),
			      const struct broken_rule *differences, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		LAYOUT *a = good(), *b = good();
		char why[200] = "";

		differences[i].change(b, &b->partitions[0]);
		assert_false(layout_equal(a, b, why, sizeof(why)));
		assert_string_equal(why, differences[i].text);
	}
}

static void each_difference_is_told(void **state)
{
	check_differences(gpt_layout, gpt_differences, ARRAY_SIZE(gpt_differences));
	check_differences(mbr_layout, mbr_differences, ARRAY_SIZE(mbr_differences));
}

static void the_order_in_memory_is_no_difference(void **state)
{
	LAYOUT *a = gpt_layout(), *b = gpt_layout();
	struct disk_partition first = b->partitions[0];

	b->partitions[0] = b->partitions[2];
	b->partitions[2] = first;
	assert_true(layout_equal(a, b, NULL, 0));
	layout_sort(b);
	assert_int_equal(b->partitions[0].slot, 1);
	assert_int_equal(b->partitions[2].slot, 3);
}

static void types_have_names(void **state)
{
	LAYOUT *gpt = gpt_layout(), *mbr = mbr_layout();
	struct disk_partition *p = &gpt->partitions[0];

	assert_string_equal(partition_type_text(gpt, p), "basic data");
	p->type = partition_type_esp;
	assert_string_equal(partition_type_text(gpt, p), "EFI system");
	p->type = partition_type_msr;
	assert_string_equal(partition_type_text(gpt, p), "Microsoft reserved");
	p->type = partition_type_recovery;
	assert_string_equal(partition_type_text(gpt, p), "recovery");
	p->type = some_id;
	assert_string_equal(partition_type_text(gpt, p), "other");
	assert_string_equal(partition_type_text(mbr, &mbr->partitions[0]), "NTFS");
	assert_string_equal(partition_type_text(mbr, &mbr->partitions[2]), "extended");
	mbr->partitions[0].mbr_type = 0x99;
	assert_string_equal(partition_type_text(mbr, &mbr->partitions[0]), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_layouts_pass),
		cmocka_unit_test(partitions_may_use_the_whole_usable_area),
		cmocka_unit_test(each_broken_rule_of_gpt_is_told),
		cmocka_unit_test(each_broken_rule_of_mbr_is_told),
		cmocka_unit_test(the_minimum_size_includes_the_backup_table),
		cmocka_unit_test(a_copy_is_equal_and_independent),
		cmocka_unit_test(each_difference_is_told),
		cmocka_unit_test(the_order_in_memory_is_no_difference),
		cmocka_unit_test(types_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
