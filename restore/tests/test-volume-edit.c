/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of volumes that fix-ups change: NTFS and FAT alike, judged by ntfs-3g's
 * tools, mtools and fsck.fat.
 */
#include "image-fixture.h"

#include <base/overlay.h>

#include "volumes/volume-edit.h"

#define LIMIT (1 << 20)
#define TIME  INT64_C(1750000000)

/* Leaks when a mount fails: see test-volume-map.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so";
}

static void make_sparse_file(const char *name, off_t size)
{
	AUTO_CLOSE int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, size), 0);
}

static struct overlay *overlay_of(const char *name)
{
	struct block_source *volume = NULL;
	struct overlay *overlay = NULL;
	struct err err = { 0 };

	assert_succeeds(source_file_open(name, &volume, &err));
	assert_succeeds(overlay_new(volume, true, 16 * MiB, &overlay, &err));
	return overlay;
}

static int apply_change(uint64_t offset, const void *bytes, size_t length, void *context,
			struct err *err)
{
	assert_int_equal(pwrite(*(int *)context, bytes, length, (off_t)offset), length);
	return 0;
}

static void apply(struct overlay *overlay, const char *name)
{
	AUTO_CLOSE int fd = open(name, O_RDWR | O_CLOEXEC);
	struct err err = { 0 };

	assert_succeeds(overlay_changes(overlay, apply_change, &fd, &err));
}

/* "old" is replaced by something longer, folders and a file are made. */
static void change(const char *name, enum file_system fs)
{
	AUTO(overlay_freep) struct overlay *overlay = overlay_of(name);
	AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
	const struct volume_info info = { .fs = fs };
	AUTO_FREE uint8_t *bytes = NULL, *again = NULL, *none = NULL;
	AUTO_FREE uint8_t *longer = calloc(1, 300000);
	struct err err = { 0 };
	size_t length;

	assert_succeeds(volume_edit_open(overlay, &info, TIME, &edit, &err));
	assert_succeeds(volume_edit_read(edit, "old.txt", LIMIT, &bytes, &length, &err));
	assert_int_equal(length, 4);
	assert_int_equal(volume_edit_read(edit, "none", LIMIT, &none, &length, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "no file 'none'"));
	memset(longer, 'x', 300000);
	assert_succeeds(volume_edit_write(edit, "OLD.TXT", longer, 300000, &err));
	assert_succeeds(volume_edit_make_folder(edit, "EFI/Microsoft/Boot", &err));
	assert_succeeds(volume_edit_make_folder(edit, "EFI/Microsoft", &err));
	assert_succeeds(
		volume_edit_write(edit, "EFI/Microsoft/Boot/BCD", "new", 3, &err));
	assert_succeeds(volume_edit_read(edit, "EFI/Microsoft/boot/bcd", LIMIT, &again,
					 &length, &err));
	assert_int_equal(length, 3);
	assert_succeeds(volume_edit_close(&edit, &err));
	apply(overlay, name);
}

static void ntfs_files_are_read_made_and_replaced(void **state)
{
	if (!have_tool("mkntfs") || !have_tool("ntfscp") || !have_tool("ntfscat"))
		skip();
	make_sparse_file("ntfs", 16 * MiB);
	run_tool("mkntfs", "-F", "-Q", "-q", "ntfs");
	write_file("content", (const uint8_t *)"old\n", 4);
	run_tool("ntfscp", "-f", "ntfs", "content", "Old.txt");
	change("ntfs", FS_NTFS);
	run_tool("ntfsfix", "-n", "ntfs");
	run_tool("sh", "-c", "test $(ntfscat -f ntfs Old.txt | wc -c) = 300000");
	run_tool("sh", "-c", "test $(ntfscat -f ntfs EFI/Microsoft/Boot/BCD) = new");
}

static void make_fat(const char *name)
{
	make_sparse_file(name, 16 * MiB);
	run_tool("mkfs.fat", "-F", "16", name);
	write_file("content", (const uint8_t *)"old\n", 4);
	run_tool("mcopy", "-i", name, "content", "::/Old.txt");
}

