/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The firmware's text console: ASCII and UTF-8 out, keys in. */
#pragma once

#include "firmware.h"
#include "menu.h"

#define CONSOLE_NO_KEY 0x100u /* beside enum menu_key: the time is over */

void console_clear(void);

/* Prints at the cursor; '\n' goes to the start of the next line. At most 2 KiB at once.
 */
void console_print(const char *format, ...) PRINTF(1, 2);

/* Writes one line of the screen anew. */
void console_line(unsigned int row, const struct text *line);

/* Forgets keys that were pressed before. */
void console_forget_keys(void);

/* Waits for a key, at most seconds, 0 = for ever. Gives enum menu_key or CONSOLE_NO_KEY.
 */
unsigned int console_wait(unsigned int seconds);

/* Shows the error and the next step on a screen of its own until a key is pressed. */
void console_error(const struct err *err, const char *next_step);
