/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * status = http[s]://…: whoever asks for it is told every few seconds how far a restore is. The JSON
 * goes out of a process of its own, without rights, since it reads what a server answers; that
 * nobody listens there changes nothing of a restore.
 */
#pragma once

#include <restore/answer-machine.h>

#include "command.h"

struct status_sender;

struct status_place {
	const char *url;
	const char *ca; /* PEM of who may vouch for https servers; NULL: none */
};

/* Starts the process. *ret_fd: where progress goes from now on, in place of forward_fd (0: none),
 * to which it is passed on. */
int status_start(const struct status_place *place, const struct answer_machine *machine,
		 int forward_fd, struct status_sender **ret, int *ret_fd,
		 struct err *err) MUST_CHECK;

/* Says how it ended, and waits until that is told, 10 s at most. NULL is fine. */
void status_end(struct status_sender *sender, enum exit_status status);
