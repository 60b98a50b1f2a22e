/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes to registry hives. What goes in was recovered (hive-log.h), what comes out passes
 * hive_check() and is clean; in between nothing leaves this module, so that a hive is never
 * half changed. Values that keep their size are changed where they lie; all else is done by
 * libhivex (hive.c), which lets a hive grow and uses slack behind the last bin first.
 *
 * Keys are found with hive_find() on hive_editor_hive(); they stay valid until they are
 * deleted. After a change that failed an editor can only be freed.
 */
#pragma once

#include "hive-log.h"
#include "hive.h"

struct hive_editor;

/* Types of values that are of use here. */
enum hive_value_type {
	HIVE_SZ = 1,
	HIVE_EXPAND_SZ = 2,
	HIVE_BINARY = 3,
	HIVE_DWORD = 4,
	HIVE_MULTI_SZ = 7,
};

struct hive_datum {
	const char *name; /* UTF-8; "": the default value */
	enum hive_value_type type;
	const void *bytes;
	size_t length; /* at most HIVE_SEGMENT_SIZE */
};

/* Takes what image holds and leaves it empty, on failure too. */
int hive_editor_new(struct hive_image *image, const char *what, struct hive_editor **ret,
		    struct err *err) MUST_CHECK;
void hive_editor_free(struct hive_editor *editor); /* NULL is fine */
DEFINE_FREEP(struct hive_editor, hive_editor, hive_editor_free)

/* The hive as changed so far, to read; borrowed, until the next change. */
int hive_editor_hive(struct hive_editor *editor, struct hive **ret,
		     struct err *err) MUST_CHECK;

/* Has anything changed? A value that is set to what it is changes nothing. */
bool hive_editor_has_changed(const struct hive_editor *editor);

/* -ENOTSUP: a value of the same key is longer than HIVE_SEGMENT_SIZE, which libhivex cannot
 * write. */
int hive_editor_set(struct hive_editor *editor, hive_node key,
		    const struct hive_datum *datum, struct err *err) MUST_CHECK;
/* No error where there is none. */
int hive_editor_delete_value(struct hive_editor *editor, hive_node key, const char *name,
			     struct err *err) MUST_CHECK;
/* The key of that name below parent, made if there is none, with its security descriptor. */
int hive_editor_add_key(struct hive_editor *editor, hive_node parent, const char *name,
			hive_node *ret, struct err *err) MUST_CHECK;
/* With all below it. Not the root. */
int hive_editor_delete_key(struct hive_editor *editor, hive_node key,
			   struct err *err) MUST_CHECK;

/* The whole hive: sequence numbers raised and equal, checksum right, checked. The caller frees
 * *ret. The editor is done then. */
int hive_editor_commit(struct hive_editor *editor, uint8_t **ret, size_t *ret_length,
		       struct err *err) MUST_CHECK;
