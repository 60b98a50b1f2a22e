/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Registry hives, to read; hive-edit.h changes them. hive.c is the only file that knows
 * libhivex. The library opens files only, so the bytes go into a memory file, which it
 * reaches through /proc/self/fd.
 *
 * A room of its own, because evidence reads hives and fix-ups change them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <base/err.h>

#include "hive-base.h"

struct hive;

typedef size_t hive_node; /* 0: none */

/* what names the hive in messages. -EBADMSG: not a hive, or damaged. */
int hive_open(const void *bytes, size_t length, const char *what, struct hive **ret,
	      struct err *err) MUST_CHECK;
void hive_close(struct hive *hive); /* NULL is fine */
DEFINE_FREEP(struct hive, hive, hive_close)

/* Was it written to the end? If not, its log files hold changes that are missing here. */
bool hive_is_dirty(const struct hive *hive);

/* The key at a path from the root, "Objects/{…}/Elements"; parent 0: from the root. 0 if
 * there is none (or it cannot be read). */
hive_node hive_find(struct hive *hive, hive_node parent, const char *path);

/* Calls visit for each sub-key; name is valid during the call. Non-zero ends it with that
 * value. -E2BIG: more than HIVE_MAX_CHILDREN. */
#define HIVE_MAX_CHILDREN                                                                \
	65536 /* a store has some dozens, MountedDevices some hundreds */
typedef int hive_visit(hive_node node, const char *name, void *context, struct err *err);
int hive_children(struct hive *hive, hive_node node, hive_visit *visit, void *context,
		  struct err *err) MUST_CHECK;

/* Calls visit for each value of a key; name and bytes are valid during the call. A value that
 * cannot be read is passed over. Non-zero ends it with that value. -E2BIG: more than
 * HIVE_MAX_CHILDREN. */
typedef int hive_value_visit(const char *name, const uint8_t *bytes, size_t length,
			     void *context, struct err *err);
int hive_values(struct hive *hive, hive_node node, hive_value_visit *visit, void *context,
		struct err *err) MUST_CHECK;

/* A value's bytes, in a new buffer. -ENOENT if there is none or it cannot be read. */
int hive_value(struct hive *hive, hive_node node, const char *name, uint8_t **ret,
	       size_t *ret_length, struct err *err) MUST_CHECK;
