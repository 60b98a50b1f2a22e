/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boot medium: the device and the file this program was loaded from, and the files
 * that lie on its volume. Opened once, read-only, for the whole run.
 */
#pragma once

#include "device-path.h"
#include "firmware.h"
#include "net-place.h"
#include "payload.h"

#define FILE_NAME_UNITS 512 /* of a path on the medium; FAT's own limit is 260 */

struct medium {
	EFI_LOADED_IMAGE *image;	/* this program */
	EFI_FILE_HANDLE root;		/* of the volume; NULL: loaded from a network */
	CHAR16 file[FILE_NAME_UNITS];	/* this program's file; empty where unknown */
	CHAR16 folder[FILE_NAME_UNITS]; /* of that file, ends in '\\' */
	const void *device_path;	/* the firmware's; NULL where there is none */
	size_t device_path_size;
	struct boot_partition partition;
	struct net_place network; /* the server it was loaded from */
};

/* A file of the medium; data belongs to whoever asked, freed with BS->FreePool. */
struct medium_file {
	struct bytes content; /* data is never NULL, even for an empty file */
	CHAR16 name[FILE_NAME_UNITS];
};

/* Where was image (the handle of this program) loaded from? A network is no error. */
EFI_STATUS medium_open(EFI_HANDLE image, struct medium *ret, struct err *err) MUST_CHECK;

/* Reads a whole file from the root of the volume, or else from the folder of this
 * program. EFI_NOT_FOUND, with a text: it is in neither; EFI_BAD_BUFFER_SIZE: above
 * limit. */
EFI_STATUS medium_read_either(const struct medium *medium, const char *name, size_t limit,
			      struct medium_file *ret, struct err *err) MUST_CHECK;

/* Reads kernel, initramfs and command line from the folder of this program. The result
 * belongs to the caller: payload_free(). */
EFI_STATUS medium_read_payload(const struct medium *medium, struct payload *ret,
			       struct err *err) MUST_CHECK;
void payload_free(struct payload *payload);
