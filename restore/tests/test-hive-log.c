/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery of hives from their logs: generated ones, and real ones of the folder that SAMPLES
 * names, among them two that Windows itself recovered; without it those tests are skipped.
 */
#include "hive-fixture.h"

#include "hives/marvin32.h"

#define LOGS "restore/fuzz/corpus/hive-log/"

static struct hive_files files_of(struct hive_file primary, struct hive_file first,
				  struct hive_file second)
{
	return (struct hive_files){ "SYSTEM", primary, { first, second } };
}

/* A seed of fuzz-hive-log.c: le32 length of the hive, le32 length of the first log, all
 * three. whole owns the bytes. */
static struct hive_files take_apart(const struct hive_file *whole)
{
	size_t hive = get_at(whole, 0), log = get_at(whole, 4);
	const uint8_t *bytes = whole->bytes + 8;

	return files_of(
		(struct hive_file){ bytes, hive },
		(struct hive_file){ bytes + hive, log },
		(struct hive_file){ bytes + hive + log, whole->length - 8 - hive - log });
}

static struct hive_image recover(const struct hive_files *files)
{
	struct hive_image image = { 0 };
	struct hive_base_disk base;
	struct err err = { 0 };

	if (hive_recover(files, &image, &err) < 0)
		fail_msg("%s", err.text);
	memcpy(&base, image.bytes, sizeof(base));
	assert_false(hive_base_is_dirty(&base));
	return image;
}

static bool holds(const struct hive_image *image, const char *text)
{
	uint8_t wide[64];
	size_t length = 2 * strlen(text);

	for (size_t i = 0; i < length; i++)
		wide[i] = i % 2 ? 0 : (uint8_t)text[i / 2];
	return memmem(image->bytes, image->length, wide, length);
}

static void marvin32_hashes_as_published(void **state)
{
	/* .NET's own tests of System.Marvin, 32 bits of it folded there */
	const uint64_t seed = UINT64_C(0x4fb61a001bdbcc);
	const uint8_t bytes[] = { 0xaf };

	assert_true(marvin32(seed, bytes, 0) == UINT64_C(0x30ed35c100cd3c7d));
	assert_true(marvin32(seed, bytes, 1) == UINT64_C(0x48e73fc77d75ddc1));
}

static void a_clean_hive_stays_as_it_is(void **state)
{
	struct hive_file file = file_load(SYSTEM_HIVE);
	struct hive_files files = files_of(file, file, (struct hive_file){ 0 });
	struct hive_image image = recover(&files);

	assert_int_equal(image.how, HIVE_WAS_CLEAN);
	assert_int_equal(image.length, file.length);
	assert_memory_equal(image.bytes, file.bytes, file.length);
	hive_image_clear(&image);
	file_drop(&file);
}

static void a_log_with_a_dirty_vector_is_replayed(void **state)
{
	struct hive_file whole = file_load(LOGS "old-gpt");
	struct hive_files files = take_apart(&whole);
	struct hive_image image = recover(&files);

	assert_int_equal(image.how, HIVE_WAS_REPLAYED);
	assert_true(holds(&image, "SRV02") && !holds(&image, "SRV01"));
	hive_image_clear(&image);
	file_drop(&whole);
}

static void entries_of_both_logs_are_replayed_in_their_order(void **state)
{
	struct hive_file whole = file_load(LOGS "new-gpt");
	struct hive_files files = take_apart(&whole);
	struct hive_file first = files.logs[0];
	struct hive_image image;

	/* whichever file they are in */
	files.logs[0] = files.logs[1];
	files.logs[1] = first;
	image = recover(&files);
	assert_int_equal(image.replayed, 2);
	assert_true(holds(&image, "SRV03") && !holds(&image, "SRV02"));
	hive_image_clear(&image);
	file_drop(&whole);
}

static void an_entry_that_was_not_written_whole_ends_the_replay(void **state)
{
	struct hive_file whole = file_load(LOGS "new-gpt");
	struct hive_files files = take_apart(&whole);
	uint8_t *second = (uint8_t *)files.logs[1].bytes;
	struct hive_image image;

	second[files.logs[1].length - 1] ^= 1;
	image = recover(&files);
	assert_int_equal(image.replayed, 1);
	assert_true(holds(&image, "SRV02") && !holds(&image, "SRV03"));
	hive_image_clear(&image);
	file_drop(&whole);
}

static void a_log_of_another_time_is_not_replayed(void **state)
{
	struct hive_file whole = file_load(LOGS "old-gpt");
	struct hive_files files = take_apart(&whole);
	struct hive_file *log = &files.logs[0];
	struct hive_base_disk base;
	struct hive_image image;

	memcpy(&base, log->bytes, sizeof(base));
	base.written = put_le64(get_le64(base.written) + 1);
	base.checksum = put_le32(hive_base_checksum(&base));
	memcpy((uint8_t *)log->bytes, &base, sizeof(base));
	image = recover(&files);
	assert_int_equal(image.how, HIVE_WAS_UNLOGGED);
	assert_true(holds(&image, "SRV01"));
	hive_image_clear(&image);
	file_drop(&whole);
}

static void a_base_block_that_is_torn_comes_from_the_log(void **state)
{
	static const char *const names[] = { LOGS "old-gpt", LOGS "new-gpt" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct hive_file whole = file_load(names[i]);
		struct hive_files files = take_apart(&whole);
		struct hive_image image;

		put_at(&files.primary, offsetof(struct hive_base_disk, root), 0xffff);
		image = recover(&files);
		assert_int_equal(image.how, HIVE_WAS_REPLAYED);
		assert_false(holds(&image, "SRV01"));
		hive_image_clear(&image);
		file_drop(&whole);
	}
}

