/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Items (restore/items.h) as they go from the reader process to the engine, through its slot. The
 * reading side believes nothing: it is handed a copy that cannot change any more.
 */
#pragma once

#include <restore/items.h>

/* Appends one at *at, with a path or "", and moves *at. false: no room. */
bool item_wire_put(uint8_t *memory, size_t room, size_t *at, const char *path,
		   const struct item *item);

/* Takes the one at *at out. -EPROTO with what is impossible about it. */
int item_wire_take(const uint8_t *bytes, size_t length, size_t *at, char **ret_path,
		   struct item *ret, struct err *err) MUST_CHECK;
