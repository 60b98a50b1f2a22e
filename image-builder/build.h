/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From manifest and sysroot to initramfs, EFI file and all boot media. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

#include "extras.h"

struct build {
	const char *sysroot; /* unpacked packages */
	const char *
		manifest; /* the files it names and "cmdline" and "boot/" lie beside it */
	const char *output;   /* folder, for what the help of bmr-image names */
	const char *programs; /* folder of what this project built, and openbmr.efi */
	const char *firmware; /* folder, or NULL */
	struct extras extras; /* into the initramfs */
	const char *answer, *credentials; /* for stick and ISO image, or NULL */
	const char *key, *certificate;	  /* PEM, to sign with; both or NULL */
	int level;			  /* of compression */
	uint32_t mtime_s;		  /* of everything in the results */
};

/* One line about each result, for the user. */
typedef void build_report(const char *line);

int build_run(const struct build *build, build_report *report,
	      struct err *err) MUST_CHECK;

/* A copy of openbmr.img with an answer file and credentials put on it. */
struct stick {
	const char *image;		  /* openbmr.img as build_run() made it */
	const char *answer, *credentials; /* or NULL */
	uint32_t mtime_s;
};

int stick_write(const struct stick *stick, const char *output,
		struct err *err) MUST_CHECK;

/* The same onto a device: see device.h. */
int stick_write_to(const struct stick *stick, const char *which, build_report *report,
		   struct err *err) MUST_CHECK;
