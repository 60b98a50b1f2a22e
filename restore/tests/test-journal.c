/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's bytes, and the sets of ranges in it. What becomes of it when the power fails is
 * the crash harness's work. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/cleanup.h>
#include <base/crc32c.h>

#include "engine/journal.h"

#define SLOT (64 * KiB)

static uint8_t slots[2 * SLOT];

static const char words[16] = "--from\0/a/b\0--x";

static void fill(struct journal *journal, uint64_t sequence)
{
	struct err err = { 0 };

	*journal = (struct journal){
		.sequence = sequence,
		.state = JOURNAL_COPYING,
		.identity = { .backup_time = 1788210000, .image_count = 2 },
		.high_water = 9 * MiB,
		.sum_low = 11,
		.sum_high = 12,
		.about = { .machine = "SRV01",
			   .version = "Backup 2026-08-31 210000",
			   .written = 1788210077,
			   .total = GiB },
		.words_length = sizeof(words),
	};
	journal->words = malloc(sizeof(words));
	assert_non_null(journal->words);
	memcpy(journal->words, words, sizeof(words));
	memset(journal->identity.plan_hash, 0xa1, 32);
	memset(journal->identity.disk_hash, 0xa2, 32);
	memset(journal->job_id, 0xa3, 16);
	for (unsigned i = 0; i < 2; i++) {
		journal->identity.images[i] = (struct journal_image){
			.file_size = MiB + i, .virtual_size = 2 * MiB, .volume_size = MiB
		};
		memset(journal->identity.images[i].unique_id, (int)i + 1, 16);
	}
	assert_int_equal(range_map_add(&journal->done, MiB, MiB, &err), 0);
	assert_int_equal(range_map_add(&journal->done, 8 * MiB, MiB, &err), 0);
}

static void what_is_written_is_read_again(void **state)
{
	struct journal journal, found;
	struct err err = { 0 };

	fill(&journal, 7);
	assert_int_equal(journal_encode(&journal, slots, SLOT), 3584 + 2 * 16 + 16);
	assert_int_equal(journal_decode(slots, SLOT, &found, &err), 0);
	assert_int_equal(found.sequence, 7);
	assert_int_equal(found.state, JOURNAL_COPYING);
	assert_memory_equal(found.job_id, journal.job_id, 16);
	assert_memory_equal(&found.identity, &journal.identity, sizeof(found.identity));
	assert_int_equal(found.high_water, 9 * MiB);
	assert_int_equal(found.sum_low, 11);
	assert_int_equal(found.sum_high, 12);
	assert_memory_equal(&found.about, &journal.about, sizeof(found.about));
	assert_int_equal(found.words_length, sizeof(words));
	assert_memory_equal(found.words, words, sizeof(words));
	assert_int_equal(found.done.count, 2);
	assert_int_equal(found.done.ranges[1].offset, 8 * MiB);
	journal_clear(&journal);
	journal_clear(&found);
}

static void every_byte_that_changes_is_noticed(void **state)
{
	struct journal journal, found;
	struct err err = { 0 };
	size_t used;

	fill(&journal, 7);
	used = journal_encode(&journal, slots, SLOT);
	for (size_t i = 0; i < used; i++) {
		int wanted = i < 8 ? -ENOEXEC : -EBADMSG;

		slots[i] ^= 0x10;
		assert_int_equal(journal_decode(slots, SLOT, &found, &err), wanted);
		slots[i] ^= 0x10;
	}
	assert_string_equal(err.text, "its checksum is wrong");
	journal_clear(&journal);
}

/* A checksum that is right does not make the values right. */
static void values_out_of_bounds_are_refused_with_a_right_checksum(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
		const char *text;
	} cases[] = {
		{ 12, 100, "100 bytes in a slot of 65536" },
		{ 12, SLOT + 1, "65537 bytes in a slot of 65536" },
		{ 16, 1, "format 1, this version knows 2" },
		{ 20, 0, "state 0, must be 1 to 4" },
		{ 20, 5, "state 5, must be 1 to 4" },
		{ 144, 65, "65 images, at most 64" },
		{ 148, 3, "3 ranges in 3632 bytes" },
		{ 168, 8193, "8193 bytes of words, at most 8192" },
		{ 168, 49, "49 bytes of words, at most 8192" },
		{ 168, 17, "2 ranges in 3632 bytes" },
		{ 3584 + 44, 1, "a word of it is no text" },
		{ 3584 + 44, 0x41414141, "its last word has no end" },
		{ 3584 + 8, 0, "range 0 (1048576+0) is empty or out of order" },
		{ 3584 + 16, 5, "range 1 (5+1048576) is empty or out of order" },
	};
	struct journal journal, found;
	struct err err = { 0 };

	fill(&journal, 7);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t used = journal_encode(&journal, slots, SLOT);
		le32 value = put_le32(cases[i].value), zero = { { 0 } };

		memcpy(slots + cases[i].offset, &value, 4);
		memcpy(slots + 8, &zero, 4);
		value = put_le32(crc32c(0, slots, used));
		memcpy(slots + 8, &value, 4);
		assert_int_equal(journal_decode(slots, SLOT, &found, &err), -EBADMSG);
		assert_string_equal(err.text, cases[i].text);
	}
	journal_clear(&journal);
}

