/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the ground floor share: cmocka, errors with their texts, scratch
 * folders. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/err.h>

/* The call failed with this code and this text. */
#define assert_failed(call, expected_code, expected_text)                                \
	do {                                                                             \
		assert_int_equal(call, expected_code);                                   \
		assert_string_equal(err.text, expected_text);                            \
		assert_int_equal(err.code, expected_code);                               \
	} while (0)

/* The call succeeded; where it did not, its text is shown. */
#define assert_succeeds(call)                                                            \
	do {                                                                             \
		if ((call) != 0)                                                         \
			fail_msg("%s", err.text);                                        \
	} while (0)

/* Enters a new folder; scratch_leave removes it with all that is in it. They are setup
 * and teardown of a group. */
static inline int scratch_enter(void **state)
{
	char *path = strdup("/tmp/base-test-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? chdir(path) : -1;
}

static inline int scratch_leave(void **state)
{
	AUTO_FREE char *path = *state;
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	return chdir("/") == 0 ? system(command) : -1;
}

/* A new descriptor of a file of size bytes that is one hole. */
static inline int file_create(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* A file that holds text. */
static inline void file_write(const char *path, const char *text)
{
	AUTO_CLOSE int fd = file_create(path, 0);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}
