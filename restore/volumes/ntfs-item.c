/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What NTFS knows of one file or folder: see ntfs-item.h. */
#include "ntfs-item.h"

#include <inttypes.h>
#include <string.h>

#include <base/text.h>
#include <base/utf.h>

/* -- names ------------------------------------------------------------------------ */

static bool is_surrogate(unsigned unit)
{
	return unit >= 0xd800 && unit <= 0xdfff;
}

/* "." and ".." are names that no folder has. */
static bool is_plain(const ntfschar *name, size_t length)
{
	size_t dots = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned unit = le16_to_cpu(name[i]);

		if (unit == 0 || unit == '/' || (i == 0 && unit == 0xfeff))
			return false;
		dots += unit == '.';
	}
	return length && (length > 2 || dots < length);
}

/* One character, of one or two units, as it is or as its number. Returns how many units. */
static size_t add_character(struct text *text, const ntfschar *name, size_t length)
{
	unsigned unit = le16_to_cpu(name[0]);
	size_t units = is_surrogate(unit) && length > 1 ? 2 : 1;
	AUTO_FREE char *character = NULL;

	if (unit == 0xfeff)
		text_add(text, "\xef\xbb\xbf");
	else if (unit < 0x20 || unit == '/' || unit == '.')
		text_add(text, "%%%02X", unit);
	else if (utf16le_to_utf8(name, 2 * units, &character, NULL) == 0)
		text_add(text, "%s", character);
	else {
		text_add(text, "%%u%04X", unit);
		return 1;
	}
	return unit == 0xfeff ? 1 : units;
}

char *ntfs_name_text(const ntfschar *name, size_t length)
{
	struct text text = { 0 };
	char *plain = NULL;

	if (is_plain(name, length) &&
	    utf16le_to_utf8(name, 2 * length, &plain, NULL) == 0)
		return plain;
	if (!length)
		return strdup("%");
	for (size_t i = 0; i < length;)
		i += add_character(&text, name + i, length - i);
	return text_take(&text);
}

/* -- one file --------------------------------------------------------------------- */

int ntfs_item_inode(struct ntfs *ntfs, const struct item_address *address,
		    ntfs_inode **ret, struct err *err)
{
	ntfs_inode *inode;

	if (!address->id)
		return ntfs_find_inode(ntfs, address->path, ret, err);
	ntfs_forget_failure(ntfs);
	inode = ntfs_inode_open(ntfs->volume, address->id);
	if (!inode) {
		ntfs_library_failed(ntfs, "opening a file", err);
		return err_add(err, "'%s'", address->path);
	}
	*ret = inode;
	return 0;
}

/* 100 ns since 1601, which Windows writes as 0 where it knows none. */
int64_t ntfs_item_time(ntfs_time time)
{
	int64_t ticks = (int64_t)le64_to_cpu(time);

	if (ticks <= 0)
		return ITEM_NO_TIME;
	return ticks - INT64_C(116444736000000000);
}

int ntfs_item_reparse(struct ntfs *ntfs, ntfs_inode *inode, struct reparse *ret,
		      struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	s64 length = 0;

	if (!(inode->flags & FILE_ATTR_REPARSE_POINT))
		return -ENODATA;
	ntfs_forget_failure(ntfs);
	bytes = ntfs_attr_readall(inode, AT_REPARSE_POINT, AT_UNNAMED, 0, &length);
	if (!bytes && !ntfs->failure.code && errno == ENOENT)
		return -ENODATA;
	if (!bytes)
		return ntfs_library_failed(ntfs, "reparse data", err);
	if (length < 0 || length > REPARSE_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: %" PRId64
			       " bytes of reparse data, at most %d",
			       ntfs->source->name, length, REPARSE_MAX);
	return reparse_parse(bytes, (size_t)length, le32_to_cpu(inode->flags), ret, err);
}

static int add_stream(struct item *item, const ATTR_RECORD *attribute, struct err *err)
{
	const uint8_t *record = (const uint8_t *)attribute;
	struct item_stream *grown, stream;

	if (item->stream_count == ITEM_STREAMS_MAX)
		return err_set(err, -E2BIG, "more than %d streams", ITEM_STREAMS_MAX);
	stream.size = attribute->non_resident ? le64_to_cpu(attribute->data_size)
					      : le32_to_cpu(attribute->value_length);
	stream.name = ntfs_name_text(
		(const ntfschar *)(record + le16_to_cpu(attribute->name_offset)),
		attribute->name_length);
	grown = stream.name ? reallocarray(item->streams, item->stream_count + 1,
					   sizeof(*grown))
			    : NULL;
	if (!grown) {
		free(stream.name);
		return err_nomem(err);
	}
	item->streams = grown;
	item->streams[item->stream_count++] = stream;
	return 0;
}

