/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where lines of the log go (base/log.h). Shown: on standard error, as "bmr: warning: TEXT".
 * Stored: in the recovery environment its log has them as well, each with time and level, between
 * what the commands showed:
 *
 *	2026-08-31 21:00:00Z warning: TEXT
 */
#pragma once

#include <stdbool.h>

#include <base/log.h>

/* "error", "warning", "info", "debug" */
bool log_level_parse(const char *text, enum log_level *ret);

/* From here on. path: the log of the environment; where it cannot be written nothing is stored. */
void log_sink_open(const char *path, enum log_level shown, enum log_level stored);

/* Into the log alone: for what is shown otherwise. */
void log_sink_store(enum log_level level, const char *text);

/* Does a stored line say something of this level or a graver one? False for what commands showed. */
bool log_line_has(const char *line, enum log_level level);
