/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs of Windows and UEFI, as far as a firmware looks at them before it starts one: what
 * machine they are for, which bytes a signature covers, and where the signatures lie. Sources:
 * Microsoft's PE format, and "Windows Authenticode Portable Executable Signature Format" 1.0.
 * Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

enum pe_machine { PE_X86 = 0x14c, PE_X64 = 0x8664, PE_ARM64 = 0xaa64 };

/* "x86", "x64", "ARM64", "another" */
const char *pe_machine_text(uint16_t machine);

#define PE_EFI_APPLICATION 10 /* IMAGE_SUBSYSTEM_ */

/* "bootx64.efi": what a firmware without a boot entry looks for in \EFI\Boot on the machine that
 * a boot manager is for (UEFI 2.10, 3.5.1.1). x64's for what is no program. */
const char *pe_fallback_name(const uint8_t *bytes, size_t length);

/* A range of the file. */
struct pe_range {
	size_t offset, length;
};

#define PE_MAX_SECTIONS 96 /* Windows' own limit */

struct pe_image {
	uint16_t machine;
	uint16_t subsystem;
	struct pe_range certificates; /* of the certificate table; length 0: not signed */
	/* What a signature covers, in this order. */
	size_t signed_count;
	struct pe_range signed_ranges[PE_MAX_SECTIONS + 4];
};

/* -ENOEXEC: no such program; -EBADMSG: damaged, or cut off. */
int pe_parse(const uint8_t *bytes, size_t length, struct pe_image *ret,
	     struct err *err) MUST_CHECK;

/* The PKCS #7 signatures of a certificate table, one after the other: *at starts with 0.
 * -ENOENT: there are no more; -EBADMSG. */
int pe_next_signature(const uint8_t *bytes, const struct pe_image *image, size_t *at,
		      struct pe_range *ret, struct err *err) MUST_CHECK;
