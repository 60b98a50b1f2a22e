/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of exFAT volumes, read-only. Own code: Debian 12 has no library for it (exfat-fuse links
 * its own in, and mounts), and the kernel's driver would parse bytes from outside with all rights.
 * What is read is small: one table, folders, and where files lie.
 */
#include "file-system.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/fuzzing.h>
#include <base/log.h>
#include <base/utf.h>

#include "exfat-parse.h"

/* A folder has at most 256 MiB (specification, 7.6.5). */
#define FOLDER_MAX (256 * MiB)
/* In more pieces a file of a terabyte would not lie that was written by one program. */
#define RUNS_MAX 1000000u
/* As Windows' longest paths; 32767 characters. */
#define DEPTH_MAX 512

#define FAT_WINDOW  65536u /* bytes of the table in memory */
#define END_OF_FILE 0xffffffffu

struct exfat {
	struct block_source *volume; /* borrowed */
	struct exfat_shape shape;
	uint64_t window; /* offset in the table that is in memory; UINT64_MAX: none */
	uint8_t table[FAT_WINDOW];
};

/* Clusters that follow each other. */
struct run {
	uint64_t offset; /* bytes in the file */
	uint32_t first, count;
};

struct exfat_file {
	struct exfat *exfat; /* borrowed */
	uint64_t size, valid;
	size_t count;
	struct run *runs; /* owned; cover size */
};

/* -- clusters --------------------------------------------------------------------- */

static bool is_cluster(const struct exfat *exfat, uint32_t cluster)
{
	return cluster >= EXFAT_FIRST_CLUSTER &&
	       cluster - EXFAT_FIRST_CLUSTER < exfat->shape.clusters;
}

static int next_cluster(struct exfat *exfat, uint32_t cluster, uint32_t *ret,
			struct err *err)
{
	uint64_t at = (uint64_t)cluster * 4, window = align_down(at, FAT_WINDOW);
	le32 next;

	if (exfat->window != window) {
		size_t part = min_u64(FAT_WINDOW, exfat->shape.fat_size - window);
		int r = source_read(exfat->volume, exfat->table,
				    exfat->shape.fat + window, part, err);

		exfat->window = r < 0 ? UINT64_MAX : window;
		if (r < 0)
			return r;
	}
	memcpy(&next, exfat->table + (at - window), sizeof(next));
	*ret = get_le32(next);
	return 0;
}

static void file_close(struct exfat_file *file)
{
	if (file)
		free(file->runs);
	free(file);
}
DEFINE_FREEP(struct exfat_file, exfat_file, file_close)

/* Returns NULL for no memory. */
static struct run *add_run(struct exfat_file *file, uint64_t offset, uint32_t first)
{
	/* doubling, at powers of two */
	if ((file->count & (file->count + 1)) == 0) {
		struct run *grown =
			reallocarray(file->runs, 2 * file->count + 2, sizeof(*grown));

		if (!grown)
			return NULL;
		file->runs = grown;
	}
	file->runs[file->count] = (struct run){ offset, first, 0 };
	return &file->runs[file->count++];
}

static int broken_chain(const struct exfat *exfat, uint32_t cluster, uint64_t got,
			uint64_t want, struct err *err)
{
	return err_set(err, -EBADMSG,
		       "'%s': exFAT is damaged: a file of %" PRIu64
		       " clusters goes on at %" PRIu32 " after %" PRIu64,
		       exfat->volume->name, want, cluster, got);
}

/* The clusters of a file as its size or, for the root, *clusters unknown (0), the table says. */
static int follow_chain(struct exfat_file *file, uint32_t cluster, uint64_t want,
			struct err *err)
{
	struct exfat *exfat = file->exfat;
	struct run *run = NULL;
	uint64_t got = 0;

	for (; !want || got < want; got++) {
		int r;

		if (!want && cluster == END_OF_FILE)
			break;
		if (!is_cluster(exfat, cluster) || got >= exfat->shape.clusters)
			return broken_chain(exfat, cluster, got, want, err);
		if (!run || cluster != run->first + run->count) {
			if (file->count == RUNS_MAX)
				return err_set(err, -E2BIG,
					       "'%s': a file in more than %u pieces",
					       exfat->volume->name, RUNS_MAX);
			run = add_run(file, got * exfat->shape.cluster_size, cluster);
			if (!run)
				return err_nomem(err);
		}
		run->count++;
		r = next_cluster(exfat, cluster, &cluster, err);
		if (r < 0)
			return r;
	}
	if (!want)
		file->size = file->valid = got * exfat->shape.cluster_size;
	return 0;
}

static int take_contiguous(struct exfat_file *file, uint32_t first, uint64_t want,
			   struct err *err)
{
	const struct exfat *exfat = file->exfat;
	struct run *run;

	if (!is_cluster(exfat, first) ||
	    want > exfat->shape.clusters - (first - EXFAT_FIRST_CLUSTER))
		return broken_chain(exfat, first, 0, want, err);
	run = add_run(file, 0, first);
	if (!run)
		return err_nomem(err);
	run->count = (uint32_t)want;
	return 0;
}

