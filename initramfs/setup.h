/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first steps of PID 1: file systems, links in /dev, host name, loopback. */
#pragma once

#include <base/err.h>

/* Everything that cannot be done is told to complain, one line each; only what the rest
 * cannot do without makes it fail: /proc, /dev and /run. What is mounted already is left
 * alone. */
int setup_system(void (*complain)(const char *line), struct err *err) MUST_CHECK;

/* The firmware's variables: its driver is a module, so this comes after the index of
 * modules is there. -ENODEV: not started by UEFI. */
int setup_firmware_variables(struct err *err) MUST_CHECK;

/* Writes all that is unwritten and unmounts what a person mounted. */
void setup_undo(void);
