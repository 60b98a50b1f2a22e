/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of files that are kept in memory: see tree-kept.h. The block that was not used for the longest
 * time makes room. */
#include "tree-kept.h"

#include <string.h>
#include <sys/mman.h>

#include <base/checked.h>

#define BLOCK_SIZE                                                                       \
	(64u << 10)	/* bytes: larger ones are mostly bytes that nobody asked for */
#define BLOCK_COUNT 384 /* 24 MiB in all */
#define RUN_MAX	    64	/* blocks that are read at once */

/* A VHDX's identifier, headers and region tables, which whoever opens it reads in seven pieces: after
 * the first block of a file the next is wanted up to here. */
#define HEAD_SIZE (5 * (uint64_t)BLOCK_SIZE)

#define FILE_COUNT 128 /* that are remembered after they were closed */

struct block {
	uint64_t file;	 /* number; 0: free */
	uint64_t offset; /* multiple of BLOCK_SIZE */
	size_t length;	 /* less than BLOCK_SIZE at the end of the file */
	uint64_t used;	 /* clock of the last use */
};

struct known_file {
	char *path; /* NULL: free; owned */
	uint64_t size;
	int64_t mtime_ns;
	uint64_t number;
	uint64_t used;
};

struct kept_memory {
	uint8_t blocks[BLOCK_COUNT][BLOCK_SIZE];
	uint8_t run[RUN_MAX * BLOCK_SIZE]; /* what is read at once */
};

struct tree_kept {
	struct tree tree;
	struct tree *inner;
	bool passes;
	uint64_t clock, last_number;
	uint64_t forgotten; /* clock when nothing was kept any more */
	struct known_file files[FILE_COUNT];
	struct block blocks[BLOCK_COUNT];
	struct kept_memory *memory; /* mapped: forgetting gives it back to the kernel */
};

struct kept_source {
	struct block_source source;
	struct tree_kept *kept;
	struct block_source *inner;
	uint64_t file; /* number */
};

/* -- blocks ------------------------------------------------------------------------- */

static struct block *find_block(struct tree_kept *kept, uint64_t file, uint64_t offset)
{
	for (size_t i = 0; i < BLOCK_COUNT; i++)
		if (kept->blocks[i].file == file && kept->blocks[i].offset == offset)
			return &kept->blocks[i];
	return NULL;
}

static struct block *oldest_block(struct tree_kept *kept)
{
	struct block *oldest = &kept->blocks[0];

	for (size_t i = 1; i < BLOCK_COUNT; i++)
		if (kept->blocks[i].used < oldest->used)
			oldest = &kept->blocks[i];
	return oldest;
}

static uint8_t *block_bytes(struct tree_kept *kept, const struct block *block)
{
	return kept->memory->blocks[block - kept->blocks];
}

static void keep(struct tree_kept *kept, uint64_t file, uint64_t offset,
		 const uint8_t *bytes, size_t length)
{
	struct block *block = oldest_block(kept);

	memcpy(block_bytes(kept, block), bytes, length);
	*block = (struct block){ file, offset, length, ++kept->clock };
}

/* How many blocks from offset, whose block is missing, up to end are missing, too. */
static unsigned count_missing(const struct kept_source *own, uint64_t offset,
			      uint64_t end)
{
	unsigned count = 1;

	if (offset == BLOCK_SIZE)
		end = max_u64(end, HEAD_SIZE);
	end = min_u64(end, own->source.size);
	while (count < RUN_MAX && offset + (uint64_t)count * BLOCK_SIZE < end &&
	       !find_block(own->kept, own->file, offset + (uint64_t)count * BLOCK_SIZE))
		count++;
	return count;
}

/* Reads the missing blocks from offset on; up to end is asked for. */
static int fetch(struct kept_source *own, uint64_t offset, uint64_t end, struct err *err)
{
	struct tree_kept *kept = own->kept;
	uint64_t wanted = (uint64_t)count_missing(own, offset, end) * BLOCK_SIZE;
	size_t length = (size_t)min_u64(wanted, own->source.size - offset);
	uint8_t *run = kept->memory->run;
	int r = source_read(own->inner, run, offset, length, err);

	for (size_t done = 0; r == 0 && done < length; done += BLOCK_SIZE)
		keep(kept, own->file, offset + done, run + done,
		     (size_t)min_u64(BLOCK_SIZE, length - done));
	return r;
}

static int kept_read_at(struct block_source *source, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	struct kept_source *own = (struct kept_source *)source;
	uint64_t end = offset + length;
	uint8_t *to = buffer;
	int r = 0;

	if (own->kept->passes)
		return source_read(own->inner, buffer, offset, length, err);
	while (r == 0 && offset < end) {
		uint64_t start = align_down(offset, BLOCK_SIZE);
		struct block *block = find_block(own->kept, own->file, start);
		size_t part;

		if (!block) {
			r = fetch(own, start, end, err);
			continue;
		}
		part = (size_t)min_u64(end, start + block->length) - offset;
		memcpy(to, block_bytes(own->kept, block) + (offset - start), part);
		block->used = ++own->kept->clock;
		to += part;
		offset += part;
	}
	return r;
}

