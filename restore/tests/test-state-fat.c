/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of a FAT volume get another content (state/state-fat.c), and no power cut tears that: volumes
 * by mkfs.fat and mtools, judged by fsck.fat and mtools.
 */
#include "redo-fixture.h"

#include "state/state-parts.h"
#include "volumes/fat-table.h"

#define BOOT	"EFI/Microsoft/Boot/"
#define TIME	INT64_C(1750000000)
#define CONTENT (INT64_C(1600000000) * 10000000)

static const struct {
	const char *kind;
	enum file_system fs;
	size_t size;
} kinds[] = {
	{ "12", FS_FAT12, MiB },
	{ "16", FS_FAT16, 5 * MiB },
	{ "32", FS_FAT32, 34 * MiB }, /* mtools takes no FAT32 of fewer clusters */
};

static bool have_tools(void)
{
	return have_tool("mkfs.fat") && have_tool("fsck.fat") && have_tool("mcopy") &&
	       have_tool("mattrib") && have_tool("mmove");
}

/* A loader of 60000 bytes, hidden and read-only, a font beside, and a file of somebody else. */
static void make_fat(const char *kind, size_t size)
{
	AUTO_FREE uint8_t *bytes = malloc(60000);
	AUTO_CLOSE int fd = open("fat", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	run_tool("mkfs.fat", "-F", kind, "-s", "1", "fat");
	fill_pattern(bytes, 60000, 1);
	write_file("content", bytes, 60000);
	run_tool("sh", "-c",
		 "export MTOOLS_SKIP_CHECK=1; set -e; "
		 "mmd -i fat ::/EFI ::/EFI/Microsoft ::/EFI/Microsoft/Boot; "
		 "mcopy -i fat content ::/" BOOT "bootmgfw.efi; "
		 "mcopy -i fat content '::/" BOOT "a long font.ttf'; "
		 "mcopy -i fat content ::/EFI/other.efi; "
		 "mattrib -i fat +h +r ::/" BOOT "bootmgfw.efi");
}

static struct block_source *open_fat(struct volume_info *info)
{
	struct block_source *volume = NULL;
	uint8_t boot[4096];
	struct err err = { 0 };

	assert_succeeds(source_file_open("fat", &volume, &err));
	assert_succeeds(source_read(volume, boot, 0, sizeof(boot), &err));
	assert_succeeds(volume_identify(boot, volume->size, info, &err));
	return volume;
}

static struct block_source *content_of(uint64_t seed, size_t length)
{
	AUTO_FREE uint8_t *bytes = malloc(length + 1);
	struct block_source *source = NULL;
	struct err err = { 0 };

	fill_pattern(bytes, length, seed);
	assert_succeeds(source_memory_new(bytes, length, "content", &source, &err));
	return source;
}

/* -- which clusters are free ---------------------------------------------------------- */

static void clusters_are_used_that_fsck_calls_used(void **state)
{
	if (!have_tools())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		AUTO(source_freep) struct block_source *volume = NULL;
		AUTO(fat_table_clear) struct fat_table table = { 0 };
		struct volume_info info = { 0 };
		struct err err = { 0 };
		uint32_t used = 0;
		char judge[128];

		make_fat(kinds[i].kind, kinds[i].size);
		volume = open_fat(&info);
		assert_int_equal(info.fs, kinds[i].fs);
		assert_succeeds(fat_table_read(volume, &info, &table, &err));
		for (uint32_t c = 0; c < table.clusters; c++)
			used += table.used[c / 8] >> c % 8 & 1;
		assert_int_equal(table.cluster_size, 512);
		snprintf(judge, sizeof(judge),
			 "fsck.fat -n fat | grep -q ' %u/%u clusters'", used,
			 table.clusters);
		run_tool("sh", "-c", judge);
	}
}

static void a_cluster_of_the_second_table_alone_is_used(void **state)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	AUTO(fat_table_clear) struct fat_table table = { 0 };
	struct volume_info info = { 0 };
	struct err err = { 0 };
	AUTO_CLOSE int fd = -1;
	uint8_t boot[512];
	size_t second;

	if (!have_tools())
		skip();
	make_fat("16", 5 * MiB);
	fd = open("fat", O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, boot, sizeof(boot), 0), sizeof(boot));
	second = (boot[14] + (size_t)boot[22]) * 512;
	assert_int_equal(pwrite(fd, "\xff\xff", 2, (off_t)(second + 2 * 7000)), 2);
	volume = open_fat(&info);
	assert_succeeds(fat_table_read(volume, &info, &table, &err));
	assert_true(table.used[6998 / 8] >> 6998 % 8 & 1);
	assert_false(table.used[6999 / 8] >> 6999 % 8 & 1);
}

