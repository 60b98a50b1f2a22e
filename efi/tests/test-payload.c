/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The payload in the sections of the boot application, made-up ones and the real file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "pe-sample.h"

static uint8_t *read_file(const char *name, size_t *ret_size)
{
	FILE *file = fopen(name, "rb");
	uint8_t *bytes;
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	bytes = malloc((size_t)size);
	assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
	fclose(file);
	*ret_size = (size_t)size;
	return bytes;
}

static uint32_t word(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* Lays a PE file out in memory as a firmware does. */
static uint8_t *load_image(const char *name, size_t *ret_size)
{
	size_t file_size;
	uint8_t *file = read_file(name, &file_size);
	const uint8_t *pe = file + word(file + 0x3c);
	unsigned int count = word(pe + 4) >> 16;
	const uint8_t *section = pe + 24 + (word(pe + 20) & 0xffff);
	size_t size = word(pe + 24 + 56);
	uint8_t *image = calloc(1, size);

	memcpy(image, file, word(pe + 24 + 60));
	for (; count--; section += 40) {
		uint32_t length = word(section + 8), raw = word(section + 16);

		memcpy(image + word(section + 12), file + word(section + 20),
		       length < raw ? length : raw);
	}
	free(file);
	*ret_size = size;
	return image;
}

static void assert_part_is_file(const struct bytes *part, const char *name)
{
	size_t size;
	uint8_t *bytes = read_file(name, &size);

	assert_int_equal(part->size, size);
	assert_memory_equal(part->data, bytes, size);
	free(bytes);
}

static void real_file_with_sections_from_objcopy_is_read(void **state)
{
	struct payload payload;
	struct err err = { 0 };
	size_t size;
	uint8_t *image = load_image(EFI_SAMPLE, &size);

	assert_int_equal(payload_find(image, size, &payload, &err), 0);
	assert_part_is_file(&payload.parts[PAYLOAD_KERNEL], "efi/payload.c");
	assert_part_is_file(&payload.parts[PAYLOAD_INITRAMFS], "efi/pe.c");
	assert_part_is_file(&payload.parts[PAYLOAD_COMMAND_LINE], "efi/module.mk");
	free(image);
}

static void real_file_without_payload_is_told_apart(void **state)
{
	struct payload payload;
	struct err err = { 0 };
	size_t size;
	uint8_t *image = load_image("build/openbmr.efi", &size);

	assert_int_equal(payload_find(image, size, &payload, &err), -ENOENT);
	assert_string_equal(err.text, "");
	free(image);
}

/* Some of the sections: the result for each set of them. */
static void sections_come_all_or_none(void **state)
{
	static const char *const all[] = { ".linux", ".initrd", ".cmdline" };
	static const char *const content[] = { "k", "i", "c", "t" };
	static const char *const texts[] = {
		"",
		"boot file: has section '.linux' but no '.cmdline'",
		"boot file: has section '.initrd' but no '.cmdline'",
		"boot file: has section '.initrd' but no '.cmdline'",
		"boot file: has section '.cmdline' but no '.initrd'",
		"boot file: has section '.cmdline' but no '.initrd'",
		"boot file: has section '.cmdline' but no '.linux'",
		"",
	};

	for (unsigned int set = 0; set < 8; set++) {
		const char *names[4] = { ".text" };
		unsigned int count = 1;
		struct payload payload;
		struct sample sample;
		struct err err = { 0 };

		for (unsigned int i = 0; i < 3; i++)
			if (set & 1u << i)
				names[count++] = all[i];
		sample_make(&sample, count, names, content);
		assert_int_equal(
			payload_find(sample.bytes, sizeof(sample.bytes), &payload, &err),
			set == 7 ? 0
			: set	 ? -EBADMSG
				 : -ENOENT);
		assert_string_equal(err.text, texts[set]);
	}
}

static void section_above_its_limit_is_refused(void **state)
{
	static const char *const names[] = { ".linux", ".initrd", ".cmdline" };
	static const char *const content[] = { "k", "i", "c" };
	struct payload payload;
	struct sample sample;
	struct err err = { 0 };

	sample_make(&sample, 3, names, content);
	sample_put32(&sample, AT_VIRTUAL_SIZE(2), 4097);
	sample_put32(&sample, AT_RAW_SIZE(2), 4608);
	sample_put32(&sample, AT_IMAGE_SIZE, SAMPLE_SIZE);
	assert_int_equal(payload_find(sample.bytes, sizeof(sample.bytes), &payload, &err),
			 -EBADMSG);
	assert_string_equal(
		err.text, "boot file: section '.cmdline' has 4097 bytes, limit is 4096");
}

static void what_is_no_program_is_refused(void **state)
{
	struct payload payload;
	struct err err = { 0 };

	assert_int_equal(payload_find("", 1, &payload, &err), -ENOEXEC);
	assert_string_equal(err.text, "boot file: no MZ signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_file_with_sections_from_objcopy_is_read),
		cmocka_unit_test(real_file_without_payload_is_told_apart),
		cmocka_unit_test(sections_come_all_or_none),
		cmocka_unit_test(section_above_its_limit_is_refused),
		cmocka_unit_test(what_is_no_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
