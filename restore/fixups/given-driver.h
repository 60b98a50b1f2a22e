/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drivers that the user gives for other hardware (restore/boot-driver.h): an INF with its file,
 * and what the SYSTEM hive needs so that Windows starts the driver at boot and finds its device.
 */
#pragma once

#include <restore/boot-driver.h>

#include "hives/hive-edit.h"
#include "inf.h"

struct given_driver {
	struct inf_driver inf;
	const struct driver_file *file; /* borrowed from the folder */
};

/* Is it an INF? The others are looked for by it. */
bool driver_file_is_inf(const struct driver_file *file);

/* Understands one INF of the folder. machine: of the Windows, 0 where its hive does not say.
 * -ENOTSUP, -EBADMSG, -ENOENT: with the reason why it cannot be used. */
int given_driver_read(const struct driver_folder *folder, const struct driver_file *inf,
		      unsigned machine, struct given_driver *ret,
		      struct err *err) MUST_CHECK;

/* PROCESSOR_ARCHITECTURE of the hive as a number of enum inf_machine; 0: not said. */
unsigned windows_machine(struct hive *hive);

/* "Windows/System32/drivers/vioscsi.sys". The caller frees; NULL: no memory. */
char *given_driver_path(const struct given_driver *driver);

/* The service and, for each device, the way from its id to the service. Doing it twice changes
 * nothing. */
int given_driver_register(struct hive_editor *editor, const struct given_driver *driver,
			  struct err *err) MUST_CHECK;
