/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns libzstd: see compress.h. */
#include "compress.h"

#include <fcntl.h>
#include <string.h>
#include <zstd.h>

#include <base/text.h>

#define BUFFER_LENGTH (1 << 20)

/* The result is the same for any number of workers above 0, not for 0. */
/* 32 MiB: modules of one kind lie far apart, and are alike. The kernel takes up to 128 MiB, for
 * which it needs as much memory while it unpacks. */
#define WINDOW_LOG 25

#define WORKERS 2

struct compressor {
	ZSTD_CCtx *zstd;
	char *path;
	uint8_t *buffer;
	uint64_t written;
	int fd;
};

void compressor_free(struct compressor *compressor)
{
	if (!compressor)
		return;
	ZSTD_freeCCtx(compressor->zstd);
	cleanup_close(&compressor->fd);
	free(compressor->buffer);
	free(compressor->path);
	free(compressor);
}

static int zstd_failed(const struct compressor *compressor, size_t code, struct err *err)
{
	return err_set(err, -EIO, "'%s': zstd: %s", compressor->path,
		       ZSTD_getErrorName(code));
}

static int set_parameters(struct compressor *compressor, int level, struct err *err)
{
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} settings[] = {
		{ ZSTD_c_compressionLevel, level },
		{ ZSTD_c_windowLog, WINDOW_LOG },
		{ ZSTD_c_enableLongDistanceMatching, 1 },
		{ ZSTD_c_checksumFlag, 1 },
		{ ZSTD_c_nbWorkers, WORKERS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		size_t code = ZSTD_CCtx_setParameter(
			compressor->zstd, settings[i].parameter, settings[i].value);

		if (ZSTD_isError(code))
			return zstd_failed(compressor, code, err);
	}
	return 0;
}

int compressor_open(const char *path, int level, struct compressor **ret, struct err *err)
{
	AUTO(compressor_freep)
	struct compressor *compressor = calloc(1, sizeof(*compressor));
	int r;

	if (!compressor)
		return err_nomem(err);
	compressor->fd = -1;
	compressor->zstd = ZSTD_createCCtx();
	compressor->path = strdup(path);
	compressor->buffer = malloc(BUFFER_LENGTH);
	if (!compressor->zstd || !compressor->path || !compressor->buffer)
		return err_nomem(err);
	r = set_parameters(compressor, level, err);
	if (r < 0)
		return r;
	compressor->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (compressor->fd < 0)
		return err_errno(err, errno, "'%s': creating", path);
	*ret = TAKE_PTR(compressor);
	return 0;
}

static int flush_buffer(struct compressor *compressor, size_t length, struct err *err)
{
	for (size_t done = 0; done < length;) {
		ssize_t n =
			write(compressor->fd, compressor->buffer + done, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "'%s': writing", compressor->path);
		done += (size_t)n;
	}
	compressor->written += length;
	return 0;
}

/* Feeds the input; with ZSTD_e_end until all of the output is out. */
static int drive(struct compressor *compressor, ZSTD_inBuffer *input,
		 ZSTD_EndDirective end, struct err *err)
{
	for (;;) {
		ZSTD_outBuffer output = { .dst = compressor->buffer,
					  .size = BUFFER_LENGTH };
		size_t left = ZSTD_compressStream2(compressor->zstd, &output, input, end);
		int r;

		if (ZSTD_isError(left))
			return zstd_failed(compressor, left, err);
		r = flush_buffer(compressor, output.pos, err);
		if (r < 0)
			return r;
		if (end == ZSTD_e_end ? left == 0 : input->pos == input->size)
			return 0;
	}
}

int compressor_write(struct compressor *compressor, const void *bytes, size_t length,
		     struct err *err)
{
	ZSTD_inBuffer input = { .src = bytes, .size = length };

	return drive(compressor, &input, ZSTD_e_continue, err);
}

int compressor_finish(struct compressor *compressor, uint64_t *ret_length,
		      struct err *err)
{
	ZSTD_inBuffer input = { 0 };
	int r = drive(compressor, &input, ZSTD_e_end, err);

	if (r < 0)
		return r;
	if (close(TAKE_FD(compressor->fd)) < 0)
		return err_errno(err, errno, "'%s': closing", compressor->path);
	if (ret_length)
		*ret_length = compressor->written;
	return 0;
}
