/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See tls.h. */
#include "tls.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>

/* Keys of certificates from 2048 bits (RSA) on. */
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%PROFILE_MEDIUM"

struct tls {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	const char *host;
};

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	if (tls->session)
		gnutls_deinit(tls->session);
	if (tls->credentials)
		gnutls_certificate_free_credentials(tls->credentials);
	free(tls);
}

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 ||
	       inet_pton(AF_INET6, host, &address) == 1;
}

static int set_up(struct tls *tls, int fd, struct err *err)
{
	int r = gnutls_init(&tls->session,
			    GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (r == 0)
		r = gnutls_priority_set_direct(tls->session, PRIORITIES, NULL);
	if (r == 0)
		r = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
					   tls->credentials);
	if (r == 0 && !is_address(tls->host))
		r = gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, tls->host,
					   strlen(tls->host));
	if (r != 0)
		return err_set(err, -EIO, "TLS: %s", gnutls_strerror(r));
	gnutls_session_set_verify_cert(tls->session, tls->host, 0);
	gnutls_transport_set_int(tls->session, fd);
	return 0;
}

int tls_new(int fd, const char *host, const char *ca, struct tls **ret, struct err *err)
{
	AUTO(tls_freep) struct tls *tls = calloc(1, sizeof(*tls));
	gnutls_datum_t pem = { .data = (unsigned char *)ca,
			       .size = (unsigned)strlen(ca) };
	int r;

	if (!tls || gnutls_certificate_allocate_credentials(&tls->credentials) < 0)
		return err_nomem(err);
	tls->host = host;
	if (gnutls_certificate_set_x509_trust_mem(tls->credentials, &pem,
						  GNUTLS_X509_FMT_PEM) <= 0)
		return err_set(err, -EINVAL,
			       "the authorities that may vouch for https servers: no "
			       "certificate in PEM form");
	r = set_up(tls, fd, err);
	if (r == 0)
		*ret = TAKE_PTR(tls);
	return r;
}

/* -- what goes wrong ---- */

static int tell_time(const struct tls *tls, const char *what, struct err *err)
{
	time_t now = time(NULL);
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	return err_set(err, -EACCES,
		       "the certificate of '%s' %s; this machine's clock says %s UTC: if "
		       "that is wrong, set it, else renew the certificate",
		       tls->host, what, text);
}

static int tell_distrust(struct tls *tls, struct err *err)
{
	unsigned status = gnutls_session_get_verify_cert_status(tls->session);

	/* whom it comes from is asked before whether it is still good */
	if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		return err_set(
			err, -EACCES,
			"the certificate of '%s' is signed by none of the authorities "
			"that were given for https servers",
			tls->host);
	if (status & GNUTLS_CERT_UNEXPECTED_OWNER)
		return err_set(
			err, -EACCES,
			"the certificate of the server is not for '%s': use the name "
			"that it is for",
			tls->host);
	if (status & GNUTLS_CERT_NOT_ACTIVATED)
		return tell_time(tls, "is not valid yet", err);
	if (status & GNUTLS_CERT_EXPIRED)
		return tell_time(tls, "has expired", err);
	return err_set(err, -EACCES, "the certificate of '%s' is not good (GnuTLS 0x%x)",
		       tls->host, status);
}

static ssize_t judge(struct tls *tls, ssize_t code, short *ret_events, struct err *err)
{
	if (code >= 0)
		return code;
	if (!gnutls_error_is_fatal((int)code)) {
		*ret_events =
			gnutls_record_get_direction(tls->session) ? POLLOUT : POLLIN;
		return -EAGAIN;
	}
	if (code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
		return tell_distrust(tls, err);
	return err_set(err, -EPROTO, "TLS with '%s': %s; does it serve https there?",
		       tls->host, gnutls_strerror((int)code));
}

/* -- steps ---- */

int tls_handshake(struct tls *tls, short *ret_events, struct err *err)
{
	return (int)judge(tls, gnutls_handshake(tls->session), ret_events, err);
}

ssize_t tls_send(struct tls *tls, const void *bytes, size_t length, short *ret_events,
		 struct err *err)
{
	return judge(tls, gnutls_record_send(tls->session, bytes, length), ret_events,
		     err);
}

ssize_t tls_receive(struct tls *tls, void *bytes, size_t room, bool *ret_cut,
		    short *ret_events, struct err *err)
{
	ssize_t n = gnutls_record_recv(tls->session, bytes, room);

	if (n == GNUTLS_E_PREMATURE_TERMINATION) {
		*ret_cut = true;
		return 0;
	}
	return judge(tls, n, ret_events, err);
}
