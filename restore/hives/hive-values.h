/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of the types that are read most: a number, a text. */
#pragma once

#include "hive.h"

/* A number of 32 bits (REG_DWORD); `otherwise` where there is no such key (node 0) or value, or
 * it is no number. */
uint32_t hive_number(struct hive *hive, hive_node node, const char *name,
		     uint32_t otherwise);

/* A text (REG_SZ), or the first of several (REG_MULTI_SZ), up to its NUL; NULL: no such key or
 * value, or it is no text. The caller frees. */
char *hive_text(struct hive *hive, hive_node node, const char *name);
