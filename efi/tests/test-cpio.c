/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The newc writer; cpio(1) is the judge. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpio.h"

static uint8_t buffer[4096];

static struct cpio make_archive(void)
{
	struct cpio cpio = cpio_start(buffer, sizeof(buffer));
	struct err err;

	memset(buffer, 0xff, sizeof(buffer)); /* padding must be written, not found */
	assert_int_equal(cpio_add_folder(&cpio, "top", &err), 0);
	assert_int_equal(
		cpio_add_file(&cpio, "top/one", CPIO_MODE_FILE, "12345", 5, &err), 0);
	assert_int_equal(
		cpio_add_file(&cpio, "top/secret", CPIO_MODE_SECRET, "pass", 4, &err), 0);
	assert_int_equal(cpio_add_file(&cpio, "top/empty", CPIO_MODE_FILE, NULL, 0, &err),
			 0);
	assert_int_equal(cpio_end(&cpio, &err), 0);
	return cpio;
}

/* What cpio prints about the archive. */
static void run_cpio(const struct cpio *cpio, const char *arguments, char *ret,
		     size_t size)
{
	char name[] = "/tmp/test-cpio-XXXXXX", command[128];
	int fd = mkstemp(name);
	size_t length;
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, cpio->data, cpio->length), cpio->length);
	close(fd);
	snprintf(command, sizeof(command), "LC_ALL=C TZ=UTC cpio --quiet %s <%s 2>&1",
		 arguments, name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	length = fread(ret, 1, size - 1, pipe);
	ret[length] = '\0';
	assert_int_equal(pclose(pipe), 0);
	unlink(name);
}

static void cpio_lists_names_modes_and_sizes(void **state)
{
	struct cpio cpio = make_archive();
	char listing[1024];

	run_cpio(&cpio, "-itvn", listing, sizeof(listing));
	assert_string_equal(
		listing,
		"drwxr-xr-x   1 0        0               0 Jan  1  1970 top\n"
		"-rw-r--r--   1 0        0               5 Jan  1  1970 top/one\n"
		"-rw-------   1 0        0               4 Jan  1  1970 top/secret\n"
		"-rw-r--r--   1 0        0               0 Jan  1  1970 top/empty\n");
}

static void cpio_unpacks_the_content(void **state)
{
	struct cpio cpio = make_archive();
	char content[1024];

	run_cpio(&cpio, "-i --to-stdout top/one top/secret", content, sizeof(content));
	assert_string_equal(content, "12345pass");
}

static void every_part_is_aligned_and_padded_with_zeros(void **state)
{
	struct cpio cpio = make_archive();

	assert_int_equal(cpio.length % 4, 0);
	/* Folder "top": 110 + 4 bytes; then the next header. */
	assert_memory_equal(buffer + 110, "top\0\0\0", 6);
	assert_memory_equal(buffer + 116, "070701", 6);
	/* "top/one": 110 + 8 bytes, filled up to 120; then data of 5 and 3 zeros. */
	assert_memory_equal(buffer + 116 + 110,
			    "top/one\0\0\0"
			    "12345\0\0\0"
			    "070701",
			    24);
}

static void same_input_gives_the_same_bytes(void **state)
{
	uint8_t first[sizeof(buffer)];
	struct cpio a = make_archive(), b;

	memcpy(first, buffer, sizeof(first));
	b = make_archive();
	assert_int_equal(a.length, b.length);
	assert_memory_equal(first, buffer, a.length);
}

static void entry_that_does_not_fit_leaves_the_archive_as_it_was(void **state)
{
	/* 110 + 2 for the header, 8 for the data */
	struct cpio cpio = cpio_start(buffer, 119);
	struct err err;

	assert_int_equal(cpio_add_file(&cpio, "x", CPIO_MODE_FILE, "12345", 5, &err),
			 -ENOSPC);
	assert_string_equal(err.text,
			    "'x': 5 bytes do not fit the 119 bytes left for files of "
			    "the boot medium");
	assert_int_equal(cpio.length, 0);
	cpio.size = 120;
	assert_int_equal(cpio_add_file(&cpio, "x", CPIO_MODE_FILE, "12345", 5, &err), 0);
	assert_int_equal(cpio.length, 120);
	assert_int_equal(cpio_end(&cpio, &err), -ENOSPC);
}

static void name_that_is_too_long_is_refused(void **state)
{
	struct cpio cpio = cpio_start(buffer, sizeof(buffer));
	char name[257];
	struct err err;

	memset(name, 'n', sizeof(name) - 1);
	name[256] = '\0';
	assert_int_equal(cpio_add_folder(&cpio, name, &err), -ENOSPC);
	name[255] = '\0';
	assert_int_equal(cpio_add_folder(&cpio, name, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpio_lists_names_modes_and_sizes),
		cmocka_unit_test(cpio_unpacks_the_content),
		cmocka_unit_test(every_part_is_aligned_and_padded_with_zeros),
		cmocka_unit_test(same_input_gives_the_same_bytes),
		cmocka_unit_test(entry_that_does_not_fit_leaves_the_archive_as_it_was),
		cmocka_unit_test(name_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