/* *ret reads what node says. */
static int open_node(struct exfat *exfat, const struct exfat_node *node,
		     struct exfat_file **ret, struct err *err)
{
	AUTO(exfat_file_freep) struct exfat_file *file = calloc(1, sizeof(*file));
	uint64_t cluster_size = exfat->shape.cluster_size, want;
	int r = 0;

	if (!file)
		return err_nomem(err);
	file->exfat = exfat;
	file->size = node->size;
	file->valid = node->valid;
	want = node->size / cluster_size + (node->size % cluster_size != 0);
	if (want > exfat->shape.clusters)
		r = broken_chain(exfat, node->first, 0, want, err);
	else if (want && node->is_contiguous)
		r = take_contiguous(file, node->first, want, err);
	else if (want)
		r = follow_chain(file, node->first, want, err);
	if (r == 0)
		*ret = TAKE_PTR(file);
	return r;
}

static int open_root(struct exfat *exfat, struct exfat_file **ret, struct err *err)
{
	AUTO(exfat_file_freep) struct exfat_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return err_nomem(err);
	file->exfat = exfat;
	r = follow_chain(file, exfat->shape.root, 0, err);
	if (r == 0)
		*ret = TAKE_PTR(file);
	return r;
}

/* -- reading ---------------------------------------------------------------------- */