static int take_attribute(struct item *item, const ATTR_RECORD *attribute,
			  struct err *err)
{
	const FILE_NAME_ATTR *name;

	/* The later pieces of an attribute that lies in several records. */
	if (attribute->non_resident && attribute->lowest_vcn)
		return 0;
	if (attribute->type == AT_DATA && attribute->name_length)
		return add_stream(item, attribute, err);
	if (attribute->type != AT_FILE_NAME || attribute->non_resident)
		return 0;
	name = (const void *)((const uint8_t *)attribute +
			      le16_to_cpu(attribute->value_offset));
	item->names += name->file_name_type != FILE_NAME_DOS;
	return 0;
}

/* Names and streams. */
static int walk_attributes(struct ntfs *ntfs, ntfs_inode *inode, struct item *item,
			   struct err *err)
{
	ntfs_attr_search_ctx *search;
	int r = 0;

	ntfs_forget_failure(ntfs);
	search = ntfs_attr_get_search_ctx(inode, NULL);
	if (!search)
		return err_nomem(err);
	item->names = 0;
	while (r == 0 && ntfs_attrs_walk(search) == 0)
		r = take_attribute(item, search->attr, err);
	if (r == 0 && (ntfs->failure.code || errno != ENOENT))
		r = ntfs_library_failed(ntfs, "the attributes of a file", err);
	ntfs_attr_put_search_ctx(search);
	if (!item->names)
		item->names = 1;
	return r;
}

/* The stream that Windows 10 keeps is not the user's. */
static void hide_wof_stream(struct item *item)
{
	for (size_t i = 0; i < item->stream_count; i++) {
		if (strcmp(item->streams[i].name, WOF_STREAM) != 0)
			continue;
		free(item->streams[i].name);
		item->streams[i] = item->streams[--item->stream_count];
		return;
	}
}

static int take_reparse(struct ntfs *ntfs, ntfs_inode *inode, struct item *item,
			struct err *err)
{
	AUTO(reparse_clear) struct reparse reparse = { 0 };
	int r = ntfs_item_reparse(ntfs, inode, &reparse, err);

	if (r == -ENODATA)
		return 0;
	if (r < 0) {
		item->content = CONTENT_DAMAGED;
		return r;
	}
	item->reparse_tag = reparse.tag;
	if (reparse.is_link) {
		item->kind = ITEM_LINK;
		item->target = TAKE_PTR(reparse.target);
		return 0;
	}
	/* Folders of clouds are folders. */
	if (item->kind == ITEM_FOLDER)
		return 0;
	item->content = reparse.content;
	if (reparse.content == CONTENT_COMPRESSED)
		hide_wof_stream(item);
	return 0;
}

int ntfs_item_facts(struct ntfs *ntfs, ntfs_inode *inode, struct item *item,
		    struct err *err)
{
	bool is_folder = inode->mrec->flags & MFT_RECORD_IS_DIRECTORY;
	int r;

	item->kind = is_folder ? ITEM_FOLDER : ITEM_FILE;
	item->content = CONTENT_STORED;
	item->id = MK_MREF(inode->mft_no, le16_to_cpu(inode->mrec->sequence_number));
	item->attributes = le32_to_cpu(inode->flags) & 0xffffff;
	item->created = ntfs_item_time(inode->creation_time);
	item->modified = ntfs_item_time(inode->last_data_change_time);
	item->changed = ntfs_item_time(inode->last_mft_change_time);
	item->accessed = ntfs_item_time(inode->last_access_time);
	if (!is_folder && inode->data_size > 0)
		item->size = (uint64_t)inode->data_size;
	if (!is_folder && inode->allocated_size > 0)
		item->allocated = (uint64_t)inode->allocated_size;
	r = walk_attributes(ntfs, inode, item, err);
	if (r == 0)
		r = take_reparse(ntfs, inode, item, err);
	if (r < 0)
		item->content = CONTENT_DAMAGED;
	else if (!is_folder && inode->flags & FILE_ATTR_ENCRYPTED)
		item->content = CONTENT_ENCRYPTED;
	return r;
}
