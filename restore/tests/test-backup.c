/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choosing a version, and a backup as JSON and back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <restore/backup.h>

/* -- choosing ---------------------------------------------------------------------------- */

static char *torn[] = { (char *)"volume C: is damaged: torn" };

static struct backup_version make_version(uint64_t time, enum health health,
					  const char *path)
{
	return (struct backup_version){ .path = (char *)path,
					.time = { time, ORIGIN_FOLDER_NAME },
					.health = health,
					.reason_count = health == HEALTH_WHOLE ? 0 : 1,
					.reasons = torn };
}

static const struct backup_version *choose(struct backup_version *versions, size_t count,
					   const char *wanted, struct err *err)
{
	struct backup_machine machine = { .name = (char *)"SRV01",
					  .version_count = count,
					  .versions = versions };
	const struct backup backup = { .source = (char *)"share",
				       .machine_count = 1,
				       .machines = &machine };
	const struct backup_machine *found;
	const struct backup_version *version = NULL;

	return backup_choose(&backup, NULL, wanted, &found, &version, err) == 0 ? version
										: NULL;
}

#define AUGUST_31 UINT64_C(1788210000) /* 2026-08-31 21:00:00 UTC */

static void the_latest_version_is_the_newest_whole_one(void **state)
{
	struct backup_version versions[] = {
		make_version(AUGUST_31 + 86400, HEALTH_DAMAGED, "c"),
		make_version(AUGUST_31, HEALTH_WHOLE, "b"),
		make_version(AUGUST_31 - 86400, HEALTH_WHOLE, "a"),
	};
	struct err err = { 0 };

	assert_ptr_equal(choose(versions, 3, NULL, &err), &versions[1]);
	assert_ptr_equal(choose(versions, 3, "latest", &err), &versions[1]);
	assert_ptr_equal(choose(versions, 3, "newest", &err), &versions[0]);
}

static void a_time_names_the_minute_in_utc(void **state)
{
	static const char *const wanted[] = { "2026-08-31T21:00", "2026-08-31T21:00Z",
					      "08/31/2026-21:00" };
	struct backup_version versions[] = {
		make_version(AUGUST_31 + 60, HEALTH_WHOLE, "c"),
		make_version(AUGUST_31 + 59, HEALTH_DAMAGED, "b"),
	};
	struct err err = { 0 };

	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(choose(versions, 2, wanted[i], &err), &versions[1]);
}

static void where_none_is_whole_every_reason_is_told(void **state)
{
	struct backup_version versions[] = {
		make_version(AUGUST_31, HEALTH_DAMAGED, "b"),
		make_version(AUGUST_31 - 60, HEALTH_PARTIAL, "a"),
	};
	struct err err = { 0 };

	versions[1].time.origin = ORIGIN_NONE;
	assert_null(choose(versions, 2, NULL, &err));
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(
		err.text,
		"machine 'SRV01': no version is whole: 2026-08-31 21:00:00 UTC is "
		"damaged: volume C: is damaged: torn; of unknown time is partial: "
		"volume C: is damaged: torn; such a set is not restored, 'bmr files "
		"get --version newest' takes files out of it");
}

static void of_two_versions_of_one_time_the_whole_one_is_taken(void **state)
{
	struct backup_version versions[] = {
		make_version(AUGUST_31, HEALTH_DAMAGED, "sdb volume/a"),
		make_version(AUGUST_31, HEALTH_WHOLE, "sdb volume, shadow copy of x/a"),
		make_version(AUGUST_31, HEALTH_PARTIAL, "sdb volume, shadow copy of y/a"),
	};
	struct err err = { 0 };

	assert_ptr_equal(choose(versions, 3, "2026-08-31T21:00Z", &err), &versions[1]);
	assert_ptr_equal(choose(versions, 3, "latest", &err), &versions[1]);
	versions[1].health = HEALTH_DAMAGED;
	assert_null(choose(versions, 3, "2026-08-31T21:00Z", &err));
	assert_int_equal(err.code, -EEXIST);
}

