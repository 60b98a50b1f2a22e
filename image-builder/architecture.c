/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table: see architecture.h. */
#include "architecture.h"

#include <elf.h>
#include <string.h>

#include <base/cleanup.h>

#define SHIM "/usr/lib/shim/"
#define GRUB "/usr/lib/grub/"

static const struct architecture architectures[ARCHITECTURES] = {
	[AMD64] = { .name = "amd64",
		    .title = "x86-64",
		    .triplet = "x86_64-linux-gnu",
		    .library_folders = "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:"
				       "/lib64:/usr/lib64:/lib:/usr/lib",
		    .elf_machine = EM_X86_64,
		    .efi_file_max = 40000000,
		    .bios = true,
		    .shim = SHIM "shimx64.efi.signed",
		    .mok_manager = SHIM "mmx64.efi.signed",
		    .mok_package = "shim-helpers-amd64-signed",
		    .grub = GRUB "x86_64-efi-signed/grubx64.efi.signed",
		    .grub_network = GRUB "x86_64-efi-signed/grubnetx64.efi.signed",
		    .grub_package = "grub-efi-amd64-signed",
		    .kernel_package = "linux-image-amd64" },
	/* Debian's kernel is not compressed here: 33 MB of the file */
	[ARM64] = { .number = ARM64,
		    .name = "arm64",
		    .title = "AArch64",
		    .triplet = "aarch64-linux-gnu",
		    .library_folders =
			    "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu:"
			    "/lib:/usr/lib",
		    .elf_machine = EM_AARCH64,
		    .efi_file_max = 70000000,
		    .shim = SHIM "shimaa64.efi.signed",
		    .mok_manager = SHIM "mmaa64.efi.signed",
		    .mok_package = "shim-helpers-arm64-signed",
		    .grub = GRUB "arm64-efi-signed/grubaa64.efi.signed",
		    .grub_network = GRUB "arm64-efi-signed/grubnetaa64.efi.signed",
		    .grub_package = "grub-efi-arm64-signed",
		    .kernel_package = "linux-image-arm64" },
};

int architecture_find(const char *kernel, const struct architecture **ret,
		      struct err *err)
{
	const char *dash = strrchr(kernel, '-');

	for (size_t i = 0; dash && i < ARRAY_SIZE(architectures); i++) {
		if (strcmp(dash + 1, architectures[i].name) == 0) {
			*ret = &architectures[i];
			return 0;
		}
	}
	return err_set(err, -ENOTSUP,
		       "kernel '%s': its name must end in -amd64 or -arm64", kernel);
}

bool architecture_exists(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (strlen(architectures[i].name) == length &&
		    strncmp(architectures[i].name, name, length) == 0)
			return true;
	return false;
}
