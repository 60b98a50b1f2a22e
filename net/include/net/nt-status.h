/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server answers ([MS-ERREF] 2.3.1), in words, and what usually helps. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nt_status {
	uint32_t code;
	const char *name;  /* "NT_STATUS_LOGON_FAILURE" */
	const char *words; /* "name or password is wrong" */
	const char *cure;
};

/* NULL: not one that servers of shares are known to answer. */
const struct nt_status *nt_status_find(uint32_t code);

/* The same by its name, of length bytes. */
const struct nt_status *nt_status_named(const char *name, size_t length);

/* Did the request fail, as opposed to: it goes on, or this was the last one? */
bool nt_status_is_error(uint32_t code);

#define NT_STATUS_TEXT_SIZE 48
/* "NT_STATUS_LOGON_FAILURE", or "NT status 0xc0000999". Returns text. */
const char *nt_status_name(uint32_t code, char text[NT_STATUS_TEXT_SIZE]);
