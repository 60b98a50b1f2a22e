/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boot media: stick, ISO image and network folder, all from the same parts. Which part
 * goes where under which name is one table in media.c.
 */
#pragma once

#include "sysroot.h"

enum media_part {
	PART_SHIM,
	PART_MOK_MANAGER,
	PART_GRUB,
	PART_GRUB_NETWORK,
	PART_EFI, /* the single EFI file */
	PART_KERNEL,
	PART_INITRAMFS,
	PART_CONFIG, /* of GRUB */
	PART_CONFIG_NETWORK,
	PART_IPXE,
	PART_DNSMASQ_DHCP,
	PART_DNSMASQ_PROXY,
	PART_DNSMASQ_HTTP,
	PART_ANSWER,		  /* or NULL */
	PART_CREDENTIALS,	  /* or NULL */
	PART_NETWORK_ANSWER_HEAD, /* see padded-file.h */
	PART_NETWORK_SIGNATURE_HEAD,
	PART_NETWORK_CREDENTIALS_HEAD,
	PART_ANSWER_HEAD,
	PART_CREDENTIALS_HEAD,
	PART_PADDING,
	PART_CERTIFICATE, /* DER; NULL: nothing is signed with an own key */
	MEDIA_PARTS,
};

struct media {
	const char *parts[MEDIA_PARTS]; /* files on this host */
	const struct sysroot *sysroot;
	const char *bios_commands; /* see bios-start.h */
	const char *scratch;	   /* a file, removed in the end */
	uint32_t mtime_s;
};

int media_write_stick(const struct media *media, const char *output,
		      struct err *err) MUST_CHECK;
int media_write_iso(const struct media *media, const char *output,
		    struct err *err) MUST_CHECK;
/* A folder, made anew, for a TFTP or HTTP server; never with answer or credentials. */
int media_write_network(const struct media *media, const char *output,
			struct err *err) MUST_CHECK;
