/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of this machine and this start: for the menu's page and for judging whether
 * Linux can be started at all.
 */
#pragma once

#include "medium.h"

/* UUID and serial number, of the tables that the firmware shows. */
void machine_ids_read(struct machine_ids *ret);

/* All memory that an operating system may use, in bytes; 0: the firmware does not tell. */
uint64_t memory_bytes(void);

/* Too little memory ends in a black screen, after a minute of hope. EFI_OUT_OF_RESOURCES:
 * with both numbers. */
EFI_STATUS memory_check(struct err *err) MUST_CHECK;

/* One page of at most 20 lines of at most 78 characters, on the console. */
void facts_show(const struct medium *medium, const struct machine_ids *ids);
