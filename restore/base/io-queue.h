/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads and writes of one descriptor that are under way at the same time: io_uring, the one
 * file that knows liburing is io-queue.c. Internal to base.
 */
#pragma once

#include <base/block-target.h>

struct io_queue;

/* Room for depth operations. fd is borrowed. -ENOSYS, -EPERM, …: this kernel, or a sandbox, has
 * no io_uring. */
int io_queue_new(int fd, unsigned depth, struct io_queue **ret, struct err *err) MUST_CHECK;
/* Waits for what is under way. NULL is fine. */
void io_queue_free(struct io_queue *queue);

/* Memory that operations will use often: the kernel keeps its pages at hand. Costs nothing but
 * speed where it fails (memory that may be locked is limited for ordinary users). */
void io_queue_register(struct io_queue *queue, void *memory, size_t length);

/* Negative errno: it was not started. */
int io_queue_start(struct io_queue *queue, const struct target_io *io) MUST_CHECK;
/* 1: *ret is done, *ret_result is its bytes or a negative errno. 0: none is. Negative errno: the
 * queue itself fails. */
int io_queue_finish(struct io_queue *queue, bool wait, struct target_io *ret,
		    int *ret_result) MUST_CHECK;
