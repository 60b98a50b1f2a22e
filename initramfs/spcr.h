/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The serial line that the firmware uses as its console: ACPI's table SPCR names it by its
 * address (Serial Port Console Redirection Table, version 1.10), sysfs says which line has it.
 * Read by children of PID 1 only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmdline.h"

struct spcr {
	bool in_memory; /* else in the space of ports */
	uint64_t address;
};

/* Pure. False: no such table, damaged, or it names none. */
bool spcr_parse(const void *bytes, size_t length, struct spcr *ret);

/* The name of the line, "ttyS1"; false: there is none. root: "" or the folder that stands
 * for "/". */
bool spcr_console(const char *root, char name[CONSOLE_NAME_SIZE]);
