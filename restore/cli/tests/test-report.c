/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where reports are saved under which names; QR codes that another program can read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/text.h>

#include "qr.h"
#include "session-report.h"

static char folder[] = "/tmp/report-test-XXXXXX";

static int enter(void **state)
{
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int leave(void **state)
{
	AUTO_FREE char *command = text_format("rm -rf '%s'", folder);

	return chdir("/") == 0 && command ? system(command) : -1;
}

static void expect_file(const char *path, const char *content)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	char text[64] = "";

	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_string_equal(text, content);
}

static size_t count_files(const char *pattern)
{
	glob_t found = { 0 };
	size_t count;

	(void)glob(pattern, 0, NULL, &found);
	count = found.gl_pathc;
	globfree(&found);
	return count;
}

static void the_name_of_a_file_says_what_it_holds(void **state)
{
	struct err err = { 0 };

	assert_int_equal(report_save("a.json", "M", "{}", "text", &err), 0);
	expect_file("a.json", "{}");
	assert_int_equal(report_save("b.TXT", "M", "{}", "text", &err), 0);
	expect_file("b.TXT", "text");
	assert_int_equal(report_save("a.json", "M", "{1}", "text", &err), 0);
	expect_file("a.json", "{1}");
	assert_int_equal(report_save("no/such/folder", "M", "{}", "text", &err), -ENOENT);
	assert_string_equal(err.text,
			    "'no/such/folder': the report cannot be saved: No such "
			    "file or directory");
}

static void a_folder_gets_both_under_names_that_stay_in_it(void **state)
{
	struct err err = { 0 };

	assert_int_equal(report_save(".", "../SRV 01/é", "{}", "text", &err), 0);
	assert_int_equal(count_files("openbmr-___SRV_01___*-20*-*.json"), 1);
	assert_int_equal(count_files("openbmr-___SRV_01___*-20*-*.txt"), 1);
}

/* The modules that the characters show: one row of "1" (dark) and "0" per line. */
static char *to_bitmap(const char *drawn, size_t *ret_width, size_t *ret_height)
{
	static const struct {
		const char *text;
		char upper, lower;
	} blocks[] = {
		{ " ", '1', '1' }, { "▄", '1', '0' }, { "▀", '0', '1' }, { "█", '0', '0' }
	};
	struct text upper = { 0 }, lower = { 0 }, out = { 0 };

	*ret_width = *ret_height = 0;
	for (; *drawn; drawn++) {
		if (*drawn == '\n') {
			AUTO_FREE char *a = text_take(&upper), *b = text_take(&lower);

			*ret_width = strlen(a);
			*ret_height += 2;
			text_add(&out, "%s\n%s\n", a, b);
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
			if (strncmp(drawn, blocks[i].text, strlen(blocks[i].text)) != 0)
				continue;
			text_add(&upper, "%c", blocks[i].upper);
			text_add(&lower, "%c", blocks[i].lower);
			drawn += strlen(blocks[i].text) - 1;
			break;
		}
	}
	return text_take(&out);
}

/* As an image, eight pixels for each module. */
static void write_image(const char *bitmap, size_t width, size_t height)
{
	AUTO_FCLOSE FILE *file = fopen("code.pbm", "we");

	assert_non_null(file);
	fprintf(file, "P1\n%zu %zu\n", width * 8, height * 8);
	for (size_t y = 0; y < height * 8; y++)
		for (size_t x = 0; x < width * 8; x++)
			fprintf(file, "%c\n", bitmap[y / 8 * (width + 1) + x / 8]);
}

static void a_code_fits_on_24_lines_and_can_be_read(void **state)
{
	static const char text[] =
		"openbmr SRV01-of-the-longest-nam FAILED 2026-11-20 "
		"14:30Z '/dev/sda': writing 1048576+4194304: I/O err 12";
	AUTO_FREE char *drawn = NULL, *bitmap = NULL, *read = NULL;
	size_t width, height, length = 0;
	struct err err = { 0 };
	FILE *reader;

	assert_int_equal(strlen(text), RESTORE_SUMMARY_MAX - 1);
	assert_int_equal(qr_render(text, &drawn, &err), 0);
	bitmap = to_bitmap(drawn, &width, &height);
	assert_int_equal(width, 37 + 4);
	assert_true(height / 2 <= 23); /* and the text below */
	if (system("command -v zbarimg >/dev/null") != 0) {
		print_message("skipped: no zbarimg here\n");
		return;
	}
	write_image(bitmap, width, height);
	reader = popen("zbarimg -q --raw code.pbm 2>/dev/null", "r");
	assert_non_null(reader);
	assert_true(getline(&read, &length, reader) > 0);
	pclose(reader);
	read[strcspn(read, "\n")] = '\0';
	assert_string_equal(read, text);
}

static void a_text_that_is_too_long_is_refused(void **state)
{
	AUTO_FREE char *text = malloc(5001);
	struct err err = { 0 };
	char *drawn = NULL;

	memset(text, 'x', 5000);
	text[5000] = '\0';
	assert_int_equal(qr_render(text, &drawn, &err), -EMSGSIZE);
	assert_string_equal(err.text, "5000 bytes are too much for a QR code");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_of_a_file_says_what_it_holds),
		cmocka_unit_test(a_folder_gets_both_under_names_that_stay_in_it),
		cmocka_unit_test(a_code_fits_on_24_lines_and_can_be_read),
		cmocka_unit_test(a_text_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
