/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The relay between the SMB library and the server, a process of its own: it alone reaches the
 * network, looks at every frame and cuts the connection where the policy is broken (SAFETY.md
 * section 3, net/smb-frames.h). The library's process connects to the relay and to nothing
 * else.
 *
 *	engine ── forks ──► relay ═══════ TCP ═══════► server
 *	       └─ forks ──► reader ══ 127.0.0.1 ══► relay
 *
 * The relay looks up the name and connects once before smb_relay_start() returns, so that these
 * errors come first. It ends with the process that called smb_relay_listen(). After a lost
 * connection a new process connects by a new one, with the same struct.
 */
#pragma once

#include <net/smb.h>

struct smb_relay;

enum smb_protection {
	SMB_PROTECTION_NONE,
	SMB_PROTECTION_SIGNED,
	SMB_PROTECTION_ENCRYPTED
};

const char *
smb_protection_text(enum smb_protection protection); /* "encrypted", "signed" */

/* The two halves of smb_relay_start(): what processes that are forked from now on share, which is
 * what the relay reports; and the relay's process, which has no use for the `login` (NULL: none)
 * that its parent holds: it wipes its copy first of all. */
int smb_relay_new(struct smb_relay **ret, struct err *err) MUST_CHECK;
int smb_relay_connect(struct smb_relay *relay, const struct smb_location *location,
		      bool require_encryption, const struct credentials *login,
		      struct err *err) MUST_CHECK;

/* Starts the process. Errors of the name and of the first connection as smb_tree_open() had
 * them: -ENOENT, -EHOSTUNREACH, -ECONNREFUSED, … */
int smb_relay_start(const struct smb_location *location, bool require_encryption,
		    const struct credentials *login, struct smb_relay **ret,
		    struct err *err) MUST_CHECK;

/* In the process of the library, before it gives up its rights: listens on a free port of
 * 127.0.0.1, in the network namespace that this process is in, and hands the listener to the
 * relay. Switches that namespace's loopback device on where it is down and we may. */
int smb_relay_listen(struct smb_relay *relay, struct err *err) MUST_CHECK;

/* The port, after smb_relay_listen(). */
unsigned smb_relay_port(const struct smb_relay *relay);

/* Why the relay cut a connection; false: it did not. The library only sees a lost one. */
bool smb_relay_verdict(const struct smb_relay *relay, struct err *err);

/* What a request was about. */
enum smb_matter { SMB_MATTER_LOGIN, SMB_MATTER_SHARE, SMB_MATTER_FILE, SMB_MATTERS };

/* The NT status that the server refused such a request with last; 0: it did not, or that was
 * encrypted and could not be seen. */
uint32_t smb_relay_refusal(const struct smb_relay *relay, enum smb_matter matter);

/* CLOCK_MONOTONIC in ns when a login was good first; 0: none was. */
int64_t smb_relay_login_ns(const struct smb_relay *relay);

/* What protects the connection since the login. */
enum smb_protection smb_relay_protection(const struct smb_relay *relay);

/* Frees our side. A relay that nobody listens for ends. NULL is fine. */
void smb_relay_free(struct smb_relay *relay);
DEFINE_FREEP(struct smb_relay, smb_relay, smb_relay_free)
