/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services and drivers of a SYSTEM hive, and what the machine was. */
#pragma once

#include <stdbool.h>

#include "hives/hive-log.h"

#define SERVICE_BOOT	 0 /* Start: the loader brings it */
#define SERVICE_DISABLED 4

#define SERVICE_KERNEL_DRIVER 1 /* Type */
#define SERVICE_FS_DRIVER     2

#define SERVICE_CRITICAL 3 /* ErrorControl: Windows does not start without it */

struct service {
	char *name;
	uint32_t start, type, error_control;
	char *image; /* ImagePath; NULL: System32\drivers\NAME.sys */
};

struct service_list {
	size_t count;
	struct service *services;
	char *product;	/* "WinNT", "ServerNT", "LanmanNT"; NULL: not said */
	bool bitlocker; /* the system volume was protected when Windows last started */
};

/* Of the current control set. -EBADMSG: it has none. */
int service_list_read(const struct hive_image *system, struct service_list *ret,
		      struct err *err) MUST_CHECK;
void service_list_clear(struct service_list *list);

/* Where a driver's file lies on the Windows volume, "Windows/System32/…". NULL: elsewhere, or
 * no memory. */
char *service_path(const struct service *service);
