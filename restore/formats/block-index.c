/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sidecar of block hashes: see block-index.h. */
#include "block-index.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL /* its state lies on the stack */
#include <xxhash.h>

#include <base/checked.h>
#include <base/fuzzing.h>

#include "packed.h"

#define CURE "make it anew with 'bmr index', or restore with --no-index"

/* Where the heads lie: file id, both headers, region table of a VHDX ([MS-VHDX] 2.2); copy of
 * the footer, header and start of the table of a VHD. Each and the file's last piece. */
static const uint64_t head_places[] = { 0, 64 * KiB, 128 * KiB, 192 * KiB };
#define HEAD_PIECE 4096u

/* SMB and Windows count in steps of 100 ns. */
#define TIME_STEP 100

struct source_index {
	struct block_source source;
	struct block_source *file;
	uint64_t chunks; /* of the volume */
	uint64_t blocks;
	uint64_t from, to; /* records in the file */
	/* The record that is read next, and the page that was read last. */
	uint64_t next, least;
	bool has_page;
	uint64_t page; /* chunk */
	struct index_hash hashes[INDEX_BLOCKS];
};

/* -- hashes ---- */

static struct index_hash to_disk(XXH128_hash_t hash)
{
	return (struct index_hash){ put_le64(hash.low64), put_le64(hash.high64) };
}

static bool is_none(const struct index_hash *hash)
{
	return get_le64(hash->low) == 0 && get_le64(hash->high) == 0;
}

void index_hash_chunk(const uint8_t *bytes, uint32_t base,
		      const struct index_range *ranges, size_t count,
		      struct index_hash hashes[INDEX_BLOCKS])
{
	XXH3_state_t state;
	size_t i = 0;

	memset(hashes, 0, INDEX_PAGE);
	for (uint32_t block = 0; block < INDEX_BLOCKS; block++) {
		uint32_t start = block * INDEX_BLOCK, end = start + INDEX_BLOCK;
		bool any = false;

		while (i < count && ranges[i].offset < end) {
			uint32_t from = (uint32_t)max_u64(ranges[i].offset, start);
			uint32_t range_end = ranges[i].offset + ranges[i].length;
			uint32_t to = (uint32_t)min_u64(range_end, end);

			if (!any)
				XXH3_128bits_reset(&state);
			any = true;
			XXH3_128bits_update(&state, bytes + (from - base), to - from);
			if (range_end > end)
				break;
			i++;
		}
		if (any)
			hashes[block] = to_disk(XXH3_128bits_digest(&state));
	}
}

uint64_t index_mask(const struct index_hash hashes[INDEX_BLOCKS])
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < INDEX_BLOCKS; i++)
		if (!is_none(&hashes[i]))
			mask |= UINT64_C(1) << i;
	return mask;
}

uint64_t index_record_check(const struct index_record_disk *record,
			    const struct index_hash *hashes)
{
	size_t count = (size_t)__builtin_popcountll(get_le64(record->mask));
	uint64_t seed = XXH3_64bits(record, offsetof(struct index_record_disk, check));

	return XXH3_64bits_withSeed(hashes, count * sizeof(*hashes), seed);
}

void index_head_check(const struct index_head_disk *head,
		      const struct index_image_disk *images, struct index_hash *ret)
{
	struct index_head_disk plain = *head;
	XXH128_hash_t hash;

	memset(&plain.check, 0, sizeof(plain.check));
	hash = XXH3_128bits(&plain, sizeof(plain));
	hash = XXH3_128bits_withSeed(images, get_le32(head->images) * sizeof(*images),
				     hash.low64);
	*ret = to_disk(hash);
}

