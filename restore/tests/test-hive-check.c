/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of registry hives: generated and real ones pass, one broken rule does not. */
#include "hive-fixture.h"

static void expect(const struct hive_file *file, int code, const char *text)
{
	struct err err = { 0 };

	assert_int_equal(hive_check(file, "SYSTEM", &err), code);
	assert_string_equal(err.text, text);
}

/* text: all of the error; "*": its end, where a cell's place does not matter. */
static void expect_case(const struct hive_file *file, int code, const char *text)
{
	AUTO_FREE char *all = text_format("'SYSTEM': %s", text);
	struct err err = { 0 };
	size_t end = strlen(text + 1), length;

	if (text[0] != '*') {
		expect(file, code, all);
		return;
	}
	assert_int_equal(hive_check(file, "SYSTEM", &err), code);
	length = strlen(err.text);
	assert_true(length > end);
	assert_string_equal(err.text + length - end, text + 1);
	assert_non_null(strstr(err.text, "'SYSTEM': cell at 0x"));
}

static void generated_hives_of_all_shapes_pass(void **state)
{
	static const char *const names[] = { "system-gpt", "system-mbr", "shapes-3",
					     "shapes-5" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_FREE char *path = text_format(HIVES "%s", names[i]);
		struct hive_file file = file_load(path);

		assert_true(file.length > 0);
		expect(&file, 0, "");
		file_drop(&file);
	}
}

/* -- one rule at a time ---- */

#define BASE(field) offsetof(struct hive_base_disk, field)
#define KEY(field)  offsetof(struct hive_key_disk, field)

static void wrong_magic(struct hive_file *file)
{
	put_at(file, 0, 0);
}

static void wrong_checksum(struct hive_file *file)
{
	put_at(file, BASE(checksum), 0x12345678);
}

static void other_version(struct hive_file *file)
{
	put_at(file, BASE(minor), 7);
	seal(file);
}

static void another_type(struct hive_file *file)
{
	put_at(file, BASE(format), 2);
	seal(file);
}

static void bins_beyond_the_file(struct hive_file *file)
{
	put_at(file, BASE(bins_size), 0x2000);
	seal(file);
}

static void no_bin(struct hive_file *file)
{
	put_at(file, HIVE_BASE_SIZE, 0);
}

static void bin_too_long(struct hive_file *file)
{
	put_at(file, HIVE_BASE_SIZE + 8, 0x2000);
}

static void bin_without_end(struct hive_file *file)
{
	put_at(file, HIVE_BASE_SIZE + 8, 0);
}

static void cell_beyond_its_bin(struct hive_file *file)
{
	put_at(file, HIVE_BASE_SIZE + 32, (uint32_t)-0x1000);
}

static void cell_without_size(struct hive_file *file)
{
	put_at(file, HIVE_BASE_SIZE + 32, 0);
}

static void cell_of_odd_size(struct hive_file *file)
{
	put_at(file, HIVE_BASE_SIZE + 32, (uint32_t)-12);
}

static void root_nowhere(struct hive_file *file)
{
	put_at(file, BASE(root), 0xfff8);
	seal(file);
}

static void root_between_cells(struct hive_file *file)
{
	put_at(file, BASE(root), get_at(file, BASE(root)) + 8);
	seal(file);
}

static void root_no_key(struct hive_file *file)
{
	put_at(file, root_of(file), 0x6b76);
}

static void name_beyond_its_cell(struct hive_file *file)
{
	put_at(file, root_of(file) + KEY(name_length), 0x1000);
}

static size_t first_list(const struct hive_file *file)
{
	return cell_by(file, root_of(file) + KEY(subkeys));
}

static void keys_beyond_their_list(struct hive_file *file)
{
	put_at(file, first_list(file), 0x1000686c);
}

static void no_list(struct hive_file *file)
{
	put_at(file, first_list(file), 0x00046b6e);
}

static void too_few_keys(struct hive_file *file)
{
	put_at(file, root_of(file) + KEY(subkey_count), 3);
}

static void a_key_within_itself(struct hive_file *file)
{
	put_at(file, first_list(file) + 4, get_at(file, BASE(root)));
}

static void a_key_twice(struct hive_file *file)
{
	put_at(file, first_list(file) + 4, get_at(file, first_list(file) + 12));
}

static size_t second_key(const struct hive_file *file)
{
	return cell_by(file, first_list(file) + 12); /* MountedDevices */
}

static void another_parent(struct hive_file *file)
{
	put_at(file, second_key(file) + KEY(parent), 0x20);
}

static void no_security(struct hive_file *file)
{
	put_at(file, second_key(file) + KEY(security), get_at(file, BASE(root)));
}

static void broken_ring(struct hive_file *file)
{
	size_t security = cell_by(file, root_of(file) + KEY(security));

	put_at(file, security + 8, 0x20 + 8);
}

static void values_beyond_their_list(struct hive_file *file)
{
	put_at(file, second_key(file) + KEY(value_count), 0x10000000);
}

