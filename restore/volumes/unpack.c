/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wimlib's decompressors: see unpack.h. They are linked from libwim.a alone: the shared library
 * would bring libxml2 and libfuse along, which have no business in a process that parses what
 * comes from outside, nor room in the image. Its files of the decompressors want four functions of
 * memory from a file that wants all the rest; these stand in for it.
 */
#include "unpack.h"

#include <stdint.h>
#include <wimlib.h>

/* Of wimlib's util.h, 1.13. */
void *wimlib_malloc(size_t size);
void wimlib_free_memory(void *memory);
void *wimlib_aligned_malloc(size_t size, size_t alignment);
void wimlib_aligned_free(void *memory);

void *wimlib_malloc(size_t size)
{
	return malloc(size);
}

void wimlib_free_memory(void *memory)
{
	free(memory);
}

void *wimlib_aligned_malloc(size_t size, size_t alignment)
{
	void *memory = NULL;

	return posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

void wimlib_aligned_free(void *memory)
{
	free(memory);
}

int decompressor_new(bool lzx, size_t chunk_size, struct decompressor **ret,
		     struct err *err)
{
	struct wimlib_decompressor *own = NULL;
	int r = wimlib_create_decompressor(lzx ? WIMLIB_COMPRESSION_TYPE_LZX
					       : WIMLIB_COMPRESSION_TYPE_XPRESS,
					   chunk_size, &own);

	if (r == WIMLIB_ERR_NOMEM)
		return err_nomem(err);
	if (r)
		return err_set(err, -EINVAL, "wimlib unpacks no chunks of %zu bytes (%d)",
			       chunk_size, r);
	*ret = (struct decompressor *)own;
	return 0;
}

void decompressor_free(struct decompressor *decompressor)
{
	wimlib_free_decompressor((struct wimlib_decompressor *)decompressor);
}

int decompressor_run(struct decompressor *decompressor, const uint8_t *from,
		     size_t from_length, uint8_t *to, size_t to_length)
{
	return wimlib_decompress(from, from_length, to, to_length,
				 (struct wimlib_decompressor *)decompressor) == 0
		       ? 0
		       : -EBADMSG;
}
