/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks as a tree: a folder for each NTFS or exFAT volume on them and for each shadow copy of
 * NTFS, with the files of the volume below. Read-only; nothing is mounted by the kernel.
 *
 *	sdb partition 2/…
 *	sdb partition 2, shadow copy of 2026-08-30 21:00:05/…
 *
 * "volume" instead of "partition N" where there is no table.
 */
#pragma once

#include <base/tree.h>
#include <restore/unlock.h>

struct disk_tree_disk {
	struct block_source *disk; /* taken over, on failure too */
	const char *label;	   /* begins the names of its folders: no '/'; unique */
};

/* What cannot be read of one disk is left out as long as anything else can. BitLocker volumes
 * are decrypted while they are read, as far as keys (may be NULL; needed no longer than this
 * call) open them. -ENOENT: there is no such volume, with what there is instead; -ENOKEY,
 * -EKEYREJECTED: the same where a BitLocker volume stays closed, the second also where none
 * of the keys opens any; a source that fails keeps its own code where it was the only
 * one. name is for messages. */
int disk_tree_new(const struct disk_tree_disk *disks, size_t count,
		  const struct unlock_keys *keys, const char *name, struct tree **ret,
		  struct err *err) MUST_CHECK;

/* Does the path of such a tree lead into a shadow copy? Of two copies of one volume the later
 * one has the greater path. */
bool disk_tree_is_shadow(const char *path);

/* The label of the disk that the path leads to, a new string. NULL: none, or no memory. */
char *disk_tree_label(const char *path);
