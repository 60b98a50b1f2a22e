/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which drivers of a restored Windows will serve a storage controller, and do they start at
 * boot? Windows itself answers: since 8 its SYSTEM hive has DriverDatabase, which leads from
 * the id of a device over an INF to a service; before that CriticalDeviceDatabase did. And
 * Enum has the devices that it has met.
 */
#pragma once

#include "controller.h"
#include "hives/hive.h"

#define BOOT_SERVICES	  4
#define BOOT_SERVICE_NAME 64

struct boot_service {
	char name[BOOT_SERVICE_NAME]; /* "storahci" */
	uint32_t start;		      /* 0: by the boot loader; 3: on demand; 4: never */
	bool overridden; /* a value of its key StartOverride is not 0: not started */
	char file[128];	 /* in the volume: "Windows/System32/drivers/storahci.sys" */
};

/* The controller's service, and those that it needs. count 0: nothing in the hive serves it. */
struct boot_services {
	size_t count;
	struct boot_service services[BOOT_SERVICES];
};

int boot_services_find(struct hive *hive, const struct controller *controller,
		       struct boot_services *ret, struct err *err) MUST_CHECK;

/* "ControlSet001", the one that Windows starts with. */
#define CONTROL_SET_SIZE 16
void control_set_name(struct hive *hive, char name[CONTROL_SET_SIZE]);

bool boot_service_starts(const struct boot_service *service);
