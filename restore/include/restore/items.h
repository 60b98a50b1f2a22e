/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files and folders of a volume, to be listed and taken out of it: what is known of each, and
 * whether its content can be had at all. NTFS has all of it; FAT and exFAT have names, sizes and
 * times.
 */
#pragma once

#include <base/block-source.h>
#include <restore/volume.h>

enum item_kind { ITEM_FILE, ITEM_FOLDER, ITEM_LINK };

/* Where the content of a file is. */
enum item_content {
	CONTENT_STORED,	      /* in the file, compressed by NTFS or not */
	CONTENT_COMPRESSED,   /* by Windows 10 ("compact /exe"), unpacked while it is read */
	CONTENT_ENCRYPTED,    /* EFS */
	CONTENT_DEDUPLICATED, /* in the chunk store of the volume */
	CONTENT_ELSEWHERE,    /* in a cloud or an archive: only a placeholder is here */
	CONTENT_UNKNOWN,      /* behind a reparse tag that nothing is known of */
	CONTENT_DAMAGED,      /* the file's own record cannot be read */
	CONTENT_COUNT
};

/* "" where it can be had, else why not, for people: "encrypted by EFS: …". */
const char *item_content_text(enum item_content content);
static inline bool item_content_readable(enum item_content content)
{
	return content == CONTENT_STORED || content == CONTENT_COMPRESSED;
}

/* Times that a file system does not keep. */
#define ITEM_NO_TIME INT64_MIN

/* A stream beside the unnamed one. */
struct item_stream {
	char *name;
	uint64_t size; /* bytes */
};

/* Strings are owned. */
struct item {
	char *name; /* UTF-8, never "", ".", "..", never with '/': what NTFS allows beyond that is
		       written as %2F, %uD800 */
	enum item_kind kind;
	enum item_content content;
	uint64_t id;		    /* of the file, one for all of its names; 0: unknown */
	uint64_t size, allocated;   /* bytes of the unnamed stream; on the volume */
	int64_t created, modified, changed, accessed; /* 100 ns since 1970, UTC; ITEM_NO_TIME */
	uint32_t attributes;	    /* of Windows, [MS-FSCC] 2.6 */
	uint32_t reparse_tag;	    /* 0: none */
	uint32_t names;		    /* hard links, without short names; 1 where unknown */
	char *target;		    /* where a link leads, as it says; else NULL */
	size_t stream_count;
	struct item_stream *streams;
};

#define ITEM_READONLY 0x1
#define ITEM_HIDDEN   0x2
#define ITEM_SYSTEM   0x4
#define ITEM_ARCHIVE  0x20
#define ITEM_SPARSE   0x200
#define ITEM_PACKED   0x800 /* compressed by NTFS */

struct item_list {
	size_t count;
	struct item *items;
};

/* An item with a copy of the name, and no times. -ENOMEM. */
int item_init(struct item *item, const char *name, struct err *err) MUST_CHECK;

/* Takes item's contents over, on failure too. -E2BIG beyond FOLDER_ITEMS_MAX. */
int item_list_add(struct item_list *list, struct item *item, struct err *err) MUST_CHECK;

void item_clear(struct item *item);
void item_list_clear(struct item_list *list);

/* Which item: its id, where that is known, else its path, '/'-separated without one in front, ""
 * is the root. */
struct item_address {
	uint64_t id; /* 0: by path */
	const char *path;
};

/* More in one folder, or on one file, is refused. */
#define FOLDER_ITEMS_MAX	 1000000
#define ITEM_STREAMS_MAX 1000
#define ITEM_NAME_MAX	 2048  /* bytes: 255 units of UTF-16, each written as %uD800 */
#define ITEM_TARGET_MAX	 49152 /* bytes: 16 KiB of reparse data */

/* A volume that is open for this. volume is borrowed. -ENOTSUP: a file system whose files are not
 * read here; -EBADMSG: damaged. */
struct items;
int items_open(struct block_source *volume, const struct volume_info *info,
	       struct items **ret, struct err *err) MUST_CHECK;
void items_close(struct items *items); /* NULL is fine */
DEFINE_FREEP(struct items, items, items_close)

/* What a folder holds, by name. An entry that cannot be read is there as CONTENT_DAMAGED. -ENOENT;
 * -ENOTDIR, for links, too. */
int items_list(struct items *items, const struct item_address *folder,
	       struct item_list *ret, struct err *err) MUST_CHECK;

/* One item itself; its name is the last part of the path, "" for the root or without a path. */
int items_find(struct items *items, const struct item_address *address, struct item *ret,
	       struct err *err) MUST_CHECK;

/* The content of a file, "" as stream, or of one of its streams; it borrows items. -EISDIR;
 * -ENOTSUP with the reason where it cannot be had. */
int items_read(struct items *items, const struct item_address *file, const char *stream,
	       struct block_source **ret, struct err *err) MUST_CHECK;

/* Files of the whole volume that were written after a time: the table of files is walked, not the
 * folders. *position is 0 at first; one call looks at some thousand files and moves it on, to
 * ITEMS_ALL_SEEN in the end. visit gets path and facts; non-zero ends the call with that value, and
 * that file is visited again. NTFS alone. */
#define ITEMS_ALL_SEEN UINT64_MAX
typedef int items_visit(const char *path, const struct item *item, void *context,
			struct err *err);
int items_newer(struct items *items, int64_t since, uint64_t *position, items_visit *visit,
		void *context, struct err *err) MUST_CHECK;
