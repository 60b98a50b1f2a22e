/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP by the firmware's own protocol (UEFI 2.10, 29.7), which GNU-EFI does not declare. */
#pragma once

#include "medium.h"

/* Gets url through the network card of the medium. *ret is freed with BS->FreePool.
 * EFI_NOT_FOUND: the server has no such file, or the firmware knows no HTTP. */
EFI_STATUS http_get(const struct medium *medium, const char *url, size_t limit,
		    struct bytes *ret, struct err *err) MUST_CHECK;
