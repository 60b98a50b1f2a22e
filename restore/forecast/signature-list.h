/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A firmware's lists of what it starts (db) and what it does not (dbx): EFI_SIGNATURE_LIST
 * (UEFI 2.10, 32.4.1). Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

enum signature_kind {
	SIGNATURE_X509,	       /* a certificate, DER */
	SIGNATURE_SHA256,      /* of a program, as Authenticode counts */
	SIGNATURE_X509_SHA256, /* of what a certificate's signature covers */
	SIGNATURE_OTHER,
};

/* What a firmware keeps in one variable; borrowed. length 0: nothing. */
struct signature_list {
	const uint8_t *bytes;
	size_t length;
};

struct signature_entry {
	enum signature_kind kind;
	const uint8_t *bytes;
	size_t length;
};

/* Non-zero ends the walk with that value. */
typedef int signature_visit(const struct signature_entry *entry, void *context);

/* what: "db", for messages. -EBADMSG: damaged. */
int signature_list_walk(const struct signature_list *list, const char *what,
			signature_visit *visit, void *context, struct err *err) MUST_CHECK;
