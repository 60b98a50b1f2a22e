/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel, initramfs and command line in the boot application's own file; see payload.h.
 */
#include "payload.h"

#include "pe.h"

const struct payload_kind payload_kinds[PAYLOAD_PARTS] = {
	[PAYLOAD_KERNEL] = { ".linux", "vmlinuz", KERNEL_MAX_SIZE },
	[PAYLOAD_INITRAMFS] = { ".initrd", "initramfs.zst", INITRAMFS_MAX_SIZE },
	[PAYLOAD_COMMAND_LINE] = { ".cmdline", "cmdline", COMMAND_LINE_FILE_MAX_SIZE },
};

static int find_part(const struct pe *pe, const struct payload_kind *kind,
		     struct bytes *ret, struct err *err)
{
	struct pe_section section;
	int r;

	r = pe_find(pe, kind->section, &section, err);
	if (r)
		return r;
	if (section.size > kind->max_size)
		return err_set(err, -EBADMSG,
			       "boot file: section '%s' has %zu bytes, limit is %zu",
			       kind->section, section.size, kind->max_size);
	*ret = (struct bytes){ .data = section.data, .size = section.size };
	return 0;
}

int payload_find(const void *base, size_t size, struct payload *ret, struct err *err)
{
	const char *missing = NULL, *present = NULL;
	struct payload payload;
	struct pe pe;
	int r;

	r = pe_open(base, size, &pe, err);
	if (r)
		return r;
	for (unsigned int part = 0; part < PAYLOAD_PARTS; part++) {
		r = find_part(&pe, &payload_kinds[part], &payload.parts[part], err);
		if (r && r != -ENOENT)
			return r;
		*(r ? &missing : &present) = payload_kinds[part].section;
	}
	if (missing && present)
		return err_set(err, -EBADMSG, "boot file: has section '%s' but no '%s'",
			       present, missing);
	if (missing)
		return -ENOENT;
	*ret = payload;
	return 0;
}
