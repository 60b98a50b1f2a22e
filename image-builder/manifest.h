/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The manifest: what goes into the initramfs. One entry per line, words separated by
 * blanks, '#' starts a comment, "[arm64]" in front makes it one for that machine alone, and
 * @TRIPLET@ stands for the machine's folder of libraries:
 *
 *	own       PROGRAM PATH      a program that this project built
 *	program   PATH [AS]         a program of a package, with the libraries it needs
 *	library   NAME              a library loaded at run time, with what it needs
 *	data      PATH              a file or folder of a package
 *	file      SOURCE PATH       a file that lies beside the manifest
 *	folder    PATH [MODE]
 *	link      PATH TARGET
 *	links     FOLDER TARGET A,B the links FOLDER/A and FOLDER/B to TARGET
 *	character PATH MAJOR MINOR  a device node
 *	module    PATTERN           kernel modules, see modules.h; !PATTERN leaves out
 *	first                       what stands above comes first in the archive: it is there
 *	                            even if the rest is cut off, or finds no memory
 *	firmware  NAME              below lib/firmware; what modules ask for is taken
 *	                            without being named, where it is there
 *
 * The parser knows how many words an entry has, and nothing else about it.
 */
#pragma once

#include <stddef.h>

#include <base/cleanup.h>
#include <base/err.h>

#include "architecture.h"

enum entry_kind {
	ENTRY_OWN,
	ENTRY_PROGRAM,
	ENTRY_LIBRARY,
	ENTRY_DATA,
	ENTRY_FILE,
	ENTRY_FOLDER,
	ENTRY_LINK,
	ENTRY_LINKS,
	ENTRY_CHARACTER,
	ENTRY_MODULE,
	ENTRY_FIRMWARE,
	ENTRY_FIRST,
};

#define ENTRY_WORDS 3 /* after the kind */

struct manifest_entry {
	enum entry_kind kind;
	unsigned line;		       /* from 1 */
	const char *word[ENTRY_WORDS]; /* NULL where absent; within manifest.text */
};

struct manifest {
	char *name; /* for messages */
	char *text;
	struct manifest_entry *entries; /* in the order of the file */
	size_t count;
};

/* text is copied. -EINVAL with name and line. */
int manifest_parse(const char *name, const char *text,
		   const struct architecture *architecture, struct manifest *ret,
		   struct err *err) MUST_CHECK;
void manifest_clear(struct manifest *manifest);
