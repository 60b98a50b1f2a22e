/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shadow copies (VSS snapshots) that an NTFS volume holds, each as a volume of its own,
 * read-only, through libvshadow. Includes nothing of the library.
 */
#pragma once

#include <base/block-source.h>

struct shadow_copies;

/* volume is borrowed and must outlive *ret, which has a count of 0 where there are none.
 * -EBADMSG: there are some, and their catalogue is damaged. */
int shadow_copies_open(struct block_source *volume, struct shadow_copies **ret,
		       struct err *err) MUST_CHECK;
void shadow_copies_close(struct shadow_copies *copies); /* NULL is fine */
DEFINE_FREEP(struct shadow_copies, shadow_copies, shadow_copies_close)

unsigned shadow_copies_count(const struct shadow_copies *copies);

/* When copy number index, from 0 on, was made: seconds since 1970, UTC. -ENOTSUP: its data
 * are not on the volume. */
int shadow_copies_time(struct shadow_copies *copies, unsigned index, int64_t *ret,
		       struct err *err) MUST_CHECK;

/* The volume as it was then; name is for messages. copies must outlive *ret. */
int shadow_copies_source(struct shadow_copies *copies, unsigned index, const char *name,
			 struct block_source **ret, struct err *err) MUST_CHECK;