int index_heads_hash(struct block_source *file, struct index_hash *ret, struct err *err)
{
	uint8_t pieces[ARRAY_SIZE(head_places) + 1][HEAD_PIECE] = { 0 };
	uint64_t last = file->size > HEAD_PIECE ? file->size - HEAD_PIECE : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i <= ARRAY_SIZE(head_places); i++) {
		uint64_t at = i < ARRAY_SIZE(head_places) ? head_places[i] : last;

		if (at < file->size)
			r = source_read(file, pieces[i], at,
					min_u64(HEAD_PIECE, file->size - at), err);
	}
	if (r < 0)
		return r;
	*ret = to_disk(XXH3_128bits(pieces, sizeof(pieces)));
	return 0;
}

/* -- head ---- */

static int damaged(const struct block_source *file, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG, "'%s': damaged index: %s; " CURE, file->name, what);
}

static int check_head(const struct block_source *file, const struct index_head_disk *head,
		      struct err *err)
{
	if (memcmp(head->magic, INDEX_MAGIC, sizeof(head->magic)) != 0)
		return damaged(file, "it does not begin as one, or was never finished",
			       err);
	if (get_le32(head->version) != INDEX_VERSION ||
	    get_le32(head->block_size) != INDEX_BLOCK)
		return err_set(err, -ENOTSUP,
			       "'%s': index of version %" PRIu32
			       " with blocks of %" PRIu32
			       " bytes, version %u with %u is known here; " CURE,
			       file->name, get_le32(head->version),
			       get_le32(head->block_size), INDEX_VERSION, INDEX_BLOCK);
	if (!get_le32(head->images) || get_le32(head->images) > INDEX_MAX_IMAGES)
		return damaged(file, "no number of images that can be", err);
	if (get_le64(head->size) != file->size)
		return err_set(err, -EBADMSG,
			       "'%s': damaged index: %" PRIu64 " bytes, %" PRIu64
			       " were written; " CURE,
			       file->name, file->size, get_le64(head->size));
	return 0;
}

static int read_images(struct block_source *file, const struct index_head_disk *head,
		       struct index_image_disk *images, struct err *err)
{
	size_t length = get_le32(head->images) * sizeof(*images);
	struct index_hash check;
	int r;

	if (!range_within(sizeof(*head), length, file->size))
		return damaged(file, "it ends within its head", err);
	r = source_read(file, images, sizeof(*head), length, err);
	if (r < 0)
		return r;
	index_head_check(head, images, &check);
	if (memcmp(&check, &head->check, sizeof(check)) != 0 && !CHECKSUMS_IGNORED)
		return damaged(file, "the checksum of its head is wrong", err);
	return 0;
}

/* -- identity ---- */

static bool same_name(const struct index_image_disk *image, const char *name)
{
	size_t length = packed_name_length(name);

	return length < sizeof(image->name) && image->name[length] == '\0' &&
	       strncasecmp((const char *)image->name, name, length) == 0;
}

static int stale(const struct block_source *file, const char *name, const char *what,
		 struct err *err)
{
	return err_set(err, -ESTALE,
		       "'%s': stale index: '%s' %s since it was made; " CURE, file->name,
		       name, what);
}

static int compare_identity(const struct block_source *file,
			    const struct index_image_disk *image,
			    const struct index_identity *now, struct err *err)
{
	if (get_le64(image->file_size) != now->file_size)
		return stale(file, now->name, "grew or shrank", err);
	if (get_le64(image->mtime_ns) / TIME_STEP != now->mtime_ns / TIME_STEP)
		return stale(file, now->name, "was written to", err);
	if (!guid_equal(&image->unique_id, &now->unique_id))
		return stale(file, now->name, "got another unique id", err);
	if (memcmp(&image->heads, &now->heads, sizeof(image->heads)) != 0)
		return stale(file, now->name, "got other headers", err);
	return 0;
}

static int find_image(const struct block_source *file,
		      const struct index_image_disk *images, uint32_t count,
		      const struct index_identity *expected, uint32_t *ret,
		      struct err *err)
{
	*ret = 0;
	if (!expected)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!same_name(&images[i], expected->name))
			continue;
		*ret = i;
		return compare_identity(file, &images[i], expected, err);
	}
	return err_set(err, -ESTALE,
		       "'%s': index of another backup: it does not know '%s'; " CURE,
		       file->name, expected->name);
}

