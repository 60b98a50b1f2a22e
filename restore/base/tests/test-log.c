/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include <base/log.h>

static char seen[8192];

static void collect(enum log_level level, const char *text, void *context)
{
	size_t used = strlen(seen);

	assert_ptr_equal(context, seen);
	snprintf(seen + used, sizeof(seen) - used, "%d %s\n", level, text);
}

static int clear(void **state)
{
	seen[0] = '\0';
	log_set_sink(collect, seen);
	log_set_level(LOG_LEVEL_WARNING);
	return 0;
}

static void lines_up_to_the_level_reach_the_sink(void **state)
{
	log_error("disk %d", 1);
	log_warning("share %s", "x");
	log_info("not seen");
	log_set_level(LOG_LEVEL_DEBUG);
	log_info("seen");
	log_debug("seen too");
	assert_string_equal(seen, "0 disk 1\n1 share x\n2 seen\n3 seen too\n");
}

static void names_from_outside_cannot_drive_the_terminal(void **state)
{
	log_error("'%s'", "a\nb\x1b[2Jc\x7f");
	assert_string_equal(seen, "0 'a?b?[2Jc?'\n");
}

static void a_long_line_is_cut(void **state)
{
	char text[4096];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	assert_int_equal(strlen(seen), strlen("0 \n") + 2047);
}

static void without_a_sink_lines_go_to_standard_error(void **state)
{
	char text[256] = "", expected[256];
	int saved = dup(2), fds[2];

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], 2);
	log_set_sink(NULL, NULL);
	log_warning("low %s", "battery");
	log_info("not seen");
	dup2(saved, 2);
	close(saved);
	close(fds[1]);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	close(fds[0]);
	snprintf(expected, sizeof(expected), "%s: warning: low battery\n",
		 program_invocation_short_name);
	assert_string_equal(text, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_up_to_the_level_reach_the_sink, clear),
		cmocka_unit_test_setup(names_from_outside_cannot_drive_the_terminal,
				       clear),
		cmocka_unit_test_setup(a_long_line_is_cut, clear),
		cmocka_unit_test_setup(without_a_sink_lines_go_to_standard_error, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
