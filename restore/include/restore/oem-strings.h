/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings that whoever made a machine put into its SMBIOS tables: for virtual machines that is the
 * administrator of the host ("-smbios type=11,value=…"). Pure. */
#pragma once

#include <base/err.h>
#include <stddef.h>

/* The index-th OEM string (type 11, DSP0134 section 7.12) that begins with prefix, as it stands
 * behind it; a new string. NULL: there is none. What is damaged ends the table. */
char *oem_string_find(const void *table, size_t size, const char *prefix, size_t index);
