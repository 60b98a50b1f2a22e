/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libsmbclient's errno values mean at each stage, and what to do about them. Pure. code is a
 * positive errno value; each function sets err and returns its code.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <net/smb.h>

/* Did the connection break, as opposed to: the server said no? */
bool smb_error_is_loss(int code);

/* Before the login was good. status: what the server answered (NT status); 0: not known. */
int smb_error_login(const struct smb_location *location,
		    const struct credentials *credentials, int code, uint32_t status,
		    struct err *err);

/* The server found the login good, the library did not. */
int smb_error_guest(const struct smb_location *location,
		    const struct credentials *credentials, struct err *err);

/* The login is good, the share does not open. shares: those that there are, "" if not known. */
int smb_error_share(const struct smb_location *location,
		    const struct credentials *credentials, int code, const char *shares,
		    struct err *err);

/* Something in the share. what: "reading", "listing the folder". */
int smb_error_path(const struct smb_location *location,
		   const struct credentials *credentials, const char *name,
		   const char *what, int code, struct err *err);
