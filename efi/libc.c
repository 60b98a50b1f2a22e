/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The few functions of <string.h> that the compiler and the pure files need and that
 * GNU-EFI's library (memcpy, memset) does not have. Not for the host.
 */
#include <string.h>

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a, *right = b;

	for (size_t i = 0; i < size; i++)
		if (left[i] != right[i])
			return left[i] - right[i];
	return 0;
}

void *memmove(void *to, const void *from, size_t size)
{
	const unsigned char *source = from;
	unsigned char *target = to;

	if (target < source)
		for (size_t i = 0; i < size; i++)
			target[i] = source[i];
	else
		while (size--)
			target[size] = source[size];
	return to;
}

size_t strlen(const char *string)
{
	size_t length = 0;

	while (string[length])
		length++;
	return length;
}

int strncmp(const char *a, const char *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (a[i] != b[i] || !a[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	return 0;
}
