/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Error texts: see base/err.h. Never allocates, so that it works when memory is gone. */
#include <stdio.h>
#include <string.h>

#include <base/err.h>

/* Formats beside err, since an argument may be the text that is about to be replaced. */
static void text_replace(struct err *err, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void text_replace(struct err *err, const char *format, va_list arguments)
{
	char text[sizeof(err->text)];

	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	memcpy(err->text, text, sizeof(text));
}

/* Appends as much as fits. */
static void text_append(struct err *err, const char *more)
{
	size_t used = strlen(err->text);

	snprintf(err->text + used, sizeof(err->text) - used, "%s", more);
}

int err_set_text(struct err *err, int code, const char *format, ...)
{
	va_list arguments;

	if (!err)
		return code;
	va_start(arguments, format);
	text_replace(err, format, arguments);
	va_end(arguments);
	err->code = err_negative(code);
	return code;
}

int err_errno_text(struct err *err, int errno_value, const char *format, ...)
{
	char buffer[128];
	va_list arguments;

	if (!err)
		return -errno_value;
	va_start(arguments, format);
	text_replace(err, format, arguments);
	va_end(arguments);
	text_append(err, ": ");
	text_append(err, strerror_r(errno_value, buffer, sizeof(buffer)));
	err->code = -errno_value;
	return -errno_value;
}

int err_add_text(struct err *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	va_list arguments;

	if (!err)
		return -EIO;
	memcpy(old, err->text, sizeof(old));
	va_start(arguments, format);
	text_replace(err, format, arguments);
	va_end(arguments);
	text_append(err, ": ");
	text_append(err, old);
	return err->code;
}
