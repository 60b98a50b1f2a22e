/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File systems by libblkid (2.38; the only file that uses it), low-level probing on a
 * descriptor that is open for reading. Nothing that decides what is written depends on
 * it: it only tells the user what is on a disk.
 */
#include "probe.h"

#include <string.h>

#include <blkid/blkid.h>

#include <base/cleanup.h>
#include <base/utf.h>

/* libblkid's names, where people know the thing under another one. */
static const struct kind_name {
	const char *blkid, *name;
} kind_names[] = {
	{ "vfat", "FAT" },	   { "ntfs", "NTFS" },
	{ "exfat", "exFAT" },	   { "swap", "Linux swap" },
	{ "LVM2_member", "LVM" },  { "linux_raid_member", "Linux RAID" },
	{ "crypto_LUKS", "LUKS" }, { "iso9660", "ISO 9660" },
};

static void probe_freep(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

static void copy_value(blkid_probe probe, const char *key, char *to, size_t size)
{
	const char *value = NULL;
	size_t length;

	to[0] = '\0';
	if (blkid_probe_lookup_value(probe, key, &value, NULL) < 0 || !value)
		return;
	length = strnlen(value, size - 1);
	/* Cutting must not leave half a character; control characters move cursors. */
	while (length && utf8_check(value, length) < 0)
		length--;
	for (size_t i = 0; i < length; i++)
		to[i] = (unsigned char)value[i] < 0x20 || value[i] == 0x7f ? '?'
									   : value[i];
	to[length] = '\0';
}

static void name_kind(struct probe_result *result)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (strcmp(result->kind, kind_names[i].blkid) == 0)
			snprintf(result->kind, sizeof(result->kind), "%s",
				 kind_names[i].name);
}

int probe_range(int fd, uint64_t offset, uint64_t length, struct probe_result *ret,
		struct err *err)
{
	AUTO(probe_freep) blkid_probe probe = blkid_new_probe();
	struct probe_result result = { 0 };

	if (!probe)
		return err_nomem(err);
	if (blkid_probe_set_device(probe, fd, (blkid_loff_t)offset,
				   (blkid_loff_t)length) < 0)
		return err_set(err, -EIO, "probing for file systems failed");
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
	if (blkid_do_safeprobe(probe) == 0) {
		copy_value(probe, "TYPE", result.kind, sizeof(result.kind));
		copy_value(probe, "LABEL", result.label, sizeof(result.label));
		name_kind(&result);
	}
	*ret = result;
	return 0;
}
