/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logs of VHDX images that are refused, one rule each. */
#include "vhdx-log-fixture.h"

static void expect_damage(const uint8_t *image, const char *text)
{
	expect_refusal(image, X_FILE, X_NAME, -EBADMSG, text);
}

#define NO_SEQUENCE                                                                      \
	"'C.vhdx': VHDX header says a log to replay, but the log holds no whole "        \
	"sequence of entries: "

/* -- what is refused ---- */

static void a_log_without_a_whole_sequence_is_refused(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *empty = make_dirty(), *foreign = make_dirty(),
			  *bad = make_dirty();
	AUTO_FREE uint8_t *lost_tail = make_dirty();

	expect_damage(empty, NO_SEQUENCE "there is no entry in it");
	put_entry(foreign, 0, &(struct entry){ 5, 0, changes, 1, .guid = old_guid });
	expect_damage(foreign, NO_SEQUENCE "its entries are of another log");
	put_entry(bad, 0, &(struct entry){ 5, 0, changes, 1 });
	bad[X_LOG + 100] ^= 1;
	expect_damage(bad, NO_SEQUENCE "the checksum of an entry is wrong");
	put_entry(lost_tail, 0, &(struct entry){ 5, 64 * KiB, changes, 1 });
	expect_damage(lost_tail, NO_SEQUENCE
		      "the last entry's tail is none of the entries before it");
}

/* Each field of an entry's header makes it no entry at all. */
static void an_entry_with_an_impossible_header_is_none(void **state)
{
	static const struct {
		size_t offset;
		unsigned width;
		uint64_t value;
		const char *text;
	} cases[] = {
		{ 0, 1, 'L', NO_SEQUENCE "there is no entry in it" },
		{ 8, 4, 0, NO_SEQUENCE "an entry has the length 0" },
		{ 8, 4, SECTOR + 512,
		  NO_SEQUENCE "an entry is not made of whole sectors" },
		{ 8, 4, LOG_SIZE + SECTOR,
		  NO_SEQUENCE "an entry is longer than the log" },
		{ 12, 4, 512, NO_SEQUENCE "an entry's tail is no sector of the log" },
		{ 12, 4, LOG_SIZE,
		  NO_SEQUENCE "an entry's tail is no sector of the log" },
		{ 16, 8, 0, NO_SEQUENCE "an entry has the number 0" },
		{ 24, 4, 1000, NO_SEQUENCE "an entry is too short for its descriptors" },
		{ 24, 4, UINT32_MAX,
		  NO_SEQUENCE "an entry is too short for its descriptors" },
	};
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
		put_le(image + X_LOG + cases[i].offset, cases[i].width, cases[i].value);
		x_fix(image + X_LOG, 2 * SECTOR);
		expect_damage(image, cases[i].text);
	}
}

static void spoil_descriptor_signature(uint8_t *bytes)
{
	bytes[64] = 'D';
}

static void spoil_descriptor_sequence(uint8_t *bytes)
{
	bytes[64 + 24] ^= 1;
}

static void spoil_data_signature(uint8_t *bytes)
{
	bytes[SECTOR] = 'D';
}

static void spoil_data_sequence(uint8_t *bytes)
{
	bytes[2 * SECTOR - 4] ^= 1;
}

static void spoil_count(uint8_t *bytes)
{
	bytes[24] = 2;
	memcpy(bytes + 96, bytes + 64, 32);
}

static void spoil_zero_length(uint8_t *bytes)
{
	memcpy(bytes + 64, "zero", 4);
	put_le(bytes + 72, 8, 512);
}

static void a_whole_entry_that_means_nothing_is_refused(void **state)
{
	static const struct {
		void (*spoil)(uint8_t *bytes);
		const char *text;
	} cases[] = {
		{ spoil_descriptor_signature,
		  "'C.vhdx': VHDX log entry 5 has a descriptor without 'desc' or 'zero' "
		  "and its "
		  "number" },
		{ spoil_descriptor_sequence,
		  "'C.vhdx': VHDX log entry 5 has a descriptor without 'desc' or 'zero' "
		  "and its "
		  "number" },
		{ spoil_data_signature, "'C.vhdx': VHDX log entry 5 has a data sector "
					"without 'data' and its number" },
		{ spoil_data_sequence, "'C.vhdx': VHDX log entry 5 has a data sector "
				       "without 'data' and its number" },
		{ spoil_count, "'C.vhdx': VHDX log entry 5 has more data descriptors "
			       "than data sectors" },
		{ spoil_zero_length, "'C.vhdx': VHDX log changes 5242880+512, must be "
				     "whole sectors of 4096" },
	};
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		put_entry_spoiled(image, 0, &(struct entry){ 5, 0, changes, 1 },
				  cases[i].spoil);
		expect_damage(image, cases[i].text);
	}
}

