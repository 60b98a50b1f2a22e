/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The little that is written to a share: reports, answer files, logs. Never through the tree of a
 * backup, which is read-only: by the program smbclient (net/smb-client.h), in a process of its own
 * that becomes nobody, through a relay of its own.
 */
#pragma once

#include <stdbool.h>

#include <net/smb.h>

struct smb_store {
	const struct smb_location
		*location; /* its path: of the file, as seen from the share */
	const struct credentials *credentials;
	bool require_encryption;
};

/* Writes length bytes to the file, makes its folders, replaces what is there. -EINVAL: a name that
 * Windows does not have either; -EACCES, -ENOSPC and others with what the server says. */
int smb_store_put(const struct smb_store *store, const void *bytes, size_t length,
		  struct err *err) MUST_CHECK;

/* Gives the file another name in its folder. */
int smb_store_rename(const struct smb_store *store, const char *name,
		     struct err *err) MUST_CHECK;