static int kept_extents(struct block_source *source, uint64_t offset, uint64_t length,
			struct extent *extents, size_t max, size_t *ret_count,
			struct err *err)
{
	return source_extents(((struct kept_source *)source)->inner, offset, length,
			      extents, max, ret_count, err);
}

static void kept_source_close(struct block_source *source)
{
	struct kept_source *own = (struct kept_source *)source;

	source_close(own->inner);
	free(source->name);
	free(own);
}

static const struct block_source_ops kept_source_ops = {
	.read_at = kept_read_at,
	.extents = kept_extents,
	.close = kept_source_close,
};

/* -- files -------------------------------------------------------------------------- */

static struct known_file *find_file(struct tree_kept *kept, const char *path)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		if (kept->files[i].path && strcmp(kept->files[i].path, path) == 0)
			return &kept->files[i];
	return NULL;
}

static struct known_file *oldest_file(struct tree_kept *kept)
{
	struct known_file *oldest = &kept->files[0];

	for (size_t i = 1; i < FILE_COUNT; i++)
		if (kept->files[i].used < oldest->used)
			oldest = &kept->files[i];
	return oldest;
}

/* The number under which its blocks are kept: the old one if it is the file that it was. */
static int number_file(struct tree_kept *kept, const char *path,
		       const struct block_source *file, uint64_t *ret, struct err *err)
{
	struct known_file *known = find_file(kept, path);
	char *name;

	if (known && known->mtime_ns && known->mtime_ns == file->mtime_ns &&
	    known->size == file->size) {
		known->used = ++kept->clock;
		*ret = known->number;
		return 0;
	}
	if (!known)
		known = oldest_file(kept);
	name = strdup(path);
	if (!name)
		return err_nomem(err);
	free(known->path);
	*known = (struct known_file){ .path = name,
				      .size = file->size,
				      .mtime_ns = file->mtime_ns,
				      .number = ++kept->last_number,
				      .used = ++kept->clock };
	*ret = known->number;
	return 0;
}

/* -- the tree ----------------------------------------------------------------------- */

static int kept_list(struct tree *tree, const char *path, tree_visit *visit,
		     void *context, struct err *err)
{
	return tree_list(((struct tree_kept *)tree)->inner, path, visit, context, err);
}

static void kept_expect(struct tree *tree, const char *path)
{
	tree_expect(((struct tree_kept *)tree)->inner, path);
}

static int kept_previous(struct tree *tree, tree_visit *visit, void *context,
			 struct err *err)
{
	return tree_list_previous(((struct tree_kept *)tree)->inner, visit, context, err);
}

static int kept_open(struct tree *tree, const char *path, struct block_source **ret,
		     struct err *err)
{
	struct tree_kept *kept = (struct tree_kept *)tree;
	AUTO(source_freep) struct block_source *inner = NULL;
	AUTO_FREE struct kept_source *own = malloc(sizeof(*own));
	uint64_t number = 0;
	char *name;
	int r = tree_open(kept->inner, path, &inner, err);

	if (r == 0)
		r = number_file(kept, path, inner, &number, err);
	if (r < 0)
		return r;
	name = strdup(inner->name);
	if (!own || !name) {
		free(name);
		return err_nomem(err);
	}
	*own = (struct kept_source){ *inner, kept, NULL, number };
	own->source.ops = &kept_source_ops;
	own->source.max_parallel = 1;
	own->source.name = name;
	own->inner = TAKE_PTR(inner);
	*ret = &TAKE_PTR(own)->source;
	return 0;
}

static void kept_close(struct tree *tree)
{
	struct tree_kept *kept = (struct tree_kept *)tree;

	munmap(kept->memory, sizeof(*kept->memory));
	for (size_t i = 0; i < FILE_COUNT; i++)
		free(kept->files[i].path);
	free(tree->name);
	free(kept);
}

static const struct tree_ops kept_ops = {
	.list = kept_list,
	.open = kept_open,
	.expect = kept_expect,
	.previous = kept_previous,
	.close = kept_close,
};

void tree_kept_pass(struct tree *tree, bool pass)
{
	((struct tree_kept *)tree)->passes = pass;
}

/* Numbers of files that are open stay theirs. */
void tree_kept_forget(struct tree *tree)
{
	struct tree_kept *kept = (struct tree_kept *)tree;

	if (kept->clock == kept->forgotten)
		return;
	(void)madvise(kept->memory, sizeof(*kept->memory), MADV_DONTNEED);
	memset(kept->blocks, 0, sizeof(kept->blocks));
	kept->forgotten = kept->clock;
}

int tree_kept_new(struct tree *inner, struct tree **ret, struct err *err)
{
	struct tree_kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return err_nomem(err);
	kept->tree.ops = &kept_ops;
	kept->tree.name = strdup(inner->name);
	kept->memory = mmap(NULL, sizeof(*kept->memory), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (kept->memory == MAP_FAILED || !kept->tree.name) {
		if (kept->memory != MAP_FAILED)
			munmap(kept->memory, sizeof(*kept->memory));
		free(kept->tree.name);
		free(kept);
		return err_nomem(err);
	}
	kept->inner = inner;
	*ret = &kept->tree;
	return 0;
}