/* -- records ---- */

static int bad_record(const struct source_index *index, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG,
		       "'%s': damaged index: record at %" PRIu64 " %s; " CURE,
		       index->source.name, index->next, what);
}

/* Blocks behind the end of the volume have no data. */
static bool mask_is_possible(const struct source_index *index, uint64_t chunk,
			     uint64_t mask)
{
	uint64_t left = index->blocks - chunk * INDEX_BLOCKS;

	return mask && (left >= INDEX_BLOCKS || mask >> left == 0);
}

static int read_head(struct source_index *index, struct index_record_disk *ret,
		     struct err *err)
{
	int r;

	if (!range_within(index->next, sizeof(*ret), index->to))
		return bad_record(index, "is cut off", err);
	r = source_read(index->file, ret, index->next, sizeof(*ret), err);
	if (r < 0)
		return r;
	if (get_le64(ret->chunk) < index->least || get_le64(ret->chunk) >= index->chunks)
		return bad_record(index, "is not in its order", err);
	if (!mask_is_possible(index, get_le64(ret->chunk), get_le64(ret->mask)))
		return bad_record(index, "has blocks that the volume has not", err);
	return 0;
}

/* Takes the record in, behind its head. */
static int take_record(struct source_index *index, const struct index_record_disk *record,
		       struct err *err)
{
	struct index_hash packed[INDEX_BLOCKS];
	uint64_t mask = get_le64(record->mask);
	size_t count = (size_t)__builtin_popcountll(mask), next = 0;
	uint64_t at = index->next + sizeof(*record);
	int r;

	if (!range_within(at, count * sizeof(*packed), index->to))
		return bad_record(index, "is cut off", err);
	r = source_read(index->file, packed, at, count * sizeof(*packed), err);
	if (r < 0)
		return r;
	if (get_le64(record->check) != index_record_check(record, packed) &&
	    !CHECKSUMS_IGNORED)
		return bad_record(index, "has a wrong checksum", err);
	memset(index->hashes, 0, sizeof(index->hashes));
	for (unsigned i = 0; i < INDEX_BLOCKS; i++)
		if (mask >> i & 1)
			index->hashes[i] = packed[next++];
	index->least = get_le64(record->chunk) + 1;
	index->next = at + count * sizeof(*packed);
	return 0;
}

static int load_page(struct source_index *index, uint64_t chunk, struct err *err)
{
	struct index_record_disk record = { 0 };
	int r = 0;

	if (index->has_page && index->page == chunk)
		return 0;
	if (index->least > chunk) {
		index->next = index->from;
		index->least = 0;
	}
	index->has_page = false;
	while (r == 0 && index->next < index->to && index->least <= chunk) {
		r = read_head(index, &record, err);
		if (r < 0 || get_le64(record.chunk) > chunk)
			break;
		r = take_record(index, &record, err);
	}
	if (r < 0)
		return r;
	if (index->least != chunk + 1)
		memset(index->hashes, 0, sizeof(index->hashes));
	index->has_page = true;
	index->page = chunk;
	return 0;
}

static int index_read_at(struct block_source *source, void *buffer, uint64_t offset,
			 size_t length, struct err *err)
{
	struct source_index *index = (struct source_index *)source;
	uint8_t *to = buffer;

	while (length) {
		uint64_t within = offset % INDEX_PAGE;
		size_t part = (size_t)min_u64(length, INDEX_PAGE - within);
		int r = load_page(index, offset / INDEX_PAGE, err);

		if (r < 0)
			return r;
		memcpy(to, (const uint8_t *)index->hashes + within, part);
		to += part;
		offset += part;
		length -= part;
	}
	return 0;
}

static void index_close(struct block_source *source)
{
	source_close(((struct source_index *)source)->file);
	free(source->name);
	free(source);
}

