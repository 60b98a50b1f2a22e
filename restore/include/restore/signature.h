/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Detached signatures of answer files: Ed25519 (RFC 8032) over the bytes of the file as they
 * are, 64 bytes without any wrapping, as OpenSSL makes them:
 *
 *	openssl genpkey -algorithm ed25519 -out answer.key
 *	openssl pkey -in answer.key -pubout -out answer.pub
 *	openssl pkeyutl -sign -rawin -inkey answer.key -in openbmr.ini -out openbmr.ini.sig
 *
 * A signature says who wrote a file, not for which machine nor when: an answer file that is
 * signed names its disk by serial number or WWN.
 */
#pragma once

#include <stddef.h>

#include <base/err.h>

#define SIGNATURE_LENGTH 64

struct signed_bytes {
	const char *name; /* for messages */
	const void *bytes;
	size_t length;
};

/* Did the key in the file at key_path (PEM, public) sign these bytes? The signature lies in
 * the file at signature_path. -EACCES: no signature, or not of this key and these bytes;
 * -EINVAL: no Ed25519 key in the file. */
int signature_check(const struct signed_bytes *what, const char *signature_path,
		    const char *key_path, struct err *err) MUST_CHECK;
