/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Linux gets from the boot application, as bytes: the files below /openbmr, the
 *initrd they are appended to, and the kernel's command line. Pure: runs on the host as
 *well.
 *
 * /openbmr/openbmr.ini   the answer file of the boot medium, unchanged; absent without
 *one /openbmr/openbmr.cred  the credentials beside it, mode 0600; absent without one
 * /openbmr/network/      the same two where they came from a server, which nobody vouches
 *for, and openbmr.ini.sig, the signature of the answer file; absent without one
 * /openbmr/boot.txt      facts about this start: lines key=value, UTF-8, each key once:
 *	version=0.1             of the boot application
 *	loader=\EFI\BOOT\BOOTX64.EFI   the file the firmware loaded; empty where it had no
 *name device=PciRoot(0x0)/...        the device it came from, in the text form of UEFI
 *	partition=<guid>        GPT partition it came from; mbr:<signature>:<number>; or
 *empty secure_boot=enabled     or disabled, setup (no keys enrolled), unsupported
 *	firmware_vendor=EDK II
 *	firmware_revision=0x00010000
 *	answer=\openbmr.ini     where the answer file was found; empty without one
 *	mode=auto               or ask, as in the command line
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#include "device-path.h"

/* An answer file has some thirty lines of text; more is no answer file. */
#define ANSWER_MAX_SIZE ((size_t)64 * 1024)
/* Login name, password, domain. */
#define CREDENTIALS_MAX_SIZE ((size_t)4 * 1024)
/* 64 bytes; more is refused by whoever checks it. */
#define SIGNATURE_MAX_SIZE ((size_t)1024)
/* Device paths are the only long values: some nodes of a few dozen bytes each. */
#define BOOT_FACTS_MAX_SIZE ((size_t)8 * 1024)
/* All of them, their headers and their padding, with room to spare. */
#define HANDOVER_MAX_SIZE                                                                \
	(ANSWER_MAX_SIZE + CREDENTIALS_MAX_SIZE + SIGNATURE_MAX_SIZE +                   \
	 BOOT_FACTS_MAX_SIZE + 4096)

/* COMMAND_LINE_SIZE of Linux on x86 and arm64, with the NUL: what is longer would be cut in
 * silence. */
#define COMMAND_LINE_SIZE 2048

/* An initramfs of everything we know is 48 MB; the kernel needs as much again unpacked.
 */
#define INITRAMFS_MAX_SIZE ((size_t)512 * 1024 * 1024)

struct bytes {
	const uint8_t *data;
	size_t size;
};

enum boot_mode {
	BOOT_ASK,  /* restore by hand: the environment asks */
	BOOT_AUTO, /* the answer file decides */
};

struct boot_facts {
	const char *version;
	const char *loader;
	const char *device;
	struct boot_partition partition;
	const char *secure_boot;
	const char *firmware_vendor;
	uint32_t firmware_revision;
	const char *answer;
	enum boot_mode mode;
};

/* The files below /openbmr; data NULL = the file is absent. */
struct handover {
	struct bytes answer;
	struct bytes credentials;
	const struct boot_facts *facts;
	struct bytes signature; /* of the answer file */
	bool from_network;	/* the files but boot.txt lie in /openbmr/network */
};

/* Writes the archive of the files below /openbmr into the size bytes at buffer. -ENOSPC:
 * one is above its limit, or the buffer is too small. */
int handover_write(const struct handover *handover, void *buffer, size_t size,
		   size_t *ret_length, struct err *err) MUST_CHECK;

/* The initrd as Linux gets it: the initramfs, zeros up to a multiple of 4, the archive.
 * Borrows both. */
struct initrd {
	struct bytes initramfs;
	struct bytes archive;
};

/* Size of the whole in bytes. -EINVAL: the initramfs is empty or above its limit. */
int initrd_size(const struct initrd *initrd, size_t *ret_size,
		struct err *err) MUST_CHECK;

/* Writes the whole to buffer, which holds initrd_size() bytes. */
void initrd_copy(const struct initrd *initrd, uint8_t *buffer);

/*
 * Composes the kernel's command line: the payload's (text, maybe with line ends), then
 * openbmr.boot= where the partition is known, then openbmr.mode=. -EINVAL: not ASCII
 * text, or names an argument that is ours to set; -ENOSPC: too long.
 */
int command_line_compose(struct bytes payload, const struct boot_partition *partition,
			 enum boot_mode mode, char ret[COMMAND_LINE_SIZE],
			 struct err *err) MUST_CHECK;
