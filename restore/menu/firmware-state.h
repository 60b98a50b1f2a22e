/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this machine's firmware says of Secure Boot and of shim, for the first screen: behind GRUB no
 * boot application has told it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/text.h>

#define FIRMWARE_FOLDER "/sys/firmware/efi"

/* Adds a line in the language of the menu. folder: FIRMWARE_FOLDER. */
void firmware_state_add(const char *folder, struct text *text);

#define SBAT_LEVEL_SIZE 24

/* The date in "sbat,1,2024010900\nshim,4\n", which is the level (shim's SBAT.md). False: there is
 * none, or none that fits. Pure. */
bool sbat_level_parse(const char *bytes, size_t length, char ret[SBAT_LEVEL_SIZE]);
