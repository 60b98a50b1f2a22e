/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a hive sound? Every rule that an edit relies on, and that tells a hive of which a part
 * was never written from a whole one: base block, bins, cells, and the tree of keys, in which
 * every cell is used once. Pure. libhivex is more tolerant, so this stands before each edit
 * and behind it.
 */
#pragma once

#include "hive-base.h"

/* Keys lie in keys at most this deep: the registry's own limit. */
#define HIVE_MAX_DEPTH 512

/* -EBADMSG with the first rule that is broken; -ENOTSUP: a version that is not known. Sequence
 * numbers are not judged: see hive_base_is_dirty(). */
int hive_check(const struct hive_file *file, const char *what,
	       struct err *err) MUST_CHECK;
