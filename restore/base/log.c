/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log: see base/log.h. Sink and level are set before threads start. The default sink
 * is the one place in the libraries that prints: it is what a program uses that sets no
 * other.
 */
#include <stdio.h>

#include <base/log.h>

/* A line holds a whole error text with some context before it. */
#define LOG_LINE_SIZE 2048

static void print_to_stderr(enum log_level level, const char *text, void *context)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name,
		log_level_text(level), text);
}

const char *log_level_text(enum log_level level)
{
	static const char *const texts[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};

	return texts[level];
}

static log_sink *current_sink = print_to_stderr;
static void *current_context;
static enum log_level current_level = LOG_LEVEL_WARNING;

void log_set_sink(log_sink *sink, void *context)
{
	current_sink = sink ? sink : print_to_stderr;
	current_context = context;
}

void log_set_level(enum log_level level)
{
	current_level = level;
}

/* Names from a disk or a share must not end the line or drive the terminal. */
static void replace_control_characters(char *text)
{
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
}

void log_write(enum log_level level, const char *format, ...)
{
	char text[LOG_LINE_SIZE];
	va_list arguments;
	int length;

	if (level > current_level)
		return;
	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	replace_control_characters(text);
	current_sink(level, text, current_context);
}
