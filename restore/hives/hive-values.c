/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of a hive by their type: see hive-values.h. */
#include "hive-values.h"

#include <string.h>

#include <base/bytes.h>
#include <base/utf.h>

uint32_t hive_number(struct hive *hive, hive_node node, const char *name,
		     uint32_t otherwise)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	le32 value;

	if (!node || hive_value(hive, node, name, &bytes, &length, NULL) < 0 ||
	    length != sizeof(value))
		return otherwise;
	memcpy(&value, bytes, sizeof(value));
	return get_le32(value);
}

char *hive_text(struct hive *hive, hive_node node, const char *name)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0, end = 0;
	char *text = NULL;

	if (!node || hive_value(hive, node, name, &bytes, &length, NULL) < 0)
		return NULL;
	while (end + 2 <= length && (bytes[end] || bytes[end + 1]))
		end += 2;
	return utf16le_to_utf8(bytes, end, &text, NULL) == 0 ? text : NULL;
}
