/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disks of this machine and their identity. Identity is WWN or serial, size and sector
 * size, never a /dev/sdX name (SAFETY.md section 2). A plain file can stand for a disk.
 */
#pragma once

#include <partition/layout.h>

enum disk_protection { /* reasons why a disk cannot be a target; bits */
	DISK_BOOT_MEDIUM = 1 << 0, /* the environment was started from it */
	DISK_READ_ONLY = 1 << 1,
	DISK_MOUNTED = 1 << 2,	   /* it or a partition of it is mounted or swapped on */
	DISK_HELD = 1 << 3,	   /* dm, md, LVM or loop stands on it */
	DISK_HOLDS_SOURCE = 1 << 4, /* the backup, the answer file or the journal is on it */
	DISK_NO_IDENTITY = 1 << 5, /* neither WWN nor serial; allowed only when named twice */
	DISK_SAME_IDENTITY = 1 << 6, /* another disk shows the same WWN or serial */
	DISK_REMOVABLE = 1 << 7,   /* allowed only when it is named */
};

struct disk {
	char *path;    /* /dev/sda, or the file's path as given */
	bool is_file;
	bool exists;   /* a file that is not there yet will be created, sparse */
	char *model;   /* "" where unknown */
	char *serial;  /* "" where unknown; printable ASCII */
	char *wwn;     /* as the kernel says it: "naa.…", "eui.…", "uuid.…"; "" where unknown */
	char *bus;     /* nvme, ata, scsi, usb, virtio, mmc, xen, file, other */
	/* The kernel's modalias of the controller that an operating system needs a driver for,
	 * "pci:v00008086d…", "vmbus:…"; NULL or "" where unknown, of files and USB disks. */
	char *controller;
	uint64_t size; /* bytes; 0 for a file to be created */
	uint32_t sector_size;	       /* logical, bytes */
	uint32_t physical_sector_size; /* bytes */
	bool rotational;
	unsigned protection;	  /* bits of enum disk_protection */
	char *protection_text;	  /* one line per bit; "" if none */
	struct disk_layout *layout; /* what is on it now; TABLE_NONE if nothing; NULL unreadable */
	char *content;		  /* one line: "GPT, 4 partitions: FAT, NTFS \"Windows\"" */
};

struct disk_list {
	size_t count;
	struct disk *disks;
	char **source_paths; /* of the wishes, resolved; NULL-terminated; for disk_find() */
};

/* Facts that only the caller knows. */
struct disk_list_wishes {
	const char *boot_medium; /* openbmr.boot= of the kernel command line: the GPT partition
				    GUID, or mbr:<signature>:<number>; NULL: not booted */
	const char *const *source_paths; /* local files or folders that hold backup, answer
					    file or log; NULL-terminated or NULL */
	const char *root; /* NULL: "/"; tests give a folder with their own sys, proc and dev */
};

/* All whole disks that could hold a Windows machine: no loop, ram, zram, floppy, network
 * block devices, optical drives, device-mapper, md, nothing without a medium. Opened
 * read-only. Sorted by bus, removable ones last, then by path. A disk that cannot be read is
 * in the list without layout, content says why. */
int disk_list_read(const struct disk_list_wishes *wishes, struct disk_list *ret,
		   struct err *err) MUST_CHECK;
void disk_list_clear(struct disk_list *list);

/* A plain file as a disk. sector_size 0: as its GPT says, else 512. A file that does not
 * exist gives exists = false and a layout without table; its folder must exist. -EINVAL: a
 * folder or a device. */
int disk_from_file(const char *path, uint32_t sector_size, struct disk *ret,
		   struct err *err) MUST_CHECK;
void disk_clear(struct disk *disk);

/*
 * Finds the one disk that the user names:
 *	serial:X  wwn:X  X	X is a serial or a WWN, in either case of its letters, a WWN with
 *				or without "naa.", "eui.", "0x"
 *	size:900G..1100G	the only disk of that size; K M G T are powers of 1000, Ki Mi Gi
 *				Ti of 1024. Disks that the boot medium or the backup is on,
 *				read-only and removable ones are not counted
 *	/dev/disk/by-id/X	where udev made that link
 *	PATH			of an image file: with a '/', or of a file that exists. It is added to
 *				the list, with DISK_HOLDS_SOURCE if it exists and lies below a
 *				source path
 * *ret points into the list and is valid until the next call. The disk may be protected: the
 * plan refuses that.
 *
 * -ENODEV: none, with the list of what is there; -EEXIST: more than one; -EINVAL: a /dev/sdX or
 * bare sdX name, refused, with the serial to use instead, or a size that is no range.
 */
int disk_find(struct disk_list *list, const char *which, uint32_t file_sector_size,
	      struct disk **ret, struct err *err) MUST_CHECK;

/* What must be the same between plan and run; text form for plan and report:
 * "wwn=… serial=… size=… sector=…", for a file "file=PATH size=… sector=…" */
char *disk_identity_text(const struct disk *disk); /* NULL: no memory */

/* Reads the identity of an open disk or file from its descriptor, not from its path, and
 * compares: -ESTALE with the difference. A file must have the size that disk says (set it, once
 * a file was created) and still be what its path names. */
int disk_identity_check(int fd, const struct disk *disk, struct err *err) MUST_CHECK;
