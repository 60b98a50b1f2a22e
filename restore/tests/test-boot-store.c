/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Boot stores under change: generated ones of the fuzz corpus, and real ones of the folder that
 * SAMPLES names, to new ids; spoiled ones, which stay as they are; a new one from a template.
 */
#include "hive-fixture.h"

#include <restore/plan.h>

#include "evidence/bcd.h"
#include "fixups/boot-store-new.h"
#include "fixups/boot-store.h"

#define STORE  "restore/fuzz/corpus/hive/gpt"
#define LENGTH (UINT64_C(100) << 20)

/* The partitions that a store names, as a plan with new ids for all of them. */
struct scene {
	struct backup_version version;
	struct source_disk disk;
	struct source_partition from[3];
	struct disk_layout after;
	struct disk_partition to[3];
	struct plan_partition partitions[3];
	struct guid old_ids[3];
	struct backup_volume volume;
	struct restore_plan plan;
	struct fixup_job job;
	struct text told;
};

static struct guid other(const struct guid *id)
{
	struct guid changed = *id;

	changed.b[15] ^= 0xff;
	return changed;
}

static int keep_note(struct fixup_job *job, enum plan_severity severity, const char *text,
		     struct err *err)
{
	struct scene *scene = (struct scene *)((char *)job - offsetof(struct scene, job));

	text_add(&scene->told, "%s%s\n", severity == PLAN_WARNING ? "WARNING: " : "",
		 text);
	return 0;
}

static void make_scene(struct scene *scene, const struct bcd_store *store)
{
	const struct bcd_device *devices[] = { &store->boot_manager, &store->windows,
					       &store->recovery };

	*scene = (struct scene){ 0 };
	scene->disk = (struct source_disk){
		.style = { TABLE_GPT, ORIGIN_BCD },
		.disk_id = { store->boot_manager.disk_id, ORIGIN_BCD },
		.partition_count = 3,
		.partitions = scene->from,
	};
	scene->version =
		(struct backup_version){ .disk_count = 1, .disks = &scene->disk };
	scene->after = (struct disk_layout){
		.sector_size = 512,
		.style = TABLE_GPT,
		.disk_id = other(&store->boot_manager.disk_id),
		.count = 3,
		.partitions = scene->to,
	};
	for (size_t i = 0; i < 3; i++) {
		scene->from[i].id =
			(struct value_guid){ devices[i]->partition_id, ORIGIN_BCD };
		scene->from[i].offset =
			(struct value_u64){ (i + 1) * LENGTH, ORIGIN_BCD };
		scene->old_ids[i] = devices[i]->partition_id;
		scene->to[i].id = other(&devices[i]->partition_id);
		scene->to[i].offset = (i + 1) * LENGTH;
		scene->partitions[i] =
			(struct plan_partition){ .volume = &scene->volume,
						 .source = &scene->from[i] };
	}
	scene->plan = (struct restore_plan){
		.version = &scene->version,
		.after = &scene->after,
		.partitions = scene->partitions,
		.old_ids = scene->old_ids,
		.source_disk = &scene->disk,
	};
	scene->job = (struct fixup_job){ .plan = &scene->plan, .note = keep_note };
}

static struct hive_editor *editor_of(const struct hive_file *file, const char *what)
{
	const struct hive_files files = { .what = what, .primary = *file };
	struct hive_editor *editor = NULL;
	struct hive_image image;
	struct err err = { 0 };

	if (hive_recover(&files, &image, &err) < 0 ||
	    hive_editor_new(&image, what, &editor, &err) < 0)
		fail_msg("%s", err.text);
	return editor;
}

static int patch(struct scene *scene, struct hive_editor *editor, bool starts_windows,
		 struct err *err)
{
	const struct boot_store_job job = { &scene->job, "BCD", starts_windows };

	return boot_store_patch(&job, editor, err);
}

static struct hive_file commit(struct hive_editor *editor)
{
	uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length;

	if (hive_editor_commit(editor, &bytes, &length, &err) < 0)
		fail_msg("%s", err.text);
	return (struct hive_file){ bytes, length };
}

