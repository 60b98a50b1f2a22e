/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses, gateways, name servers and VLANs that somebody gives. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <base/cleanup.h>
#include <net/links.h>

static const struct link_settings good[] = {
	{ .interface = "eth0" },
	{ .vlan = LINK_VLAN_MAX },
	{ .dns = "192.0.2.1, 2001:db8::1,192.0.2.3" },
	{ .address = "192.0.2.10/24", .gateway = "192.0.2.1" },
	{ .address = "10.0.0.1/31", .gateway = "10.0.0.0" },
	{ .address = "2001:db8::10/64", .gateway = "2001:db8::1" },
	{ .address = "2001:db8::10/64", .gateway = "fe80::1" },
};

static const struct {
	struct link_settings settings;
	const char *text;
} wrong[] = {
	{ { .vlan = 4095 }, "VLAN 4095: must be from 1 to 4094" },
	{ { .address = "192.0.2.10" },
	  "address '192.0.2.10': the length of its network is missing: write it like "
	  "192.0.2.10/24 or 2001:db8::10/64" },
	{ { .address = "192.0.2/24" },
	  "address '192.0.2/24': not an address of IPv4 or IPv6" },
	{ { .address = "192.0.2.10/33" },
	  "address '192.0.2.10/33': the length of its network must be from 1 to 32" },
	{ { .address = "192.0.2.10/0" },
	  "address '192.0.2.10/0': the length of its network must be from 1 to 32" },
	{ { .address = "192.0.2.10/ 8" },
	  "address '192.0.2.10/ 8': the length of its network must be from 1 to 32" },
	{ { .address = "2001:db8::10/129" },
	  "address '2001:db8::10/129': the length of its network must be from 1 to 128" },
	{ { .gateway = "192.0.2.1" }, "gateway '192.0.2.1' without an address" },
	{ { .address = "192.0.2.10/24", .gateway = "nas1" },
	  "gateway 'nas1': not an address of IPv4 or IPv6" },
	{ { .address = "192.0.2.10/24", .gateway = "192.0.3.1" },
	  "gateway '192.0.3.1' is not in the network of '192.0.2.10/24': check both, and "
	  "the "
	  "length behind '/'" },
	{ { .address = "192.0.2.10/24", .gateway = "2001:db8::1" },
	  "gateway '2001:db8::1' and address '192.0.2.10/24' are of two families, IPv4 "
	  "and "
	  "IPv6" },
	{ { .address = "192.0.2.10/24", .gateway = "192.0.2.10" },
	  "gateway '192.0.2.10' is this machine's own address" },
	{ { .dns = "192.0.2.1,dns" },
	  "name server 'dns': not an address of IPv4 or IPv6" },
	{ { .dns = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4" },
	  "name servers '10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4': at most 3" },
};

static void what_can_be_so_is_taken(void **state)
{
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(link_settings_check(&good[i], &err), 0);
		assert_true(link_settings_given(&good[i]));
	}
	assert_false(link_settings_given(&(struct link_settings){ 0 }));
}

static void what_cannot_be_so_is_named(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct err err = { 0 };

		assert_int_equal(link_settings_check(&wrong[i].settings, &err), -EINVAL);
		assert_string_equal(err.text, wrong[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_so_is_taken),
		cmocka_unit_test(what_cannot_be_so_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
