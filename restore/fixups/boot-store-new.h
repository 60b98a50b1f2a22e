/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A new boot store, grown from \Windows\System32\config\BCD-Template as 'bcdboot' does it: the
 * template brings the objects with settings, to which the boot manager and one entry for Windows
 * are added. Windows' own names and numbers of objects and elements are public.
 */
#pragma once

#include "evidence/bcd-element.h"
#include "hives/hive-edit.h"

#define BCD_TEMPLATE_PATH "Windows/System32/config/BCD-Template"

struct boot_store_new {
	bool uefi;
	struct bcd_device system;  /* where the store and the boot manager lie */
	struct bcd_device windows;
	const char *locale; /* "en-US" */
};

/* Changes the template that editor holds into a store. -EBADMSG: it is no boot store. */
int boot_store_grow(const struct boot_store_new *wanted, struct hive_editor *editor,
		    struct err *err) MUST_CHECK;
