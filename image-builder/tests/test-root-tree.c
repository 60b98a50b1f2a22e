/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "root-tree.h"

static struct content content_of(const char *text)
{
	struct content content = { .bytes = (uint8_t *)strdup(text),
				   .length = strlen(text) };

	return content;
}

static int add_file(struct root_tree *tree, const char *path, const char *text,
		    struct err *err)
{
	struct content content = content_of(text);
	int r = root_tree_add_file(tree, path, 0644, &content, err);

	assert_null(content.bytes); /* taken over in any case */
	return r;
}

static void folders_above_a_node_come_by_themselves_and_first(void **state)
{
	struct root_tree tree = { 0 };
	struct err err;

	assert_int_equal(add_file(&tree, "/usr/lib/x", "1", &err), 0);
	assert_int_equal(root_tree_add_link(&tree, "/bin", "usr/bin", &err), 0);
	assert_int_equal(tree.count, 4);
	assert_string_equal(tree.nodes[0].path, "bin");
	assert_string_equal(tree.nodes[1].path, "usr");
	assert_string_equal(tree.nodes[2].path, "usr/lib");
	assert_int_equal(tree.nodes[2].kind, NODE_FOLDER);
	assert_int_equal(tree.nodes[2].mode, 0755);
	assert_string_equal(tree.nodes[3].path, "usr/lib/x");
	assert_ptr_equal(root_tree_find(&tree, "/usr/lib/x"), &tree.nodes[3]);
	assert_ptr_equal(root_tree_find(&tree, "usr"), &tree.nodes[1]);
	assert_null(root_tree_find(&tree, "/usr/li"));
	root_tree_clear(&tree);
}

static void the_same_node_twice_is_one(void **state)
{
	struct root_tree tree = { 0 };
	struct err err;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(add_file(&tree, "/a", "1", &err), 0);
		assert_int_equal(root_tree_add_folder(&tree, "/b", 0700, &err), 0);
		assert_int_equal(root_tree_add_link(&tree, "/c", "a", &err), 0);
		assert_int_equal(root_tree_add_character(&tree, "/d", 0600, 5, 1, &err),
				 0);
	}
	assert_int_equal(tree.count, 4);
	assert_int_equal(root_tree_bytes(&tree), 1);
	root_tree_clear(&tree);
}

static void a_different_node_under_the_same_path_is_refused(void **state)
{
	static const char same[] = "'/a': is in the image already, and is not the same";
	struct root_tree tree = { 0 };
	struct err err;

	assert_int_equal(add_file(&tree, "/a", "1", &err), 0);
	assert_failed(add_file(&tree, "/a", "2", &err), -EEXIST, same);
	assert_failed(add_file(&tree, "/a", "12", &err), -EEXIST, same);
	assert_failed(root_tree_add_folder(&tree, "/a", 0755, &err), -EEXIST, same);
	assert_failed(root_tree_add_link(&tree, "/a", "b", &err), -EEXIST, same);
	assert_failed(root_tree_add_character(&tree, "/a", 0644, 1, 3, &err), -EEXIST,
		      same);
	assert_failed(add_file(&tree, "/a/b", "", &err), -ENOTDIR,
		      "'/a/b': '/a' in the image is not a folder");
	assert_int_equal(tree.count, 1);
	root_tree_clear(&tree);
}

static void paths_that_are_not_plain_are_refused(void **state)
{
	static const char *const bad[] = { "",	  "a",	  "/",	  "//a", "/a//b",
					   "/a/", "/./a", "/a/.", "/..", "/a/../b" };
	static const char *const good[] = { "/...", "/.a", "/a..b/..c" };
	struct root_tree tree = { 0 };
	char longest[260];
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(root_tree_add_folder(&tree, bad[i], 0755, &err),
				 -EINVAL);
	assert_failed(
		root_tree_add_folder(&tree, "/a/..", 0755, &err), -EINVAL,
		"'/a/..': must be an absolute path without '.', '..' and empty parts, "
		"at most 255 bytes");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(root_tree_add_folder(&tree, good[i], 0755, &err), 0);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[256] = '\0';
	assert_int_equal(root_tree_add_folder(&tree, longest, 0755, &err), -EINVAL);
	longest[255] = '\0';
	assert_int_equal(root_tree_add_folder(&tree, longest, 0755, &err), 0);
	root_tree_clear(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_above_a_node_come_by_themselves_and_first),
		cmocka_unit_test(the_same_node_twice_is_one),
		cmocka_unit_test(a_different_node_under_the_same_path_is_refused),
		cmocka_unit_test(paths_that_are_not_plain_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