/* The run that holds offset; runs cover the file. */
static const struct run *find_run(const struct exfat_file *file, uint64_t offset)
{
	size_t low = 0, high = file->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (file->runs[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &file->runs[low];
}

static int file_read(struct exfat_file *file, uint64_t offset, uint8_t *bytes,
		     size_t length, struct err *err)
{
	const struct exfat_shape *shape = &file->exfat->shape;
	uint64_t stored = offset < file->valid ? file->valid - offset : 0;

	if (length > stored) {
		memset(bytes + stored, 0, length - stored);
		length = (size_t)stored;
	}
	while (length) {
		const struct run *run = find_run(file, offset);
		uint64_t inside = offset - run->offset;
		uint64_t start =
			shape->heap + (uint64_t)(run->first - EXFAT_FIRST_CLUSTER) *
					      shape->cluster_size;
		size_t part = min_u64(length, (uint64_t)run->count * shape->cluster_size -
						      inside);
		int r = source_read(file->exfat->volume, bytes, start + inside, part,
				    err);

		if (r < 0)
			return r;
		bytes += part;
		offset += part;
		length -= part;
	}
	return 0;
}

/* -- folders ---------------------------------------------------------------------- */

/* name is UTF-8. Non-zero ends the walk. */
typedef int node_visit(const struct exfat_node *node, const char *name, void *context,
		       struct err *err);

/* A file whose entries are damaged does not hide the others. */
static int visit_set(struct exfat_file *folder, const uint8_t *entries, unsigned count,
		     node_visit *visit, void *context, struct err *err)
{
	AUTO_FREE char *name = NULL;
	struct exfat_node node;
	int r = exfat_parse_set(entries, count, &node, err);

	if (r == 0)
		r = utf16le_to_utf8(node.name, node.name_length, &name, err);
	if (r == -EBADMSG) {
		log_debug("'%s': exFAT: %s, ignoring", folder->exfat->volume->name,
			  err->text);
		return 0;
	}
	return r < 0 ? r : visit(&node, name, context, err);
}

static int walk_folder(struct exfat_file *folder, node_visit *visit, void *context,
		       struct err *err)
{
	uint8_t entries[EXFAT_ENTRIES_MAX * EXFAT_ENTRY_SIZE];
	uint64_t at = 0;
	int r = 0;

	if (folder->size > FOLDER_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': exFAT is damaged: a folder of %" PRIu64 " bytes",
			       folder->exfat->volume->name, folder->size);
	while (r == 0 && range_within(at, EXFAT_ENTRY_SIZE, folder->size)) {
		size_t length = EXFAT_ENTRY_SIZE;

		r = file_read(folder, at, entries, length, err);
		if (r < 0 || entries[0] == EXFAT_END)
			break;
		length = exfat_set_length(entries) * EXFAT_ENTRY_SIZE;
		if (length > EXFAT_ENTRY_SIZE && range_within(at, length, folder->size)) {
			r = file_read(folder, at, entries, length, err);
			if (r == 0)
				r = visit_set(folder, entries,
					      (unsigned)(length / EXFAT_ENTRY_SIZE),
					      visit, context, err);
		}
		at += length;
	}
	return r;
}

struct search {
	const char *name;
	size_t length;
	struct exfat_node found;
};

static int compare_name(const struct exfat_node *node, const char *name, void *context,
			struct err *err)
{
	struct search *search = context;

	if (strlen(name) != search->length ||
	    strncmp(name, search->name, search->length) != 0)
		return 0;
	search->found = *node;
	return 1;
}

static int find_node(struct exfat_file *folder, const char *part, size_t length,
		     struct exfat_node *ret, struct err *err)
{
	struct search search = { .name = part, .length = length };
	int r = walk_folder(folder, compare_name, &search, err);

	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, -ENOENT, "'%s': no '%.*s'",
			       folder->exfat->volume->name, (int)length, part);
	*ret = search.found;
	return 0;
}

/* Opens path; *ret_is_folder says what it is. */
static int open_path(struct exfat *exfat, const char *path, bool *ret_is_folder,
		     struct exfat_file **ret, struct err *err)
{
	AUTO(exfat_file_freep) struct exfat_file *at = NULL;
	bool is_folder = true;
	int r = open_root(exfat, &at, err);

	for (unsigned depth = 0; r == 0 && *path && at; depth++) {
		size_t length = strcspn(path, "/");
		struct exfat_node node = { 0 };
		struct exfat_file *below = NULL;

		if (!is_folder || depth == DEPTH_MAX)
			return err_set(err, -ENOTDIR, "'%s': not a folder before '%s'",
				       exfat->volume->name, path);
		r = find_node(at, path, length, &node, err);
		if (r == 0)
			r = open_node(exfat, &node, &below, err);
		file_close(at);
		at = below;
		is_folder = node.is_folder;
		path += length + (path[length] == '/');
	}
	if (r < 0 || !at)
		return r;
	*ret_is_folder = is_folder;
	*ret = TAKE_PTR(at);
	return 0;
}

/* -- the calls -------------------------------------------------------------------- */

static int read_boot_region(struct block_source *volume, struct exfat_shape *ret,
			    struct err *err)
{
	uint8_t region[EXFAT_BOOT_SECTORS * 4096];
	size_t length;
	int r = source_read(volume, region, 0, 512, err);

	if (r == 0)
		r = exfat_parse_boot(region, volume->size, ret, err);
	if (r < 0)
		return r;
	length = (size_t)EXFAT_BOOT_SECTORS * ret->sector_size;
	r = source_read(volume, region, 0, length, err);
	if (r == 0 && !exfat_boot_is_sound(region, ret->sector_size) &&
	    !CHECKSUMS_IGNORED)
		return err_set(
			err, -EBADMSG,
			"'%s': exFAT is damaged: the checksum of the boot region is "
			"wrong",
			volume->name);
	return r;
}

static int exfat_open(struct block_source *volume, void **ret, struct err *err)
{
	AUTO_FREE struct exfat *exfat = calloc(1, sizeof(*exfat));
	int r;

	if (!exfat)
		return err_nomem(err);
	exfat->volume = volume;
	exfat->window = UINT64_MAX;
	r = read_boot_region(volume, &exfat->shape, err);
	if (r == 0)
		*ret = TAKE_PTR(exfat);
	return r;
}

static void exfat_close(void *fs)
{
	free(fs);
}

static int add_node(const struct exfat_node *node, const char *name, void *context,
		    struct err *err)
{
	struct tree_listing *listing = context;
	struct tree_entry entry = {
		.name = name,
		.is_folder = node->is_folder,
		.size = node->is_folder ? 0 : node->size,
		.mtime_s = node->mtime_s,
	};

	return tree_listing_is_full(listing) ? 1 : tree_listing_add(listing, &entry, err);
}

static int exfat_list(void *fs, const char *path, struct tree_listing *ret,
		      struct err *err)
{
	AUTO(exfat_file_freep) struct exfat_file *folder = NULL;
	bool is_folder = false;
	int r = open_path(fs, path, &is_folder, &folder, err);

	if (r < 0 || !folder)
		return r;
	if (!is_folder)
		return err_set(err, -ENOTDIR, "'%s': '%s' is not a folder",
			       folder->exfat->volume->name, path);
	r = walk_folder(folder, add_node, ret, err);
	return r < 0 ? r : 0;
}

static int exfat_open_file(void *fs, const char *path, void **ret, struct err *err)
{
	AUTO(exfat_file_freep) struct exfat_file *file = NULL;
	bool is_folder = false;
	int r = open_path(fs, path, &is_folder, &file, err);

	if (r < 0 || !file)
		return r;
	if (is_folder)
		return err_set(err, -EISDIR, "'%s': '%s' is a folder",
			       file->exfat->volume->name, path);
	*ret = TAKE_PTR(file);
	return 0;
}

static void exfat_close_file(void *file)
{
	file_close(file);
}

static uint64_t exfat_file_size(const void *file)
{
	return ((const struct exfat_file *)file)->size;
}

static int exfat_read_file(void *file, uint64_t offset, uint8_t *bytes, size_t length,
			   struct err *err)
{
	return file_read(file, offset, bytes, length, err);
}

const struct file_system_ops exfat_files = {
	.fs = FS_EXFAT,
	.open = exfat_open,
	.close = exfat_close,
	.list = exfat_list,
	.open_file = exfat_open_file,
	.close_file = exfat_close_file,
	.file_size = exfat_file_size,
	.read_file = exfat_read_file,
};
