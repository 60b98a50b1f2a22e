/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sections of a PE image as the firmware has laid it out in memory (not as it lies in the
 * file): data of a section starts at its VirtualAddress. Pure: runs on the host as well.
 *
 * The image is the boot application itself. The firmware has loaded it, but without
 * Secure Boot nobody has checked it, and a payload was added by a tool: so every field
 * that is used is checked, and a damaged copy is refused as a whole.
 *
 * Fields and rules: "PE Format", Microsoft Learn.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#define PE_MAX_SECTIONS 96 /* what the Windows loader takes; EDK2 takes more */
#define PE_NAME_SIZE	8

struct pe {
	const uint8_t *base;	 /* borrowed from the caller of pe_open */
	size_t size;		 /* SizeOfImage */
	const uint8_t *sections; /* the section table, within base */
	unsigned int section_count;
};

struct pe_section {
	const uint8_t *data; /* borrowed, within the image */
	size_t size;	     /* VirtualSize, above 0 */
};

/* Checks headers and section table of the image in the size bytes at base. -ENOEXEC: no
 * PE image for this machine; -EBADMSG: damaged. */
int pe_open(const void *base, size_t size, struct pe *ret, struct err *err) MUST_CHECK;

/* Finds the section called name (at most 8 bytes). -ENOENT without a text: there is none;
 * -EBADMSG: it occurs twice, is empty, or its file part is shorter than it claims. */
int pe_find(const struct pe *pe, const char *name, struct pe_section *ret,
	    struct err *err) MUST_CHECK;
