/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where on a network this program came from, as the firmware's device path tells it, and
 * names of other files there. Pure: runs on the host as well. UEFI specification 2.10,
 * sections 10.3.4 and 24.7.3.1.
 */
#pragma once

#include "machine-ids.h"

#include <base/err.h>

#define URL_SIZE 512 /* with the NUL; what is longer is refused */

struct net_place {
	bool present; /* the path goes through a network card */
	bool has_mac;
	uint8_t mac[MAC_BYTES];
	bool has_ipv4; /* of this machine, as DHCP gave it */
	uint8_t address[4], mask[4];
	char url[URL_SIZE]; /* of HTTP Boot; "": another way */
};

/* Reads a path that device_path_measure() has checked. -ENOSPC: its URL is too long. */
int net_place_read(const void *path, size_t size, struct net_place *ret,
		   struct err *err) MUST_CHECK;

/* The URL of a file in the folder of url: without what follows the last '/', '?' or '#' of
 * it. -EINVAL: no URL of http or https with a host; -ENOSPC. */
int url_in_folder(const char *url, const char *name, char ret[URL_SIZE],
		  struct err *err) MUST_CHECK;

/* What an HTTP request says in its header "Host": host and port as they stand. -EINVAL. */
int url_host(const char *url, char ret[URL_SIZE], struct err *err) MUST_CHECK;

/* The name of a file in the folder of another one, as TFTP takes it: the boot file
 * "boot/openbmr.efi" (at most size bytes, maybe without NUL) and "x" give "boot/x". */
int tftp_in_folder(const char *boot_file, size_t size, const char *name,
		   char ret[URL_SIZE], struct err *err) MUST_CHECK;
