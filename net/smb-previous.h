/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Previous versions" of a share (snapshots of the server's storage), which libsmbclient opens
 * by paths with an "@GMT-…" part but has no call to list: the program smbclient does that.
 */
#pragma once

#include <base/tree-listing.h>
#include <net/smb.h>

/* What `smbclient -c allinfo` prints: each line that is the name of a previous version, once.
 * -EIO: it says that it failed. Pure. */
int smb_previous_parse(const char *output, struct tree_listing *ret,
		       struct err *err) MUST_CHECK;

/* Of the folder location->path, at the relay's address and port. The login goes through a
 * file in memory. timeout_ms is that of one request. -ENOENT: the program is not there. */
int smb_previous_list(const struct smb_location *relayed,
		      const struct credentials *credentials, unsigned timeout_ms,
		      struct tree_listing *ret, struct err *err) MUST_CHECK;