static void two_versions_of_one_time_are_not_guessed_between(void **state)
{
	static const char *const wanted[] = { "latest", "newest", "2026-08-31T21:00Z" };
	struct backup_version versions[] = {
		make_version(AUGUST_31, HEALTH_WHOLE, "x/a"),
		make_version(AUGUST_31, HEALTH_WHOLE, "y/a"),
	};

	for (size_t i = 0; i < 3; i++) {
		struct err err = { 0 };

		assert_null(choose(versions, 2, wanted[i], &err));
		assert_int_equal(err.code, -EEXIST);
		assert_string_equal(
			err.text,
			"machine 'SRV01': two versions 2026-08-31 21:00:00 UTC, "
			"'x/a' and 'y/a': give the folder of one of them as the "
			"version");
	}
}

static void a_version_is_chosen_by_its_folder(void **state)
{
	struct backup_version versions[] = {
		make_version(AUGUST_31, HEALTH_WHOLE, "sdb partition 2/a"),
		make_version(AUGUST_31, HEALTH_WHOLE, "sdb partition 3/a"),
	};
	struct err err = { 0 };

	assert_ptr_equal(choose(versions, 2, "sdb partition 2/a", &err), &versions[0]);
	assert_ptr_equal(choose(versions, 2, "sdb partition 3/a", &err), &versions[1]);
	assert_null(choose(versions, 2, "sdb partition 3", &err));
	assert_int_equal(err.code, -EINVAL);
}

static void a_text_that_is_no_time_is_refused(void **state)
{
	static const char *const wanted[] = { "", "yesterday", "2026-08-31",
					      "2026-08-31T21:00ZZ", "31/08/2026-21:00" };
	struct backup_version version = make_version(AUGUST_31, HEALTH_WHOLE, "a");

	for (size_t i = 0; i < 5; i++) {
		struct err err = { 0 };

		assert_null(choose(&version, 1, wanted[i], &err));
		assert_int_equal(err.code, -EINVAL);
		assert_non_null(strstr(err.text, "write latest, 2026-08-31T21:00Z, "
						 "08/31/2026-21:00, or the folder"));
	}
}

/* -- JSON -------------------------------------------------------------------------------- */

static struct source_partition sample_partitions[] = {
	{ .slot = { 1, ORIGIN_ASRSIF },
	  .offset = { 1048576, ORIGIN_IMAGE_NAME },
	  .length = { 104857600, ORIGIN_IMAGE_TABLE },
	  .id = { { { 1, 2, 3 } }, ORIGIN_CONVENTION },
	  .attributes = { UINT64_C(0x8000000000000001), ORIGIN_ASRSIF },
	  .name = { (char *)"Wiederherstellung \xc3\xa4", ORIGIN_ASRSIF },
	  .volume = 0 },
	{ .mbr_type = { 0x27, ORIGIN_CONVENTION },
	  .mbr_active = { 0, ORIGIN_CONVENTION },
	  .volume = -1 },
};