static void read_store(const struct hive_file *file, struct bcd_store *ret)
{
	struct err err = { 0 };

	if (bcd_store_read(file->bytes, file->length, "BCD", ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_moved(const struct bcd_device *before, const struct bcd_device *after)
{
	struct guid partition = other(&before->partition_id);
	struct guid disk = other(&before->disk_id);

	assert_int_equal(after->kind, BCD_DEVICE_GPT);
	assert_true(guid_equal(&after->partition_id, &partition));
	assert_true(guid_equal(&after->disk_id, &disk));
}

static void check_store(struct hive_file *file, bool starts_windows, const char *told)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL, *again = NULL;
	struct bcd_store before, after;
	struct hive_file changed;
	struct err err = { 0 };
	struct scene scene;

	read_store(file, &before);
	if (before.windows.kind == BCD_DEVICE_OTHER) /* a recovery store */
		before.windows = before.boot_manager;
	make_scene(&scene, &before);
	editor = editor_of(file, "BCD");
	assert_int_equal(patch(&scene, editor, starts_windows, &err), 0);
	assert_true(hive_editor_has_changed(editor));
	changed = commit(editor);
	read_store(&changed, &after);
	assert_moved(&before.boot_manager, &after.boot_manager);
	assert_moved(&before.recovery, &after.recovery);
	if (starts_windows)
		assert_moved(&before.windows, &after.windows);
	if (!strstr(scene.told.string, told))
		fail_msg("not told: %s", scene.told.string);

	again = editor_of(&changed, "BCD");
	assert_int_equal(patch(&scene, again, starts_windows, &err), 0);
	assert_false(hive_editor_has_changed(again));
	text_clear(&scene.told);
	file_drop(&changed);
	file_drop(file);
}

static void every_element_follows_and_a_second_run_changes_nothing(void **state)
{
	struct hive_file file = file_load(STORE);

	check_store(&file, true, "'Lab in a VHD' osdevice: partition {");
}

static void real_stores_follow(void **state)
{
	const char *samples = getenv("SAMPLES");
	struct hive_file file;

	if (!samples) {
		print_message("SAMPLES is not set: real stores are not changed\n");
		skip();
	}
	file = sample_load(samples,
			   "bcd/uefi-win10-gpt/2020-09-24-EFI_Microsoft_Boot_BCD");
	/* an entry of another system, on a disk that is in no backup */
	check_store(&file, true, "which is not in the backup: this entry will not start");
	file = sample_load(samples,
			   "bcd/uefi-win10-gpt/2020-09-24-EFI_Microsoft_Recovery_BCD");
	check_store(&file, false, "ramdisksdidevice");
}

/* Gives a key below Objects another value, or removes it. */
static void spoil(struct hive_editor *editor, const char *path, const uint8_t *element,
		  size_t length)
{
	const struct hive_datum datum = { "Element", HIVE_BINARY, element, length };
	struct hive *hive;
	hive_node node;
	struct err err = { 0 };

	assert_int_equal(hive_editor_hive(editor, &hive, &err), 0);
	node = hive_find(hive, 0, path);
	assert_true(node != 0);
	assert_int_equal(element ? hive_editor_set(editor, node, &datum, &err)
				 : hive_editor_delete_key(editor, node, &err),
			 0);
}

static void a_store_without_a_boot_manager_is_refused(void **state)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL, *empty = NULL;
	struct hive_file file = file_load(STORE);
	struct bcd_store before;
	struct err err = { 0 };
	struct scene scene;

	read_store(&file, &before);
	make_scene(&scene, &before);
	editor = editor_of(&file, "BCD");
	spoil(editor, "Objects/" BCD_OBJECT_MANAGER, NULL, 0);
	assert_int_equal(patch(&scene, editor, true, &err), -EBADMSG);
	assert_string_equal(err.text, "'BCD': it has no boot manager, object "
				      "{9dea862c-5cdd-4e70-acc1-f32b344d4795}");
	assert_null(scene.told.string);

	empty = editor_of(&file, "BCD");
	spoil(empty, "Objects", NULL, 0);
	assert_int_equal(patch(&scene, empty, true, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "'BCD': a hive without 'Objects' is not a boot store");
	file_drop(&file);
}

static void an_element_that_cannot_be_read_stays_and_is_told(void **state)
{
	static const uint8_t bytes[] = { [0x10] = 6, [0x18] = 0x48, [0x57] = 0 };
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_file file = file_load(STORE);
	struct bcd_store before;
	struct err err = { 0 };
	struct scene scene;

	read_store(&file, &before);
	make_scene(&scene, &before);
	editor = editor_of(&file, "BCD");
	spoil(editor, "Objects/" BCD_OBJECT_MANAGER "/Elements/11000001", bytes,
	      sizeof(bytes));
	assert_int_equal(patch(&scene, editor, true, &err), 0);
	assert_non_null(
		strstr(scene.told.string,
		       "WARNING: BCD: {9dea862c-5cdd-4e70-acc1-f32b344d4795} "
		       "device stays as it is: BCD device: partition or disk id is "
		       "zero\n"));
	text_clear(&scene.told);
	file_drop(&file);
}

static void what_is_not_restored_is_told(void **state)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_file file = file_load(STORE);
	struct bcd_store before;
	struct err err = { 0 };
	struct scene scene;

	read_store(&file, &before);
	make_scene(&scene, &before);
	scene.after.count = 2;		   /* without recovery */
	scene.partitions[1].volume = NULL; /* Windows is created empty */
	editor = editor_of(&file, "BCD");
	assert_int_equal(patch(&scene, editor, true, &err), 0);
	assert_non_null(strstr(scene.told.string,
			       ", which is not restored: this entry will "
			       "not start\n"));
	assert_non_null(strstr(scene.told.string,
			       "WARNING: BCD: 'Windows Server' device is "
			       "partition {"));
	assert_non_null(
		strstr(scene.told.string, ", which is created empty: this entry"));
	text_clear(&scene.told);
	file_drop(&file);
}

/* Windows and recovery lie on another disk than the store, which another plan restores. */
static void partitions_of_other_disks_of_the_set_are_found(void **state)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_file file = file_load(STORE), changed;
	struct bcd_store before, after;
	struct err err = { 0 };
	struct disk_layout second;
	struct restore_plan peer, *peers[2];
	struct scene scene;

	read_store(&file, &before);
	make_scene(&scene, &before);
	second = scene.after;
	second.count = 2;
	second.partitions = &scene.to[1];
	peer = scene.plan;
	peer.after = &second;
	peer.partitions = &scene.partitions[1];
	peer.old_ids = &scene.old_ids[1];
	scene.after.count = 1;
	peers[0] = &scene.plan;
	peers[1] = &peer;
	scene.plan.peers = peers;
	scene.plan.peer_count = 2;
	editor = editor_of(&file, "BCD");
	assert_int_equal(patch(&scene, editor, true, &err), 0);
	assert_null(strstr(scene.told.string, "will not start"));
	changed = commit(editor);
	read_store(&changed, &after);
	assert_moved(&before.boot_manager, &after.boot_manager);
	assert_moved(&before.windows, &after.windows);
	assert_moved(&before.recovery, &after.recovery);
	text_clear(&scene.told);
	file_drop(&changed);
	file_drop(&file);
}

