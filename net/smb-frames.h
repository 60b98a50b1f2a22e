/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What may pass between an SMB client and a server, judged frame by frame ([MS-SMB2] 2.2.1,
 * 2.2.41). Pure.
 *
 *	+---------------+-------------------+------------------------------
 *	| 0, be24 bytes | FE 'SMB' signed   | command, status, flags, ...
 *	| (RFC 1002)    | FD 'SMB' encrypted| what is in it cannot be seen
 *	+---------------+-------------------+------------------------------
 *
 * Until the login has succeeded NEGOTIATE and SESSION_SETUP pass and nothing else, in the
 * clear by nature. From then on every request is encrypted or signed, and where encryption is
 * required nothing else passes, in both directions, but ECHO, which carries nothing. SMB1 and compressed frames never pass.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <net/smb-relay.h>

#define SMB_FRAME_PREFIX 4  /* bytes that say how long the frame is */
#define SMB_FRAME_HEAD	 64 /* bytes that are looked at; shorter frames pass whole */

enum smb_direction { SMB_TO_SERVER, SMB_TO_CLIENT };

struct smb_watch {
	const char *host; /* for messages */
	bool require_encryption;
	bool in_session;		 /* the login has succeeded */
	bool seen_clear, seen_encrypted; /* since then */
	/* The NT status that a request of this kind failed with last, where it could be seen;
	 * 0: none. */
	uint32_t failed[SMB_MATTERS];
};

/* Bytes that follow the prefix. -EBADMSG: not SMB. */
int smb_frame_length(const uint8_t prefix[SMB_FRAME_PREFIX], uint32_t *ret,
		     struct err *err) MUST_CHECK;

/* Judges a frame of length bytes by its first ones, of which SMB_FRAME_HEAD are there, or the
 * whole frame. -EPROTO: it must not pass. Else the watch knows it. */
int smb_watch_frame(struct smb_watch *watch, enum smb_direction direction,
		    const uint8_t *head, uint32_t length, struct err *err) MUST_CHECK;
