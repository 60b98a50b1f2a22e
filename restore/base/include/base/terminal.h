/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to the person at this process's terminal. */
#pragma once

#include <stdbool.h>

#include <base/err.h>

#define TERMINAL_LINE_MAX 255 /* bytes of an answer */

/* Has this process a terminal that could be asked? */
bool terminal_is_there(void);

/* Asks, without echo if secret; the answer is a new string without the end of the line, which
 * whoever gets a secret wipes. -ENOTTY: there is no terminal; -ECANCELED: ^C or its end;
 * -EINVAL: too long. */
int terminal_ask(const char *question, bool secret, char **ret, struct err *err) MUST_CHECK;
