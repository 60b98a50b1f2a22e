/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listing ahead with helper processes: the same entries and errors as without them, whatever
 * becomes of the helpers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/text.h>

#include "reader/tree-ahead.h"

#define FOLDERS 60

static char scratch[] = "/tmp/openbmr-ahead-XXXXXX";
static bool helpers_fail;
static unsigned own_lists;

static int make_folders(void **state)
{
	char path[128];

	if (!mkdtemp(scratch))
		return -1;
	for (unsigned i = 0; i < FOLDERS; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/f%u", scratch, i);
		if (mkdir(path, 0755) < 0)
			return -1;
		snprintf(path, sizeof(path), "%s/f%u/file %u", scratch, i, i);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, path, i) != (ssize_t)i || close(fd) < 0)
			return -1;
	}
	return 0;
}

static int remove_folders(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
	return system(command);
}

static int open_scratch(void *context, struct tree **ret, struct err *err)
{
	if (helpers_fail)
		return err_set(err, -ECONNREFUSED, "no more connections");
	return tree_local_open(context, ret, err);
}

/* Counts what is listed in this process. */
static struct tree *direct;

static int counting_list(struct tree *tree, const char *path, tree_visit *visit,
			 void *context, struct err *err)
{
	own_lists++;
	return tree_list(direct, path, visit, context, err);
}

static const struct tree_ops counting_ops = { .list = counting_list };
static struct tree counting = { &counting_ops, scratch };

static int note(const struct tree_entry *entry, void *context, struct err *err)
{
	text_add(context, "%s %d %llu %lld\n", entry->name, entry->is_folder,
		 (unsigned long long)entry->size, (long long)entry->mtime_s);
	return 0;
}

static void assert_same_list(struct tree *ahead, const char *path)
{
	struct text a = { 0 }, b = { 0 };
	struct err err = { 0 }, other = { 0 };
	int r = tree_list(direct, path, note, &a, &err);

	assert_int_equal(tree_list(ahead, path, note, &b, &other), r);
	assert_string_equal(other.text, err.text);
	if (r == 0)
		assert_string_equal(b.string, a.string);
	text_clear(&a);
	text_clear(&b);
}

static void list_all(bool fail)
{
	AUTO(tree_freep) struct tree *ahead = NULL;
	struct err err = { 0 };
	char path[32];

	helpers_fail = fail;
	own_lists = 0;
	if (tree_local_open(scratch, &direct, &err) < 0 ||
	    tree_ahead_new(&counting, open_scratch, scratch, &ahead, &err) < 0)
		fail_msg("%s", err.text);
	assert_same_list(ahead, "");
	tree_expect(ahead, "missing");
	for (unsigned i = FOLDERS; i-- > 0;) {
		snprintf(path, sizeof(path), "f%u", i);
		tree_expect(ahead, path);
	}
	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "f%u", i);
		assert_same_list(ahead, path);
	}
	assert_same_list(ahead, "missing");
	assert_same_list(ahead, "f3"); /* a second time, without having been expected */
}

static void helpers_list_what_is_expected(void **state)
{
	list_all(false);
	assert_true(own_lists < FOLDERS / 2);
	tree_close(direct);
}

static void without_helpers_the_tree_lists_itself(void **state)
{
	list_all(true);
	assert_int_equal(own_lists, FOLDERS + 3);
	tree_close(direct);
}

static void a_tree_can_be_closed_with_everything_under_way(void **state)
{
	struct tree *ahead = NULL;
	struct err err = { 0 };
	char path[32];

	helpers_fail = false;
	assert_int_equal(tree_local_open(scratch, &direct, &err), 0);
	assert_int_equal(tree_ahead_new(&counting, open_scratch, scratch, &ahead, &err),
			 0);
	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "f%u", i);
		tree_expect(ahead, path);
	}
	assert_same_list(ahead, "f0");
	tree_close(ahead);
	tree_close(direct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helpers_list_what_is_expected),
		cmocka_unit_test(without_helpers_the_tree_lists_itself),
		cmocka_unit_test(a_tree_can_be_closed_with_everything_under_way),
	};

	return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
