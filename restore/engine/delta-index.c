/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens the sidecars of a delta restore, and makes sure that they speak of this backup. */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>

#include "delta.h"
#include "formats/block-index.h"
#include "restore-job.h"

/* Blocks of each volume that are read and compared with the sidecar: what was exchanged or
 * damaged without a trace in sizes, times and ids is rarely a single block. */
#define SPOTS 4

/* Chunks without data that are passed over in search of one. */
#define SEARCH_MAX 256

#define MAP_RANGES 64

static uint64_t chunk_count(const struct job_volume *volume)
{
	return (volume->image_length + INDEX_CHUNK - 1) / INDEX_CHUNK;
}

/* *ret NULL: there is none, or it cannot serve: pieces of a disk with larger sectors are not those
 * of the map. */
static int open_index(struct restore_job *job, struct job_volume *volume, struct err *err)
{
	struct err why = { 0 };
	uint64_t length;
	unsigned number;
	int r;

	if (volume->remade ||
	    job->plan->after->sector_size > volume->volume->fs.sector_size)
		return 0;
	r = reader_open_index(job->reader, volume->volume, &number, &length, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, r, "%s", why.text);
	if (length != chunk_count(volume) * INDEX_PAGE)
		return err_set(err, -ESTALE,
			       "'%s': its index '" INDEX_NAME
			       "' is of a volume of another length; make it anew with "
			       "'bmr index', or restore with --no-index",
			       volume->volume->image_path);
	return reader_source(job->reader, number, &volume->index, err);
}

/* Hashes the data of the block at offset as the backup has it. */
static int hash_block(struct restore_job *job, const struct job_volume *volume,
		      uint64_t offset, struct index_hash *ret, struct err *err)
{
	uint64_t end = min_u64(offset + INDEX_BLOCK, volume->image_length), at = offset;
	AUTO_FREE uint8_t *bytes = calloc(1, INDEX_BLOCK);
	struct index_range data[INDEX_BLOCK / 512];
	struct index_hash hashes[INDEX_BLOCKS];
	struct volume_range ranges[MAP_RANGES];
	size_t count = 0, used = 0;
	int r = bytes ? 0 : err_nomem(err);

	while (r == 0 && at < end) {
		r = reader_map(job->reader, volume->reader_volume, at, ranges, MAP_RANGES,
			       &count, err);
		for (size_t i = 0; r == 0 && i < count && at < end; i++) {
			uint64_t stop = min_u64(end, ranges[i].offset + ranges[i].length);

			if (ranges[i].kind == RANGE_DATA && used < ARRAY_SIZE(data)) {
				data[used++] =
					(struct index_range){ (uint32_t)(at - offset),
							      (uint32_t)(stop - at) };
				r = job_read_image(job, volume, at, (uint32_t)(stop - at),
						   bytes + (at - offset), err);
			}
			at = stop;
		}
	}
	if (r < 0)
		return r;
	index_hash_chunk(bytes, 0, data, used, hashes);
	*ret = hashes[0];
	return 0;
}

/* A block that the sidecar knows, from the chunk on. *ret_offset UINT64_MAX: none near. */
static int find_block(const struct job_volume *volume, uint64_t chunk,
		      uint64_t *ret_offset, struct index_hash *ret, struct err *err)
{
	uint64_t stop = min_u64(chunk_count(volume), chunk + SEARCH_MAX);
	struct index_hash hashes[INDEX_BLOCKS];

	*ret_offset = UINT64_MAX;
	for (; chunk < stop && *ret_offset == UINT64_MAX; chunk++) {
		int r = source_read(volume->index, hashes, chunk * INDEX_PAGE, INDEX_PAGE,
				    err);
		uint64_t mask;
		unsigned block;

		if (r < 0)
			return r;
		mask = index_mask(hashes);
		if (!mask)
			continue;
		block = (unsigned)__builtin_ctzll(mask);
		*ret_offset = chunk * INDEX_CHUNK + block * INDEX_BLOCK;
		*ret = hashes[block];
	}
	return 0;
}

static int check_spots(struct restore_job *job, const struct job_volume *volume,
		       struct err *err)
{
	struct index_hash expected = { 0 }, found = { 0 };
	int r = 0;

	for (unsigned i = 0; r == 0 && i < SPOTS; i++) {
		uint64_t offset;

		r = find_block(volume, chunk_count(volume) / SPOTS * i, &offset,
			       &expected, err);
		if (r < 0 || offset == UINT64_MAX)
			continue;
		r = hash_block(job, volume, offset, &found, err);
		if (r == 0 && memcmp(&found, &expected, sizeof(found)) != 0)
			r = err_set(err, -ESTALE,
				    "'%s': its index '" INDEX_NAME
				    "' does not know what it holds at %" PRIu64
				    " of the volume; make it anew with 'bmr index', or "
				    "restore with --no-index",
				    volume->volume->image_path, offset);
	}
	return r;
}

int job_prove_indexes(struct restore_job *job, bool *ret, struct err *err)
{
	int r = 0;

	*ret = job->delta.wanted && !job->delta.no_index;
	if (!*ret)
		return 0;
	for (size_t i = 0; r == 0 && i < job->volume_count; i++) {
		struct job_volume *volume = &job->volumes[i];

		r = open_index(job, volume, err);
		if (r == 0 && volume->index)
			r = check_spots(job, volume, err);
		*ret = *ret && volume->index;
	}
	return r;
}
