/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Would a firmware with Secure Boot start this program? As UEFI 2.10, 32.5.3.3 judges: neither
 * the program nor a certificate of its signer in dbx; the program, its signer or one that
 * vouches for the signer in db. Owns GnuTLS' PKCS #7.
 */
#pragma once

#include "signature-list.h"

struct authenticode_store {
	struct signature_list db, dbx;
};

/* 0: it would. *ret_signer (may be NULL): the signer's name, "" where db has the program's own
 * hash; the caller frees.
 * -ENODATA: not signed, and not in db itself; -EBADMSG: damaged, or changed after it was
 * signed; -EKEYREJECTED: signed by none that db trusts; -EKEYREVOKED: in dbx. */
int authenticode_judge(const uint8_t *bytes, size_t length,
		       const struct authenticode_store *store, char **ret_signer,
		       struct err *err) MUST_CHECK;

/* Without a store: is it what its signer signed? 0, -ENODATA or -EBADMSG. */
int authenticode_check(const uint8_t *bytes, size_t length, char **ret_signer,
		       struct err *err) MUST_CHECK;
