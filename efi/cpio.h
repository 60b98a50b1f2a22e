/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writer of uncompressed cpio archives of the kind "newc", which Linux unpacks behind a
 * compressed initramfs. Pure: runs on the host as well.
 *
 * Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst: a
 * header of 110 ASCII characters, the name with its NUL, the data; name and data each
 * filled up with zeros to a multiple of 4 from the start of the archive.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#define CPIO_ALIGNMENT 4

/* Permission bits of an entry; everything belongs to root and is dated 1970. */
#define CPIO_MODE_FOLDER 0755u
#define CPIO_MODE_FILE	 0644u
#define CPIO_MODE_SECRET 0600u

struct cpio {
	uint8_t *data; /* the caller's buffer */
	size_t size;   /* of data */
	size_t length; /* bytes written, always a multiple of 4 */
	uint32_t last_inode;
};

struct cpio cpio_start(void *buffer, size_t size);

/* Append a folder or a file; names have no leading '/', folders come before what is in
 * them. -ENOSPC: does not fit the buffer; nothing is appended then. */
int cpio_add_folder(struct cpio *cpio, const char *name, struct err *err) MUST_CHECK;
int cpio_add_file(struct cpio *cpio, const char *name, unsigned int mode,
		  const void *data, size_t size, struct err *err) MUST_CHECK;

/* Writes the end mark. -ENOSPC */
int cpio_end(struct cpio *cpio, struct err *err) MUST_CHECK;
