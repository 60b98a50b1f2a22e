/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What NTFS keeps with a file that is more than it seems: a link, or a file whose content is
 * compressed by Windows 10 or kept elsewhere. Pure. [MS-FSCC] 2.1.2; the layout of WOF is that of
 * wofapi.h and ntifs.h.
 */
#pragma once

#include <stdint.h>

#include <restore/items.h>

#include "wof.h"

#define REPARSE_MAX 16384 /* bytes: the file system's own limit */

#define REPARSE_TAG_WOF 0x80000017u

struct reparse {
	uint32_t tag;
	bool is_link;
	enum item_content content;    /* of what is no link */
	char *target;		      /* of a link; NULL where it does not tell; owned */
	enum wof_algorithm algorithm; /* with CONTENT_COMPRESSED */
};

/* attributes: of the file. -EBADMSG: damaged. */
int reparse_parse(const uint8_t *bytes, size_t length, uint32_t attributes,
		  struct reparse *ret, struct err *err) MUST_CHECK;
void reparse_clear(struct reparse *reparse);
