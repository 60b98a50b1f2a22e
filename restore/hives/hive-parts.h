/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of this room: what hive-edit.c does through libhivex, that is, through hive.c. */
#pragma once

#include "hive-edit.h"

/* Where a value lies in the bytes of the hive. */
struct hive_value_place {
	size_t value; /* its cell */
	size_t data;  /* its bytes; 0: nowhere */
	size_t length;
	uint32_t type; /* enum hive_value_type, or another */
};

int hive_open_writable(const struct hive_file *file, const char *what, struct hive **ret,
		       struct err *err) MUST_CHECK;

/* -ENOENT. */
int hive_value_find(struct hive *hive, hive_node node, const char *name,
		    struct hive_value_place *ret) MUST_CHECK;

/* These change the library's copy of the hive. A failure may leave it half changed. */
int hive_put_value(struct hive *hive, hive_node node, const struct hive_datum *datum,
		   struct err *err) MUST_CHECK;
int hive_put_key(struct hive *hive, hive_node parent, const char *name, hive_node *ret,
		 struct err *err) MUST_CHECK;
int hive_remove_key(struct hive *hive, hive_node node, struct err *err) MUST_CHECK;
hive_node hive_parent(struct hive *hive, hive_node node); /* 0: none */

/* The hive as changed, in a new buffer. */
int hive_bytes(struct hive *hive, uint8_t **ret, size_t *ret_length,
	       struct err *err) MUST_CHECK;
