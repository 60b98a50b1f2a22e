/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of a file of an NTFS volume as a block source: what is compressed by NTFS is
 * unpacked by the library, holes are told as such, and so is what the image of the volume does
 * not hold (as for page files).
 */
#include "ntfs-item.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/utf.h>

struct source_stream {
	struct block_source source;
	struct ntfs *ntfs; /* borrowed */
	ntfs_inode *inode;
	ntfschar *name; /* owned; NULL: the unnamed one */
	ntfs_attr *attribute;
	size_t run; /* of the last answer: ranges are asked for one after the other */
};

static int stream_read(struct block_source *source, void *buffer, uint64_t offset,
		       size_t length, struct err *err)
{
	struct source_stream *own = (struct source_stream *)source;
	uint8_t *to = buffer;

	while (length) {
		s64 n;

		ntfs_forget_failure(own->ntfs);
		n = ntfs_attr_pread(own->attribute, (s64)offset, (s64)length, to);
		if (n <= 0) {
			ntfs_library_failed(own->ntfs, "reading a file", err);
			return err_add(err, "'%s' at %" PRIu64, source->name, offset);
		}
		to += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

/* The run that holds a cluster of the file; NULL: none. */
static const runlist_element *find_run(struct source_stream *own, VCN vcn)
{
	const runlist_element *runs = own->attribute->rl;
	size_t i = own->run;

	if (vcn < runs[i].vcn)
		i = 0;
	while (runs[i].length && runs[i].vcn + runs[i].length <= vcn)
		i++;
	own->run = i;
	return runs[i].length ? &runs[i] : NULL;
}

/* Does the whole unit of compression around the offset lie in a hole? */
static struct extent packed_extent(struct source_stream *own, uint64_t offset)
{
	uint64_t unit = max_u64(own->attribute->compression_block_size, 1);
	uint64_t cluster = ntfs_cluster_size(own->ntfs);
	uint64_t begin = offset - offset % unit;
	const runlist_element *run = find_run(own, (VCN)(begin / cluster));
	bool hole = run && run->lcn == LCN_HOLE &&
		    ((uint64_t)(run->vcn + run->length) * cluster) >= begin + unit;

	return (struct extent){ offset, begin + unit - offset,
				hole ? EXTENT_ZERO : EXTENT_DATA };
}

static int plain_extent(struct source_stream *own, uint64_t offset, struct extent *ret,
			struct err *err)
{
	uint64_t cluster = ntfs_cluster_size(own->ntfs);
	const runlist_element *run = find_run(own, (VCN)(offset / cluster));
	struct extent stored = { .kind = EXTENT_DATA };
	uint64_t end, at;
	size_t count;
	int r;

	if (!run)
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: no cluster for byte %" PRIu64,
			       own->source.name, offset);
	end = (uint64_t)(run->vcn + run->length) * cluster;
	*ret = (struct extent){ offset, end - offset, EXTENT_ZERO };
	if (run->lcn == LCN_HOLE)
		return 0;
	at = (uint64_t)run->lcn * cluster + (offset - (uint64_t)run->vcn * cluster);
	if (run->lcn < 0 || !range_within(at, ret->length, own->ntfs->source->size))
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: byte %" PRIu64
			       " lies outside the volume",
			       own->source.name, offset);
	r = source_extents(own->ntfs->source, at, ret->length, &stored, 1, &count, err);
	if (r < 0)
		return r;
	ret->length = stored.length;
	ret->kind = stored.kind;
	return 0;
}

static int one_extent(struct source_stream *own, uint64_t offset, struct extent *ret,
		      struct err *err)
{
	const ntfs_attr *attribute = own->attribute;
	uint64_t valid = attribute->initialized_size > 0
				 ? (uint64_t)attribute->initialized_size
				 : 0;
	int r = 0;

	if (!NAttrNonResident(attribute)) {
		*ret = (struct extent){ offset, own->source.size - offset, EXTENT_DATA };
		return 0;
	}
	if (offset >= valid) {
		*ret = (struct extent){ offset, own->source.size - offset, EXTENT_ZERO };
		return 0;
	}
	if (NAttrCompressed(own->attribute))
		*ret = packed_extent(own, offset);
	else
		r = plain_extent(own, offset, ret, err);
	if (r < 0)
		return r;
	ret->length = min_u64(ret->length, valid - offset);
	return 0;
}

static int stream_extents(struct block_source *source, uint64_t offset, uint64_t length,
			  struct extent *extents, size_t max, size_t *ret_count,
			  struct err *err)
{
	struct source_stream *own = (struct source_stream *)source;
	size_t count = 0;

