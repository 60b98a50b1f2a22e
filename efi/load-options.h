/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text that a boot entry, a shell or another loader hands over. All of them put text of
 * their own there (iPXE the name of the file, shells the command line), so only words that
 * start with "openbmr." and have a "=" are ours ("openbmr.efi" is iPXE's). Pure: runs on the host as well.
 *
 *	openbmr.answer=NAME   the answer file: a path on the boot medium, or a name in the
 *	                      folder of the server; in place of all other places
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_SIZE 256 /* of a value, with the NUL */

struct load_options {
	char answer[OPTION_SIZE]; /* "": not given */
	char foreign
		[OPTION_SIZE]; /* a word "openbmr.…=…" that we do not know; "": none */
};

/* Reads size bytes of UTF-16; text that is not ASCII is nobody's of ours. Two answers: the
 * last one counts. A value that is too long counts as unknown. */
struct load_options load_options_read(const void *options, size_t size);
