/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An overlay: changes kept in memory over a source that is never written. Fix-ups work on
 * one; the engine then takes the changed ranges through the write gate.
 */
#pragma once

#include <base/block-source.h>

struct overlay; /* is a block_source: see overlay_source() */

/* parent is taken over if owns_parent. limit bounds the bytes of changes kept in memory;
 * a write beyond it fails with -ENOSPC. */
int overlay_new(struct block_source *parent, bool owns_parent, size_t limit,
		struct overlay **ret, struct err *err) MUST_CHECK;
void overlay_free(struct overlay *overlay); /* NULL is fine */
DEFINE_FREEP(struct overlay, overlay, overlay_free)

/* The merged view; owned by the overlay. */
struct block_source *overlay_source(struct overlay *overlay);

/* Any offset and length within the source. After a failure the range may be changed in part.
 * Not while another thread reads or writes the overlay. */
int overlay_write(struct overlay *overlay, const void *buffer, uint64_t offset, size_t length,
		  struct err *err) MUST_CHECK;

/* Calls visit for each changed range, ascending, in whole pages of 4096 bytes (cut at the
 * end of the source), neighbours joined up to 1 MiB. */
typedef int overlay_visit(uint64_t offset, const void *bytes, size_t length, void *context,
			  struct err *err);
int overlay_changes(struct overlay *overlay, overlay_visit *visit, void *context,
		    struct err *err) MUST_CHECK;
