/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a DHCPv6 server says of the boot file: anybody on the wire can have sent it. */
#include <arpa/inet.h>
#include <string.h>

#include <base/cleanup.h>

#include "boot-url.h"
#include "fuzz/fuzz.h"

/* The C library reads an address in brackets as we do. */
static void check_address(const char *url, const uint8_t address[IPV6_BYTES])
{
	const char *start = strchr(url, '[') + 1;
	AUTO_FREE char *digits = strndup(start, strcspn(start, "]"));
	uint8_t expected[IPV6_BYTES];

	fuzz_require(digits && inet_pton(AF_INET6, digits, expected) == 1,
		     "an address that is none");
	fuzz_require(!memcmp(address, expected, IPV6_BYTES), "another address");
}

static void look_at_url(const char *url)
{
	uint8_t address[IPV6_BYTES];
	struct err err = { 0 };
	char path[URL_SIZE];
	int r = tftp_url_parse(url, address, path, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	if (r < 0)
		return;
	fuzz_require(path[0] && strlen(path) < sizeof(path), "no path");
	check_address(url, address);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *text = fuzz_text(bytes, length);
	char url[URL_SIZE];

	if (dhcp6_boot_url(bytes, length, url)) {
		fuzz_require(strlen(url) < length, "longer than the packet");
		look_at_url(url);
	}
	look_at_url(text);
	return 0;
}
