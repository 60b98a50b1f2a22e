/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLS for the HTTP client: one session on a socket that does not block. Who may vouch for a server
 * is what the caller says and nothing else; there is no list of well-known authorities here.
 * tls.c is the only file that knows <gnutls/gnutls.h>.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <base/cleanup.h>
#include <base/err.h>

struct tls;

/* ca: certificates in PEM form, of which one must have signed the server's. host: the name, or the
 * address in digits, that the server's must be for. fd and host are borrowed. */
int tls_new(int fd, const char *host, const char *ca, struct tls **ret,
	    struct err *err) MUST_CHECK;
void tls_free(struct tls *tls); /* NULL is fine */
DEFINE_FREEP(struct tls, tls, tls_free)

/* These return -EAGAIN with what is to be waited for (POLLIN, POLLOUT) in *ret_events, and are
 * called again then. */

/* -EACCES: the certificate is not to be trusted, and why. */
int tls_handshake(struct tls *tls, short *ret_events, struct err *err) MUST_CHECK;
ssize_t tls_send(struct tls *tls, const void *bytes, size_t length, short *ret_events,
		 struct err *err) MUST_CHECK;
/* 0: the end. *ret_cut is set where the connection ended without the server's word for it, as it
 * does where somebody on the way cuts it. */
ssize_t tls_receive(struct tls *tls, void *bytes, size_t room, bool *ret_cut,
		    short *ret_events, struct err *err) MUST_CHECK;
