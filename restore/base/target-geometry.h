/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check that every kind of target makes on what it is given. Internal to base. */
#pragma once

#include <base/block-target.h>

/* -EINVAL where sector_size is no power of two from 512 to 4096 or size no multiple of
 * it. */
int target_check_geometry(const char *name, uint64_t size, uint32_t sector_size,
			  struct err *err) MUST_CHECK;
