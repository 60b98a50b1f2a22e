/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one file that knows libvshadow. The library reads through a libbfio handle over a block
 * source. It reports by error objects of its own; errors of the source are kept beside and
 * win over its guess.
 */
#include "shadow-copies.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libbfio.h>
#include <libvshadow.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/guid.h>

/* Where the volume header of VSS lies, in a hole of NTFS's boot area. */
#define VSS_HEADER 0x1e00u

struct vss_header_disk {
	struct guid id;	     /* 0: vss_id */
	le32 version;	     /* 16 */
	le32 type;	     /* 20 */
	uint8_t offsets[24]; /* 24 */
	le64 catalogue;	     /* 48: bytes on the volume; 0: there are no copies */
	uint8_t rest[72];    /* 56 */
};
_Static_assert(sizeof(struct vss_header_disk) == 128, "VSS header");

static const struct guid vss_id = GUID_INIT(0x3808876b, 0xc176, 0x4e48, 0xb7, 0xae, 0x04,
					    0x04, 0x6e, 0x6c, 0xc7, 0x52);

/* Windows keeps 512 of a volume at most; 64 of them by default. */
#define COPIES_MAX 512

struct shadow_copies {
	struct block_source *volume; /* borrowed */
	uint64_t position;	     /* of the library's next read */
	struct err failure;	     /* of the source, in the last call; code 0: none */
	libbfio_handle_t *handle;
	libvshadow_volume_t *library;
	unsigned count;
};

/* -- the handle ---- */

static struct shadow_copies *handle_copies(intptr_t *handle)
{
	return (struct shadow_copies *)handle;
}

/* It owns nothing: the copies outlive it. */
static int handle_free(intptr_t **handle, libbfio_error_t **error)
{
	*handle = NULL;
	return 1;
}

static int handle_clone(intptr_t **ret, intptr_t *handle, libbfio_error_t **error)
{
	*ret = handle;
	return 1;
}

static int handle_open(intptr_t *handle, int flags, libbfio_error_t **error)
{
	return flags & LIBBFIO_ACCESS_FLAG_WRITE ? -1 : 1;
}

static int handle_close(intptr_t *handle, libbfio_error_t **error)
{
	return 0;
}

static ssize_t handle_read(intptr_t *handle, uint8_t *buffer, size_t size,
			   libbfio_error_t **error)
{
	struct shadow_copies *copies = handle_copies(handle);
	uint64_t rest = copies->position < copies->volume->size
				? copies->volume->size - copies->position
				: 0;
	size_t part = (size_t)min_u64(size, rest);

	if (part && source_read(copies->volume, buffer, copies->position, part,
				&copies->failure) < 0)
		return -1;
	copies->position += part;
	return (ssize_t)part;
}

static ssize_t handle_write(intptr_t *handle, const uint8_t *buffer, size_t size,
			    libbfio_error_t **error)
{
	return -1;
}

static off64_t handle_seek(intptr_t *handle, off64_t offset, int whence,
			   libbfio_error_t **error)
{
	struct shadow_copies *copies = handle_copies(handle);
	int64_t from = whence == SEEK_CUR   ? (int64_t)copies->position
		       : whence == SEEK_END ? (int64_t)copies->volume->size
					    : 0;
	int64_t position;

	if (__builtin_add_overflow(from, offset, &position) || position < 0)
		return -1;
	copies->position = (uint64_t)position;
	return position;
}

static int handle_yes(intptr_t *handle, libbfio_error_t **error)
{
	return 1;
}

static int handle_size(intptr_t *handle, size64_t *ret, libbfio_error_t **error)
{
	*ret = handle_copies(handle)->volume->size;
	return 1;
}

/* -- calls of the library ---- */

/* After a call failed: what of the source failed, else what the library says. */
static int library_failed(struct shadow_copies *copies, const char *what,
			  libvshadow_error_t **error, struct err *err)
{
	char text[512] = "no reason given";

	if (*error && libvshadow_error_sprint(*error, text, sizeof(text)) < 0)
		text[0] = '\0';
	libvshadow_error_free(error);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	if (copies->failure.code)
		return err_set(err, copies->failure.code, "%s", copies->failure.text);
	return err_set(err, -EBADMSG, "'%s': shadow copies are damaged: %s: %s",
		       copies->volume->name, what, text);
}

static int has_copies(struct block_source *volume, bool *ret, struct err *err)
{
	struct vss_header_disk disk;
	int r;

	*ret = false;
	if (!range_within(VSS_HEADER, sizeof(disk), volume->size))
		return 0;
	r = source_read(volume, &disk, VSS_HEADER, sizeof(disk), err);
	if (r == 0)
		*ret = guid_equal(&disk.id, &vss_id) && get_le64(disk.catalogue) != 0;
	return r;
}

