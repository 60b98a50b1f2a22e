/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A share that is open, for the two files that know libsmbclient: smb.c, smb-write.c. */
#pragma once

#include <libsmbclient.h>

#include <net/smb.h>

#include "host.h"

/* After its timeout libsmbclient needs this long to end a call that made one request. */
#define GRACE_MS 5000

/* Once tree.lost is set libsmbclient is not called again: each call would wait for the dead server
 * once more. */
struct tree_smb {
	struct tree tree;
	SMBCCTX *context;
	unsigned timeout_ms;	      /* of one request to the server */
	struct smb_location location; /* for messages */
	struct smb_location
		relayed; /* the same at the relay's port, for the library; share and
					 path are location's */
	struct smb_relay *relay; /* borrowed */
	struct credentials credentials;
	struct host host; /* the relay's address */
	bool logged_in;
	char link[64]; /* the host that the library was last sent to, or "" */
};

/* The error of a call on something of the share; code: an errno value. */
int smb_explain_path(struct tree_smb *smb, const char *name, const char *what, int code,
		     struct err *err);
