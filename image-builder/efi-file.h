/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The single EFI file: the boot application with kernel, initramfs and command line as
 * sections of its own. efi/payload.h says what the application expects.
 */
#pragma once

#include "architecture.h"
#include "root-tree.h"

struct efi_parts {
	const char *application;  /* build/openbmr.efi */
	const char *command_line; /* files on this host */
	const char *initramfs;
	const char *kernel;
};

/* Writes the file at output with the objcopy of the architecture. -EBADMSG: the application is no PE file. */
int efi_file_write(const struct efi_parts *parts, const struct architecture *architecture,
		   const char *output, struct err *err) MUST_CHECK;

/* The end of the last section in memory, from the bytes of a PE file; name is for
 * messages. */
int pe_sections_end(const struct content *content, const char *name, uint64_t *ret,
		    struct err *err) MUST_CHECK;
