/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An answer file that was followed is not followed a second time. */
#pragma once

#include "answer-search.h"
#include "source.h"

/* Renames it to openbmr.done-TIME where it lies on a medium or share that can be written. What cannot
 * be renamed is told: the record on the disk still keeps it from being restored again. source: how
 * the share was reached. */
void answer_mark_done(struct answer_found *found, const struct source_options *source);
