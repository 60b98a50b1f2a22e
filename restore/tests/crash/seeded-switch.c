/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chooses the seeded bug for an ordinary unit test, by SEEDED_BUG in the environment. */
#include <stdlib.h>

unsigned seeded_bug;

__attribute__((constructor)) static void choose_bug(void)
{
	const char *number = getenv("SEEDED_BUG");

	seeded_bug = number ? (unsigned)strtoul(number, NULL, 10) : 0;
}