static const struct block_source_ops index_ops = {
	.read_at = index_read_at,
	.close = index_close,
};

/* -- opening ---- */

static int describe(const struct block_source *file, const struct index_image_disk *image,
		    uint64_t head_length, struct source_index *ret, struct err *err)
{
	uint64_t length = get_le64(image->volume_length), end;

	if (!length || length > INT64_MAX)
		return damaged(file, "a volume of no length that can be", err);
	if (get_le64(image->offset) < head_length ||
	    !checked_add(get_le64(image->offset), get_le64(image->length), &end) ||
	    end > file->size)
		return damaged(file, "records outside of the file", err);
	ret->blocks = (length + INDEX_BLOCK - 1) / INDEX_BLOCK;
	ret->chunks = (length + INDEX_CHUNK - 1) / INDEX_CHUNK;
	ret->from = ret->next = get_le64(image->offset);
	ret->to = end;
	return 0;
}

static int prepare(struct block_source *file, const struct index_identity *expected,
		   struct source_index *ret, struct err *err)
{
	AUTO_FREE struct index_image_disk *images =
		calloc(INDEX_MAX_IMAGES, sizeof(*images));
	struct index_head_disk head;
	uint32_t number = 0;
	int r;

	if (!images)
		return err_nomem(err);
	if (file->size < sizeof(head))
		return damaged(file, "it ends within its head", err);
	r = source_read(file, &head, 0, sizeof(head), err);
	if (r == 0)
		r = check_head(file, &head, err);
	if (r == 0)
		r = read_images(file, &head, images, err);
	if (r == 0)
		r = find_image(file, images, get_le32(head.images), expected, &number,
			       err);
	if (r < 0)
		return r;
	return describe(file, &images[number],
			sizeof(head) + get_le32(head.images) * sizeof(*images), ret, err);
}

int index_source_new(struct block_source *file, const struct index_identity *expected,
		     struct block_source **ret, struct err *err)
{
	AUTO(source_freep) struct block_source *owned = file;
	AUTO_FREE struct source_index *index = calloc(1, sizeof(*index));
	int r;

	if (!index)
		return err_nomem(err);
	r = prepare(file, expected, index, err);
	if (r < 0)
		return r;
	index->source = (struct block_source){
		.ops = &index_ops,
		.size = index->chunks * INDEX_PAGE,
		.mtime_ns = file->mtime_ns,
		.max_parallel = 1,
		.name = strdup(file->name),
	};
	if (!index->source.name)
		return err_nomem(err);
	index->file = TAKE_PTR(owned);
	*ret = &TAKE_PTR(index)->source;
	return 0;
}

static int heads_of(struct tree *tree, const char *path, struct index_hash *ret,
		    struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	struct block_source *stored = NULL;
	bool packed;
	int r = tree_open(tree, path, &stored, err);

	if (r == 0)
		r = packed_open(stored, &file, &packed, err);
	if (r < 0 || !file)
		return r;
	return index_heads_hash(file, ret, err);
}

int index_open_beside(struct tree *tree, const char *image_path,
		      const struct index_identity *scanned, struct block_source **ret,
		      struct err *err)
{
	const char *slash = strrchr(image_path, '/');
	AUTO_FREE char *folder =
		strndup(image_path, slash ? (size_t)(slash - image_path) : 0);
	AUTO_FREE char *path = folder ? tree_path_join(folder, INDEX_NAME) : NULL;
	struct index_identity now = *scanned;
	AUTO(source_freep) struct block_source *file = NULL;
	int r;

	if (!path)
		return err_nomem(err);
	now.name = slash ? slash + 1 : image_path;
	r = tree_open(tree, path, &file, err);
	if (r == 0)
		r = heads_of(tree, image_path, &now.heads, err);
	return r < 0 ? r : index_source_new(TAKE_PTR(file), &now, ret, err);
}