static void the_newer_slot_counts_and_the_older_one_where_it_is_torn(void **state)
{
	struct journal old, new, found;
	struct err err = { 0 };

	fill(&old, 8);
	fill(&new, 9);
	for (unsigned swapped = 0; swapped < 2; swapped++) {
		uint8_t *place = slots + (swapped ? 0 : SLOT);

		journal_encode(&old, slots + (swapped ? SLOT : 0), SLOT);
		journal_encode(&new, place, SLOT);
		assert_int_equal(journal_choose(slots, SLOT, &found, &err), 0);
		assert_int_equal(found.sequence, 9);
		journal_clear(&found);
		memset(place + 512, 0, 512);
		assert_int_equal(journal_choose(slots, SLOT, &found, &err), 0);
		assert_int_equal(found.sequence, 8);
		journal_clear(&found);
	}
	memset(slots, 0, sizeof(slots));
	assert_int_equal(journal_choose(slots, SLOT, &found, &err), -ENOEXEC);
	journal_clear(&old);
	journal_clear(&new);
}

static void names_are_cut_off_where_they_are_no_text(void **state)
{
	struct journal journal, found;
	struct err err = { 0 };

	fill(&journal, 7);
	memset(journal.about.machine, 'a', 62);
	memcpy(journal.about.machine + 62, "\xc3", 2);
	memcpy(journal.about.version, "b\nc", 4);
	journal_encode(&journal, slots, SLOT);
	assert_int_equal(journal_decode(slots, SLOT, &found, &err), 0);
	assert_int_equal(strlen(found.about.machine), 62);
	assert_string_equal(found.about.version, "b");
	journal_clear(&journal);
	journal_clear(&found);
}

/* -- the mirror ------------------------------------------------------------------------ */

static uint8_t mirror[2 * SLOT];

static void put(uint8_t *to, uint64_t sequence, uint8_t job, uint8_t disk)
{
	struct journal journal;

	fill(&journal, sequence);
	memset(journal.job_id, job, sizeof(journal.job_id));
	memset(journal.identity.disk_hash, disk, sizeof(journal.identity.disk_hash));
	memset(to, 0, 2 * SLOT);
	journal_encode(&journal, to + sequence % 2 * SLOT, SLOT);
	journal_clear(&journal);
}

