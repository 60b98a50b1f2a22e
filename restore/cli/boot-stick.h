/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file system of the medium that the recovery environment was started from, while something is
 * written to it: the journal's mirror, a log, an answer file. Outside the environment there is none,
 * nor where the start came from a network or a CD.
 */
#pragma once

#include <base/err.h>

/* Mounts it at a folder of its own. -ENODEV: there is none; -EROFS: it cannot be written.
 * *ret_folder is for boot_stick_release(). */
int boot_stick_mount(char **ret_folder, struct err *err) MUST_CHECK;

/* Unmounts, which writes all that is not written yet; NULL is fine. A stick that was pulled out
 * is let go. */
void boot_stick_release(char *folder);
