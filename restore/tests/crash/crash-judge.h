/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The judge of the crash harness: knows sectors and magic numbers, nothing of the engine but how
 * a journal is read. All functions that answer bool say in crash_violation what is wrong.
 */
#pragma once

#include "crash-scene.h"

extern char crash_violation[1400];

/* Notes what is wrong. Answers false. */
bool crash_violated(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Behind what is wrong: where. */
void crash_add_context(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool crash_is_zero(const uint8_t *bytes, size_t length);

/* Whatever is recognised in image is the untouched disk of before or the whole new one; boot
 * sectors come after all data, tables after all boot sectors. */
bool crash_judge(const struct crash_scene *scene, const uint8_t *image,
		 const uint8_t *before);

/* false: there is none. */
bool crash_read_journal(const struct crash_scene *scene, const uint8_t *image,
			enum journal_state *ret);

/* Is scene->disk the restored one? */
bool crash_is_equal(const struct crash_scene *scene, const char *when);
/* Is scene->disk the restored one, and does its journal say so? */
bool crash_is_whole(const struct crash_scene *scene, const char *when);
