/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A firmware's signature lists: see signature-list.h. */
#include "signature-list.h"

#include <string.h>

#include <base/bytes.h>
#include <base/cleanup.h>
#include <base/guid.h>

struct list_disk {
	uint8_t type[16];
	le32 list_size;	  /* 0x10, with this header */
	le32 header_size; /* 0x14 */
	le32 entry_size;  /* 0x18 */
};
_Static_assert(sizeof(struct list_disk) == 28, "EFI_SIGNATURE_LIST");

#define OWNER_SIZE  16 /* a GUID before each entry */
#define SHA256_SIZE 32 /* X509_SHA256 has a time behind it */

static const struct signature_type {
	struct guid type;
	enum signature_kind kind;
	size_t least; /* bytes of an entry, without its owner */
} types[] = {
	{ GUID_INIT(0xa5c059a1, 0x94e4, 0x4aa7, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0,
		    0x72),
	  SIGNATURE_X509, 1 },
	{ GUID_INIT(0xc1c41626, 0x504c, 0x4092, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43,
		    0x28),
	  SIGNATURE_SHA256, SHA256_SIZE },
	{ GUID_INIT(0x3bd2a492, 0x96c0, 0x4079, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03,
		    0xed),
	  SIGNATURE_X509_SHA256, SHA256_SIZE },
};

static enum signature_kind kind_of(const struct list_disk *list, size_t entry_length)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (memcmp(types[i].type.b, list->type, sizeof(list->type)) == 0 &&
		    entry_length >= types[i].least)
			return types[i].kind;
	return SIGNATURE_OTHER;
}

static int walk_one(const struct list_disk *list, const uint8_t *bytes, size_t length,
		    signature_visit *visit, void *context)
{
	size_t size = get_le32(list->entry_size);
	int r = 0;

	for (size_t at = 0; r == 0 && length - at >= size; at += size) {
		struct signature_entry entry = { .bytes = bytes + at + OWNER_SIZE,
						 .length = size - OWNER_SIZE };

		entry.kind = kind_of(list, entry.length);
		r = visit(&entry, context);
	}
	return r;
}

int signature_list_walk(const struct signature_list *list, const char *what,
			signature_visit *visit, void *context, struct err *err)
{
	size_t at = 0;
	int r = 0;

	while (r == 0 && at < list->length) {
		struct list_disk head = { 0 };
		size_t left = list->length - at, size, before;

		if (left >= sizeof(head))
			memcpy(&head, list->bytes + at, sizeof(head));
		size = get_le32(head.list_size);
		before = get_le32(head.header_size);
		if (size < sizeof(head) || size > left || before > size - sizeof(head) ||
		    get_le32(head.entry_size) <= OWNER_SIZE)
			return err_set(err, -EBADMSG,
				       "the firmware's '%s' is damaged at byte %zu", what,
				       at);
		r = walk_one(&head, list->bytes + at + sizeof(head) + before,
			     size - sizeof(head) - before, visit, context);
		at += size;
	}
	return r;
}
