/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step through DER (X.690): just what Authenticode needs beyond GnuTLS. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DER_OCTET_STRING 0x04
#define DER_OID		 0x06
#define DER_SEQUENCE	 0x30
#define DER_ANY		 0

struct der {
	const uint8_t *at; /* borrowed */
	size_t left;
};

/* Takes one element off the front. *ret_content: what is in it; *ret_whole (may be NULL): with its
 * header. false: it ends too early, or has another tag. */
static inline bool der_take(struct der *der, uint8_t tag, struct der *ret_content,
			    struct der *ret_whole)
{
	size_t header = 2, length;

	if (der->left < header || (tag != DER_ANY && der->at[0] != tag))
		return false;
	length = der->at[1];
	if (length & 0x80) {
		size_t count = length & 0x7f;

		if (count < 1 || count > 4 || der->left < header + count)
			return false;
		length = 0;
		for (size_t i = 0; i < count; i++)
			length = length << 8 | der->at[2 + i];
		header += count;
	}
	if (length > der->left - header)
		return false;
	*ret_content = (struct der){ der->at + header, length };
	if (ret_whole)
		*ret_whole = (struct der){ der->at, header + length };
	der->at += header + length;
	der->left -= header + length;
	return true;
}
