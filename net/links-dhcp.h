/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dhcpcd, which stays in the background and renews. */
#pragma once

#include <net/links.h>

#define MAX_LINKS 64 /* more cards than any machine has */

/* On one interface; NULL: on all wired ones. Nothing is done where it runs already. */
int dhcp_start(const char *interface, struct err *err) MUST_CHECK;

/* Ends it, if it runs; addresses stay. */
int dhcp_stop(struct err *err) MUST_CHECK;
