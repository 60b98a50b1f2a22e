/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See boot-url.h. */
#include "boot-url.h"

#include <string.h>

#define OPTIONS_START	4 /* behind type and transaction */
#define OPTION_HEAD	4 /* code and length, big-endian */
#define OPTION_BOOT_URL 59

static unsigned int be16(const uint8_t *bytes)
{
	return (unsigned int)bytes[0] << 8 | bytes[1];
}

bool dhcp6_boot_url(const uint8_t *packet, size_t size, char ret[URL_SIZE])
{
	for (size_t at = OPTIONS_START; at + OPTION_HEAD <= size;) {
		unsigned int code = be16(packet + at), length = be16(packet + at + 2);

		at += OPTION_HEAD;
		if (length > size - at)
			return false;
		if (code == OPTION_BOOT_URL && length > 0 && length < URL_SIZE) {
			memcpy(ret, packet + at, length);
			ret[length] = '\0';
			return true;
		}
		at += length;
	}
	return false;
}

/* -- addresses ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups of up to four digits; "::" stands for as many zeros as are missing. Returns what follows
 * the address; NULL: it is none. */
static const char *read_address(const char *text, uint8_t ret[IPV6_BYTES])
{
	uint8_t bytes[IPV6_BYTES] = { 0 };
	size_t count = 0, gap = IPV6_BYTES + 1;

	if (text[0] == ':' && text[1] != ':')
		return NULL;
	while (digit(*text) >= 0 || (text[0] == ':' && text[1] == ':')) {
		unsigned int value = 0, digits = 0;

		if (*text == ':') {
			if (gap <= IPV6_BYTES)
				return NULL;
			gap = count;
			text += 2;
			continue;
		}
		for (; digit(*text) >= 0; text++, digits++)
			value = value << 4 | (unsigned int)digit(*text);
		if (digits > 4 || count == IPV6_BYTES)
			return NULL;
		bytes[count++] = (uint8_t)(value >> 8);
		bytes[count++] = (uint8_t)value;
		if (text[0] == ':' && text[1] != ':' && digit(*++text) < 0)
			return NULL;
	}
	if (gap <= IPV6_BYTES && count < IPV6_BYTES) {
		size_t moved = count - gap;

		memmove(bytes + IPV6_BYTES - moved, bytes + gap, moved);
		memset(bytes + gap, 0, IPV6_BYTES - count);
	} else if (gap <= IPV6_BYTES || count < IPV6_BYTES) {
		return NULL;
	}
	memcpy(ret, bytes, IPV6_BYTES);
	return text;
}

int tftp_url_parse(const char *url, uint8_t ret_address[IPV6_BYTES],
		   char ret_path[URL_SIZE], struct err *err)
{
	static const char scheme[] = "tftp://[";
	const char *at = NULL;
	size_t length;

	if (!strncmp(url, scheme, sizeof(scheme) - 1))
		at = read_address(url + sizeof(scheme) - 1, ret_address);
	if (!at || at[0] != ']' || at[1] != '/' || !at[2])
		return err_set(err, -EINVAL,
			       "boot file '%s': must be tftp://[ADDRESS]/FILE", url);
	length = strlen(at + 2);
	if (length >= URL_SIZE)
		return err_set(err, -ENOSPC, "boot file '%s': too long", url);
	memcpy(ret_path, at + 2, length + 1);
	return 0;
}
