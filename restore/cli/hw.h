/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The devices of this machine and their drivers. Reads sysfs, the index of kernel modules and
 * the kernel's log; loads drivers that somebody brought along. Only hw-modules.c knows libkmod.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>
#include <base/text.h>

/* Where firmware that was brought along lies while the environment runs. */
#define HW_FIRMWARE_FOLDER "/run/openbmr/firmware"

struct hw_device {
	char *bus;	  /* pci, usb, virtio, vmbus, xen */
	char *name;	  /* of its folder in sysfs: "0000:00:03.0" */
	char *alias;	  /* "pci:v00008086d…", by which modules are found */
	const char *kind; /* "network", "storage", …; "other" */
	bool needed;	  /* a restore may need it: storage, network, USB, keyboards */
	char *driver;	  /* NULL: none */
	char *firmware; /* that its driver asked for in vain, as the kernel's log says; NULL */
};

struct hw_list {
	struct hw_device *devices;
	size_t count;
};

/* root: "" or the folder that stands for "/". kernel_log: as hw_kernel_log() gives it. */
int hw_list_read(const char *root, const char *kernel_log, struct hw_list *ret,
		 struct err *err) MUST_CHECK;
void hw_list_clear(struct hw_list *list);

/* All messages of the kernel so far, one per line; "" where they cannot be read. NULL: no
 * memory. */
char *hw_kernel_log(void);

/* The firmware that a line of the kernel's log misses, and the device ("0000:03:00.0") that
 * asked for it. Pure. False: it is about something else. Both are freed by the caller. */
bool hw_firmware_missing(const char *line, char **ret_device, char **ret_firmware);

/* Why a device has no driver, in words: "no driver: needs firmware x (module y)". NULL: no
 * memory. */
struct hw_modules;
char *hw_why_no_driver(struct hw_modules *modules, const struct hw_device *device);

/* The index of modules of the running kernel. -ENOENT: there is none. */
int hw_modules_open(struct hw_modules **ret, struct err *err) MUST_CHECK;
void hw_modules_close(struct hw_modules *modules);
DEFINE_FREEP(struct hw_modules, hw_modules, hw_modules_close)

/* Loads a .ko with what it depends on. -ENOENT: needs what another file may bring;
 * -EKEYREJECTED: not signed by a key that the kernel trusts; -ENOEXEC: for another kernel.
 * Loaded already is no error. */
int hw_module_load(struct hw_modules *modules, const char *path,
		   struct err *err) MUST_CHECK;

/* Loads all drivers in a folder: .ko files, and those of .deb packages, with their firmware
 * and that of the folder's subfolder "firmware". Says one line about each. *ret_failed counts
 * those that could not be loaded. A folder that is not there holds none. */
int hw_drivers_load(const char *folder, size_t *ret_failed, struct err *err) MUST_CHECK;

/* The same with the folders "openbmr/drivers" and "openbmr/firmware" of the boot medium. */
int hw_drivers_load_from_medium(size_t *ret_failed, struct err *err) MUST_CHECK;
