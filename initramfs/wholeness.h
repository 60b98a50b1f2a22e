/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is all of the initramfs there? The kernel starts PID 1 with what it could unpack: where the file
 * was cut off on its way, or memory ended, the rest is missing. Boot loaders other than ours do
 * not look.
 */
#pragma once

#include <base/err.h>

/* root: "" but in tests. -ENOMEM: the machine has too little memory, with both numbers; -EBADMSG:
 * the archive was cut off or damaged. */
int wholeness_check(const char *root, struct err *err) MUST_CHECK;

/* What to do about it, for the code that wholeness_check() returned. */
const char *wholeness_cure(int code);
