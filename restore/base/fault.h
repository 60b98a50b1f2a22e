/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a flaky source or target fails. Internal to base; safe for several threads. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct fault {
	atomic_uint count; /* operations so far */
	unsigned failing;  /* 1: the first; 0: none */
	int code;	   /* negative errno of the failure */
	bool persistent;   /* all that follow fail too */
};

/* Counts an operation; returns its number if it fails, else 0. */
static inline unsigned fault_hit(struct fault *fault)
{
	unsigned number = atomic_fetch_add(&fault->count, 1) + 1;
	bool hit = number == fault->failing ||
		   (fault->persistent && number > fault->failing);

	return fault->failing && hit ? number : 0;
}
