/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a file of the boot medium, whose size nobody knows in advance, becomes part of the
 * initramfs when GRUB starts the kernel. GRUB loads the initramfs, a head, the file, and
 * zeros, one behind the other; the head is the start of a cpio archive that announces a file
 * of fixed size, which the file and the first zeros fill; the kernel skips the others. PID 1
 * cuts the zeros off (initramfs/setup.c). GRUB's own way ("newc:") makes names without an
 * end, which kernels since 6.1.120 refuse.
 */
#pragma once

#include <stdint.h>

#include <base/err.h>

struct padded_file {
	const char *name; /* below /openbmr in the initramfs */
	unsigned mode;	  /* permission bits */
	uint32_t size;	  /* with the zeros; more cannot be handed over */
};

/* Writes the head, which makes the folder as well. */
int padded_file_write_head(const struct padded_file *file, uint32_t mtime_s,
			   const char *output, struct err *err) MUST_CHECK;

/* Writes size zeros. */
int padding_write(uint32_t size, const char *output, struct err *err) MUST_CHECK;
