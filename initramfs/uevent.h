/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages that the kernel sends when a device comes or goes (NETLINK_KOBJECT_UEVENT),
 * and the set of modaliases that were dealt with. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The modalias in a message of length bytes: "add@/devices/…" and strings KEY=value, each
 * with its NUL. NULL: the message is not about a device that came, or has none. Points
 * into the message. */
const char *uevent_modalias(const char *message, size_t length);

/* Is it about a partition that came? The same form. */
bool uevent_is_new_partition(const char *message, size_t length);

struct alias_set {
	char **aliases; /* ascending */
	size_t count, capacity;
};

/* True if the alias is new to the set; false if it is known, or if there is no memory. */
bool alias_set_add(struct alias_set *set, const char *alias);
void alias_set_clear(struct alias_set *set);
