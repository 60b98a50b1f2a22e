/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What DHCPv6 says of the boot file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot-url.h"

#define HEAD 7, 1, 2, 3
#define ID   0, 2, 0, 3, 'a', 'b', 'c'

static bool url_of(const uint8_t *packet, size_t size, char ret[URL_SIZE])
{
	/* ends where the sanitizer looks */
	uint8_t *copy = malloc(size ? size : 1);
	bool found;

	memcpy(copy, packet, size);
	found = dhcp6_boot_url(copy, size, ret);
	free(copy);
	return found;
}

static void the_url_of_the_boot_file_is_found_behind_other_options(void **state)
{
	static const uint8_t packet[] = { HEAD, ID, 0, 59, 0, 3, 't', ':', '/', ID };
	char url[URL_SIZE];

	assert_true(url_of(packet, sizeof(packet), url));
	assert_string_equal(url, "t:/");
}

static void a_packet_that_is_cut_off_anywhere_has_none(void **state)
{
	static const uint8_t packet[] = { HEAD, ID, 0, 59, 0, 3, 't', ':', '/' };
	char url[URL_SIZE];

	for (size_t size = 0; size < sizeof(packet); size++)
		assert_false(url_of(packet, size, url));
}

static void a_packet_without_one_or_with_a_long_one_has_none(void **state)
{
	static const uint8_t none[1472] = { HEAD, ID }; /* zeros up to the end */
	static const uint8_t longest[1472] = { HEAD, 0, 59, URL_SIZE >> 8,
					       URL_SIZE & 0xff };
	char url[URL_SIZE];

	assert_false(url_of(none, sizeof(none), url));
	assert_false(url_of(longest, sizeof(longest), url));
}

/* Against the C library's parser. */
static void addresses_are_read_as_the_system_reads_them(void **state)
{
	static const char *const addresses[] = {
		"::",
		"::1",
		"1::",
		"fd09::1",
		"2001:db8::1:2",
		"FE80::ABCD:1",
		"1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7::",
		"::2:3:4:5:6:7:8",
		/* none */
		"",
		":",
		"1",
		"1:",
		":1::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"12345::",
		"1:::2",
		"g::",
		"1:2:3:4:5:6:7:8::",
		"::1:",
		"1::2:",
		"::1:2:3:4:5:6:7:8",
	};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		uint8_t wanted[IPV6_BYTES], got[IPV6_BYTES];
		bool good = inet_pton(AF_INET6, addresses[i], wanted) == 1;
		char url[100], path[URL_SIZE];
		struct err err = { 0 };

		snprintf(url, sizeof(url), "tftp://[%s]/a/b.efi", addresses[i]);
		assert_int_equal(tftp_url_parse(url, got, path, &err),
				 good ? 0 : -EINVAL);
		if (good) {
			assert_memory_equal(got, wanted, IPV6_BYTES);
			assert_string_equal(path, "a/b.efi");
		}
	}
}

static void what_is_no_url_of_tftp_with_an_address_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "http://[::1]/x",
					   "tftp://h/x",
					   "tftp://[::1]",
					   "tftp://[::1]/",
					   "tftp://[::1]x/y",
					   "tftp://[::1/x",
					   "tftp://10.9.0.1/x" };
	uint8_t address[IPV6_BYTES];
	char path[URL_SIZE];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { 0 };

		assert_int_equal(tftp_url_parse(bad[i], address, path, &err), -EINVAL);
		assert_non_null(strstr(err.text, "must be tftp://[ADDRESS]/FILE"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_url_of_the_boot_file_is_found_behind_other_options),
		cmocka_unit_test(a_packet_that_is_cut_off_anywhere_has_none),
		cmocka_unit_test(a_packet_without_one_or_with_a_long_one_has_none),
		cmocka_unit_test(addresses_are_read_as_the_system_reads_them),
		cmocka_unit_test(what_is_no_url_of_tftp_with_an_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