static void fat_files_are_read_made_and_replaced(void **state)
{
	if (!have_tool("mkfs.fat") || !have_tool("mcopy"))
		skip();
	make_fat("fat");
	change("fat", FS_FAT16);
	run_tool("fsck.fat", "-n", "fat");
	run_tool("sh", "-c", "test $(mtype -i fat ::/Old.txt | wc -c) = 300000");
	run_tool("sh", "-c", "test $(mtype -i fat ::/EFI/Microsoft/Boot/BCD) = new");
}

static void equal_input_gives_equal_bytes(void **state)
{
	if (!have_tool("mkfs.fat") || !have_tool("mcopy"))
		skip();
	make_fat("one");
	run_tool("cp", "one", "two");
	change("one", FS_FAT16);
	sleep(3); /* FAT counts in steps of two seconds */
	change("two", FS_FAT16);
	run_tool("cmp", "one", "two");
}

/* Makes the chain of one cluster lead to another, in both tables of a FAT16. */
static void link_clusters(const char *name, unsigned from, unsigned to)
{
	AUTO_CLOSE int fd = open(name, O_RDWR | O_CLOEXEC);
	uint8_t boot[512], entry[2] = { (uint8_t)to, (uint8_t)(to >> 8) };
	size_t start, length;

	assert_int_equal(pread(fd, boot, sizeof(boot), 0), sizeof(boot));
	start = (boot[14] | (size_t)boot[15] << 8) * 512;
	length = (boot[22] | (size_t)boot[23] << 8) * 512;
	for (size_t table = 0; table < 2; table++)
		assert_int_equal(
			pwrite(fd, entry, 2, (off_t)(start + table * length + 2 * from)),
			2);
}

static void a_fat_with_chains_that_cross_or_loop_is_not_changed(void **state)
{
	static const struct {
		unsigned from, to;
		const char *words;
	} cases[] = {
		{ 3, 2, "cluster" },
		{ 3, 4, "Contains a free cluster" },
		{ 3, 3, "Circular cluster chain" },
		{ 3, 0xfff0, "out of range" },
	};

	if (!have_tool("mkfs.fat") || !have_tool("mcopy") || !have_tool("fsck.fat"))
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(overlay_freep) struct overlay *overlay = NULL;
		AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
		const struct volume_info info = { .fs = FS_FAT16 };
		struct err err = { 0 };

		make_fat("fat");
		run_tool("mcopy", "-i", "fat", "content", "::/other.txt");
		link_clusters("fat", cases[i].from, cases[i].to);
		overlay = overlay_of("fat");
		assert_succeeds(volume_edit_open(overlay, &info, TIME, &edit, &err));
		assert_int_equal(volume_edit_write(edit, "new.txt", "new", 3, &err),
				 -EBADMSG);
		assert_non_null(
			strstr(err.text, "'fat': FAT is damaged: fsck.fat says '"));
		if (!strstr(err.text, cases[i].words))
			fail_msg("%s", err.text);
		volume_edit_drop(TAKE_PTR(edit));
		run_tool("cp", "fat", "before");
		apply(overlay, "fat");
		run_tool("cmp", "fat", "before");
	}
}

static void what_is_read_only_changes_nothing(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	AUTO(volume_edit_freep) struct volume_edit *edit = NULL;
	const struct volume_info info = { .fs = FS_FAT16 };
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length;

	if (!have_tool("mkfs.fat") || !have_tool("mcopy"))
		skip();
	make_fat("fat");
	overlay = overlay_of("fat");
	assert_succeeds(volume_edit_open(overlay, &info, TIME, &edit, &err));
	assert_succeeds(volume_edit_read(edit, "old.txt", LIMIT, &bytes, &length, &err));
	assert_succeeds(volume_edit_close(&edit, &err));
	run_tool("cp", "fat", "before");
	apply(overlay, "fat");
	run_tool("cmp", "fat", "before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ntfs_files_are_read_made_and_replaced),
		cmocka_unit_test(fat_files_are_read_made_and_replaced),
		cmocka_unit_test(equal_input_gives_equal_bytes),
		cmocka_unit_test(a_fat_with_chains_that_cross_or_loop_is_not_changed),
		cmocka_unit_test(what_is_read_only_changes_nothing),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
