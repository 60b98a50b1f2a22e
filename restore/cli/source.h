/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SOURCE of the command line: a folder of this machine or a share, opened in a reader
 * process.
 */
#pragma once

#include <restore/reader.h>

struct source_options {
	const char *text;	 /* folder, smb://… or \\host\share\path */
	const char *credentials; /* path of a credentials file; NULL: none */
	bool may_prompt;	 /* ask on the terminal where there is no file */
	bool require_encryption;
};

/* A folder, as opposed to a share? */
bool source_is_local(const struct source_options *options);

/* Gets the login first, if one is needed (from then on this process dumps no core and
 * cannot be traced), then starts the reader, which opens the tree. The password is wiped
 * here before this returns: only the reader has it. */
int source_start(const struct source_options *options, struct reader **ret,
		 struct err *err) MUST_CHECK;