	while (length && count < max) {
		struct extent extent;
		int r = one_extent(own, offset, &extent, err);

		if (r < 0)
			return r;
		extent.length = min_u64(extent.length, length);
		extents[count++] = extent;
		offset += extent.length;
		length -= extent.length;
	}
	*ret_count = count;
	return 0;
}

static void stream_close(struct block_source *source)
{
	struct source_stream *own = (struct source_stream *)source;

	ntfs_attr_freep(&own->attribute);
	ntfs_inode_freep(&own->inode);
	free(own->name);
	free(source->name);
	free(own);
}

static const struct block_source_ops stream_ops = {
	.read_at = stream_read,
	.extents = stream_extents,
	.close = stream_close,
};

/* -- opening ---------------------------------------------------------------------- */

static int open_attribute(struct source_stream *own, const char *stream, struct err *err)
{
	AUTO_FREE uint8_t *name = NULL;
	size_t length = 0;

	if (stream[0]) {
		int r = utf8_to_utf16le(stream, &name, &length, err);

		if (r < 0)
			return r;
		own->name = (ntfschar *)TAKE_PTR(name);
	}
	ntfs_forget_failure(own->ntfs);
	own->attribute =
		ntfs_attr_open(own->inode, AT_DATA, own->name ? own->name : AT_UNNAMED,
			       (u32)(length / 2));
	if (!own->attribute && !own->ntfs->failure.code && errno == ENOENT)
		return err_set(err, -ENOENT, "'%s': no stream '%s'", own->source.name,
			       stream);
	if (!own->attribute)
		return ntfs_library_failed(own->ntfs, "opening a file", err);
	if (own->attribute->data_size < 0)
		return err_set(err, -EBADMSG,
			       "'%s': NTFS is damaged: a file of %" PRId64 " bytes",
			       own->source.name, own->attribute->data_size);
	own->source.size = (uint64_t)own->attribute->data_size;
	if (NAttrEncrypted(own->attribute))
		return err_set(err, -ENOTSUP, "'%s': %s", own->source.name,
			       item_content_text(CONTENT_ENCRYPTED));
	ntfs_forget_failure(own->ntfs);
	if (NAttrNonResident(own->attribute) &&
	    ntfs_attr_map_whole_runlist(own->attribute) < 0)
		return ntfs_library_failed(own->ntfs, "the runs of a file", err);
	return 0;
}

/* inode is taken over, on failure too. */
static int stream_new(struct ntfs *ntfs, ntfs_inode *inode, const char *path,
		      const char *stream, struct block_source **ret, struct err *err)
{
	struct source_stream *own = calloc(1, sizeof(*own));
	int r;

	if (!own) {
		ntfs_inode_close(inode);
		return err_nomem(err);
	}
	own->ntfs = ntfs;
	own->inode = inode;
	own->source = (struct block_source){
		.ops = &stream_ops,
		.max_parallel = 1,
		.name = strdup(path),
	};
	r = own->source.name ? open_attribute(own, stream, err) : err_nomem(err);
	if (r < 0) {
		stream_close(&own->source);
		return r;
	}
	*ret = &own->source;
	return 0;
}

/* The file compressed by Windows 10. */
static int wof_new(struct ntfs *ntfs, ntfs_inode *inode, const char *path, uint64_t size,
		   struct block_source **ret, struct err *err)
{
	AUTO(reparse_clear) struct reparse reparse = { 0 };
	struct block_source *stream = NULL;
	int r = ntfs_item_reparse(ntfs, inode, &reparse, err);

	if (r < 0) {
		ntfs_inode_close(inode);
		return r;
	}
	r = stream_new(ntfs, inode, path, WOF_STREAM, &stream, err);
	return r < 0 ? r : wof_source_new(stream, reparse.algorithm, size, ret, err);
}

int ntfs_item_read(void *fs, const struct item_address *address, const char *stream,
		   struct block_source **ret, struct err *err)
{
	AUTO(ntfs_inode_freep) ntfs_inode *inode = NULL;
	AUTO(item_clear) struct item item = { 0 };
	struct ntfs *ntfs = fs;
	int r = ntfs_item_inode(ntfs, address, &inode, err);

	if (r == 0)
		r = item_init(&item, "", err);
	if (r == 0)
		r = ntfs_item_facts(ntfs, inode, &item, err);
	if (r == 0 && !stream[0])
		r = item_check_readable(&item, ntfs->source->name, address->path, err);
	if (r < 0)
		return r;
	if (!stream[0] && item.content == CONTENT_COMPRESSED)
		return wof_new(ntfs, TAKE_PTR(inode), address->path, item.size, ret, err);
	return stream_new(ntfs, TAKE_PTR(inode), address->path, stream, ret, err);
}
