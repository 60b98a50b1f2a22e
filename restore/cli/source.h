/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SOURCE of the command line, opened in a reader process: a folder of this machine, a share,
 * NTFS and exFAT volumes of this machine's disks (disk:auto, disk:SERIAL), or a file that is
 * the image of such a disk or volume.
 */
#pragma once

#include <restore/reader.h>

/* A server that is started anew is back by then. */
#define SOURCE_RETRY_MS (READER_RETRY_SECONDS * UINT64_C(1000))

struct source_options {
	const char *text; /* folder, smb://…, \\host\share\path, disk:…, file */
	const char *credentials; /* path of a credentials file; NULL: none */
	const char
		*unlock; /* path of a file of keys for BitLocker, "prompt"; NULL: none */
	bool may_prompt; /* ask on the terminal where there is no file */
	bool require_encryption;
	uint64_t retry_ms; /* how long a lost server is waited for; 0: not at all */
	const char *
		*ret_protection; /* set for a share: "encrypted", "signed"; may be NULL */
};

/* "required" or "if-offered", of --encrypt and of an answer file; false: another text. */
bool source_take_encryption(struct source_options *options, const char *text);

/* "30m", "0", …: of --retry-for; false: another text. */
bool source_take_retry(struct source_options *options, const char *text);

/* The file, folder or device of this machine that holds the version of this path in the
 * source's tree: *ret is a new string, NULL for a share. */
int source_holder(const struct source_options *options, const char *version_path,
		  char **ret, struct err *err) MUST_CHECK;

/* What the side that is read from is called: "network", "source". */
const char *source_side(const struct source_options *options);

/* Gets the login first, if one is needed (from then on this process dumps no core and
 * cannot be traced), then starts the reader, which opens the tree. The password is wiped
 * here before this returns: only the reader and its keeper have it. */
int source_start(const struct source_options *options, struct reader **ret,
		 struct err *err) MUST_CHECK;

/* A reader over the partitions of one disk, or image file of one, as they are
 * (restore/partition-tree.h). */
int source_start_partitions(const char *path, struct reader **ret, struct err *err) MUST_CHECK;