static void a_new_store_starts_windows_from_its_template(void **state)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL, *again = NULL;
	struct hive_file template = file_load(STORE), made;
	const struct boot_store_new wanted = {
		.system = { BCD_DEVICE_MBR, .mbr_signature = 0x1234, .offset = 1 << 20 },
		.windows = { BCD_DEVICE_MBR, .mbr_signature = 0x1234, .offset = 2 << 20 },
		.locale = "de-DE",
	};
	struct bcd_store store;
	struct err err = { 0 };

	editor = editor_of(&template, "template");
	spoil(editor, "Objects/" BCD_OBJECT_MANAGER, NULL, 0);
	assert_int_equal(boot_store_grow(&wanted, editor, &err), 0);
	made = commit(editor);
	read_store(&made, &store);
	assert_true(bcd_device_equal(&store.boot_manager, &wanted.system));
	assert_true(bcd_device_equal(&store.windows, &wanted.windows));
	assert_true(store.has_loader);
	assert_false(store.uefi);
	file_drop(&made);

	again = editor_of(&template, "template");
	spoil(again, "Objects", NULL, 0);
	assert_int_equal(boot_store_grow(&wanted, again, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "'" BCD_TEMPLATE_PATH "': a hive without 'Objects' is "
			    "not a boot store");
	file_drop(&template);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_element_follows_and_a_second_run_changes_nothing),
		cmocka_unit_test(real_stores_follow),
		cmocka_unit_test(a_store_without_a_boot_manager_is_refused),
		cmocka_unit_test(an_element_that_cannot_be_read_stays_and_is_told),
		cmocka_unit_test(what_is_not_restored_is_told),
		cmocka_unit_test(partitions_of_other_disks_of_the_set_are_found),
		cmocka_unit_test(a_new_store_starts_windows_from_its_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
