/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include <base/log.h>
#include <base/tree.h>

/* -- a listing, as text ---- */

struct listed {
	char text[1024];
	int stop_with; /* returned by each visit */
};

static int note_entry(const struct tree_entry *entry, void *context, struct err *err)
{
	struct listed *listed = context;
	size_t used = strlen(listed->text);

	if (entry->is_folder)
		snprintf(listed->text + used, sizeof(listed->text) - used, "%s/\n",
			 entry->name);
	else
		snprintf(listed->text + used, sizeof(listed->text) - used,
			 "%s %llu @%lld\n", entry->name, (unsigned long long)entry->size,
			 (long long)entry->mtime_s);
	return listed->stop_with;
}

static void assert_list(struct tree *tree, const char *path, const char *expected)
{
	struct listed listed = { 0 };
	struct err err = { 0 };

	assert_succeeds(tree_list(tree, path, note_entry, &listed, &err));
	assert_string_equal(listed.text, expected);
}

/* -- a local folder ---- */

static void file_with_time(const char *path, const char *text)
{
	struct timespec times[2] = { { .tv_sec = 1500000000 }, { .tv_sec = 1500000000 } };

	file_write(path, text);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* The folder of all tests below; what is in it beside good/ is outside of the tree. */
static int build_folder(void **state)
{
	if (scratch_enter(state) < 0)
		return -1;
	file_write("outside", "secret");
	assert_int_equal(mkdir("good", 0700), 0);
	assert_int_equal(mkdir("good/b folder", 0700), 0);
	assert_int_equal(mkdir("good/empty", 0700), 0);
	assert_int_equal(mkdir("good/b folder/deep", 0700), 0);
	file_with_time("good/c.vhdx", "0123456789");
	file_with_time("good/Ärger", "");
	file_with_time("good/b folder/deep/file", "found");
	file_with_time("good/not\\windows", "x");
	file_with_time("good/latin-\xe4", "x");
	assert_int_equal(mkfifo("good/fifo", 0600), 0);
	assert_int_equal(symlink("../outside", "good/link"), 0);
	assert_int_equal(symlink("..", "good/up"), 0);
	assert_int_equal(symlink("b folder", "good/sideways"), 0);
	return 0;
}

static struct tree *open_good(void)
{
	struct tree *tree = NULL;
	struct err err = { 0 };

	assert_succeeds(tree_local_open("good", &tree, &err));
	return tree;
}

static void a_folder_lists_files_and_folders_by_name(void **state)
{
	AUTO(tree_freep) struct tree *tree = open_good();

	assert_string_equal(tree->name, "good");
	assert_list(tree, "",
		    "b folder/\nc.vhdx 10 @1500000000\nempty/\nÄrger 0 @1500000000\n");
	assert_list(tree, "b folder", "deep/\n");
	assert_list(tree, "b folder/deep", "file 5 @1500000000\n");
	assert_list(tree, "empty", "");
}

static void a_file_opens_at_any_depth(void **state)
{
	AUTO(tree_freep) struct tree *tree = open_good();
	AUTO(source_freep) struct block_source *source = NULL;
	struct err err = { 0 };
	char buffer[5];

	assert_succeeds(tree_open(tree, "b folder/deep/file", &source, &err));
	assert_string_equal(source->name, "good/b folder/deep/file");
	assert_int_equal(source->size, 5);
	assert_succeeds(source_read(source, buffer, 0, 5, &err));
	assert_memory_equal(buffer, "found", 5);
}

static int list_inside(const struct tree_entry *entry, void *context, struct err *err)
{
	struct listed listed = { 0 };

	if (!entry->is_folder)
		return 0;
	return tree_list(context, entry->name, note_entry, &listed, err);
}

static void a_visit_may_list_another_folder_or_end_the_listing(void **state)
{
	AUTO(tree_freep) struct tree *tree = open_good();
	struct listed listed = { .stop_with = 7 };
	struct err err = { 0 };

	assert_succeeds(tree_list(tree, "", list_inside, tree, &err));
	assert_int_equal(tree_list(tree, "", note_entry, &listed, &err), 7);
	assert_string_equal(listed.text, "b folder/\n");
}

static void paths_that_lead_out_are_refused(void **state)
{
	static const char *const paths[] = {
		"..",	       "../outside", "empty/../../outside",
		"/etc/passwd", ".",	     "empty/.",
		"empty/",      "empty//x",   "b folder\\deep",
		"\xff",
	};
	AUTO(tree_freep) struct tree *tree = open_good();

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct block_source *source = NULL;
		struct listed listed = { 0 };
		struct err err = { 0 };
		char text[128];

		snprintf(text, sizeof(text), "'good': '%s' is not a path inside it",
			 paths[i]);
		assert_failed(tree_open(tree, paths[i], &source, &err), -EINVAL, text);
		assert_failed(tree_list(tree, paths[i], note_entry, &listed, &err),
			      -EINVAL, text);
	}
}

static void symbolic_links_are_not_followed(void **state)
{
	AUTO(tree_freep) struct tree *tree = open_good();
	struct block_source *source = NULL;
	struct listed listed = { 0 };
	struct err err = { 0 };

	assert_failed(tree_open(tree, "link", &source, &err), -ELOOP,
		      "'good/link': 'link' is a symbolic link, not followed");
	assert_failed(tree_open(tree, "up/outside", &source, &err), -ELOOP,
		      "'good/up/outside': 'up' is a symbolic link, not followed");
	assert_failed(
		tree_open(tree, "sideways/deep/file", &source, &err), -ELOOP,
		"'good/sideways/deep/file': 'sideways' is a symbolic link, not followed");
	assert_failed(tree_list(tree, "up", note_entry, &listed, &err), -ELOOP,
		      "'good/up': 'up' is a symbolic link, not followed");
}

