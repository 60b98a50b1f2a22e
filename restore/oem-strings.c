/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See oem-strings.h. */
#include <restore/oem-strings.h>

#include <stdint.h>
#include <string.h>

#define TYPE_OEM_STRINGS 11
#define TYPE_END	 127
#define HEAD_LENGTH	 4 /* type, length of the fixed part, handle */

char *oem_string_find(const void *table, size_t size, const char *prefix, size_t index)
{
	const uint8_t *bytes = table;
	size_t at = 0, wanted = strlen(prefix);

	while (size - at >= HEAD_LENGTH && bytes[at + 1] >= HEAD_LENGTH &&
	       bytes[at + 1] <= size - at) {
		uint8_t type = bytes[at];

		at += bytes[at + 1];
		/* strings, each with a NUL; an empty one ends them, and one NUL more where
		 * there are none */
		for (size_t number = 0; at < size; number++) {
			size_t length = strnlen((const char *)bytes + at, size - at);
			const char *string = (const char *)bytes + at;

			if (length == size - at)
				return NULL;
			at += length + 1;
			if (length == 0) {
				at += number == 0;
				break;
			}
			if (type != TYPE_OEM_STRINGS || length < wanted ||
			    memcmp(string, prefix, wanted) != 0)
				continue;
			if (index-- == 0)
				return strdup(string + wanted);
		}
		if (type == TYPE_END || at > size)
			return NULL;
	}
	return NULL;
}
