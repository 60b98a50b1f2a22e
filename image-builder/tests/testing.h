/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the image builder share: a scratch folder, judges, errors. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/err.h>
#include <base/spawn.h>
#include <base/text.h>

#define assert_failed(result, code, expected)                                            \
	do {                                                                             \
		assert_int_equal(result, code);                                          \
		assert_string_equal(err.text, expected);                                 \
	} while (0)

/* setup and teardown of a test: *state is the path of a new folder */
static inline int scratch_make(void **state)
{
	char *path = strdup("/tmp/bmr-image-test-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
	const char *argv[] = { "rm", "-rf", "--", *state, NULL };
	int r = spawn_run(&(struct spawn){ .argv = argv }, NULL, NULL);

	free(*state);
	return r;
}

#define scratch_test(function)                                                           \
	cmocka_unit_test_setup_teardown(function, scratch_make, scratch_remove)

/* Path below the scratch folder; leaks nothing: valid until the second call after. */
static inline const char *in(void **state, const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", (char *)*state, name);
	return path;
}

/* Writes a file and the folders above it. */
static inline void write_file(const char *path, const char *text)
{
	char folder[512];
	FILE *file;

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *end = strchr(folder + 1, '/'); end; end = strchr(end + 1, '/')) {
		*end = '\0';
		(void)mkdir(folder, 0755);
		*end = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The output of an outside tool, which must succeed; to be freed. */
static inline char *judge(const char *const *argv)
{
	struct err err = { 0 };
	char *output = NULL;

	if (spawn_run(&(struct spawn){ .argv = argv, .output_limit = 16 << 20 }, &output,
		      &err) < 0)
		fail_msg("%s", err.text);
	return output;
}