static void expect_no_table(size_t at, uint8_t value, const char *text)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	const struct volume_info info = { .fs = FS_FAT16 };
	struct fat_table table = { 0 };
	struct err err = { 0 };
	uint8_t boot[512] = { 0 };

	put_le(boot + 11, 2, 512);
	boot[13] = 1;  /* sectors in a cluster */
	boot[14] = 1;  /* reserved */
	boot[16] = 2;  /* tables */
	boot[17] = 16; /* entries of the root */
	put_le(boot + 19, 2, 500);
	boot[22] = 2; /* sectors of a table: 512 entries */
	boot[at] = value;
	assert_succeeds(source_memory_new(boot, sizeof(boot), "fat", &volume, &err));
	assert_failed(fat_table_read(volume, &info, &table, &err), -EBADMSG, text);
}

static void tables_that_are_too_short_are_refused(void **state)
{
	expect_no_table(13, 0, "'fat': FAT boot sector: without sizes");
	expect_no_table(16, 0, "'fat': FAT boot sector: without sizes");
	expect_no_table(12, 0, "'fat': FAT boot sector: without sizes");
	expect_no_table(22, 1,
			"'fat': FAT boot sector: tables of 256 entries for 500 sectors");
	expect_no_table(22, 250,
			"'fat': FAT boot sector: tables of 64000 entries for 500 "
			"sectors");
	expect_no_table(20, 255,
			"'fat': FAT boot sector: tables of 512 entries for 65524 "
			"sectors");
}

/* -- a change -------------------------------------------------------------------------- */

/* The loader is replaced and a folder made with a new file in it. */
static void change(struct state_volume *to)
{
	AUTO(source_freep) struct block_source *loader = content_of(5, 70000);
	AUTO(source_freep) struct block_source *added = content_of(6, 3000);
	struct state_look look = { 0 };
	struct item facts = { .modified = CONTENT };
	struct err err = { 0 };
	bool same = true;

	assert_succeeds(
		to->ops->look(to, "EFI/MICROSOFT/boot/BOOTMGFW.efi", &look, &err));
	assert_true(look.replaceable && !look.is_folder && look.size == 60000);
	assert_int_equal(look.attributes, ITEM_ARCHIVE | ITEM_HIDDEN | ITEM_READONLY);
	assert_succeeds(to->ops->equals(to, BOOT "bootmgfw.efi", loader, &same, &err));
	assert_false(same);
	assert_int_equal(to->ops->look(to, BOOT "none", &look, &err), -ENOENT);
	assert_succeeds(to->ops->make_folder(to, "", "old", &err));
	assert_succeeds(to->ops->keep(to, BOOT "bootmgfw.efi", "old", &err));
	facts.attributes = look.attributes;
	assert_succeeds(to->ops->fill(to, BOOT "bootmgfw.efi", loader, &facts, &err));
	assert_succeeds(to->ops->make_folder(to, BOOT "", "de-DE", &err));
	assert_succeeds(to->ops->add(to, BOOT "de-DE", "a new file.mui", &err));
	assert_succeeds(
		to->ops->fill(to, BOOT "de-DE/a new file.mui", added, NULL, &err));
	assert_succeeds(to->ops->equals(to, BOOT "bootmgfw.efi", loader, &same, &err));
	assert_true(same);
	assert_failed(to->ops->keep(to, BOOT "bootmgfw.efi", "old", &err), -EEXIST,
		      "'old/bootmgfw.efi': is there already");
}

/* Content, attributes and time, as mtools see them. */
static void judge_changed(const char *name)
{
	char script[512];

	run_tool("fsck.fat", "-n", name);
	snprintf(script, sizeof(script),
		 "export MTOOLS_SKIP_CHECK=1 TZ=UTC; set -e; "
		 "test $(mtype -i %s ::/" BOOT "bootmgfw.efi | wc -c) = 70000; "
		 "mtype -i %s ::/old/bootmgfw.efi | cmp - content; "
		 "mtype -i %s ::/EFI/other.efi | cmp - content; "
		 "mattrib -i %s ::/old/bootmgfw.efi | grep -q '^  A   HR '; "
		 "mattrib -i %s ::/" BOOT "bootmgfw.efi | grep -q '^  A   HR '; "
		 "mdir -a -i %s ::/" BOOT
		 " | grep -qi 'bootmgfw efi *70000 2020-09-13 *12:26'",
		 name, name, name, name, name, name);
	run_tool("sh", "-c", script);
}

static int take_change(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	struct redo_scene *scene = context;
	struct patch_list *list = &scene->list;

	list->patches =
		reallocarray(list->patches, list->count + 1, sizeof(*list->patches));
	list->patches[list->count] =
		(struct patch){ offset, (uint32_t)length, malloc(length),
				crc32c(0, scene->old + scene->place + offset, length) };
	memcpy(list->patches[list->count++].bytes, bytes, length);
	memcpy(scene->new + scene->place + offset, bytes, length);
	return 0;
}

static int take_room(uint64_t offset, uint64_t length, void *context, struct err *err)
{
	struct patch_list *list = &((struct redo_scene *)context)->list;

	list->moves =
		reallocarray(list->moves, list->move_count + 1, sizeof(*list->moves));
	list->moves[list->move_count++] = (struct patch_move){ offset, offset, length };
	return 0;
}