static void the_mirror_counts_where_it_is_newer_and_all_of_it_is_the_same(void **state)
{
	static const struct {
		unsigned gap, gap_job, mirror, mirror_job,
			mirror_disk; /* sequence 0: none */
		int code;
		enum journal_pick pick;
		unsigned taken;
	} cases[] = {
		{ 5, 1, 5, 1, 0xa2, 0, JOURNAL_PICK_GAP, 5 },
		{ 6, 1, 5, 1, 0xa2, 0, JOURNAL_PICK_GAP, 6 },
		{ 5, 1, 6, 1, 0xa2, 0, JOURNAL_PICK_MIRROR_NEWER, 6 },
		{ 5, 1, 6, 2, 0xa2, 0, JOURNAL_PICK_GAP_DISAGREES, 5 },
		{ 5, 1, 6, 1, 0xa3, 0, JOURNAL_PICK_GAP, 5 },
		{ 5, 1, 0, 0, 0, 0, JOURNAL_PICK_GAP, 5 },
		{ 0, 0, 6, 1, 0xa2, 0, JOURNAL_PICK_MIRROR, 6 },
		{ 0, 0, 6, 1, 0xa3, -ENOEXEC, 0, 0 },
		{ 0, 0, 0, 0, 0, -ENOEXEC, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct journal wanted, found;
		enum journal_pick pick;
		struct err err = { 0 };

		fill(&wanted, 1);
		put(slots, cases[i].gap, (uint8_t)cases[i].gap_job, 0xa2);
		put(mirror, cases[i].mirror, (uint8_t)cases[i].mirror_job,
		    (uint8_t)cases[i].mirror_disk);
		assert_int_equal(journal_pick(cases[i].gap ? slots : NULL,
					      cases[i].mirror ? mirror : NULL, SLOT,
					      &wanted.identity, &found, &pick, &err),
				 cases[i].code);
		journal_clear(&wanted);
		if (cases[i].code < 0) {
			assert_string_equal(err.text, "it has no journal");
			continue;
		}
		assert_int_equal(pick, cases[i].pick);
		assert_int_equal(found.sequence, cases[i].taken);
		journal_clear(&found);
	}
}

static void more_ranges_than_fit_are_left_out_at_the_end(void **state)
{
	struct journal journal, found;
	struct err err = { 0 };

	fill(&journal, 7);
	for (uint64_t i = 0; i < JOURNAL_RANGES_MAX + 100; i++)
		assert_int_equal(range_map_add(&journal.done, GiB + i * 1024, 512, &err),
				 0);
	assert_true(journal_encode(&journal, slots, SLOT) <= SLOT);
	assert_int_equal(journal_decode(slots, SLOT, &found, &err), 0);
	assert_int_equal(found.done.count, JOURNAL_RANGES_MAX);
	journal_clear(&journal);
	journal_clear(&found);
}

static void each_thing_that_is_not_the_same_is_named(void **state)
{
	struct journal journal;
	struct journal_identity other;
	struct err err = { 0 };

	fill(&journal, 7);
	other = journal.identity;
	assert_int_equal(journal_compare(&journal.identity, &other, &err), 0);
	other.plan_hash[31] ^= 1;
	assert_int_equal(journal_compare(&journal.identity, &other, &err), -ESTALE);
	assert_string_equal(err.text, "it was begun with another plan");
	other.images[1].unique_id[15] ^= 1;
	assert_int_equal(journal_compare(&journal.identity, &other, &err), -ESTALE);
	assert_string_equal(err.text,
			    "image 2 of the backup is another one: its unique id "
			    "has changed");
	other.images[0].file_size++;
	assert_int_equal(journal_compare(&journal.identity, &other, &err), -ESTALE);
	assert_string_equal(err.text,
			    "image 1 of the backup has another size (file 1048576 "
			    "bytes then, 1048577 now)");
	other.image_count = 1;
	assert_int_equal(journal_compare(&journal.identity, &other, &err), -ESTALE);
	assert_string_equal(err.text, "it was begun with 2 images, now 1");
	other.backup_time++;
	assert_int_equal(journal_compare(&journal.identity, &other, &err), -ESTALE);
	assert_string_equal(err.text, "it was begun from another version of the backup");
	other.disk_hash[0] ^= 1;
	assert_int_equal(journal_compare(&journal.identity, &other, &err), -ESTALE);
	assert_string_equal(err.text, "it was begun on another disk");
	journal_clear(&journal);
}

/* Against an array with a flag for each unit. */
static void ranges_join_as_a_table_of_flags_says(void **state)
{
	bool flags[64] = { false };
	struct range_map map = { 0 };
	struct err err = { 0 };
	unsigned seed = 1;

	for (unsigned round = 0; round < 300; round++) {
		unsigned from, length;
		bool all = true;

		seed = seed * 1103515245 + 12345;
		from = seed / 65536 % 60;
		length = seed / 4096 % 4;
		if (round % 100 == 99) {
			memset(flags, 0, sizeof(flags));
			range_map_clear(&map);
		}
		for (unsigned i = from; i < from + length; i++)
			all = all && flags[i];
		if (length)
			assert_int_equal(range_map_covers(&map, map.count, from, length),
					 all);
		assert_int_equal(range_map_add(&map, from, length, &err), 0);
		for (unsigned i = from; i < from + length; i++)
			flags[i] = true;
		for (size_t i = 1; i < map.count; i++)
			assert_true(map.ranges[i - 1].offset + map.ranges[i - 1].length <
				    map.ranges[i].offset);
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(range_map_covers(&map, map.count, i, 1),
					 flags[i]);
	}
	range_map_clear(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(every_byte_that_changes_is_noticed),
		cmocka_unit_test(values_out_of_bounds_are_refused_with_a_right_checksum),
		cmocka_unit_test(
			the_newer_slot_counts_and_the_older_one_where_it_is_torn),
		cmocka_unit_test(names_are_cut_off_where_they_are_no_text),
		cmocka_unit_test(
			the_mirror_counts_where_it_is_newer_and_all_of_it_is_the_same),
		cmocka_unit_test(more_ranges_than_fit_are_left_out_at_the_end),
		cmocka_unit_test(each_thing_that_is_not_the_same_is_named),
		cmocka_unit_test(ranges_join_as_a_table_of_flags_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
