/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A block device as a target, behind a loop device: zeroing is believed once it was looked at. */
#include "testing.h"

#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <base/block-target.h>
#include <base/log.h>

#define SIZE (4 * (size_t)MiB)

/* -- a device that says that it zeroed: no disk at hand lies -------------------------- */

static bool lies;
static unsigned asked;

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == BLKZEROOUT) {
		asked++;
		if (lies)
			return 0;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

struct device {
	int file, fd; /* of what lies behind it; of itself */
	struct block_target *target;
};

/* False: there is none to be had. */
static bool attach(struct device *ret)
{
	AUTO_CLOSE int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_info64 ends_with_us = { .lo_flags = LO_FLAGS_AUTOCLEAR };
	char path[64];
	int number;

	for (unsigned tries = 0; control >= 0 && tries < 100; tries++) {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			return false;
		snprintf(path, sizeof(path), "/dev/loop%d", number);
		ret->fd = open(path, O_RDWR | O_CLOEXEC);
		if (ret->fd < 0)
			return false;
		if (ioctl(ret->fd, LOOP_SET_FD, (void *)(intptr_t)ret->file) == 0)
			return ioctl(ret->fd, LOOP_SET_STATUS64, &ends_with_us) == 0;
		close(ret->fd); /* somebody else was faster */
	}
	return false;
}

/* Skips the test where there is no device. */
static void open_device(struct device *ret)
{
	AUTO_FREE char *bytes = malloc(SIZE);
	struct err err = { 0 };

	assert_non_null(bytes);
	memset(bytes, 'x', SIZE);
	ret->file = file_create("behind", SIZE);
	assert_int_equal(pwrite(ret->file, bytes, SIZE, 0), SIZE);
	asked = 0;
	if (!attach(ret)) {
		close(ret->file);
		print_message("no loop device can be had, skipped\n");
		skip();
	}
	assert_succeeds(target_file_from_fd(dup(ret->fd), "disk", SIZE, 512, false,
					    &ret->target, &err));
}

static void close_device(struct device *device)
{
	target_close(device->target);
	close(device->fd);
	close(device->file);
}

static bool is_filled(struct block_target *target, uint64_t offset, char c)
{
	AUTO_FREE char *bytes = malloc(MiB);
	struct err err = { 0 };

	assert_non_null(bytes);
	assert_succeeds(target_read(target, bytes, offset, MiB, &err));
	return bytes[0] == c && memcmp(bytes, bytes + 1, MiB - 1) == 0;
}

static void count_warnings(enum log_level level, const char *text, void *context)
{
	if (level != LOG_LEVEL_WARNING)
		return;
	assert_string_equal(
		text, "'disk': does not zero what it says it zeroed; zeros are written");
	++*(unsigned *)context;
}

/* -- tests --------------------------------------------------------------------------- */

static void a_device_that_zeroes_is_asked_for_each_range(void **state)
{
	struct device device = { 0 };
	struct err err = { 0 };

	lies = false;
	open_device(&device);
	assert_succeeds(target_zero(device.target, 0, MiB, &err));
	assert_succeeds(target_zero(device.target, 2 * MiB, MiB, &err));
	assert_int_equal(asked, 2);
	assert_true(is_filled(device.target, 0, 0));
	assert_true(is_filled(device.target, MiB, 'x'));
	assert_true(is_filled(device.target, 2 * MiB, 0));
	close_device(&device);
}

static void a_device_that_only_says_that_it_zeroed_gets_zeros_written(void **state)
{
	struct device device = { 0 };
	struct err err = { 0 };
	unsigned warnings = 0;

	lies = true;
	log_set_sink(count_warnings, &warnings);
	open_device(&device);
	assert_succeeds(target_zero(device.target, 0, MiB, &err));
	assert_int_equal(asked, 1);
	assert_int_equal(warnings, 1);
	assert_false(device.target->zeroes_fast);
	/* it is not asked again */
	assert_succeeds(target_zero(device.target, 2 * MiB, MiB, &err));
	assert_int_equal(asked, 1);
	assert_int_equal(warnings, 1);
	assert_true(is_filled(device.target, 0, 0));
	assert_true(is_filled(device.target, MiB, 'x'));
	assert_true(is_filled(device.target, 2 * MiB, 0));
	close_device(&device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_zeroes_is_asked_for_each_range),
		cmocka_unit_test(
			a_device_that_only_says_that_it_zeroed_gets_zeros_written),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
