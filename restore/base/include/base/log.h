/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of the programs. Libraries report through errors and callbacks and log at debug
 * level only; programs choose the sink. Secrets never get here.
 */
#pragma once

#include <base/err.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

const char *log_level_text(enum log_level level); /* "error", "warning", "info", "debug" */

/* Called for each line that passes the level; text has no newline. */
typedef void log_sink(enum log_level level, const char *text, void *context);

/* Default: lines up to warning on standard error, prefixed with the program's name and the
 * level. */
void log_set_sink(log_sink *sink, void *context);
void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *format, ...) PRINTF(2, 3);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
