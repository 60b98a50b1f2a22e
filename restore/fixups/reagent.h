/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ReAgent.xml, where Windows keeps where its recovery environment lies:
 *
 *	<WindowsRE version="2.0">
 *	  <WinreBCD id="{object of the boot store}"/>
 *	  <WinreLocation path="\Recovery\WindowsRE" id="0" offset="1048576" guid="{disk}"/>
 *	  <ImageLocation path="" id="0" offset="0" guid="{00000000-…}"/>
 *	  <InstallState state="1"/> …
 *
 * offset is the partition's start in bytes; guid the disk's on GPT disks, id the disk's
 * signature, decimal, on MBR disks. Facts: files of Windows 8 to 11 in public repositories. Any
 * element with these four attributes is a location; empty ones have zeros. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/bcd-element.h"

struct reagent_location {
	struct bcd_device disk; /* of GPT only disk_id, of MBR only mbr_signature */
	uint64_t offset;	/* bytes */
};

/* Called for each location that is not empty. element: "WinreLocation", …; enabled: the recovery
 * environment is on, and this is where it lies. Returns 1 where *location was changed, 0 where
 * it stays, or an error, which ends the walk. */
typedef int reagent_visit(const char *element, bool enabled,
			  struct reagent_location *location, void *context, struct err *err);

struct reagent_job {
	const char *what; /* names the file */
	reagent_visit *visit;
	void *context;
};

/* Reads a file as it lies on the volume, in any encoding that Windows writes, and gives it back
 * in the same one with what visit changed; everything else stays byte for byte. *ret is NULL
 * where nothing was changed; else the caller frees it. -EBADMSG: not such a file; -ENOTSUP: not
 * written as Windows writes it. */
int reagent_edit(const uint8_t *bytes, size_t length, const struct reagent_job *job,
		 uint8_t **ret, size_t *ret_length, struct err *err) MUST_CHECK;