/* Works the change out as state-process.c does. */
static void work_out(struct redo_scene *scene)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	AUTO(state_map_freep) struct state_map *before = NULL, *after = NULL;
	struct volume_info info = { 0 };
	struct block_source *volume = open_fat(&info);
	struct state_volume *to = NULL;
	struct err err = { 0 };

	assert_succeeds(overlay_new(volume, true, 16 * MiB, &overlay, &err));
	assert_succeeds(state_fat.open(overlay, TIME, &to, &err));
	change(to);
	assert_succeeds(state_fat.close(&to, &err));
	assert_succeeds(overlay_changes(overlay, take_change, scene, &err));
	assert_succeeds(state_map_open(volume, &info, &before, &err));
	assert_succeeds(state_map_open(overlay_source(overlay), &info, &after, &err));
	assert_succeeds(state_room(before, after, take_room, scene, &err));
}

#define PLACE MiB

static void scene_start(struct redo_scene *scene, size_t volume)
{
	AUTO_CLOSE int fd = open("fat", O_RDONLY | O_CLOEXEC);

	*scene = (struct redo_scene){ .size = PLACE + volume,
				      .place = PLACE,
				      .volume = volume };
	scene->old = calloc(1, scene->size);
	scene->new = malloc(scene->size);
	assert_int_equal(pread(fd, scene->old + PLACE, volume, 0), volume);
	memcpy(scene->new, scene->old, scene->size);
	crash_disk_init(&scene->disk, scene->size, 512);
	crash_disk_reset(&scene->disk, scene->old);
	work_out(scene);
}

static void scene_end(struct redo_scene *scene)
{
	patch_list_clear(&scene->list);
	free(scene->old);
	free(scene->new);
	crash_disk_clear(&scene->disk);
}

/* What is free is aside in the comparison of cut volumes: the volume with a log in it is judged here. */
static void a_cut_leaves_the_old_fat_the_new_one_or_one_that_can_be_finished(void **state)
{
	if (!have_tools())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct redo_scene scene;
		struct err err = { 0 };

		make_fat(kinds[i].kind, kinds[i].size);
		scene_start(&scene, kinds[i].size);
		assert_true(scene.list.move_count > 0);
		assert_succeeds(redo_run(&scene, &scene.disk, &scene.list, &err));
		write_file("changed", scene.disk.bytes + PLACE, kinds[i].size);
		judge_changed("changed");
		redo_cuts = 0;
		if (kinds[i].fs != FS_FAT32) /* too large to be copied for each cut */
			redo_cut(&scene, scene.old, false);
		assert_true(redo_cuts > 100 || kinds[i].fs == FS_FAT32);
		scene_end(&scene);
	}
}

static void a_fat_that_is_full_is_told(void **state)
{
	AUTO(overlay_freep) struct overlay *overlay = NULL;
	AUTO(source_freep) struct block_source *content = content_of(5, MiB);
	struct volume_info info = { 0 };
	struct state_volume *to = NULL;
	struct err err = { 0 };

	if (!have_tools())
		skip();
	make_fat("12", MiB);
	assert_succeeds(overlay_new(open_fat(&info), true, 16 * MiB, &overlay, &err));
	assert_succeeds(state_fat.open(overlay, TIME, &to, &err));
	assert_int_equal(to->ops->fill(to, "EFI/new.efi", content, NULL, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "'fat': the FAT volume is full: "));
	state_volume_drop(to);
}

static void a_fat_with_a_chain_that_ends_nowhere_is_not_opened(void **state)
{
	AUTO(source_freep) struct block_source *volume = NULL;
	struct volume_info info = { 0 };
	struct state_volume *to = NULL;
	struct err err = { 0 };
	AUTO_CLOSE int fd = -1;

	if (!have_tools())
		skip();
	make_fat("16", 5 * MiB);
	fd = open("fat", O_RDWR | O_CLOEXEC);
	for (unsigned table = 0; table < 2; table++) {
		uint8_t boot[512];

		assert_int_equal(pread(fd, boot, sizeof(boot), 0), sizeof(boot));
		assert_int_equal(
			pwrite(fd, "\xf0\xf0", 2,
			       (off_t)((boot[14] + table * (size_t)boot[22]) * 512 +
				       2 * 20)),
			2);
	}
	volume = open_fat(&info);
	assert_int_equal(state_fat.open_reading(volume, &to, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "'fat': FAT is damaged: fsck.fat says '"));
	assert_null(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clusters_are_used_that_fsck_calls_used),
		cmocka_unit_test(a_cluster_of_the_second_table_alone_is_used),
		cmocka_unit_test(tables_that_are_too_short_are_refused),
		cmocka_unit_test(
			a_cut_leaves_the_old_fat_the_new_one_or_one_that_can_be_finished),
		cmocka_unit_test(a_fat_that_is_full_is_told),
		cmocka_unit_test(a_fat_with_a_chain_that_ends_nowhere_is_not_opened),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