static size_t first_value(const struct hive_file *file)
{
	return cell_by(file, cell_by(file, second_key(file) + KEY(values)));
}

static void no_value(struct hive_file *file)
{
	put_at(file, first_value(file), 0);
}

static void data_beyond_their_cell(struct hive_file *file)
{
	put_at(file, first_value(file) + 4, 100);
}

static void long_data_without_segments(struct hive_file *file)
{
	put_at(file, first_value(file) + 4, 20000);
}

static void much_data_inside_a_value(struct hive_file *file)
{
	put_at(file, first_value(file) + 4, HIVE_VALUE_INLINE | 5);
}

static void one_broken_rule_is_enough(void **state)
{
	static const struct {
		void (*spoil)(struct hive_file *file);
		const char *text;
		int code;
	} cases[] = {
		{ wrong_magic, "not a registry hive" },
		{ other_version, "hive of version 1.7, known are 1.3 to 1.6", -ENOTSUP },
		{ another_type, "file of type 0 and format 2, a hive has 0 and 1" },
		{ bins_beyond_the_file, "8192 bytes of bins in a file of 8192" },
		{ no_bin, "no bin at 0x0" },
		{ bin_too_long, "bin at 0x0 of 8192 bytes, 4096 are left" },
		{ bin_without_end, "bin at 0x0 of 0 bytes, 4096 are left" },
		{ cell_beyond_its_bin,
		  "cell at 0x20 of 4096 bytes, in a bin that has 4064 left" },
		{ cell_without_size,
		  "cell at 0x20 of 0 bytes, in a bin that has 4064 left" },
		{ cell_of_odd_size,
		  "cell at 0x20 of 12 bytes, in a bin that has 4064 left" },
		{ root_nowhere, "no cell at 0xfff8, where a key should be" },
		{ root_between_cells, "no cell at 0xa8, where a key should be" },
		{ root_no_key, "cell at 0xa0: no key" },
		{ name_beyond_its_cell, "cell at 0xa0: key's name beyond its cell" },
		{ keys_beyond_their_list, "*list of keys beyond its cell" },
		{ no_list, "*no list of keys" },
		{ too_few_keys, "cell at 0xa0: wrong number of keys" },
		{ a_key_within_itself,
		  "cell at 0xa0, a key, is in use twice or part of a cycle" },
		{ a_key_twice, "*a key, is in use twice or part of a cycle" },
		{ another_parent, "*key with another parent" },
		{ no_security, "*key without a security descriptor" },
		{ broken_ring, "cell at 0x20: ring of descriptors broken" },
		{ values_beyond_their_list, "*list of values beyond its cell" },
		{ no_value, "*no value" },
		{ data_beyond_their_cell, "*data beyond their cell" },
		{ long_data_without_segments, "*no record of segments" },
		{ much_data_inside_a_value, "*value of more data than it holds" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hive_file file = file_load(SYSTEM_HIVE);

		cases[i].spoil(&file);
		expect_case(&file, cases[i].code ? cases[i].code : -EBADMSG,
			    cases[i].text);
		file_drop(&file);
	}
}

static void a_wrong_checksum_is_told_with_the_right_one(void **state)
{
	struct hive_file file = file_load(SYSTEM_HIVE);
	uint32_t right = get_at(&file, BASE(checksum));
	AUTO_FREE char *text = text_format("'SYSTEM': checksum of its base block "
					   "0x12345678, must be 0x%08x",
					   right);

	wrong_checksum(&file);
	expect(&file, -EBADMSG, text);
	file_drop(&file);
}

static void every_cut_of_a_hive_is_an_error(void **state)
{
	struct hive_file file = file_load(SYSTEM_HIVE);
	struct err err = { 0 };

	for (size_t length = 0; length < file.length; length += 97) {
		uint8_t *copy = malloc(length ? length : 1);
		struct hive_file cut = { copy, length };

		assert_non_null(copy);
		memcpy(copy, file.bytes, length);
		assert_int_equal(hive_check(&cut, "SYSTEM", &err), -EBADMSG);
		free(copy);
	}
	file_drop(&file);
}

/* The base block is not among them: most of its fields have no meaning for the tree. */
static void flipped_bytes_never_crash(void **state)
{
	struct hive_file file = file_load(HIVES "shapes-5");
	uint8_t *bytes = (uint8_t *)file.bytes;
	struct err err = { 0 };
	unsigned found = 0;

	for (size_t i = HIVE_BASE_SIZE; i < file.length; i += 37) {
		bytes[i] ^= 0xff;
		found += hive_check(&file, "SYSTEM", &err) < 0;
		bytes[i] ^= 0xff;
	}
	assert_in_range(found, 100, file.length);
	expect(&file, 0, "");
	file_drop(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_hives_of_all_shapes_pass),
		cmocka_unit_test(one_broken_rule_is_enough),
		cmocka_unit_test(a_wrong_checksum_is_told_with_the_right_one),
		cmocka_unit_test(every_cut_of_a_hive_is_an_error),
		cmocka_unit_test(flipped_bytes_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
