/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said about a command that ended. Pure. */
#pragma once

#include <stddef.h>

#define STATUS_TEXT_SIZE 96

/* "done", "failed", "refused by the plan", "ended by signal 9 (Killed)", … for a status
 * as waitpid(2) gives it; bmr's exit statuses are in restore/cli/command.h. Returns text.
 */
const char *status_text(int status, char text[STATUS_TEXT_SIZE]);

/* The start of the last lines of text, at most count; a last line may lack its end. */
const char *last_lines(const char *text, size_t length, size_t count);

/* What bmr auto wants done after it succeeded: the word in ACTION_PATH. */
#define ACTION_PATH "/run/openbmr/action"

enum after_action { AFTER_HOLD, AFTER_REBOOT, AFTER_POWER_OFF, AFTER_SHELL };

/* Anything that is no action means hold: the machine stays as it is. */
enum after_action action_parse(const char *word);
