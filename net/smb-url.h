/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses in libsmbclient's own form. Pure. The caller frees; NULL: no memory. */
#pragma once

#include <net/smb.h>

#define SMB_PORT 445

/* smb://host:port/ */
char *smb_url_host(const struct smb_location *location);

/* smb://host:port/share */
char *smb_url_share(const struct smb_location *location);

/* The same with the location's path, and path below that. */
char *smb_url_path(const struct smb_location *location, const char *path);
