/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io_uring: see io-queue.h. */
#include "io-queue.h"

#include <liburing.h>
#include <string.h>
#include <sys/uio.h>

#include <base/checked.h>
#include <base/log.h>

struct io_queue {
	struct io_uring ring;
	int fd;
	unsigned depth, under_way;
	struct target_io *ios; /* depth; buffer NULL: free */
	uint8_t *memory;       /* registered; NULL: none */
	size_t memory_length;
};

int io_queue_new(int fd, unsigned depth, struct io_queue **ret, struct err *err)
{
	AUTO_FREE struct io_queue *queue = calloc(1, sizeof(*queue));
	AUTO_FREE struct target_io *ios = calloc(depth, sizeof(*ios));
	int r;

	if (!queue || !ios)
		return err_nomem(err);
	r = io_uring_queue_init(depth, &queue->ring, 0);
	if (r < 0)
		return err_errno(err, -r, "io_uring");
	queue->fd = fd;
	queue->depth = depth;
	queue->ios = TAKE_PTR(ios);
	*ret = TAKE_PTR(queue);
	return 0;
}

void io_queue_free(struct io_queue *queue)
{
	struct target_io io;
	int result;

	if (!queue)
		return;
	while (io_queue_finish(queue, true, &io, &result) > 0)
		;
	io_uring_queue_exit(&queue->ring);
	free(queue->ios);
	free(queue);
}

void io_queue_register(struct io_queue *queue, void *memory, size_t length)
{
	struct iovec part = { memory, length };
	int r = io_uring_register_buffers(&queue->ring, &part, 1);

	if (r < 0) {
		log_debug("io_uring: %zu bytes cannot be registered: %s, ignoring",
			  length, strerrordesc_np(-r));
		return;
	}
	queue->memory = memory;
	queue->memory_length = length;
}

static bool is_registered(const struct io_queue *queue, const struct target_io *io)
{
	return queue->memory && (uint8_t *)io->buffer >= queue->memory &&
	       range_within((uint64_t)((uint8_t *)io->buffer - queue->memory), io->length,
			    queue->memory_length);
}

static void prepare(struct io_queue *queue, struct io_uring_sqe *sqe,
		    const struct target_io *io)
{
	unsigned length = (unsigned)io->length;
	bool fixed = is_registered(queue, io);

	if (io->read && fixed)
		io_uring_prep_read_fixed(sqe, queue->fd, io->buffer, length, io->offset,
					 0);
	else if (io->read)
		io_uring_prep_read(sqe, queue->fd, io->buffer, length, io->offset);
	else if (fixed)
		io_uring_prep_write_fixed(sqe, queue->fd, io->buffer, length, io->offset,
					  0);
	else
		io_uring_prep_write(sqe, queue->fd, io->buffer, length, io->offset);
}

int io_queue_start(struct io_queue *queue, const struct target_io *io)
{
	struct target_io *own = queue->ios;
	struct io_uring_sqe *sqe;
	int r;

	if (queue->under_way == queue->depth || io->length > INT32_MAX || !io->buffer)
		return -EBUSY;
	while (own->buffer)
		own++;
	sqe = io_uring_get_sqe(&queue->ring);
	if (!sqe)
		return -EBUSY;
	prepare(queue, sqe, io);
	io_uring_sqe_set_data(sqe, own);
	do
		r = io_uring_submit(&queue->ring);
	while (r == -EINTR);
	if (r != 1)
		return r < 0 ? r : -EIO;
	*own = *io;
	queue->under_way++;
	return 0;
}

int io_queue_finish(struct io_queue *queue, bool wait, struct target_io *ret,
		    int *ret_result)
{
	struct io_uring_cqe *cqe = NULL;
	struct target_io *own;
	int r;

	if (!queue->under_way)
		return 0;
	do
		r = wait ? io_uring_wait_cqe(&queue->ring, &cqe)
			 : io_uring_peek_cqe(&queue->ring, &cqe);
	while (r == -EINTR);
	if (r == -EAGAIN)
		return 0;
	if (r < 0)
		return r;
	own = io_uring_cqe_get_data(cqe);
	*ret = *own;
	*ret_result = cqe->res;
	io_uring_cqe_seen(&queue->ring, cqe);
	*own = (struct target_io){ 0 };
	queue->under_way--;
	return 1;
}
