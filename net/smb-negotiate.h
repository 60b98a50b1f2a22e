/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first message of SMB, by which client and server agree ([MS-SMB2] 2.2.3, 2.2.4): built and
 * understood. Pure. Frames here have their 4 bytes of length in front of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <net/smb-hello.h>

#define SMB_NEGOTIATE_SIZE   256	/* bytes of a request at most */
#define SMB_NEGOTIATE_ANSWER (64 << 10) /* of an answer that is looked at */

/* SMB 2.0.2 to 3.1.1. random: for the client's id and the salt. Returns its length. */
size_t smb_negotiate_request(const uint8_t random[48], uint8_t to[SMB_NEGOTIATE_SIZE]);

/* The same of SMB 1, to tell a server that speaks nothing else. */
size_t smb_negotiate_request1(uint8_t to[SMB_NEGOTIATE_SIZE]);

/* An answer without its 4 bytes of length. -EBADMSG: damaged; -EPROTO: the server refuses, or
 * it is SMB 1's. */
int smb_negotiate_parse(const uint8_t *bytes, size_t length, struct smb_offer *ret,
			struct err *err) MUST_CHECK;