static void changes_outside_of_what_a_log_may_change_are_refused(void **state)
{
	static const struct {
		struct change change;
		const char *text;
	} cases[] = {
		{ { X_BLOCK_0 + 512, 0, 1 },
		  "'C.vhdx': VHDX log changes 5243392+4096, must be whole sectors of "
		  "4096" },
		{ { X_FILE, 0, 1 },
		  "'C.vhdx': VHDX log changes 6291456+4096, beyond the end of the file "
		  "of 6291456 "
		  "bytes" },
		{ { X_BLOCK_0, 2 * MiB, 0 },
		  "'C.vhdx': VHDX log changes 5242880+2097152, beyond the end of the "
		  "file of "
		  "6291456 bytes" },
		{ { X_BLOCK_0, -(uint64_t)SECTOR, 0 },
		  "'C.vhdx': VHDX log changes 5242880+18446744073709547520, beyond the "
		  "end of the "
		  "file of 6291456 bytes" },
		{ { X_HEADER_2, 0, 1 },
		  "'C.vhdx': VHDX log changes 131072+4096, where the headers lie" },
		{ { X_LOG + 8192, 0, 1 },
		  "'C.vhdx': VHDX log changes 1056768+4096, where the log itself lies" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		put_entry(image, 0, &(struct entry){ 5, 0, &cases[i].change, 1 });
		expect_damage(image, cases[i].text);
	}
}

static void a_file_shorter_than_its_log_says_was_cut(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *cut = make_dirty(), *endless = make_dirty();

	put_entry(cut, 0,
		  &(struct entry){ 5, 0, changes, 1, X_FILE + MiB, X_FILE + MiB });
	expect_damage(cut,
		      "'C.vhdx': file has 6291456 bytes, its log says that 7340032 were "
		      "stored: cut short");
	put_entry(endless, 0, &(struct entry){ 5, 0, changes, 1, .last = 200 * TiB });
	expect_damage(
		endless,
		"'C.vhdx': VHDX log lets the file grow to 219902325555200 bytes, at "
		"most 128 TiB");
}

/* Every sector claims to be an entry as long as the ring: checking them all would sum the
 * ring as often as it has sectors. */
static void entries_inside_each_other_end_the_search(void **state)
{
	AUTO_FREE uint8_t *image = make_dirty();

	for (uint32_t position = 0; position < LOG_SIZE; position += SECTOR) {
		uint8_t *entry = image + X_LOG + position;

		memcpy(entry, "loge", 4);
		put_le(entry + 8, 4, LOG_SIZE);
		put_le(entry + 16, 8, 1);
		put_guid(entry + 32, log_guid);
	}
	expect_damage(image,
		      "'C.vhdx': VHDX log is made of entries that lie inside each other");
}

static void a_log_that_lies_nowhere_is_refused(void **state)
{
	static const struct {
		size_t offset;
		unsigned width;
		uint64_t value;
		int code;
		const char *text;
	} cases[] = {
		{ 64, 2, 1, -ENOTSUP, "'C.vhdx': VHDX log version 1, known is 0" },
		{ 68, 4, 0, -EBADMSG,
		  "'C.vhdx': VHDX header says a log to replay, of length 0" },
		{ 68, 4, 64 * MiB, -ENOTSUP,
		  "'C.vhdx': VHDX log to replay of 67108864 bytes, at most 33554432 are "
		  "supported: open the image once in Windows" },
		{ 68, 4, 8 * MiB, -EBADMSG,
		  "'C.vhdx': VHDX log to replay at 1048576+8388608, must lie behind the "
		  "headers "
		  "in the file of 6291456 bytes" },
		{ 72, 8, 0, -EBADMSG,
		  "'C.vhdx': VHDX log to replay at 0+1048576, must lie behind the "
		  "headers in the "
		  "file of 6291456 bytes" },
		{ 72, 8, -MiB, -EBADMSG,
		  "'C.vhdx': VHDX log to replay at 18446744073708503040+1048576, must "
		  "lie behind "
		  "the headers in the file of 6291456 bytes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *image = make_dirty();

		for (unsigned k = 0; k < 2; k++) {
			uint8_t *header = image + (k ? X_HEADER_2 : X_HEADER_1);

			put_le(header + cases[i].offset, cases[i].width, cases[i].value);
			x_fix(header, 4096);
		}
		expect_refusal(image, X_FILE, X_NAME, cases[i].code, cases[i].text);
	}
}

static void every_failing_read_is_told(void **state)
{
	static const struct change changes[] = { { X_BLOCK_0, 0, 900 } };
	AUTO_FREE uint8_t *image = make_dirty();

	put_entry(image, 0, &(struct entry){ 5, 0, changes, 1 });
	expect_every_failing_read_to_be_told(image, X_FILE, X_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_without_a_whole_sequence_is_refused),
		cmocka_unit_test(an_entry_with_an_impossible_header_is_none),
		cmocka_unit_test(a_whole_entry_that_means_nothing_is_refused),
		cmocka_unit_test(changes_outside_of_what_a_log_may_change_are_refused),
		cmocka_unit_test(a_file_shorter_than_its_log_says_was_cut),
		cmocka_unit_test(entries_inside_each_other_end_the_search),
		cmocka_unit_test(a_log_that_lies_nowhere_is_refused),
		cmocka_unit_test(every_failing_read_is_told),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
