/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block targets: the checks of all kinds, files, memory, recording, flaky. */
#include "testing.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <base/block-target.h>

/* -- system calls that can be made to fail: no file system at hand does it ---- */

static int fallocate_errno, fdatasync_errno;

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	if (fallocate_errno) {
		errno = fallocate_errno;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

int fdatasync(int fd)
{
	if (fdatasync_errno) {
		errno = fdatasync_errno;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static int repair(void **state)
{
	fallocate_errno = fdatasync_errno = 0;
	return 0;
}

/* A file of size bytes of 'x' as a target. */
static struct block_target *file_target(const char *path, size_t size)
{
	struct block_target *target = NULL;
	struct err err = { 0 };
	int fd = file_create(path, size);
	AUTO_FREE char *bytes = malloc(size);

	assert_non_null(bytes);
	memset(bytes, 'x', size);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	assert_succeeds(target_file_from_fd(fd, path, size, 512, false, &target, &err));
	return target;
}

/* Is every byte of the range c? */
static bool is_filled(struct block_target *target, uint64_t offset, size_t length, char c)
{
	AUTO_FREE char *bytes = malloc(length);
	struct err err = { 0 };

	assert_non_null(bytes);
	assert_succeeds(target_read(target, bytes, offset, length, &err));
	return bytes[0] == c && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* -- all kinds ---- */

static void only_whole_sectors_within_the_target_are_taken(void **state)
{
	AUTO(target_freep) struct block_target *target = NULL;
	char buffer[8192] = "";
	struct err err = { 0 };
	uint8_t *bytes;

	assert_succeeds(target_memory_new(16384, 4096, &target, &bytes, &err));
	assert_failed(target_write(target, buffer, 12288, 8192, &err), -EINVAL,
		      "'memory': range 12288+8192 leaves the size of 16384 bytes");
	assert_failed(target_write(target, buffer, 0, 512, &err), -EINVAL,
		      "'memory': range 0+512 is not made of whole sectors of 4096 bytes");
	assert_failed(
		target_zero(target, 512, 4096, &err), -EINVAL,
		"'memory': range 512+4096 is not made of whole sectors of 4096 bytes");
	assert_failed(
		target_discard(target, 0, UINT64_MAX, &err), -EINVAL,
		"'memory': range 0+18446744073709551615 leaves the size of 16384 bytes");
	assert_failed(target_read(target, buffer, 16384, 4096, &err), -EINVAL,
		      "'memory': range 16384+4096 leaves the size of 16384 bytes");
	assert_succeeds(target_write(target, buffer, 16384, 0, &err));
}

static void a_target_has_whole_sectors_of_a_size_that_exists(void **state)
{
	struct block_target *target = NULL;
	struct err err = { 0 };
	uint8_t *bytes;

	assert_failed(target_memory_new(4096, 0, &target, &bytes, &err), -EINVAL,
		      "'memory': sector size 0, must be a power of two from 512 to 4096");
	assert_failed(
		target_memory_new(4096, 520, &target, &bytes, &err), -EINVAL,
		"'memory': sector size 520, must be a power of two from 512 to 4096");
	assert_failed(
		target_memory_new(4096, 8192, &target, &bytes, &err), -EINVAL,
		"'memory': sector size 8192, must be a power of two from 512 to 4096");
	assert_failed(target_memory_new(4608, 4096, &target, &bytes, &err), -EINVAL,
		      "'memory': size 4608 is not a multiple of the sector size 4096");
	assert_null(target);
}

static void memory_keeps_what_is_written(void **state)
{
	AUTO(target_freep) struct block_target *target = NULL;
	struct err err = { 0 };
	char buffer[512];
	uint8_t *bytes;

	memset(buffer, 'x', sizeof(buffer));
	assert_succeeds(target_memory_new(1536, 512, &target, &bytes, &err));
	assert_succeeds(target_write(target, buffer, 512, 512, &err));
	assert_int_equal(bytes[511], 0);
	assert_int_equal(bytes[512], 'x');
	assert_true(is_filled(target, 512, 512, 'x'));
	assert_succeeds(target_zero(target, 512, 512, &err));
	assert_true(is_filled(target, 0, 1536, 0));
	assert_succeeds(target_discard(target, 0, 512, &err));
	assert_succeeds(target_flush(target, &err));
}

/* -- files ---- */

static void a_file_keeps_what_is_written(void **state)
{
	AUTO(target_freep) struct block_target *target = file_target("disk", 8192);
	char buffer[1024], stored[3];
	struct err err = { 0 };

	memset(buffer, 'N', sizeof(buffer));
	assert_succeeds(target_write(target, buffer, 512, 1024, &err));
	assert_succeeds(target_flush(target, &err));
	assert_true(is_filled(target, 0, 512, 'x'));
	assert_true(is_filled(target, 512, 1024, 'N'));
	AUTO_CLOSE int fd = open("disk", O_RDONLY);
	assert_int_equal(pread(fd, stored, 3, 1534), 3);
	assert_memory_equal(stored, "NNx", 3);
}

static void zeroing_a_file_makes_holes(void **state)
{
	AUTO(target_freep) struct block_target *target = file_target("sparse", MiB);
	struct err err = { 0 };
	struct stat st;

	assert_succeeds(target_zero(target, 0, MiB, &err));
	assert_true(is_filled(target, 0, MiB, 0));
	assert_int_equal(stat("sparse", &st), 0);
	assert_int_equal(st.st_size, MiB);
	assert_true(st.st_blocks < 64);
}

static void zeros_are_written_where_holes_are_not_supported(void **state)
{
	size_t size = 3 * MiB;
	AUTO(target_freep) struct block_target *target = file_target("dense", size);
	struct err err = { 0 };

	fallocate_errno = EOPNOTSUPP;
	assert_succeeds(target_zero(target, 512, size - 1024, &err));
	assert_true(is_filled(target, 0, 512, 'x'));
	assert_true(is_filled(target, 512, size - 1024, 0));
	assert_true(is_filled(target, size - 512, 512, 'x'));
}

static void a_real_error_of_zeroing_is_told(void **state)
{
	AUTO(target_freep) struct block_target *target = file_target("zero", 4096);
	struct err err = { 0 };

	fallocate_errno = EIO;
	assert_failed(target_zero(target, 0, 512, &err), -EIO,
		      "'zero': zeroing 0+512: Input/output error");
	assert_true(is_filled(target, 0, 4096, 'x'));
}

static void a_discard_that_fails_is_no_error(void **state)
{
	AUTO(target_freep) struct block_target *target = file_target("discard", 4096);
	struct err err = { 0 };

	fallocate_errno = EIO;
	assert_succeeds(target_discard(target, 0, 4096, &err));
	assert_true(is_filled(target, 0, 4096, 'x'));
}

static void a_failed_flush_says_what_it_means(void **state)
{
	AUTO(target_freep) struct block_target *target = file_target("flush", 4096);
	struct err err = { 0 };

	fdatasync_errno = EIO;
	assert_failed(
		target_flush(target, &err), -EIO,
		"'flush': flush failed, everything written since the last flush counts "
		"as unwritten: Input/output error");
}

/* The limit makes the kernel write the first half and then refuse the second. */
static void a_write_goes_on_after_a_short_one_and_says_where_it_ended(void **state)
{
	AUTO(target_freep) struct block_target *target = file_target("limit", 16384);
	struct rlimit limit, saved;
	char buffer[4096] = "";
	struct err err = { 0 };
	int r;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	limit = saved;
	limit.rlim_cur = 6144;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	r = target_write(target, buffer, 4096, 4096, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	assert_failed(r, -EFBIG, "'limit': writing 4096+4096, at 6144: File too large");
	assert_true(is_filled(target, 4096, 2048, 0));
	assert_true(is_filled(target, 6144, 2048, 'x'));
}

static void a_file_that_shrank_cannot_be_read_back(void **state)
{
	AUTO(target_freep) struct block_target *target = file_target("shrinks", 4096);
	struct err err = { 0 };
	char buffer[1024];

	assert_int_equal(truncate("shrinks", 3000), 0);
	assert_failed(target_read(target, buffer, 2560, 1024, &err), -EIO,
		      "'shrinks': ended at 3000, expected 4096");
}

static void a_file_that_is_too_short_is_refused(void **state)
{
	struct block_target *target = NULL;
	struct err err = { 0 };

	assert_failed(target_file_from_fd(file_create("short", 512), "short", 1024, 512,
					  false, &target, &err),
		      -EINVAL, "'short': file of 512 bytes, must have 1024");
	assert_failed(target_file_from_fd(open(".", O_RDONLY), ".", 1024, 512, false,
					  &target, &err),
		      -EINVAL, "'.': neither a file nor a block device");
	assert_null(target);
}

static void direct_buffers_must_be_aligned(void **state)
{
	AUTO(target_freep) struct block_target *target = NULL;
	AUTO_FREE void *buffer = NULL;
	struct err err = { 0 };
	int fd;

	close(file_create("direct", 8192));
	fd = open("direct", O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0) {
		print_message("the file system of /tmp has no O_DIRECT\n");
		skip();
	}
	assert_succeeds(
		target_file_from_fd(fd, "direct", 8192, 4096, true, &target, &err));
	assert_true(target->alignment >= 4096);
	assert_int_equal(posix_memalign(&buffer, target->alignment, 8192), 0);
	memset(buffer, 'x', 8192);
	assert_succeeds(target_write(target, buffer, 0, 8192, &err));
	assert_succeeds(target_flush(target, &err));
	fallocate_errno = EOPNOTSUPP; /* the zeros that are written must be aligned too */
	assert_succeeds(target_zero(target, 4096, 4096, &err));
	assert_succeeds(target_read(target, buffer, 0, 8192, &err));
	assert_int_equal(((char *)buffer)[4095], 'x');
	assert_int_equal(((char *)buffer)[4096], 0);
	assert_failed(target_write(target, (char *)buffer + 1, 0, 4096, &err), -EINVAL,
		      "'direct': buffer is not aligned to 4096 bytes");
	assert_failed(target_read(target, (char *)buffer + 512, 0, 4096, &err), -EINVAL,
		      "'direct': buffer is not aligned to 4096 bytes");
}

/* -- recording and flaky ---- */

static void a_recording_target_logs_every_operation_in_order(void **state)
{
	AUTO(target_freep) struct block_target *target = NULL;
	struct block_target *memory = NULL;
	char buffer[4096] = "x";
	struct err err = { 0 };
	uint8_t *bytes;

	assert_succeeds(target_memory_new(16384, 512, &memory, &bytes, &err));
	assert_succeeds(target_recording_new(memory, &target, &err));
	assert_string_equal(target_recording_log(target), "");
	assert_succeeds(target_write(target, buffer, 0, 4096, &err));
	assert_succeeds(target_zero(target, 8192, 512, &err));
	assert_succeeds(target_discard(target, 0, 512, &err));
	assert_succeeds(target_read(target, buffer, 0, 512, &err));
	assert_succeeds(target_flush(target, &err));
	assert_int_equal(target_write(target, buffer, 1, 512, &err), -EINVAL);
	assert_string_equal(target_recording_log(target),
			    "write 0+4096\nzero 8192+512\ndiscard 0+512\nflush\n");
	assert_int_equal(bytes[0], 'x');
	assert_int_equal(target->size, 16384);
}

static void a_flaky_target_fails_the_chosen_operation_once(void **state)
{
	AUTO(target_freep) struct block_target *target = NULL;
	struct block_target *memory = NULL;
	char buffer[512] = "x";
	struct err err = { 0 };
	uint8_t *bytes;

	assert_succeeds(target_memory_new(1024, 512, &memory, &bytes, &err));
	assert_succeeds(target_flaky_new(memory, 2, -EIO, false, &target, &err));
	assert_succeeds(target_flush(target, &err));
	assert_succeeds(target_read(target, buffer, 512, 512, &err));
	buffer[0] = 'x';
	assert_failed(target_write(target, buffer, 0, 512, &err), -EIO,
		      "'memory': operation 2, a write, made to fail");
	assert_int_equal(bytes[0], 0);
	assert_succeeds(target_write(target, buffer, 0, 512, &err));
	assert_int_equal(bytes[0], 'x');
}

static void a_broken_target_fails_from_the_chosen_operation_on(void **state)
{
	AUTO(target_freep) struct block_target *target = NULL;
	struct block_target *memory = NULL;
	struct err err = { 0 };
	uint8_t *bytes;

	assert_succeeds(target_memory_new(1024, 512, &memory, &bytes, &err));
	assert_succeeds(target_flaky_new(memory, 1, -ENOSPC, true, &target, &err));
	assert_failed(target_zero(target, 0, 512, &err), -ENOSPC,
		      "'memory': operation 1, a zero, made to fail");
	assert_failed(target_flush(target, &err), -ENOSPC,
		      "'memory': operation 2, a flush, made to fail");
	assert_failed(target_discard(target, 0, 512, &err), -ENOSPC,
		      "'memory': operation 3, a discard, made to fail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whole_sectors_within_the_target_are_taken),
		cmocka_unit_test(a_target_has_whole_sectors_of_a_size_that_exists),
		cmocka_unit_test(memory_keeps_what_is_written),
		cmocka_unit_test(a_file_keeps_what_is_written),
		cmocka_unit_test(zeroing_a_file_makes_holes),
		cmocka_unit_test_teardown(zeros_are_written_where_holes_are_not_supported,
					  repair),
		cmocka_unit_test_teardown(a_real_error_of_zeroing_is_told, repair),
		cmocka_unit_test_teardown(a_discard_that_fails_is_no_error, repair),
		cmocka_unit_test_teardown(a_failed_flush_says_what_it_means, repair),
		cmocka_unit_test(
			a_write_goes_on_after_a_short_one_and_says_where_it_ended),
		cmocka_unit_test(a_file_that_shrank_cannot_be_read_back),
		cmocka_unit_test(a_file_that_is_too_short_is_refused),
		cmocka_unit_test_teardown(direct_buffers_must_be_aligned, repair),
		cmocka_unit_test(a_recording_target_logs_every_operation_in_order),
		cmocka_unit_test(a_flaky_target_fails_the_chosen_operation_once),
		cmocka_unit_test(a_broken_target_fails_from_the_chosen_operation_on),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
