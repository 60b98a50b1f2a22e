/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The payload: kernel, initramfs and command line. Either they are sections of the boot
 * application's own file, or files beside it. Pure: runs on the host as well.
 *
 *	section    file beside it   content
 *	.linux     vmlinuz          Linux with EFI stub, for this machine
 *	.initrd    initramfs.zst    cpio archive, compressed or not
 *	.cmdline   cmdline          ASCII text; line ends count as blanks
 *
 * All three sections or none: a file that has only some of them is damaged. Other
 *sections
 * (.osrel, .uname, ...) may be added in the same way and are not looked at. Where there are
 * sections, files are not looked at. A signature of the single file covers all three; with
 * files beside it, Secure Boot checks the kernel only.
 *
 * How the single file is made from build/openbmr.efi (objcopy of binutils 2.40, tried):
 *
 *	objcopy -p \
 *	  --add-section .cmdline=FILE --change-section-vma .cmdline=ADDRESS1 \
 *	  --set-section-flags .cmdline=contents,alloc,load,readonly,data \
 *	  --add-section .initrd=FILE  --change-section-vma .initrd=ADDRESS2 \
 *	  --set-section-flags .initrd=contents,alloc,load,readonly,data \
 *	  --add-section .linux=FILE   --change-section-vma .linux=ADDRESS3 \
 *	  --set-section-flags .linux=contents,alloc,load,readonly,data \
 *	  build/openbmr.efi openbmr-with-payload.efi
 *
 * ADDRESS1 is the end of the last section (the largest VMA + size that `objdump -h`
 *shows), rounded up to 4096 = SectionAlignment; each further address is the one before
 *plus the size of its file, rounded up to 4096. The order of the options is the order of
 *the section table and must be ascending: firmware and pe_open() refuse overlaps.
 *ImageBase is 0, so addresses are as they stand. -p keeps the time stamp of the input's
 *header (0); without it objcopy writes the current time and two runs differ. The file is
 *signed last.
 */
#pragma once

#include "handover.h"

/* A distribution's kernel has 8 to 15 MB. */
#define KERNEL_MAX_SIZE ((size_t)64 * 1024 * 1024)
/* Twice what Linux takes, for blanks and comments of whoever edits it. */
#define COMMAND_LINE_FILE_MAX_SIZE ((size_t)4096)

enum payload_part {
	PAYLOAD_KERNEL,
	PAYLOAD_INITRAMFS,
	PAYLOAD_COMMAND_LINE,
	PAYLOAD_PARTS,
};

struct payload_kind {
	const char *section;
	const char *file;
	size_t max_size;
};

extern const struct payload_kind payload_kinds[PAYLOAD_PARTS];

struct payload {
	struct bytes parts[PAYLOAD_PARTS];
};

/* Finds the sections in the image that the firmware loaded: size bytes at base, which the
 * result borrows. -ENOENT without a text: it has none of them; -ENOEXEC, -EBADMSG:
 * damaged, or only some of them. */
int payload_find(const void *base, size_t size, struct payload *ret,
		 struct err *err) MUST_CHECK;
