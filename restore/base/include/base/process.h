/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bounds of a process, and how one ended. */
#pragma once

#include <base/err.h>

/* Processor time of this process, and of each one that it starts by itself. At the limit it is
 * ended by SIGXCPU. A lower limit that is there already stays. */
int process_limit_processor(unsigned seconds, struct err *err) MUST_CHECK;

#define PROCESS_END_SIZE 160

/* By a status of wait(2): "ended with exit status 1", "was killed by signal 11 (Segmentation
 * fault)", "was ended: it used 300 s of processor time, its limit". seconds: that limit. */
void process_describe_end(int status, unsigned seconds, char text[PROCESS_END_SIZE]);
