/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What DHCPv6 told the firmware to start: option 59, OPT_BOOTFILE_URL, of RFC 5970, and what a URL
 * of TFTP in it names. Pure: runs on the host as well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#include "net-place.h"

#define IPV6_BYTES 16

/* The URL in a packet of DHCPv6 (RFC 8415, section 8: type, transaction, options). False: there
 * is none, or none that fits. */
bool dhcp6_boot_url(const uint8_t *packet, size_t size, char ret[URL_SIZE]);

/* "tftp://[2001:db8::1]/boot/x.efi": an address in digits, and "boot/x.efi". Names of hosts are
 * not looked up here: -EINVAL, as for anything else. */
int tftp_url_parse(const char *url, uint8_t ret_address[IPV6_BYTES],
		   char ret_path[URL_SIZE], struct err *err) MUST_CHECK;
