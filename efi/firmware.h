/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all parts of the boot application that talk to the firmware share: the EFI
 * headers, errors that end in the firmware's status, cleanup, variables, reset.
 *
 * GNU-EFI 3.0.15: firmware functions are called directly (GNU_EFI_USE_MS_ABI); functions
 * of ours that the firmware calls are EFIAPI; efi_main is not, the start-up code calls it
 * with the System V convention.
 */
#pragma once

#include <efi.h>
#include <efilib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#include "text.h"

/* Sets the text and appends ": " and the name of status; returns status. */
EFI_STATUS err_status(struct err *err, EFI_STATUS status, const char *format, ...)
	PRINTF(3, 4);

/* The same for a fact that is ours to tell, without a name of the firmware's. */
EFI_STATUS err_fact(struct err *err, EFI_STATUS status, const char *format, ...)
	PRINTF(3, 4);

static inline void pool_freep(void *p)
{
	if (*(void **)p)
		BS->FreePool(*(void **)p);
}

static inline void file_closep(EFI_FILE_HANDLE *file)
{
	if (*file)
		(*file)->Close(*file);
}

#define AUTO_POOL __attribute__((cleanup(pool_freep)))
#define AUTO_FILE __attribute__((cleanup(file_closep)))

/* Memory of the pool; NULL where there is none. Freed with BS->FreePool. */
void *pool_allocate(size_t size);

/* "enabled", "disabled", "setup" (no keys enrolled) or "unsupported". */
const char *secure_boot_state(void);

/* Can the firmware be told to show its settings at the next start? */
bool firmware_settings_offered(void);

/* Asks for the settings and resets. Comes back only with an error. */
EFI_STATUS firmware_settings_enter(struct err *err) MUST_CHECK;

/* Comes back only where the firmware cannot. */
EFI_STATUS power_off(struct err *err) MUST_CHECK;

/* Appends a device path in the text form of UEFI. */
void device_path_text(const void *path, struct text *text);

/* Starts a loaded image and unloads it if it comes back, with what it returned. */
EFI_STATUS image_run(EFI_HANDLE image);
