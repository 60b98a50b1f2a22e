/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts what is installed on a disk of this machine, not on the boot medium. */
#pragma once

#include "medium.h"

/*
 * Looks for Windows' boot manager, then for the fallback loader, first on built-in, then
 * on removable disks, and starts the first that is found. Comes back with an error, or
 * with EFI_SUCCESS if the started program ended by itself.
 */
EFI_STATUS local_disk_start(EFI_HANDLE self, const struct medium *medium,
			    struct err *err) MUST_CHECK;
