/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Terminals: taking one over, keys and lines from it. Names are those below /dev. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

/* Is there hardware behind it? The driver of serial lines makes nodes without. */
bool console_exists(const char *name);

/* Makes it the controlling terminal of this process and its standard input, output and
 * error, with sane settings and the variable TERM. */
int console_take(const char *name, struct err *err) MUST_CHECK;

/* Opens it beside whoever else has it, for output that may be lost and for single keys.
 */
int console_open(const char *name, int *ret_fd, struct err *err) MUST_CHECK;

/* One key at a time, without echo; or whole lines, edited by the terminal. */
void console_mode_keys(int fd);
void console_mode_lines(int fd);
/* Lines without echo, for passwords. */
void console_mode_hidden(int fd);

/* Bytes as they come, in both directions. */
void console_mode_raw(int fd);

/* A key from standard input, which is in mode "keys"; -1 where the terminal is gone. */
int console_read_key(void);

/* Asks for a line in mode "lines" (or "hidden"), without its line end. -ECANCELED: the
 * terminal is gone, or end of file was typed; -E2BIG: longer than size - 1 bytes. */
int console_ask(const char *question, bool hidden, char *answer, size_t size) MUST_CHECK;
