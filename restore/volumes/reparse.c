/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reparse data: see reparse.h. */
#include "reparse.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/cleanup.h>
#include <base/utf.h>

struct reparse_disk {
	le32 tag;      /* 0 */
	le16 length;   /* 4: bytes behind these 8, without the GUID of foreign tags */
	le16 reserved; /* 6 */
};
_Static_assert(sizeof(struct reparse_disk) == 8, "[MS-FSCC] 2.1.2.1");

/* Offsets and lengths in bytes, from the end of this on (symbolic links: of their flags). */
struct mount_point_disk {
	le16 target_offset, target_length; /* 0, 2 */
	le16 print_offset, print_length;   /* 4, 6 */
};
_Static_assert(sizeof(struct mount_point_disk) == 8, "[MS-FSCC] 2.1.2.5");

struct wof_disk {
	le32 version;	   /* 0: 1 */
	le32 provider;	   /* 4: 1 a WIM, 2 the file itself */
	le32 file_version; /* 8: 1 */
	le32 algorithm;	   /* 12 */
};
_Static_assert(sizeof(struct wof_disk) == 16,
	       "WOF_EXTERNAL_INFO, FILE_PROVIDER_EXTERNAL_INFO");

#define WOF_PROVIDER_FILE 2

#define ATTRIBUTE_OFFLINE	 0x1000
#define ATTRIBUTE_RECALL_ON_DATA 0x400000

struct payload {
	const uint8_t *bytes;
	size_t length;
	uint32_t attributes;
};

static int damaged(struct err *err, uint32_t tag, const char *what)
{
	return err_set(err, -EBADMSG, "reparse data with tag 0x%08" PRIx32 ": %s", tag,
		       what);
}

/* Windows' own form of an absolute path. */
static void strip_prefix(char *target)
{
	if (strncmp(target, "\\??\\", 4) == 0)
		memmove(target, target + 4, strlen(target + 4) + 1);
}

/* names: how many bytes lie between the lengths and the texts. */
static int take_path(const struct payload *payload, size_t names, struct reparse *ret,
		     struct err *err)
{
	struct mount_point_disk disk;
	size_t start = sizeof(disk) + names, offset, length;
	uint32_t print;

	if (payload->length < start)
		return damaged(err, ret->tag, "cut off");
	memcpy(&disk, payload->bytes, sizeof(disk));
	print = get_le16(disk.print_length);
	offset = get_le16(print ? disk.print_offset : disk.target_offset);
	length = print ? print : get_le16(disk.target_length);
	if (offset > payload->length - start || length > payload->length - start - offset)
		return damaged(err, ret->tag, "a path beyond its end");
	if (utf16le_to_utf8(payload->bytes + start + offset, length, &ret->target, NULL) <
	    0)
		return damaged(err, ret->tag, "a path that is not UTF-16");
	strip_prefix(ret->target);
	return 0;
}

static int take_mount_point(const struct payload *payload, struct reparse *ret,
			    struct err *err)
{
	return take_path(payload, 0, ret, err);
}

static int take_symlink(const struct payload *payload, struct reparse *ret,
			struct err *err)
{
	return take_path(payload, sizeof(le32), ret, err);
}

/* Of Linux programs under Windows: a version and a path in UTF-8. */
static int take_lx_symlink(const struct payload *payload, struct reparse *ret,
			   struct err *err)
{
	const char *text = (const char *)payload->bytes + sizeof(le32);

	if (payload->length < sizeof(le32))
		return damaged(err, ret->tag, "cut off");
	if (utf8_check(text, payload->length - sizeof(le32)) < 0)
		return damaged(err, ret->tag, "a path that is not UTF-8");
	ret->target = strndup(text, payload->length - sizeof(le32));
	return ret->target ? 0 : err_nomem(err);
}

static int take_wof(const struct payload *payload, struct reparse *ret, struct err *err)
{
	struct wof_disk disk;

	if (payload->length < 2 * sizeof(le32))
		return damaged(err, ret->tag, "cut off");
	memset(&disk, 0, sizeof(disk));
	memcpy(&disk, payload->bytes,
	       payload->length < sizeof(disk) ? payload->length : sizeof(disk));
	if (get_le32(disk.version) != 1)
		return damaged(err, ret->tag, "an unknown version");
	ret->content = CONTENT_ELSEWHERE; /* in a WIM */
	if (get_le32(disk.provider) != WOF_PROVIDER_FILE)
		return 0;
	if (payload->length < sizeof(disk) || get_le32(disk.file_version) != 1 ||
	    get_le32(disk.algorithm) >= WOF_ALGORITHMS)
		return damaged(err, ret->tag, "an unknown version or algorithm");
	ret->content = CONTENT_COMPRESSED;
	ret->algorithm = (enum wof_algorithm)get_le32(disk.algorithm);
	return 0;
}

