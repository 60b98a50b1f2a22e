/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMBIOS' system information and file names; see machine-ids.h. */
#include "machine-ids.h"

#include <string.h>

#include <base/bytes.h>

#include "text.h"

#define TYPE_SYSTEM 1
#define TYPE_END    127

struct smbios_head_disk {
	uint8_t type;	/* 0x00 */
	uint8_t length; /* 0x01 of the part in front of the strings */
	le16 handle;	/* 0x02 */
};
_Static_assert(sizeof(struct smbios_head_disk) == 4, "SMBIOS structure");

struct smbios_system_disk {
	struct smbios_head_disk head; /* 0x00 */
	uint8_t manufacturer;	      /* 0x04 numbers of strings, from 1 */
	uint8_t product;	      /* 0x05 */
	uint8_t version;	      /* 0x06 */
	uint8_t serial;		      /* 0x07 */
	uint8_t uuid[16];	      /* 0x08 since version 2.1 */
};
_Static_assert(sizeof(struct smbios_system_disk) == 0x18, "SMBIOS system information");

/* The strings that follow a structure end in an empty one. Returns where the next structure
 * starts; size: there is no end. */
static size_t skip_strings(const uint8_t *table, size_t size, size_t at)
{
	for (; at + 1 < size; at++)
		if (!table[at] && !table[at + 1])
			return at + 2;
	return size;
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '.' || c == '-';
}

/* The number-th string between at and end; blanks at its end are nobody's. */
static void take_string(const uint8_t *table, size_t at, size_t end, unsigned int number,
			char ret[SERIAL_SIZE])
{
	size_t length = 0;

	for (; number > 1 && at < end; at++)
		number -= !table[at];
	if (number != 1)
		return;
	while (at + length < end && table[at + length])
		length++;
	while (length && table[at + length - 1] == ' ')
		length--;
	/* a name of a file must not start as "..", nor be cut */
	if (length >= SERIAL_SIZE || (length && table[at] == '.'))
		return;
	for (size_t i = 0; i < length; i++)
		ret[i] = is_plain((char)table[at + i]) ? (char)table[at + i] : '_';
	ret[length] = '\0';
}

static bool is_filled(const uint8_t uuid[16])
{
	bool zeros = true, ones = true;

	for (size_t i = 0; i < 16; i++) {
		zeros = zeros && uuid[i] == 0;
		ones = ones && uuid[i] == 0xff;
	}
	return !zeros && !ones;
}

static void take_system(const uint8_t *table, size_t at, size_t strings, size_t end,
			struct machine_ids *ids)
{
	struct smbios_system_disk system = { 0 };
	size_t length = strings - at;

	memcpy(&system, table + at, length < sizeof(system) ? length : sizeof(system));
	take_string(table, strings, end, system.serial, ids->serial);
	if (length >= sizeof(system) && is_filled(system.uuid)) {
		ids->has_uuid = true;
		memcpy(ids->uuid, system.uuid, sizeof(ids->uuid));
	}
}

void machine_ids_from_smbios(const void *table, size_t size, struct machine_ids *ids)
{
	const uint8_t *bytes = table;

	for (size_t at = 0, next; size - at >= sizeof(struct smbios_head_disk);
	     at = next) {
		struct smbios_head_disk head;
		size_t strings;

		memcpy(&head, bytes + at, sizeof(head));
		strings = at + head.length;
		if (head.length < sizeof(head) || strings > size || head.type == TYPE_END)
			return;
		next = skip_strings(bytes, size, strings);
		if (head.type == TYPE_SYSTEM) {
			take_system(bytes, at, strings, next, ids);
			return;
		}
	}
}

bool answer_place_name(const struct machine_ids *ids, unsigned int place,
		       char ret[ANSWER_NAME_SIZE])
{
	struct text text = text_start(ret, ANSWER_NAME_SIZE);

	switch (place) {
	case 0:
		text_add(&text, "by-uuid/");
		text_add_guid(&text, ids->uuid);
		return ids->has_uuid;
	case 1:
		text_add(&text, "by-serial/%s", ids->serial);
		return ids->serial[0];
	case 2:
		text_add(&text, "by-mac/");
		for (size_t i = 0; i < MAC_BYTES; i++)
			text_add(&text, "%s%02x", i ? "-" : "", ids->mac[i]);
		return ids->has_mac;
	default:
		text_add(&text, "openbmr");
		return true;
	}
}
