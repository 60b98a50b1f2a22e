/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/boot-needs.h>
#include <base/cleanup.h>
#include <base/spawn.h>

#include "wholeness.h"

static char root[] = "/tmp/openbmr-wholeness-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void assert_told(int code, const char *text)
{
	struct err err = { 0 };

	assert_int_equal(wholeness_check(root, &err), code);
	if (code)
		assert_string_equal(err.text, text);
}

#define CUT_OFF                                                                          \
	"the file 'initramfs.zst' is cut off or damaged: the kernel could not unpack "   \
	"all of it"

static void little_memory_is_told_with_both_numbers(void **state)
{
	put("/proc/iomem", "00000000-00000fff : Reserved\n"
			   "00001000-0009ffff : System RAM\n"
			   "  00002000-0009ffff : System RAM\n"
			   "00100000-0fffffff : System RAM\n"
			   "  01000000-01e00000 : Kernel code\n"
			   "fd000000-fdffffff : PCI Bus System RAM\n");
	assert_told(-ENOMEM,
		    "this machine has 255 MiB of memory, the recovery environment "
		    "needs at least 416 MiB");
	assert_string_equal(wholeness_cure(-ENOMEM), "give the machine more memory");
}

static void with_enough_memory_the_file_was_cut_off(void **state)
{
	put("/proc/iomem", "00100000-1887ffff : System RAM\n"); /* 392 MiB less a bit */
	assert_told(-ENOMEM,
		    "this machine has 391 MiB of memory, the recovery environment "
		    "needs at least 416 MiB");
	put("/proc/iomem", "00100000-188fffff : System RAM\n");
	assert_told(-EBADMSG, CUT_OFF);
	assert_string_equal(wholeness_cure(-EBADMSG),
			    "write the boot medium again, or start from another one");
	put("/proc/iomem", "nothing that is known\n00100000-000fffff : System RAM\n");
	assert_told(-EBADMSG, CUT_OFF);
	put("/proc/iomem", "");
	assert_told(-EBADMSG, CUT_OFF);
}

static void what_has_its_end_is_whole(void **state)
{
	put("/proc/iomem", "00100000-0fffffff : System RAM\n");
	put(INITRAMFS_END_PATH, "");
	assert_told(0, NULL);
}

static int enter(void **state)
{
	char path[256];

	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/proc", root);
	if (mkdir(path, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/etc", root);
	return mkdir(path, 0755);
}

static int leave(void **state)
{
	const char *argv[] = { "rm", "-rf", "--", root, NULL };
	struct err err;

	return spawn_run(&(struct spawn){ .argv = argv }, NULL, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_memory_is_told_with_both_numbers),
		cmocka_unit_test(with_enough_memory_the_file_was_cut_off),
		cmocka_unit_test(what_has_its_end_is_whole),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
