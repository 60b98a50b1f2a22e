/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors of shares: see smb-error.h. */
#include "smb-error.h"

#include <string.h>

#include <net/nt-status.h>

#define STATUS_ACCESS_DENIED 0xc0000022u

static bool is_refusal(int code)
{
	return code == EACCES || code == EPERM;
}

bool smb_error_is_loss(int code)
{
	switch (code) {
	case ECONNABORTED:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOTCONN:
	case EPIPE:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

int smb_error_login(const struct smb_location *location,
		    const struct credentials *credentials, int code, uint32_t status,
		    struct err *err)
{
	const char *domain = credentials->domain, *split = domain[0] ? "\\" : "";
	const struct nt_status *known = nt_status_find(status);
	const char *host = location->host;

	if (code == ETIMEDOUT)
		return err_set(
			err, -code,
			"'%s': the server takes the connection but does not answer: "
			"check the server",
			host);
	if (smb_error_is_loss(code))
		return err_set(
			err, -code,
			"'%s': the server ends the connection before the login (%s): it "
			"must speak SMB 2 or later and sign its messages",
			host, strerror(code));
	if (known && known->code == STATUS_ACCESS_DENIED)
		return err_set(
			err, -EACCES,
			"'%s': login refused for '%s%s%s' (%s): the server takes no "
			"such login: allow this account there",
			host, domain, split, credentials->user, known->name);
	if (known)
		return err_set(err, -EACCES,
			       "'%s': login refused for '%s%s%s': %s (%s): %s", host,
			       domain, split, credentials->user, known->words,
			       known->name, known->cure);
	if (is_refusal(code))
		return err_set(err, -EACCES,
			       "'%s': login refused for '%s%s%s': check name, domain and "
			       "password, and whether the account is disabled",
			       host, domain, split, credentials->user);
	return err_set(
		err, -EACCES,
		"'%s': login refused for '%s%s%s': the account may be locked, expired or "
		"not allowed to log in there",
		host, domain, split, credentials->user);
}

int smb_error_guest(const struct smb_location *location,
		    const struct credentials *credentials, struct err *err)
{
	return err_set(
		err, -EACCES,
		"'%s': login refused for '%s': the server lets it in as a guest, "
		"whose connection is neither signed nor encrypted: use an account that "
		"the server knows",
		location->host, credentials->user);
}

int smb_error_share(const struct smb_location *location,
		    const struct credentials *credentials, int code, const char *shares,
		    struct err *err)
{
	const char *host = location->host, *share = location->share;

	if (smb_error_is_loss(code))
		return smb_error_path(location, credentials, share, "opening", code, err);
	if (is_refusal(code))
		return err_set(
			err, -EACCES,
			"'%s': login as '%s' is good, but share '%s' refuses it: give "
			"this user the right to read there",
			host, credentials->user, share);
	if (code != ENOENT && code != ENODEV)
		return err_set(err, -code, "'%s': opening share '%s' fails (%s)", host,
			       share, strerror(code));
	return err_set(err, -ENOENT, "'%s': no share '%s'%s%s", host, share,
		       shares[0] ? ", there are " : ": check its name at the server",
		       shares);
}

int smb_error_path(const struct smb_location *location,
		   const struct credentials *credentials, const char *name,
		   const char *what, int code, struct err *err)
{
	if (smb_error_is_loss(code))
		return err_set(
			err, -code,
			"'%s': the connection to '%s' was lost (%s): check the server "
			"and the network, then start again",
			name, location->host,
			code == ETIMEDOUT ? "no answer in time" : strerror(code));
	if (is_refusal(code))
		return err_set(err, -EACCES, "'%s': %s: not allowed for '%s'", name, what,
			       credentials->user);
	/* What is left in errno where libsmbclient could not follow a DFS link. */
	if (code == 0 || code == EINPROGRESS)
		return err_set(err, -EREMOTE,
			       "'%s': %s fails, perhaps a DFS link to another host: name "
			       "that host and its share instead",
			       name, what);
	return err_errno(err, code, "'%s': %s", name, what);
}
