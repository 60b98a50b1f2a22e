/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A time limit for calls into libsmbclient, which waits for a frozen server once for each of
 * the requests that a call makes, clean-up included: up to four times 20 s were measured. When
 * the time is over, all TCP connections of this process are shut down, and the call fails
 * at once. Uses SIGALRM and the process's timer, so it is for a process of its own.
 */
#pragma once

#include <stdbool.h>

void watchdog_start(unsigned timeout_ms);

/* Did it bite? Keeps errno. */
bool watchdog_stop(void);
