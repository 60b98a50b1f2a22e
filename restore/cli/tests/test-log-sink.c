/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of the log: which are shown, which are stored, and how. */
#include "../../base/tests/testing.h"

#include "../log-sink.h"

static char path[] = "/tmp/test-log-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	close(fd);
	return fd < 0 ? -1 : 0;
}

static int remove_file(void **state)
{
	log_set_sink(NULL, NULL);
	return unlink(path);
}

/* Into text: what is said on standard error at four levels. */
static void say_all(char *text, size_t size)
{
	int saved = dup(2), fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], 2);
	log_error("one");
	log_warning("two");
	log_info("three");
	log_debug("four");
	dup2(saved, 2);
	close(saved);
	close(fds[1]);
	n = read(fds[0], text, size - 1);
	close(fds[0]);
	text[n > 0 ? n : 0] = '\0';
}

static void levels_are_words(void **state)
{
	enum log_level level = LOG_LEVEL_INFO;

	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_true(log_level_parse("error", &level));
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_false(log_level_parse("Debug", &level));
	assert_false(log_level_parse("", &level));
	assert_int_equal(level, LOG_LEVEL_ERROR);
}

static void shown_and_stored_have_levels_of_their_own(void **state)
{
	AUTO_FCLOSE FILE *file = NULL;
	char text[512], line[256];
	unsigned warnings = 0, lines = 0;

	log_sink_open(path, LOG_LEVEL_WARNING, LOG_LEVEL_INFO);
	say_all(text, sizeof(text));
	assert_string_equal(text, "bmr: error: one\nbmr: warning: two\n");
	file = fopen(path, "re");
	assert_non_null(file);
	for (; fgets(line, sizeof(line), file); lines++) {
		static const char *const ends[] = { "Z error: one\n", "Z warning: two\n",
						    "Z info: three\n" };

		assert_true(lines < ARRAY_SIZE(ends));
		assert_string_equal(line + strlen("2026-08-31 21:00:00"), ends[lines]);
		assert_true(log_line_has(line, LOG_LEVEL_INFO));
		warnings += log_line_has(line, LOG_LEVEL_WARNING);
	}
	assert_int_equal(lines, 3);
	assert_int_equal(warnings, 2);
}

static void where_nothing_is_stored_only_what_is_shown_is_made(void **state)
{
	char text[512];

	log_sink_open(NULL, LOG_LEVEL_DEBUG, LOG_LEVEL_INFO);
	say_all(text, sizeof(text));
	assert_string_equal(text, "bmr: error: one\nbmr: warning: two\nbmr: info: three\n"
				  "bmr: debug: four\n");
	log_sink_open("/proc/no/such/log", LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
	say_all(text, sizeof(text));
	assert_string_equal(text, "bmr: error: one\n");
}

static void what_commands_showed_has_no_level(void **state)
{
	assert_false(log_line_has("bmr restore: warning: no", LOG_LEVEL_DEBUG));
	assert_false(log_line_has("", LOG_LEVEL_DEBUG));
	assert_false(log_line_has("2026-08-31", LOG_LEVEL_DEBUG));
	assert_false(log_line_has("2026-08-31 21:00:00Z warnings: x", LOG_LEVEL_DEBUG));
	assert_true(log_line_has("2026-08-31 21:00:00Z debug: x", LOG_LEVEL_DEBUG));
	assert_false(log_line_has("2026-08-31 21:00:00Z debug: x", LOG_LEVEL_INFO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_words),
		cmocka_unit_test_setup_teardown(shown_and_stored_have_levels_of_their_own,
						make_file, remove_file),
		cmocka_unit_test(where_nothing_is_stored_only_what_is_shown_is_made),
		cmocka_unit_test(what_commands_showed_has_no_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
