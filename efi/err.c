/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/err.h for the boot application: the same contract and the same texts as in Linux,
 * on text.h instead of the C library.
 */
#include <base/err.h>

#include <string.h>

#include "text.h"

int err_set_text(struct err *err, int code, const char *format, ...)
{
	struct text text;
	va_list arguments;

	if (!err)
		return code;
	text = text_start(err->text, sizeof(err->text));
	va_start(arguments, format);
	text_vadd(&text, format, arguments);
	va_end(arguments);
	return err->code = code;
}

int err_add_text(struct err *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	struct text text;
	va_list arguments;

	if (!err)
		return 0;
	memcpy(old, err->text, sizeof(old));
	text = text_start(err->text, sizeof(err->text));
	va_start(arguments, format);
	text_vadd(&text, format, arguments);
	va_end(arguments);
	text_add(&text, ": %s", old);
	return err->code;
}