/* Files that were fetched once lie there whole, with the tag of their service. */
static int take_cloud(const struct payload *payload, struct reparse *ret, struct err *err)
{
	bool away = payload->attributes &
		    (ATTRIBUTE_OFFLINE | ATTRIBUTE_RECALL_ON_DATA | ITEM_SPARSE);

	ret->content = away ? CONTENT_ELSEWHERE : CONTENT_STORED;
	return 0;
}

struct reparse_kind {
	uint32_t tag, mask;
	bool is_link;
	enum item_content content;
	int (*take)(const struct payload *payload, struct reparse *ret, struct err *err);
};

#define ALL UINT32_MAX

/* [MS-FSCC] 2.1.2.1, and what it leaves to others. */
static const struct reparse_kind kinds[] = {
	{ 0xa0000003, ALL, true, CONTENT_STORED, take_mount_point },
	{ 0xa000000c, ALL, true, CONTENT_STORED, take_symlink },
	{ 0xa000001d, ALL, true, CONTENT_STORED, take_lx_symlink },
	{ 0xa0000019, ALL, true, CONTENT_STORED, NULL }, /* of containers, global */
	{ 0x8000001b, ALL, true, CONTENT_STORED, NULL }, /* alias of an app */
	{ 0x8000000a, ALL, true, CONTENT_STORED, NULL }, /* DFS */
	{ 0x80000014, ALL, true, CONTENT_STORED, NULL }, /* NFS: link or device */
	{ 0x80000023, ALL, true, CONTENT_STORED, NULL }, /* socket of Linux programs */
	{ 0x80000024, ALL, true, CONTENT_STORED, NULL }, /* … pipe */
	{ 0x80000025, ALL, true, CONTENT_STORED, NULL }, /* … character device */
	{ 0x80000026, ALL, true, CONTENT_STORED, NULL }, /* … block device */
	{ REPARSE_TAG_WOF, ALL, false, CONTENT_STORED, take_wof },
	{ 0x80000013, ALL, false, CONTENT_DEDUPLICATED, NULL },
	{ 0x80000007, ALL, false, CONTENT_DEDUPLICATED,
	  NULL },					     /* single-instance store */
	{ 0x80000012, ALL, false, CONTENT_STORED, NULL },    /* DFS replication */
	{ 0x80000009, ALL, false, CONTENT_STORED, NULL },    /* cluster shared volume */
	{ 0x80000008, ALL, false, CONTENT_ELSEWHERE, NULL }, /* in a WIM */
	{ 0xc0000004, ALL, false, CONTENT_ELSEWHERE, NULL }, /* HSM */
	{ 0x80000006, ALL, false, CONTENT_ELSEWHERE, NULL }, /* HSM 2 */
	{ 0x80000015, ALL, false, CONTENT_ELSEWHERE, NULL }, /* OneDrive of Windows 8.1 */
	{ 0x80000021, ALL, false, CONTENT_STORED, take_cloud },	       /* OneDrive */
	{ 0x9000001a, 0xffff0fff, false, CONTENT_STORED, take_cloud }, /* cloud files */
	{ 0x9000001c, 0xffff0fff, false, CONTENT_ELSEWHERE, NULL },    /* ProjFS */
	{ 0x80000018, ALL, false, CONTENT_ELSEWHERE, NULL }, /* of a container */
	{ 0x90001018, ALL, false, CONTENT_ELSEWHERE, NULL },
};

static const struct reparse_kind *find_kind(uint32_t tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((tag & kinds[i].mask) == kinds[i].tag)
			return &kinds[i];
	return NULL;
}

int reparse_parse(const uint8_t *bytes, size_t length, uint32_t attributes,
		  struct reparse *ret, struct err *err)
{
	AUTO(reparse_clear) struct reparse reparse = { .content = CONTENT_UNKNOWN };
	struct payload payload = { .attributes = attributes };
	const struct reparse_kind *kind;
	struct reparse_disk disk;
	int r = 0;

	if (length < sizeof(disk))
		return err_set(err, -EBADMSG, "reparse data of %zu bytes, at least %zu",
			       length, sizeof(disk));
	memcpy(&disk, bytes, sizeof(disk));
	reparse.tag = get_le32(disk.tag);
	if (get_le16(disk.length) > length - sizeof(disk))
		return damaged(err, reparse.tag, "cut off");
	payload.bytes = bytes + sizeof(disk);
	payload.length = get_le16(disk.length);
	kind = find_kind(reparse.tag);
	if (kind) {
		reparse.is_link = kind->is_link;
		reparse.content = kind->content;
	}
	if (kind && kind->take)
		r = kind->take(&payload, &reparse, err);
	if (r < 0)
		return r;
	*ret = reparse;
	reparse.target = NULL;
	return 0;
}

void reparse_clear(struct reparse *reparse)
{
	free(reparse->target);
	reparse->target = NULL;
}
