/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations under way of a file target: io_uring, and what stands in for it. */
#include "testing.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <base/block-target.h>
#include <base/sandbox.h>

#define SIZE (64 * KiB)
#define PAGE 4096

static uint8_t *buffer; /* SIZE bytes, aligned */

static int fill_buffer(void **state)
{
	if (posix_memalign((void **)&buffer, PAGE, SIZE))
		return -1;
	for (size_t i = 0; i < SIZE; i++)
		buffer[i] = (uint8_t)(i / PAGE + i % 251);
	return scratch_enter(state);
}

static int free_buffer(void **state)
{
	free(buffer);
	return scratch_leave(state);
}

/* -1: this file system has no O_DIRECT */
static int open_direct(const char *path)
{
	close(file_create(path, SIZE));
	return open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
}

static struct block_target *make_target(int fd, const char *path)
{
	struct block_target *target = NULL;
	struct err err = { 0 };

	if (fd < 0)
		return NULL;
	assert_succeeds(target_file_from_fd(fd, path, SIZE, 512, true, &target, &err));
	return target;
}

static struct block_target *open_queue(const char *path)
{
	struct block_target *target = make_target(open_direct(path), path);

	if (target && target->ops->start)
		return target;
	target_close(target);
	print_message("no O_DIRECT in /tmp, or no io_uring\n");
	skip();
	return NULL;
}

static struct target_io piece(bool read, unsigned page, unsigned pages)
{
	return (struct target_io){ .buffer = buffer + (size_t)page * PAGE,
				   .offset = (uint64_t)page * PAGE,
				   .length = (size_t)pages * PAGE,
				   .read = read,
				   .tag = buffer + page };
}

/* Starts all there is room for and takes them in again; each once. */
static void run_all(struct block_target *target, bool read)
{
	unsigned started = 0, seen = 0, done = 0;
	struct err err = { 0 };

	while (done < SIZE / PAGE) {
		struct target_io io = { 0 };

		while (started < SIZE / PAGE && started - done < target_depth(target)) {
			io = piece(read, started++, 1);
			assert_succeeds(target_start(target, &io, &err));
		}
		assert_int_equal(target_finish(target, true, &io, &err), 1);
		seen |= 1u << ((uint8_t *)io.tag - buffer);
		done++;
		assert_int_equal(io.offset, ((uint8_t *)io.tag - buffer) * PAGE);
	}
	assert_int_equal(seen, 0xffff);
}

static void what_is_started_is_done_once_and_on_the_disk(void **state)
{
	AUTO(target_freep) struct block_target *target = open_queue("queue");
	AUTO_FREE uint8_t *expected = malloc(SIZE);
	struct target_io io;
	struct err err = { 0 };

	assert_non_null(expected);
	memcpy(expected, buffer, SIZE);
	target_share(target, buffer, SIZE / 2); /* the other half is ordinary memory */
	assert_in_range(target_depth(target), 2, 64);
	assert_int_equal(target_finish(target, true, &io, &err), 0);
	run_all(target, false);
	assert_succeeds(target_flush(target, &err));
	memset(buffer, 0, SIZE);
	run_all(target, true);
	assert_memory_equal(buffer, expected, SIZE);
	assert_int_equal(target_finish(target, false, &io, &err), 0);
}

static void more_than_its_depth_is_refused(void **state)
{
	AUTO(target_freep) struct block_target *target = open_queue("queue");
	struct target_io io;
	struct err err = { 0 };

	for (unsigned i = 0; i < target_depth(target); i++) {
		io = piece(false, i, 1);
		assert_succeeds(target_start(target, &io, &err));
	}
	io = piece(false, 15, 1);
	assert_failed(target_start(target, &io, &err), -EBUSY,
		      "'queue': starting to write 61440+4096: Device or resource busy");
	io.offset = SIZE;
	assert_failed(target_start(target, &io, &err), -EINVAL,
		      "'queue': range 65536+4096 leaves the size of 65536 bytes");
	io = piece(false, 15, 1);
	io.buffer = buffer + 1;
	assert_failed(target_start(target, &io, &err), -EINVAL,
		      "'queue': buffer is not aligned to 4096 bytes");
	/* closing waits for what is under way */
}

/* A limit on the length of files stands for a full disk: the kernel's short write and its error. */
static void an_error_and_a_short_write_are_told_with_their_place(void **state)
{
	AUTO(target_freep) struct block_target *target = open_queue("queue");
	struct rlimit old, limit;
	struct target_io io, failed = { 0 };
	struct err err = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = SIZE / 2;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	io = piece(false, 10, 1);
	assert_succeeds(target_start(target, &io, &err));
	assert_failed(target_finish(target, true, &failed, &err), -EFBIG,
		      "'queue': writing 40960+4096: File too large");
	assert_ptr_equal(failed.tag, buffer + 10);
	io = piece(false, 7, 2);
	assert_succeeds(target_start(target, &io, &err));
	assert_failed(target_finish(target, true, &failed, &err), -EFBIG,
		      "'queue': writing 32768+4096, at 32768: File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
}

static void a_file_that_shrank_under_a_read_is_told(void **state)
{
	AUTO(target_freep) struct block_target *target = open_queue("queue");
	struct target_io io = piece(true, 14, 2);
	struct err err = { 0 };

	assert_int_equal(truncate("queue", SIZE - PAGE), 0);
	assert_succeeds(target_start(target, &io, &err));
	assert_failed(target_finish(target, true, &io, &err), -EIO,
		      "'queue': ended at 61440, expected 65536");
}

/* The sandbox of the reader has no io_uring, as an old kernel. */
static int work_without_queue(int fd)
{
	AUTO(target_freep) struct block_target *target = make_target(fd, "plain");
	struct target_io io = piece(false, 3, 2);
	const uint8_t first = buffer[3 * PAGE];
	struct err err = { 0 };

	if (target->ops->start || target_depth(target) != 1)
		return 1;
	if (target_start(target, &io, &err) < 0 ||
	    target_start(target, &io, &err) != -EBUSY)
		return 2;
	io = (struct target_io){ 0 };
	if (target_finish(target, true, &io, &err) != 1 || io.tag != buffer + 3 ||
	    target_finish(target, true, &io, &err) != 0)
		return 3;
	memset(buffer, 0, SIZE);
	return target_read(target, buffer, 3 * PAGE, PAGE, &err) < 0 ||
	       buffer[0] != first;
}

static void without_io_uring_one_operation_is_done_at_a_time(void **state)
{
	int status = 0, fd = open_direct("plain");
	pid_t pid;

	if (fd < 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (sandbox_enter(&(struct sandbox){ 0 }, NULL) < 0)
			_exit(9);
		/* past the leak checker, which the sandbox stops */
		syscall(SYS_exit_group, work_without_queue(fd));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	close(fd);
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_started_is_done_once_and_on_the_disk),
		cmocka_unit_test(more_than_its_depth_is_refused),
		cmocka_unit_test(an_error_and_a_short_write_are_told_with_their_place),
		cmocka_unit_test(a_file_that_shrank_under_a_read_is_told),
		cmocka_unit_test(without_io_uring_one_operation_is_done_at_a_time),
	};

	return cmocka_run_group_tests(tests, fill_buffer, free_buffer);
}
