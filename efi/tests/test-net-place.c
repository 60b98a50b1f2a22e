/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Device paths of PXE and HTTP Boot, and names beside the boot file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "device-path.h"
#include "net-place.h"

#define PCI 0x02, 0x01, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0, 0x01, 0x01, 6, 0, 0, 4
#define MAC                                                                              \
	0x03, 0x0b, 37, 0, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0,   \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define IPV4                                                                             \
	0x03, 0x0c, 27, 0, 10, 9, 0, 100, 10, 9, 0, 1, 0, 0, 0, 0, 6, 0, 0, 10, 9, 0, 1, \
		255, 255, 255, 0
#define URI  0x03, 0x18, 4 + 11, 0, 'h', 't', 't', 'p', ':', '/', '/', 's', '/', 'a', '/'
#define DISK 0x03, 0x05, 6, 0, 1, 0
#define END  0x7f, 0xff, 4, 0

static const uint8_t http[] = { PCI, MAC, IPV4, URI, END };
static const uint8_t pxe[] = { PCI, MAC, END };
static const uint8_t disk[] = { PCI, DISK, END };

static struct net_place read_place(const uint8_t *path, size_t size)
{
	struct net_place place;
	struct err err;

	assert_int_equal(net_place_read(path, size, &place, &err), 0);
	return place;
}

static void http_boot_tells_card_address_and_url(void **state)
{
	struct net_place place = read_place(http, sizeof(http));

	assert_true(place.present && place.has_mac && place.has_ipv4);
	assert_memory_equal(place.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_memory_equal(place.address, "\x0a\x09\x00\x64", 4);
	assert_memory_equal(place.mask, "\xff\xff\xff\x00", 4);
	assert_string_equal(place.url, "http://s/a/");
}

static void a_card_alone_is_a_network_and_a_disk_is_none(void **state)
{
	struct net_place place = read_place(pxe, sizeof(pxe));

	assert_true(place.present && place.has_mac && !place.has_ipv4);
	assert_string_equal(place.url, "");
	assert_false(read_place(disk, sizeof(disk)).present);
}

static void short_nodes_are_not_read_beyond_their_end(void **state)
{
	/* every node in turn cut to its head and a few bytes */
	for (uint8_t subtype = 0; subtype < 0x20; subtype++)
		for (uint8_t length = 4; length < 40; length++) {
			uint8_t *path = calloc(1, length + 4u);
			struct net_place place;
			struct err err;
			size_t size;

			path[0] = 0x03;
			path[1] = subtype;
			path[2] = length;
			memcpy(path + length, (const uint8_t[]){ END }, 4);
			assert_int_equal(
				device_path_measure(path, length + 4u, &size, &err), 0);
			assert_int_equal(net_place_read(path, size, &place, &err), 0);
			free(path);
		}
}

static void a_url_that_is_too_long_is_refused(void **state)
{
	uint8_t path[4 + URL_SIZE + 4] = { 0x03, 0x18, (URL_SIZE + 4) & 0xff,
					   (URL_SIZE + 4) >> 8 };
	struct net_place place;
	struct err err;

	memset(path + 4, 'x', URL_SIZE);
	memcpy(path + 4 + URL_SIZE, (const uint8_t[]){ END }, 4);
	assert_int_equal(net_place_read(path, sizeof(path), &place, &err), -ENOSPC);
	assert_string_equal(err.text, "device path: URL of 512 characters, limit is 511");
}

static void names_stand_beside_the_boot_file(void **state)
{
	static const char *const urls[][2] = {
		{ "http://10.9.0.1/openbmr.efi", "http://10.9.0.1/by-mac/x" },
		{ "http://s:8080/a/b/openbmr.efi?x=/y", "http://s:8080/a/b/by-mac/x" },
		{ "https://s/a/", "https://s/a/by-mac/x" },
		{ "http://s", "http://s/by-mac/x" },
		{ "http://s#/a", "http://s/by-mac/x" },
	};
	char ret[URL_SIZE];
	struct err err;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_int_equal(url_in_folder(urls[i][0], "by-mac/x", ret, &err), 0);
		assert_string_equal(ret, urls[i][1]);
	}
	assert_int_equal(tftp_in_folder("boot/x64/openbmr.efi", 128, "y", ret, &err), 0);
	assert_string_equal(ret, "boot/x64/y");
	assert_int_equal(tftp_in_folder("boot\\openbmr.efi", 128, "y", ret, &err), 0);
	assert_string_equal(ret, "boot\\y");
	assert_int_equal(tftp_in_folder("openbmr.efi", 4, "y", ret, &err), 0);
	assert_string_equal(ret, "y");
}

static void what_is_no_url_is_refused(void **state)
{
	static const char *const bad[] = { "", "http://", "ftp://s/x", "http:///x",
					   "by-mac/x" };
	char ret[URL_SIZE], name[URL_SIZE + 1];
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(url_in_folder(bad[i], "x", ret, &err), -EINVAL);
		assert_int_equal(url_host(bad[i], ret, &err), -EINVAL);
		assert_non_null(strstr(err.text, "no address of http or https"));
	}
	memset(name, 'n', URL_SIZE);
	name[URL_SIZE] = '\0';
	assert_int_equal(url_in_folder("http://s/x", name, ret, &err), -ENOSPC);
	assert_int_equal(tftp_in_folder("x", 1, name, ret, &err), -ENOSPC);
}

static void the_host_of_a_request_has_its_port(void **state)
{
	char ret[URL_SIZE];
	struct err err;

	assert_int_equal(url_host("http://10.9.0.1:8080/a/b", ret, &err), 0);
	assert_string_equal(ret, "10.9.0.1:8080");
	assert_int_equal(url_host("https://server?x", ret, &err), 0);
	assert_string_equal(ret, "server");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_boot_tells_card_address_and_url),
		cmocka_unit_test(a_card_alone_is_a_network_and_a_disk_is_none),
		cmocka_unit_test(short_nodes_are_not_read_beyond_their_end),
		cmocka_unit_test(a_url_that_is_too_long_is_refused),
		cmocka_unit_test(names_stand_beside_the_boot_file),
		cmocka_unit_test(what_is_no_url_is_refused),
		cmocka_unit_test(the_host_of_a_request_has_its_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
