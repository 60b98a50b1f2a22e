/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole zstd frames, packed and unpacked, several at a time: owns libzstd. Unpacking one
 * frame at once needs no window, so that memory does not depend on what the frame claims.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

/* More bring nothing: reads are a few frames long. */
#define UNPACK_THREADS 4

struct unpack_task {
	const uint8_t *from;
	size_t stored; /* bytes */
	uint8_t *to;
	size_t length; /* bytes of content, exactly */
	bool has_checksum;
	uint32_t checksum; /* low half of XXH64 of the content */
	const char *fault; /* after unpacking: what is wrong, NULL: nothing */
};

struct unpacker;

int unpacker_new(struct unpacker **ret, struct err *err) MUST_CHECK;
void unpacker_free(struct unpacker *unpacker); /* NULL is fine */

/* Does all tasks, with threads of its own where that gains something; each says how it went. */
void unpacker_run(struct unpacker *unpacker, struct unpack_task *tasks, size_t count);

struct packer;

int packer_new(int level, struct packer **ret, struct err *err) MUST_CHECK;
void packer_free(struct packer *packer); /* NULL is fine */
size_t packer_bound(size_t length);	 /* bytes that a frame takes at most */

/* One frame. */
int packer_run(struct packer *packer, const void *bytes, size_t length, uint8_t *to,
	       size_t room, size_t *ret_stored, struct err *err) MUST_CHECK;

/* As seek tables have it. */
uint32_t frame_checksum(const void *bytes, size_t length);