static int open_library(struct shadow_copies *copies, struct err *err)
{
	libvshadow_error_t *error = NULL;
	int count = 0;

	if (libbfio_handle_initialize(&copies->handle, (intptr_t *)copies, handle_free,
				      handle_clone, handle_open, handle_close,
				      handle_read, handle_write, handle_seek, handle_yes,
				      handle_yes, handle_size, 0,
				      (libbfio_error_t **)&error) != 1 ||
	    libvshadow_volume_initialize(&copies->library, &error) != 1)
		return library_failed(copies, "starting the library", &error, err);
	if (libvshadow_volume_open_file_io_handle(copies->library, copies->handle,
						  LIBVSHADOW_OPEN_READ, &error) != 1)
		return library_failed(copies, "the catalogue", &error, err);
	if (libvshadow_volume_get_number_of_stores(copies->library, &count, &error) != 1)
		return library_failed(copies, "counting them", &error, err);
	if (count < 0 || count > COPIES_MAX)
		return err_set(err, -EBADMSG,
			       "'%s': shadow copies are damaged: %d of them, at most %d",
			       copies->volume->name, count, COPIES_MAX);
	copies->count = (unsigned)count;
	return 0;
}

int shadow_copies_open(struct block_source *volume, struct shadow_copies **ret,
		       struct err *err)
{
	AUTO(shadow_copies_freep)
	struct shadow_copies *copies = calloc(1, sizeof(*copies));
	bool any = false;
	int r;

	if (!copies)
		return err_nomem(err);
	copies->volume = volume;
	r = has_copies(volume, &any, err);
	if (r == 0 && any)
		r = open_library(copies, err);
	if (r == 0)
		*ret = TAKE_PTR(copies);
	return r;
}

void shadow_copies_close(struct shadow_copies *copies)
{
	if (!copies)
		return;
	if (copies->library)
		libvshadow_volume_free(&copies->library, NULL);
	if (copies->handle)
		libbfio_handle_free(&copies->handle, NULL);
	free(copies);
}

unsigned shadow_copies_count(const struct shadow_copies *copies)
{
	return copies->count;
}

/* -- one copy ---- */

static int get_store(struct shadow_copies *copies, unsigned index,
		     libvshadow_store_t **ret, struct err *err)
{
	libvshadow_error_t *error = NULL;

	copies->failure = (struct err){ 0 };
	if (libvshadow_volume_get_store(copies->library, (int)index, ret, &error) != 1)
		return library_failed(copies, "opening one", &error, err);
	return 0;
}

int shadow_copies_time(struct shadow_copies *copies, unsigned index, int64_t *ret,
		       struct err *err)
{
	libvshadow_store_t *store = NULL;
	libvshadow_error_t *error = NULL;
	uint64_t filetime = 0;
	int there, r = get_store(copies, index, &store, err);

	if (r < 0)
		return r;
	there = libvshadow_store_has_in_volume_data(store, &error);
	if (there == 0)
		r = err_set(err, -ENOTSUP,
			    "'%s': the data of shadow copy %u are not on the volume",
			    copies->volume->name, index + 1);
	else if (there < 0 ||
		 libvshadow_store_get_creation_time(store, &filetime, &error) != 1)
		r = library_failed(copies, "the time of one", &error, err);
	libvshadow_store_free(&store, NULL);
	if (r < 0)
		return r;
	*ret = (int64_t)(filetime / 10000000) - INT64_C(11644473600);
	return 0;
}

struct shadow_source {
	struct block_source source;
	struct shadow_copies *copies; /* borrowed */
	libvshadow_store_t *store;
};

static int shadow_read_at(struct block_source *source, void *buffer, uint64_t offset,
			  size_t length, struct err *err)
{
	struct shadow_source *shadow = (struct shadow_source *)source;
	uint8_t *out = buffer;

	while (length) {
		libvshadow_error_t *error = NULL;
		ssize_t n;

		shadow->copies->failure = (struct err){ 0 };
		n = libvshadow_store_read_buffer_at_offset(shadow->store, out, length,
							   (off64_t)offset, &error);
		if (n <= 0)
			return library_failed(shadow->copies, "reading one", &error, err);
		out += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static void shadow_close(struct block_source *source)
{
	struct shadow_source *shadow = (struct shadow_source *)source;

	if (shadow->store)
		libvshadow_store_free(&shadow->store, NULL);
	free(source->name);
	free(shadow);
}

static const struct block_source_ops shadow_ops = {
	.read_at = shadow_read_at,
	.close = shadow_close,
};

int shadow_copies_source(struct shadow_copies *copies, unsigned index, const char *name,
			 struct block_source **ret, struct err *err)
{
	struct shadow_source *shadow = calloc(1, sizeof(*shadow));
	AUTO(source_freep) struct block_source *owned = NULL;
	libvshadow_error_t *error = NULL;
	size64_t size = 0;
	int r;

	if (!shadow)
		return err_nomem(err);
	owned = &shadow->source;
	shadow->copies = copies;
	shadow->source = (struct block_source){
		.ops = &shadow_ops,
		.sector_size = copies->volume->sector_size,
		.max_parallel = 1, /* the library keeps a position */
		.name = strdup(name),
	};
	if (!shadow->source.name)
		return err_nomem(err);
	r = get_store(copies, index, &shadow->store, err);
	if (r < 0)
		return r;
	if (libvshadow_store_get_size(shadow->store, &size, &error) != 1)
		return library_failed(copies, "the size of one", &error, err);
	shadow->source.size = min_u64(size, copies->volume->size);
	*ret = TAKE_PTR(owned);
	return 0;
}
