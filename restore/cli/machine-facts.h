/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who this machine is, as its answer files know it. */
#pragma once

#include <restore/answer-machine.h>

/* From sysfs below root ("" is this machine's own); what cannot be read stays empty. The card
 * that the machine was started by (BOOTIF= of the kernel's command line) comes first, then those
 * with a cable. */
void machine_facts_read(const char *root, struct answer_machine *ret);

/* One word of the kernel's command line, "openbmr.answer=": a new string with its value; NULL: it is
 * not there. */
char *kernel_argument(const char *root, const char *name);
