/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of what the image was made from, as an SPDX 2.3 document (JSON): each Debian
 * package of which a file went into it, with its version and the licences that its
 * copyright file names, where that file is machine-readable (Debian's copyright-format 1.0).
 */
#pragma once

#include "sysroot.h"

/* used: lines, see struct sysroot. SYSROOT/.contents says to whom each file belongs. */
int sbom_write(const struct sysroot *sysroot, const char *used, uint32_t time_s,
	       const char *output, struct err *err) MUST_CHECK;

/* The licences that a copyright file names, each once, in order, with " AND " between
 * them; NULL: the file is not machine-readable, or no memory. */
char *sbom_licences(const char *copyright);
