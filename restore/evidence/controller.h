/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A storage controller as Windows will meet it: the ids by which it looks for a driver. Pure.
 */
#pragma once

#include <stddef.h>

#include <base/err.h>

#define CONTROLLER_IDS	   16
#define CONTROLLER_ID_SIZE 72

struct controller {
	char name[64]; /* for people: "virtio-scsi", "PCI 8086:2922, class 010601" */
	size_t id_count;
	/* "PCI/VEN_8086&DEV_2922", best first, with '/' between bus and id. */
	char ids[CONTROLLER_IDS][CONTROLLER_ID_SIZE];
	const char *
		driver; /* the service that usually serves it, "vioscsi"; NULL: not known */
};

/* By what the kernel calls it (a modalias, "pci:v00008086d00002922…", "vmbus:…"), or by one
 * of the names in controller_names(). -EINVAL with what is possible. */
int controller_from_text(const char *text, struct controller *ret,
			 struct err *err) MUST_CHECK;

/* "ahci, nvme, …". The caller frees; NULL: no memory. */
char *controller_names(void);