static void what_is_missing_or_of_another_kind_is_named(void **state)
{
	AUTO(tree_freep) struct tree *tree = open_good();
	struct block_source *source = NULL;
	struct listed listed = { 0 };
	struct err err = { 0 };

	assert_failed(tree_open(tree, "empty/x", &source, &err), -ENOENT,
		      "'good/empty/x': opening for reading: No such file or directory");
	assert_failed(tree_open(tree, "c.vhdx/x", &source, &err), -ENOTDIR,
		      "'good/c.vhdx/x': opening for reading: Not a directory");
	assert_failed(tree_list(tree, "c.vhdx", note_entry, &listed, &err), -ENOTDIR,
		      "'good/c.vhdx': opening for reading: Not a directory");
	assert_failed(tree_open(tree, "empty", &source, &err), -EINVAL,
		      "'good/empty': neither a file nor a block device but a folder");
	assert_failed(tree_open(tree, "fifo", &source, &err), -EINVAL,
		      "'good/fifo': neither a file nor a block device");
}

static void a_tree_needs_a_folder(void **state)
{
	struct tree *tree = NULL;
	struct err err = { 0 };

	assert_failed(tree_local_open("missing", &tree, &err), -ENOENT,
		      "'missing': opening the folder: No such file or directory");
	assert_failed(tree_local_open("outside", &tree, &err), -ENOTDIR,
		      "'outside': opening the folder: Not a directory");
	assert_null(tree);
}

/* -- small files and paths ---- */

static void a_small_file_is_read_whole_up_to_a_limit(void **state)
{
	AUTO(tree_freep) struct tree *tree = open_good();
	AUTO_FREE uint8_t *bytes = NULL, *empty = NULL;
	struct err err = { 0 };
	size_t length = 0;

	assert_succeeds(tree_read_file(tree, "c.vhdx", 10, &bytes, &length, &err));
	assert_int_equal(length, 10);
	assert_memory_equal(bytes, "0123456789\0", 11);
	assert_failed(tree_read_file(tree, "c.vhdx", 9, &empty, &length, &err), -EFBIG,
		      "'good/c.vhdx': 10 bytes, limit 9");
	assert_succeeds(tree_read_file(tree, "Ärger", 9, &empty, &length, &err));
	assert_int_equal(length, 0);
	assert_int_equal(empty[0], 0);
}

static void paths_are_joined_with_slashes(void **state)
{
	AUTO_FREE char *alone = tree_path_join("", "b"),
		       *both = tree_path_join("a/b", "c");

	assert_string_equal(alone, "b");
	assert_string_equal(both, "a/b/c");
}

/* -- a server that lies ---- */

struct fake {
	struct tree tree;
	const char *const *names; /* NULL-terminated, over and over */
	size_t times;
};

static int fake_list(struct tree *tree, const char *path, tree_visit *visit,
		     void *context, struct err *err)
{
	struct fake *fake = (struct fake *)tree;
	int r = 0;

	for (size_t i = 0; i < fake->times && r == 0; i++) {
		for (const char *const *name = fake->names; *name && r == 0; name++) {
			struct tree_entry entry = { .name = *name, .is_folder = true };

			r = visit(&entry, context, err);
		}
	}
	return r;
}

static const struct tree_ops fake_ops = { .list = fake_list };

static void keep_last_line(enum log_level level, const char *text, void *context)
{
	snprintf(context, 256, "%s", text);
}

static void names_that_no_backup_has_are_left_out(void **state)
{
	static const char *const names[] = { "",     ".",    "..",	 "a/b",
					     "../a", "a\\b", "\xc0\xaf", "...",
					     "good", ".x",   NULL };
	struct fake fake = { .tree = { &fake_ops, (char *)"share" },
			     .names = names,
			     .times = 1 };
	char line[256] = "";

	log_set_sink(keep_last_line, line);
	log_set_level(LOG_LEVEL_DEBUG);
	assert_list(&fake.tree, "", ".../\ngood/\n.x/\n");
	log_set_level(LOG_LEVEL_WARNING);
	assert_string_equal(line,
			    "'share/': entry '\xc0\xaf' has a name that no backup has, "
			    "ignoring");
}

static int count_entry(const struct tree_entry *entry, void *context, struct err *err)
{
	++*(size_t *)context;
	return 0;
}

static void an_endless_folder_is_an_error(void **state)
{
	static const char *const names[] = { "x", NULL };
	struct fake fake = { .tree = { &fake_ops, (char *)"share" },
			     .names = names,
			     .times = TREE_MAX_ENTRIES };
	struct err err = { 0 };
	size_t count = 0;

	assert_succeeds(tree_list(&fake.tree, "d", count_entry, &count, &err));
	assert_int_equal(count, 1000000);
	fake.times = SIZE_MAX;
	assert_failed(tree_list(&fake.tree, "d", count_entry, &count, &err), -E2BIG,
		      "'share/d': more than 1000000 entries in one folder");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_lists_files_and_folders_by_name),
		cmocka_unit_test(a_file_opens_at_any_depth),
		cmocka_unit_test(a_visit_may_list_another_folder_or_end_the_listing),
		cmocka_unit_test(paths_that_lead_out_are_refused),
		cmocka_unit_test(symbolic_links_are_not_followed),
		cmocka_unit_test(what_is_missing_or_of_another_kind_is_named),
		cmocka_unit_test(a_tree_needs_a_folder),
		cmocka_unit_test(a_small_file_is_read_whole_up_to_a_limit),
		cmocka_unit_test(paths_are_joined_with_slashes),
		cmocka_unit_test(names_that_no_backup_has_are_left_out),
		cmocka_unit_test(an_endless_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, build_folder, scratch_leave);
}
