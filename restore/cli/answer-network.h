/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network as an answer file says it. */
#pragma once

#include <restore/answer.h>

/* In a process of its own, `bmr net up`, whose output is shown. That there is no network is told, and
 * no error: whoever needs it says what is missing. source: where the backup is; this machine's clock is
 * set by that of a share's server. NULL: not known. */
void answer_network_up(const struct answer_network *network, const char *source);
