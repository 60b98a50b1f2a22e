/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/cleanup.h>
#include <net/http.h>

static void an_address_has_host_port_and_path(void **state)
{
	static const struct {
		const char *url, *host, *path;
		unsigned port;
		bool tls;
	} cases[] = {
		{ "http://h/a/b?c=d", "h", "/a/b?c=d", 80 },
		{ "HTTP://h:8080/", "h", "/", 8080 },
		{ "http://h", "h", "/", 80 },
		{ "http://h?x", "h", "/?x", 80 },
		{ "http://[2001:db8::1]:81/x", "2001:db8::1", "/x", 81 },
		{ "http://[::1]/x", "::1", "/x", 80 },
		{ "https://h/a", "h", "/a", 443, true },
		{ "HTTPS://h:80/", "h", "/", 80, true },
		{ "https://[::1]/x", "::1", "/x", 443, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(http_url_clear) struct http_url url = { 0 };
		struct err err = { 0 };

		assert_int_equal(http_url_parse(cases[i].url, &url, &err), 0);
		assert_string_equal(url.host, cases[i].host);
		assert_string_equal(url.path, cases[i].path);
		assert_int_equal(url.port, cases[i].port);
		assert_int_equal(url.tls, cases[i].tls);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const urls[] = {
		"",
		"httpss://h/",
		"https://",
		"https://h:0/",
		"http://",
		"http:///x",
		"http://h:0/",
		"http://h:x/",
		"http://h:99999/",
		"http://[::1/",
		"http://h/a b",
		"http://h/\r\nX: y",
		"http://[]/x",
		"http://[::1]x/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct http_url url = { 0 };
		struct err err = { 0 };

		assert_int_equal(http_url_parse(urls[i], &url, &err), -EINVAL);
		assert_non_null(strstr(err.text, "HOST"));
	}
}

static void a_password_in_an_address_is_not_repeated(void **state)
{
	struct http_url url = { 0 };
	struct err err = { 0 };

	assert_int_equal(http_url_parse("http://u:secret@h/", &url, &err), -EINVAL);
	assert_null(strstr(err.text, "secret"));
}

static void an_answer_is_as_long_as_it_says(void **state)
{
	static const struct {
		const char *answer;
		int code;
		const char *text; /* the body, or the error */
	} cases[] = {
		{ "HTTP/1.0 200 OK\r\n\r\nhello", 0, "hello" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello", 0, "hel" },
		{ "HTTP/1.1 204 No Content\r\n\r\n", 0, "" },
		{ "HTTP/1.0 200 OK\n\nhello", 0, "hello" },
		{ "HTTP/1.0 200 OK\r\ncontent-length:5\r\n\r\nhell", -EBADMSG,
		  "the answer was cut off after 4 of 5 bytes" },
		{ "HTTP/1.0 200 OK\r\n", -EBADMSG, "the answer was cut off" },
		{ "HTTP/1.0 404 Not Found\r\n\r\nno", -ENOENT,
		  "not there (HTTP/1.0 404 Not Found)" },
		{ "HTTP/1.0 302 Found\r\nLocation: http://x/\r\n\r\n", -EIO,
		  "refused (HTTP/1.0 302 Found)" },
		{ "HTTP/1.0 500 \x1b[2J\r\n\r\n", -EIO, "refused (HTTP/1.0 500 ?[2J)" },
		{ "SSH-2.0-OpenSSH\r\n", -EPROTO, "the server does not speak HTTP" },
		{ "", -EPROTO, "the server does not speak HTTP" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *body = NULL;
		size_t length = 0;
		struct err err = { 0 };

		assert_int_equal(http_answer_parse(cases[i].answer,
						   strlen(cases[i].answer), &body,
						   &length, &err),
				 cases[i].code);
		if (cases[i].code < 0) {
			assert_string_equal(err.text, cases[i].text);
			continue;
		}
		assert_int_equal(length, strlen(cases[i].text));
		assert_memory_equal(body, cases[i].text, length);
	}
}

static void an_answer_says_its_length_or_ends_with_its_connection(void **state)
{
	static const struct {
		const char *answer;
		bool says;
	} cases[] = {
		{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhell", true },
		{ "HTTP/1.0 200 OK\r\n\r\nContent-Length: 5\r\n\r\n", false },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", false },
		{ "HTTP/1.0 200 OK\r\nContent-Length: x\r\n\r\n", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			http_answer_says_length(cases[i].answer, strlen(cases[i].answer)),
			cases[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_host_port_and_path),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_password_in_an_address_is_not_repeated),
		cmocka_unit_test(an_answer_is_as_long_as_it_says),
		cmocka_unit_test(an_answer_says_its_length_or_ends_with_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