static void a_damaged_hive_without_a_log_is_refused(void **state)
{
	struct hive_file whole = file_load(LOGS "unlogged-gpt");
	struct hive_files files = take_apart(&whole);
	struct hive_image image = recover(&files);
	struct err err = { 0 };

	assert_int_equal(image.how, HIVE_WAS_UNLOGGED);
	hive_image_clear(&image);
	put_at(&files.primary, HIVE_BASE_SIZE, 0);
	assert_int_equal(hive_recover(&files, &image, &err), -EBADMSG);
	assert_string_equal(err.text, "not written to its end, and no log of it fits: "
				      "'SYSTEM': no bin at 0x0");
	assert_null(image.bytes);
	file_drop(&whole);
}

/* Hashes are right, contents are not: somebody's work. */
static void a_log_that_makes_the_hive_unsound_is_refused(void **state)
{
	struct hive_file whole = file_load(LOGS "old-gpt");
	struct hive_files files = take_apart(&whole);
	struct hive_image image = { 0 };
	struct err err = { 0 };

	memset((uint8_t *)files.logs[0].bytes + 2 * HIVE_SECTOR, 0xaa, HIVE_SECTOR);
	assert_int_equal(hive_recover(&files, &image, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "after its logs were replayed: 'SYSTEM': no bin at 0x0");
	assert_null(image.bytes);
	file_drop(&whole);
}

/* -- real ones ---- */

struct real_case {
	const char *primary, *logs[2];
	const char *recovered; /* by Windows; NULL: nobody did */
	/* Bytes that Windows changed since: the largest name of a value of one key. */
	unsigned changed;
	enum hive_recovery how;
	unsigned replayed;
};

#define OLD  "hive-logs/yarp/OldDirtyHive/"
#define NEW  "hive-logs/yarp/NewDirtyHive1/"
#define REAL "hive-logs/regipy/"

static const struct real_case real_cases[] = {
	{ OLD "OldDirtyHive",
	  { OLD "OldDirtyHive.LOG1" },
	  OLD "RecoveredHive_Windows7",
	  1,
	  HIVE_WAS_REPLAYED,
	  1 },
	{ NEW "NewDirtyHive",
	  { NEW "NewDirtyHive.LOG1", NEW "NewDirtyHive.LOG2" },
	  NEW "RecoveredHive_Windows10",
	  0,
	  HIVE_WAS_REPLAYED,
	  4 },
	{ REAL "SYSTEM_B.xz",
	  { REAL "SYSTEM_B.LOG1.xz", REAL "SYSTEM_B.LOG2.xz" },
	  NULL,
	  0,
	  HIVE_WAS_REPLAYED,
	  24 },
	{ REAL "UsrClass.dat.xz",
	  { REAL "UsrClass.dat.LOG1.xz", REAL "UsrClass.dat.LOG2.xz" },
	  NULL,
	  0,
	  HIVE_WAS_REPLAYED,
	  14 },
	{ REAL "SYSTEM_WIN_10_1709.xz", { NULL }, NULL, 0, HIVE_WAS_UNLOGGED, 0 },
	{ "dfwinreg/SYSTEM.xz", { NULL }, NULL, 0, HIVE_WAS_UNLOGGED, 0 },
	{ "regipy/SYSTEM_2.xz", { NULL }, NULL, 0, HIVE_WAS_UNLOGGED, 0 },
};

/* Windows writes the time of its own write behind the first bin's header. */
static unsigned count_differences(const struct hive_image *image,
				  const struct hive_file *oracle)
{
	size_t time = HIVE_BASE_SIZE + offsetof(struct hive_bin_disk, written);
	unsigned count = 0;

	assert_int_equal(image->length, oracle->length);
	for (size_t i = HIVE_BASE_SIZE; i < image->length; i++)
		if (i < time || i >= time + 8)
			count += image->bytes[i] != oracle->bytes[i];
	return count;
}

static void real_hives_are_recovered_as_windows_does(void **state)
{
	const char *samples = getenv("SAMPLES");

	if (!samples) {
		print_message("SAMPLES is not set: real hives are not recovered\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(real_cases); i++) {
		const struct real_case *real = &real_cases[i];
		struct hive_file parts[4] = { sample_load(samples, real->primary),
					      sample_load(samples, real->logs[0]),
					      sample_load(samples, real->logs[1]),
					      sample_load(samples, real->recovered) };
		struct hive_files files = files_of(parts[0], parts[1], parts[2]);
		struct hive_image image = recover(&files);

		assert_int_equal(image.how, real->how);
		assert_int_equal(image.replayed, real->replayed);
		if (real->recovered)
			assert_int_equal(count_differences(&image, &parts[3]),
					 real->changed);
		hive_image_clear(&image);
		for (size_t p = 0; p < ARRAY_SIZE(parts); p++)
			file_drop(&parts[p]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marvin32_hashes_as_published),
		cmocka_unit_test(a_clean_hive_stays_as_it_is),
		cmocka_unit_test(a_log_with_a_dirty_vector_is_replayed),
		cmocka_unit_test(entries_of_both_logs_are_replayed_in_their_order),
		cmocka_unit_test(an_entry_that_was_not_written_whole_ends_the_replay),
		cmocka_unit_test(a_log_of_another_time_is_not_replayed),
		cmocka_unit_test(a_base_block_that_is_torn_comes_from_the_log),
		cmocka_unit_test(a_damaged_hive_without_a_log_is_refused),
		cmocka_unit_test(a_log_that_makes_the_hive_unsound_is_refused),
		cmocka_unit_test(real_hives_are_recovered_as_windows_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