/* A backup with every kind of value, known and unknown. */
static char *sample_json(void)
{
	struct source_disk disk = { .style = { TABLE_GPT, ORIGIN_BCD },
				    .size = { INT64_MAX, ORIGIN_ASRSIF },
				    .mbr_signature = { 0x8ae9dbe5, ORIGIN_BCD },
				    .partition_count = 2,
				    .partitions = sample_partitions };
	struct backup_volume volume = {
		.image_path = (char *)"a/Esp.vhdx",
		.image = { .format = "vhdx",
			   .subformat = "dynamic",
			   .virtual_size = 1 << 30,
			   .creator = "x",
			   .notes = "odd\n" },
		.fs = { .fs = FS_FAT32, .serial = UINT64_MAX },
		.length = 104857600,
		.volume_guid = { partition_type_msr, ORIGIN_ASRSIF },
		.role = ROLE_ESP,
		.completeness = COMPLETENESS_FULL,
		.health = HEALTH_DAMAGED,
		.reason = (char *)"torn",
	};
	struct contradiction contradiction = { .what = (char *)"disk 0: id",
					       .value_a = (char *)"1",
					       .value_b = (char *)"2",
					       .a = ORIGIN_ASRSIF,
					       .b = ORIGIN_BCD,
					       .fatal = true };
	struct backup_version version = { .path = (char *)"a",
					  .time = { AUGUST_31, ORIGIN_FOLDER_NAME },
					  .id = "08/31/2026-21:00",
					  .uefi = true,
					  .health = HEALTH_DAMAGED,
					  .reason_count = 1,
					  .reasons = torn,
					  .volume_count = 1,
					  .volumes = &volume,
					  .disk_count = 1,
					  .disks = &disk,
					  .contradiction_count = 1,
					  .contradictions = &contradiction };
	struct backup_machine machine = { .name = (char *)"SRV01",
					  .name_origin = ORIGIN_ASRSIF,
					  .version_count = 1,
					  .versions = &version };
	struct backup backup = { .source = (char *)"share",
				 .machine_count = 1,
				 .machines = &machine };
	struct err err = { 0 };
	char *text = NULL;

	if (backup_to_json(&backup, &text, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

static void a_backup_comes_back_from_json_as_it_was(void **state)
{
	AUTO_FREE char *text = sample_json(), *again = NULL;
	AUTO(backup_freep) struct backup *backup = NULL;
	const struct backup_version *version;
	struct err err = { 0 };

	if (backup_from_json(text, strlen(text), &backup, &err) < 0)
		fail_msg("%s", err.text);
	version = &backup->machines[0].versions[0];
	assert_true(version->disks[0].partitions[0].attributes.value ==
		    UINT64_C(0x8000000000000001));
	assert_int_equal(version->disks[0].partitions[1].volume, -1);
	assert_int_equal(version->disks[0].partitions[1].offset.origin, ORIGIN_NONE);
	assert_string_equal(version->volumes[0].image.format, "vhdx");
	assert_int_equal(backup_to_json(backup, &again, &err), 0);
	assert_string_equal(text, again);
}

static void a_text_that_is_cut_inside_a_character_does_not_stop_the_scan(void **state)
{
	struct backup_version version = make_version(1, HEALTH_WHOLE, "a");
	struct backup_machine machine = { .name = (char *)"\xc3\xa4\xc3",
					  .version_count = 1,
					  .versions = &version };
	struct backup backup = { .source = (char *)"share",
				 .machine_count = 1,
				 .machines = &machine };
	AUTO_FREE char *text = NULL;
	struct err err = { 0 };

	assert_int_equal(backup_to_json(&backup, &text, &err), 0);
	assert_non_null(strstr(text, "\"name\": \"???\""));
}

/* The sample with the first occurrence of a text replaced. */
static char *spoil(const char *old, const char *new)
{
	AUTO_FREE char *text = sample_json();
	char *at = strstr(text, old);
	char *spoiled = NULL;

	if (!at)
		fail_msg("'%s' is not in %s", old, text);
	if (asprintf(&spoiled, "%.*s%s%s", (int)(at - text), text, new,
		     at + strlen(old)) < 0)
		fail();
	return spoiled;
}

static const struct {
	const char *old, *new, *message;
} spoiled_cases[] = {
	{ "\"format\": 1", "\"format\": 2", "JSON: 'format' must be 1" },
	{ "\"source\": \"share\"", "\"source\": null",
	  "backup as JSON: 'source' is null" },
	{ "\"source\": \"share\"", "\"source\": 1",
	  "JSON: 'source' must be a text that is not too long" },
	{ "\"name\": \"SRV01\"", "\"nome\": \"SRV01\"", "JSON: key 'name' is missing" },
	{ "\"source\": \"share\"", "\"source\": \"share\", \"x\": 1",
	  "JSON: unknown key beside 'format'" },
	{ "\"uefi\": true", "\"uefi\": 1", "JSON: 'uefi' must be true or false" },
	{ "\"role\": \"esp\"", "\"role\": \"efi\"",
	  "JSON: 'role' must be one of its words" },
	{ "\"format\": \"vhdx\"", "\"format\": \"vmdk\"",
	  "JSON: 'format' must be one of its words" },
	{ "\"length\": 104857600", "\"length\": -1",
	  "JSON: 'length' must be a number in its range" },
	{ "\"length\": 104857600", "\"length\": 1.5",
	  "JSON: 'length' must be a number in its range" },
	{ "\"sector_size\": 0", "\"sector_size\": 4294967296",
	  "JSON: 'sector_size' must be a number in its range" },
	{ "\"origin\": \"asrsif\"", "\"origin\": \"none\"",
	  "JSON: 'volume_guid' must be null or a value with an origin" },
	{ "\"origin\": \"asrsif\"", "\"origin\": \"rumour\"",
	  "JSON: 'volume_guid' must be an origin" },
	{ "\"0x8000000000000001\"", "\"0x18000000000000001\"",
	  "JSON: 'attributes' must be a hexadecimal number" },
	{ "\"0x8000000000000001\"", "\"0x-1\"",
	  "JSON: 'attributes' must be a hexadecimal number" },
	{ "\"0x8000000000000001\"", "1",
	  "JSON: 'attributes' must be a hexadecimal number" },
	{ "\"e3c9e316-0b5c-4db8-817d-f92df00215ae\"", "\"e3c9e316\"",
	  "JSON: 'volume_guid' must be a GUID" },
	{ "\"volume\": 0", "\"volume\": 1",
	  "backup as JSON: partition with volume 1 of 1" },
	{ "\"volume\": 0", "\"volume\": -2",
	  "backup as JSON: partition with volume -2 of 1" },
	{ "\"volume\": 0", "\"volume\": 2147483648",
	  "JSON: 'volume' must be a number in its range" },
	{ "\"value\": 2,", "\"value\": 3,", "backup as JSON: no such style of table" },
	{ "\"id\": \"08/31/2026-21:00\"", "\"id\": \"08/31/2026-21:00 and more\"",
	  "JSON: 'id' must be a text that is not too long" },
	{ "\"reasons\": [", "\"reasons\": [1,",
	  "JSON: 'reasons' must be a list of texts" },
	{ "\"volumes\": [", "\"volumes\": [1,",
	  "JSON: an object with 'image_path' is missing" },
	{ "\"what\": \"disk 0: id\"", "\"what\": null",
	  "backup as JSON: 'what' is null" },
};

static void what_the_reader_sends_is_not_trusted(void **state)
{
	for (size_t i = 0; i < sizeof(spoiled_cases) / sizeof(spoiled_cases[0]); i++) {
		AUTO_FREE char *text = spoil(spoiled_cases[i].old, spoiled_cases[i].new);
		struct backup *backup = NULL;
		struct err err = { 0 };
		char message[256];

		snprintf(message, sizeof(message), "the reader's answer: %s",
			 spoiled_cases[i].message);
		assert_int_equal(backup_from_json(text, strlen(text), &backup, &err),
				 -EBADMSG);
		assert_string_equal(err.text, message);
		assert_null(backup);
	}
}

static void text_that_is_no_json_is_refused(void **state)
{
	static const char *const texts[] = { "",    "{",  "[]",
					     "1",   "{}", "{\"format\":1,\"format\":1}",
					     "{} x" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct backup *backup = NULL;
		struct err err = { 0 };

		assert_int_equal(
			backup_from_json(texts[i], strlen(texts[i]), &backup, &err),
			-EBADMSG);
		assert_null(backup);
	}
}

static void lists_are_bounded(void **state)
{
	AUTO_FREE char *text = NULL, *zeros = malloc(2 * 2000 + 1);
	struct backup *backup = NULL;
	struct err err = { 0 };
	char *filler;

	assert_non_null(zeros);
	for (size_t i = 0; i < 2000; i++)
		memcpy(zeros + 2 * i, "1,", 2);
	zeros[4000] = '\0';
	assert_true(asprintf(&filler, "\"volumes\": [%s", zeros) > 0);
	text = spoil("\"volumes\": [", filler);
	free(filler);
	assert_int_equal(backup_from_json(text, strlen(text), &backup, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "the reader's answer: JSON: 'volumes' must be a list that "
			    "is not too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_latest_version_is_the_newest_whole_one),
		cmocka_unit_test(a_time_names_the_minute_in_utc),
		cmocka_unit_test(where_none_is_whole_every_reason_is_told),
		cmocka_unit_test(of_two_versions_of_one_time_the_whole_one_is_taken),
		cmocka_unit_test(two_versions_of_one_time_are_not_guessed_between),
		cmocka_unit_test(a_version_is_chosen_by_its_folder),
		cmocka_unit_test(a_text_that_is_no_time_is_refused),
		cmocka_unit_test(a_backup_comes_back_from_json_as_it_was),
		cmocka_unit_test(
			a_text_that_is_cut_inside_a_character_does_not_stop_the_scan),
		cmocka_unit_test(what_the_reader_sends_is_not_trusted),
		cmocka_unit_test(text_that_is_no_json_is_refused),
		cmocka_unit_test(lists_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
