/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From manifest and sysroot to initramfs, EFI file and disk image. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

struct build {
	const char *sysroot;  /* unpacked packages */
	const char *manifest; /* the files it names and "cmdline" lie beside it */
	const char *output;   /* folder: initramfs.zst, openbmr.efi, openbmr.img */
	const char *programs; /* folder of what this project built, and openbmr.efi */
	const char *firmware; /* folder, or NULL */
	const char *answer, *credentials; /* for the stick, or NULL */
	int level;			  /* of compression */
	uint32_t mtime_s;		  /* of everything in the results */
};

/* One line about each result, for the user. */
typedef void build_report(const char *line);

int build_run(const struct build *build, build_report *report,
	      struct err *err) MUST_CHECK;

/* Only the disk image, from an EFI file that is there. */
struct stick {
	const char *efi;
	const char *answer, *credentials; /* or NULL */
	uint32_t mtime_s;
};

int stick_write(const struct stick *stick, const char *output,
		struct err *err) MUST_CHECK;
