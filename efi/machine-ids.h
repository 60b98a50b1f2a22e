/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tells one machine from another: UUID and serial number of the SMBIOS tables and the
 * address of the network card it was started from; and the names of answer files made of
 * them. Pure: runs on the host as well. SMBIOS reference specification (DSP0134) 3.6,
 * sections 6.1 and 7.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_BYTES	 6
#define SERIAL_SIZE	 65 /* more than that no machine's serial number has */
#define ANSWER_NAME_SIZE (SERIAL_SIZE + 16)
#define SMBIOS_MAX_SIZE	 ((size_t)1024 * 1024) /* real tables have some KiB */

struct machine_ids {
	bool has_uuid;
	uint8_t uuid[16]; /* mixed-endian, as GPT holds GUIDs */
	char serial
		[SERIAL_SIZE]; /* letters, digits, '.', '_', '-'; others are '_'; "": none */
	bool has_mac;
	uint8_t mac[MAC_BYTES];
};

/* Fills uuid and serial from the structure table; what is damaged or absent stays unset. */
void machine_ids_from_smbios(const void *table, size_t size, struct machine_ids *ids);

/*
 * Answer files of a folder, the first that is there counts:
 *	0  by-uuid/4c4c4544-0042-….ini
 *	1  by-serial/S6Z2NJ0T.ini
 *	2  by-mac/52-54-00-12-34-56.ini
 *	3  openbmr.ini
 */
#define ANSWER_PLACES 4

/* Writes the name of a place without its ".ini"; false: the machine has no such id. */
bool answer_place_name(const struct machine_ids *ids, unsigned int place,
		       char ret[ANSWER_NAME_SIZE]);
