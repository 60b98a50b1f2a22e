/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations and allocations that fail, disks that lie, disks and backups that are others. */
#pragma once

#include "crash-scene.h"

/* Each operation of a fresh and of a resumed restore fails, once and for ever; each allocation;
 * data that the journal claims is lost; a sector cannot be written until the restore is taken up
 * again. Says in crash_violation what is wrong. */
bool crash_judge_errors(struct crash_scene *scene);
