/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts Linux by its EFI stub, with the initrd offered through LoadFile2. */
#pragma once

#include "firmware.h"
#include "handover.h"

/* Starts the kernel in memory. Comes back only with an error; everything that was
 * installed is then removed again. self is the handle of this program. */
EFI_STATUS linux_start(EFI_HANDLE self, struct bytes kernel, const char *command_line,
		       const struct initrd *initrd, struct err *err) MUST_CHECK;
