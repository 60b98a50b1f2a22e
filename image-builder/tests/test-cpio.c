/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The archive is judged by cpio, the compression by zstd. */
#include "testing.h"

#include "compress.h"
#include "cpio.h"

static int write_piece(const void *bytes, size_t length, void *context, struct err *err)
{
	return compressor_write(context, bytes, length, err);
}

static void fill(struct root_tree *tree)
{
	struct content content = { .bytes = (uint8_t *)strdup("hello"), .length = 5 };
	struct content empty = { 0 };
	struct err err;

	assert_int_equal(root_tree_add_file(tree, "/etc/greeting", 0640, &content, &err),
			 0);
	assert_int_equal(root_tree_add_file(tree, "/etc/empty", 0644, &empty, &err), 0);
	assert_int_equal(root_tree_add_folder(tree, "/proc", 0555, &err), 0);
	assert_int_equal(root_tree_add_link(tree, "/bin/sh", "busybox", &err), 0);
	assert_int_equal(root_tree_add_character(tree, "/dev/console", 0600, 5, 1, &err),
			 0);
}

static uint64_t pack(const char *path, int level)
{
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	AUTO(compressor_freep) struct compressor *compressor = NULL;
	struct err err = { 0 };
	uint64_t length = 0;

	fill(&tree);
	if (compressor_open(path, level, &compressor, &err) < 0 ||
	    cpio_pack(&tree, 1704067200, write_piece, compressor, &err) < 0 ||
	    compressor_finish(compressor, &length, &err) < 0)
		fail_msg("%s", err.text);
	return length;
}

static char *shell(void **state, const char *script)
{
	const char *argv[] = { "sh", "-ec", script, "sh", *state, NULL };

	return judge(argv);
}

static void cpio_lists_what_was_packed(void **state)
{
	char *list;

	pack(in(state, "x.zst"), COMPRESS_LEVEL_BEST);
	list = shell(state, "cd \"$1\"; zstd -qdc x.zst | TZ=UTC cpio -tvn --quiet |"
			    " sed -E 's/ +/ /g'");
	assert_string_equal(list, "drwxr-xr-x 1 0 0 0 Jan 1 2024 bin\n"
				  "lrwxrwxrwx 1 0 0 7 Jan 1 2024 bin/sh -> busybox\n"
				  "drwxr-xr-x 1 0 0 0 Jan 1 2024 dev\n"
				  "crw------- 1 0 0 5, 1 Jan 1 2024 dev/console\n"
				  "drwxr-xr-x 1 0 0 0 Jan 1 2024 etc\n"
				  "-rw-r--r-- 1 0 0 0 Jan 1 2024 etc/empty\n"
				  "-rw-r----- 1 0 0 5 Jan 1 2024 etc/greeting\n"
				  "dr-xr-xr-x 1 0 0 0 Jan 1 2024 proc\n");
	free(list);
}

static void what_comes_first_and_last_is_chosen(void **state)
{
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	AUTO(compressor_freep) struct compressor *compressor = NULL;
	struct content empty = { 0 };
	uint64_t length = 0;
	struct err err = { 0 };
	char *list;

	assert_int_equal(root_tree_add_file(&tree, "/lib/z", 0644, &empty, &err), 0);
	root_tree_first(&tree);
	assert_int_equal(root_tree_add_end(&tree, "/a/end", &err), 0);
	assert_int_equal(root_tree_add_file(&tree, "/lib/a", 0644, &empty, &err), 0);
	assert_int_equal(compressor_open(in(state, "x.zst"), COMPRESS_LEVEL_FAST,
					 &compressor, &err),
			 0);
	assert_int_equal(cpio_pack(&tree, 0, write_piece, compressor, &err), 0);
	assert_int_equal(compressor_finish(compressor, &length, &err), 0);
	list = shell(state, "cd \"$1\"; zstd -qdc x.zst | cpio -t --quiet");
	assert_string_equal(list, "lib\nlib/z\na\nlib/a\na/end\n");
	free(list);
}

static void cpio_unpacks_the_contents(void **state)
{
	char *output;

	pack(in(state, "x.zst"), COMPRESS_LEVEL_FAST);
	output = shell(state, "cd \"$1\"; zstd -qt x.zst; zstd -qdc x.zst |"
			      " cpio -id --quiet 'etc/*' 'bin/*';"
			      " cat etc/greeting; readlink bin/sh; wc -c <etc/empty");
	assert_string_equal(output, "hellobusybox\n0\n");
	free(output);
}

static void the_same_tree_gives_the_same_bytes(void **state)
{
	uint64_t length = pack(in(state, "a.zst"), COMPRESS_LEVEL_BEST);
	struct stat st;

	assert_int_equal(pack(in(state, "b.zst"), COMPRESS_LEVEL_BEST), length);
	assert_int_equal(stat(in(state, "a.zst"), &st), 0);
	assert_int_equal(st.st_size, length);
	free(shell(state, "cd \"$1\"; cmp a.zst b.zst"));
}

static void an_output_that_cannot_be_made_is_named(void **state)
{
	struct compressor *compressor = NULL;
	struct err err;

	assert_failed(compressor_open("/nonexistent/x.zst", 3, &compressor, &err),
		      -ENOENT,
		      "'/nonexistent/x.zst': creating: No such file or directory");
	assert_null(compressor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(cpio_lists_what_was_packed),
		scratch_test(cpio_unpacks_the_contents),
		scratch_test(what_comes_first_and_last_is_chosen),
		scratch_test(the_same_tree_gives_the_same_bytes),
		cmocka_unit_test(an_output_that_cannot_be_made_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
