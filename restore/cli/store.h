/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where reports and answer files are kept: a path of this machine, a share, a removable medium. */
#pragma once

#include "source.h"

/* Is it a place that has no path here: "smb://…", "\\host\…", "stick:NAME"? */
bool store_is_elsewhere(const char *where);

/* Does it name a folder, which ends in '/'? */
bool store_is_folder(const char *where);

/* Writes to such a place, in place of what is there. Of options only credentials and encryption
 * count. */
int store_put(const char *where, const struct source_options *options, const void *bytes,
	      size_t length, struct err *err) MUST_CHECK;

/* Renames a file of a share. */
int store_rename(const char *where, const struct source_options *options,
		 const char *name, struct err *err) MUST_CHECK;
