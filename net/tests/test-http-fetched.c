/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process that fetches and was taken over may say anything: what is believed of it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "http-fetched.h"

#define LIMIT 100

/* What is taken of a pipe that holds the head, or part of it, and some bytes, and has ended. */
static int take(const struct fetched_head *head, size_t part, const char *bytes,
		uint8_t **ret, size_t *ret_length, struct err *err)
{
	int fds[2], r;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], head, part), (ssize_t)part);
	assert_int_equal(write(fds[1], bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	close(fds[1]);
	r = fetched_take(fds[0], LIMIT, ret, ret_length, err);
	close(fds[0]);
	return r;
}

static void what_was_fetched_comes_with_a_nul_behind_it(void **state)
{
	struct fetched_head head = { .length = 5 };
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length = 0;

	assert_int_equal(take(&head, sizeof(head), "hello, world", &bytes, &length, &err),
			 0);
	assert_int_equal(length, 5);
	assert_string_equal((char *)bytes, "hello");
}

static void no_lie_is_a_success(void **state)
{
	static const struct {
		struct fetched_head head;
		size_t part;
		int code;
		const char *text;
	} cases[] = {
		{ { .code = -ENOENT, .text = "not there" }, 0, -ENOENT, "not there" },
		{ { .code = 1, .length = 5 }, 0, -EBADMSG, "says nonsense" },
		{ { .code = ENOENT, .text = "not there" }, 0, -EBADMSG, "says nonsense" },
		{ { .code = INT32_MAX }, 0, -EBADMSG, "says nonsense" },
		{ { .length = LIMIT + 1 }, 0, -EBADMSG, "says nonsense" },
		{ { .length = SIZE_MAX }, 0, -EBADMSG, "says nonsense" },
		{ { .code = -EIO, .length = SIZE_MAX }, 0, -EBADMSG, "says nonsense" },
		{ { .length = 13 }, 0, -EPIPE, "is gone" },
		{ { .length = 5 }, 7, -EPIPE, "is gone" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t part = cases[i].part ? cases[i].part : sizeof(cases[i].head);
		uint8_t *bytes = NULL;
		size_t length = 77;
		struct err err = { 0 };

		assert_int_equal(
			take(&cases[i].head, part, "hello, world", &bytes, &length, &err),
			cases[i].code);
		assert_non_null(strstr(err.text, cases[i].text));
		assert_null(bytes);
		assert_int_equal(length, 77);
	}
}

static void a_text_without_an_end_ends_where_its_room_does(void **state)
{
	struct fetched_head head = { .code = -EIO };
	uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length = 0;

	memset(head.text, 'x', sizeof(head.text));
	assert_int_equal(take(&head, sizeof(head), "", &bytes, &length, &err), -EIO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_fetched_comes_with_a_nul_behind_it),
		cmocka_unit_test(no_lie_is_a_success),
		cmocka_unit_test(a_text_without_an_end_ends_where_its_room_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
