/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What differs between the machines that an image is made for: names of files and packages,
 * folders of libraries. One table; it is chosen by the kernel in the sysroot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

enum architecture_number { AMD64, ARM64, ARCHITECTURES };

struct architecture {
	const char *name;	     /* Debian's: "amd64" */
	const char *title;	     /* for messages: "x86-64" */
	const char *triplet;	     /* of folders and tools: "x86_64-linux-gnu" */
	const char *library_folders; /* where the loader of programs looks, with colons */
	const char *shim;	     /* in the sysroot, of the package shim-signed */
	const char *mok_manager;     /* and the others' packages */
	const char *mok_package;
	const char *grub, *grub_network;
	const char *grub_package;
	const char *kernel_package;
	uint64_t efi_file_max; /* of the single EFI file; more is slow over a network */
	enum architecture_number number;
	uint16_t elf_machine;
	bool bios; /* has machines without UEFI */
};

/* kernel: its release, "6.1.0-56-arm64". -ENOTSUP: of no machine in the table. */
int architecture_find(const char *kernel, const struct architecture **ret,
		      struct err *err) MUST_CHECK;

/* Is there a machine of this name ("arm64", of that length)? */
bool architecture_exists(const char *name, size_t length);
