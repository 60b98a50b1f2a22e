/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store's copy of the firmware's boot entry: see boot-variable.h. */
#include "boot-variable.h"

#include <string.h>

#include <base/bytes.h>

/* UEFI 10.3.5.1: media device path, hard drive. */
struct hard_drive_disk {
	uint8_t type;	 /* 0x00 4 */
	uint8_t subtype; /* 0x01 1 */
	le16 length;	 /* 0x02 42 */
	le32 slot;	 /* 0x04 */
	le64 first_lba;	 /* 0x08 */
	le64 sectors;	 /* 0x10 */
	struct guid id;	 /* 0x18 */
	uint8_t format;	 /* 0x28 2: GPT */
	uint8_t id_type; /* 0x29 2: GUID */
};
_Static_assert(sizeof(struct hard_drive_disk) == 42, "offsets as commented");

static bool is_node(const struct hard_drive_disk *node, const struct guid *id)
{
	return node->type == 4 && node->subtype == 1 &&
	       get_le16(node->length) == sizeof(*node) && node->format == 2 &&
	       node->id_type == 2 && guid_equal(&node->id, id);
}

bool boot_variable_patch(uint8_t *bytes, size_t length, const struct guid *old,
			 const struct boot_variable_place *place)
{
	struct hard_drive_disk node, patched;
	bool changed = false;

	for (size_t at = 0; at + sizeof(node) <= length; at++) {
		memcpy(&node, bytes + at, sizeof(node));
		if (!is_node(&node, old))
			continue;
		patched = node;
		patched.slot = put_le32(place->slot);
		patched.first_lba = put_le64(place->first_lba);
		patched.sectors = put_le64(place->sectors);
		patched.id = place->id;
		changed |= memcmp(&node, &patched, sizeof(node)) != 0;
		memcpy(bytes + at, &patched, sizeof(node));
		at += sizeof(node) - 1;
	}
	return changed;
}
