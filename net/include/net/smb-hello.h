/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a server of shares what it speaks, before any login: name, TCP, dialect. In a process of
 * its own that is nobody and sees no files. The answer holds the server's clock.
 */
#pragma once

#include <net/smb.h>

/* What a server answered first. */
struct smb_offer {
	uint16_t dialect; /* 0x0202 to 0x0311 */
	bool signing_required;
	bool encryption;     /* offered */
	uint16_t cipher;     /* chosen, [MS-SMB2] 2.2.3.1.2; 0: not said */
	bool kerberos, ntlm; /* logins it offers; both false: not said */
	int64_t time_s;	     /* its clock, seconds since 1970, UTC; 0: not said */
};

const char *smb_dialect_text(uint16_t dialect);		    /* "SMB 3.1.1" */
const char *smb_cipher_text(const struct smb_offer *offer); /* "AES-128-GCM" */

enum smb_hello_stage { SMB_HELLO_NAME, SMB_HELLO_TCP, SMB_HELLO_DIALECT };

/* Called for each stage that was passed, with its fact. */
typedef void smb_hello_report(enum smb_hello_stage stage, unsigned ms, const char *fact,
			      void *context);

/* report may be NULL. *ret_stage, and *ret_ms, say which stage failed, and for how long it was
 * tried; they may be NULL. Only host and port of location are looked at. It takes 40 s at most. */
int smb_hello(const struct smb_location *location, smb_hello_report *report,
	      void *context, struct smb_offer *ret, enum smb_hello_stage *ret_stage,
	      unsigned *ret_ms, struct err *err) MUST_CHECK;
