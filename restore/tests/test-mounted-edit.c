/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MountedDevices with the names of new disks: generated hives, and real ones of the folder
 * that SAMPLES names; without it that test is skipped.
 */
#include "hive-fixture.h"

#include "fixups/mounted-edit.h"
#include "plan-fixture.h"

#define LETTER "\\DosDevices\\C:"
#define VOLUME "\\??\\Volume{11111111-2222-3333-4444-555555555555}"

static struct mounted_device gpt(uint8_t id)
{
	struct mounted_device device = { .kind = MOUNTED_GPT };

	memset(device.partition_id.b, id, sizeof(device.partition_id.b));
	return device;
}

static struct mounted_device mbr(uint32_t signature, uint64_t mib)
{
	return (struct mounted_device){ .kind = MOUNTED_MBR,
					.mbr_signature = signature,
					.offset = mib * MiB };
}

/* -- a hive with the values of a test ---- */

struct scene {
	struct hive_editor *editor;
	hive_node key;
	struct text told;
};

static void open_scene(struct scene *scene, struct hive_image *image)
{
	struct hive *hive = NULL;
	struct err err = { 0 };

	*scene = (struct scene){ 0 };
	if (hive_editor_new(image, "SYSTEM", &scene->editor, &err) < 0 ||
	    hive_editor_hive(scene->editor, &hive, &err) < 0)
		fail_msg("%s", err.text);
	scene->key = hive_find(hive, 0, "MountedDevices");
	assert_true(scene->key != 0);
}

/* A generated hive, or one of the samples. */
static void begin(struct scene *scene, struct hive_file file)
{
	const struct hive_files files = { "SYSTEM", file, { { 0 } } };
	struct hive_image image = { 0 };
	struct err err = { 0 };

	if (hive_recover(&files, &image, &err) < 0)
		fail_msg("%s", err.text);
	file_drop(&file);
	open_scene(scene, &image);
}

/* Commits, so that what comes now starts with a hive that has not changed. */
static void settle(struct scene *scene)
{
	struct hive_image image = { 0 };
	struct err err = { 0 };

	if (hive_editor_commit(scene->editor, &image.bytes, &image.length, &err) < 0)
		fail_msg("%s", err.text);
	hive_editor_free(scene->editor);
	text_clear(&scene->told);
	open_scene(scene, &image);
}

static void put(struct scene *scene, const char *name, struct mounted_device device)
{
	uint8_t bytes[MOUNTED_VALUE_SIZE];
	struct hive_datum datum = { name, HIVE_BINARY, bytes, 0 };
	struct err err = { 0 };

	datum.length = mounted_device_encode(&device, bytes);
	if (hive_editor_set(scene->editor, scene->key, &datum, &err) < 0)
		fail_msg("%s", err.text);
}

static int tell(const char *name, const struct mounted_device *old,
		const struct mounted_device *new, void *context, struct err *err)
{
	AUTO_FREE char *from = mounted_device_text(old);
	AUTO_FREE char *to = new ? mounted_device_text(new) : strdup("removed");

	text_add(context, "%s: %s → %s\n", name, from, to);
	return 0;
}

static void edit(struct scene *scene, const struct mounted_changes *changes)
{
	struct err err = { 0 };

	if (mounted_devices_edit(scene->editor, changes, tell, &scene->told, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_told(struct scene *scene, const char *expected)
{
	AUTO_FREE char *told = text_take(&scene->told);

	assert_string_equal(told, expected);
}

static bool holds(struct scene *scene, const char *name, struct mounted_device device)
{
	uint8_t bytes[MOUNTED_VALUE_SIZE];
	size_t length = mounted_device_encode(&device, bytes), found = 0;
	AUTO_FREE uint8_t *value = NULL;
	struct hive *hive = NULL;
	struct err err = { 0 };

	assert_int_equal(hive_editor_hive(scene->editor, &hive, &err), 0);
	if (hive_value(hive, scene->key, name, &value, &found, &err) < 0)
		return false;
	return found == length && memcmp(value, bytes, length) == 0;
}

static void end(struct scene *scene)
{
	text_clear(&scene->told);
	hive_editor_free(scene->editor);
}

/* -- tests ---- */

static void names_follow_their_partition_and_foreign_ones_stay(void **state)
{
	struct mounted_change list[] = { { .old = gpt(1), .new = gpt(2) } };
	const struct mounted_changes changes = { 1, list };
	struct scene scene;

	begin(&scene, file_load(SYSTEM_HIVE));
	put(&scene, LETTER, gpt(1));
	put(&scene, VOLUME, gpt(1));
	put(&scene, "\\DosDevices\\U:", gpt(9));
	put(&scene, "\\DosDevices\\V:", mbr(7, 1));
	edit(&scene, &changes);
	assert_true(holds(&scene, LETTER, gpt(2)) && holds(&scene, VOLUME, gpt(2)));
	assert_true(holds(&scene, "\\DosDevices\\U:", gpt(9)));
	assert_true(holds(&scene, "\\DosDevices\\V:", mbr(7, 1)));
	assert_told(&scene,
		    VOLUME ": partition {01010101-0101-0101-0101-010101010101} → "
			   "partition {02020202-0202-0202-0202-020202020202}\n" LETTER
			   ": partition {01010101-0101-0101-0101-010101010101} → "
			   "partition {02020202-0202-0202-0202-020202020202}\n");
	settle(&scene);
	edit(&scene, &changes);
	assert_false(hive_editor_has_changed(scene.editor));
	assert_told(&scene, "");
	end(&scene);
}

/* The first partition's new name is the second one's old name. */
static void partitions_that_moved_along_do_not_move_twice(void **state)
{
	struct mounted_change list[] = {
		{ .old = mbr(7, 1), .new = mbr(7, 101) },
		{ .old = mbr(7, 101), .new = mbr(7, 201) },
	};
	const struct mounted_changes changes = { 2, list };
	struct scene scene;

	begin(&scene, file_load(SYSTEM_HIVE));
	put(&scene, LETTER, mbr(7, 101));
	put(&scene, VOLUME, mbr(7, 1));
	edit(&scene, &changes);
	assert_true(holds(&scene, LETTER, mbr(7, 201)));
	assert_true(holds(&scene, VOLUME, mbr(7, 101)));
	settle(&scene);
	edit(&scene, &changes);
	assert_false(hive_editor_has_changed(scene.editor));
	end(&scene);
}

static void names_of_partitions_that_are_no_more_are_removed(void **state)
{
	struct mounted_change list[] = {
		{ .old = mbr(7, 1), .new = mbr(8, 1), .new_table = true },
		{ .old = gpt(3), .gone = true },
	};
	const struct mounted_changes changes = { 2, list };
	struct scene scene;

	begin(&scene, file_load(SYSTEM_HIVE));
	put(&scene, LETTER, mbr(7, 1));
	put(&scene, "\\DosDevices\\D:", gpt(3));
	put(&scene, "\\DosDevices\\E:", mbr(7, 500));
	put(&scene, "\\DosDevices\\F:", mbr(9, 500));
	edit(&scene, &changes);
	assert_true(holds(&scene, LETTER, mbr(8, 1)));
	assert_false(holds(&scene, "\\DosDevices\\D:", gpt(3)));
	assert_false(holds(&scene, "\\DosDevices\\E:", mbr(7, 500)));
	assert_true(holds(&scene, "\\DosDevices\\F:", mbr(9, 500)));
	assert_told(&scene, LETTER
		    ": byte 1048576 of disk 00000007 → byte 1048576 of disk "
		    "00000008\n\\DosDevices\\D:: partition "
		    "{03030303-0303-0303-0303-030303030303} → removed\n"
		    "\\DosDevices\\E:: byte 524288000 of disk 00000007 → removed\n");
	list[0].new_table = false;
	put(&scene, "\\DosDevices\\E:", mbr(7, 500));
	edit(&scene, &changes);
	assert_true(holds(&scene, "\\DosDevices\\E:", mbr(7, 500)));
	end(&scene);
}

/* Values are changed by their names. */
static void two_values_of_one_name_are_refused(void **state)
{
	struct mounted_change list[] = { { .old = gpt(1), .new = gpt(2) } };
	const struct mounted_changes changes = { 1, list };
	struct hive_image image = { 0 };
	struct err err = { 0 };
	struct scene scene;
	uint8_t *name;

	begin(&scene, file_load(SYSTEM_HIVE));
	put(&scene, "\\DosDevices\\X:", gpt(1));
	put(&scene, "\\DosDevices\\Y:", gpt(3));
	assert_int_equal(
		hive_editor_commit(scene.editor, &image.bytes, &image.length, &err), 0);
	hive_editor_free(scene.editor);
	name = memmem(image.bytes, image.length, "\\DosDevices\\Y:", 14);
	assert_non_null(name);
	name[12] = 'X';
	open_scene(&scene, &image);
	assert_int_equal(
		mounted_devices_edit(scene.editor, &changes, tell, &scene.told, &err),
		-EBADMSG);
	assert_string_equal(err.text, "MountedDevices has two values '\\DosDevices\\X:'");
	assert_false(hive_editor_has_changed(scene.editor));
	end(&scene);
}

static void names_can_change_their_kind(void **state)
{
	struct mounted_change list[] = { { .old = mbr(7, 1), .new = gpt(2) } };
	const struct mounted_changes changes = { 1, list };
	struct scene scene;

	begin(&scene, file_load(SYSTEM_HIVE));
	put(&scene, LETTER, mbr(7, 1));
	edit(&scene, &changes);
	assert_true(holds(&scene, LETTER, gpt(2)));
	settle(&scene);
	assert_true(holds(&scene, LETTER, gpt(2)));
	end(&scene);
}

static void new_ids_of_a_plan_are_changes_of_each_partition(void **state)
{
	struct plan_wishes wishes = { .new_ids = true };
	struct mounted_changes changes = { 0 };
	struct err err = { 0 };
	struct fixture f;

	set_up(&f);
	assert_int_equal(
		fixture_plan(&f, &f.version, &f.disks[0], &wishes, &f.plan, &err), 0);
	assert_int_equal(mounted_changes_of(f.plan, &changes, &err), 0);
	assert_int_equal(changes.count, 3);
	for (size_t i = 0; i < changes.count; i++) {
		const struct mounted_change *change = &changes.changes[i];
		const struct guid *new = &f.plan->after->partitions[i].id;

		assert_true(
			guid_equal(&change->old.partition_id, &f.partitions[i].id.value));
		assert_true(guid_equal(&change->new.partition_id, new));
		assert_false(mounted_device_equal(&change->old, &change->new));
		assert_true(change->new_table && !change->gone);
	}
	mounted_changes_clear(&changes);
	plan_free(f.plan);
}

/* A source disk that another plan of the set would restore, with one partition left out. */
static void what_a_restored_disk_had_and_has_no_more_is_gone(void **state)
{
	struct source_partition all[4];
	struct mounted_changes changes = { 0 };
	struct err err = { 0 };
	struct fixture f;

	set_up(&f);
	make_plan(&f);
	memcpy(all, f.partitions, sizeof(f.partitions));
	all[3] = all[2];
	all[3].id = known_guid(0x77);
	for (size_t i = 0; i < 3; i++)
		f.plan->partitions[i].source = &all[i];
	f.source.partitions = all;
	f.source.partition_count = 4;
	assert_int_equal(mounted_changes_of(f.plan, &changes, &err), 0);
	assert_int_equal(changes.count, 4);
	assert_true(changes.changes[3].gone);
	assert_int_equal(changes.changes[3].old.partition_id.b[0], 0x77);
	mounted_changes_clear(&changes);
	f.plan->in_place = true;
	assert_int_equal(mounted_changes_of(f.plan, &changes, &err), 0);
	assert_int_equal(changes.count, 3);
	mounted_changes_clear(&changes);
	f.plan->in_place = false;
	plan_free(f.plan);
}

static void a_real_hive_gets_another_signature(void **state)
{
	struct mounted_change list[] = {
		{ .old = mbr(0xd1cecf67, 1), .new = mbr(0x12345678, 1) },
		{ .old = mbr(0xd1cecf67, 351), .new = mbr(0x12345678, 451) },
	};
	const struct mounted_changes changes = { 2, list };
	const char *samples = getenv("SAMPLES");
	struct scene scene;

	if (!samples) {
		print_message("SAMPLES is not set: no real hive is changed\n");
		skip();
	}
	begin(&scene, sample_load(samples, "dfwinreg/SYSTEM.xz"));
	edit(&scene, &changes);
	assert_true(holds(&scene, LETTER, mbr(0x12345678, 451)));
	settle(&scene);
	assert_true(holds(&scene, LETTER, mbr(0x12345678, 451)));
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_their_partition_and_foreign_ones_stay),
		cmocka_unit_test(partitions_that_moved_along_do_not_move_twice),
		cmocka_unit_test(names_of_partitions_that_are_no_more_are_removed),
		cmocka_unit_test(two_values_of_one_name_are_refused),
		cmocka_unit_test(names_can_change_their_kind),
		cmocka_unit_test(new_ids_of_a_plan_are_changes_of_each_partition),
		cmocka_unit_test(what_a_restored_disk_had_and_has_no_more_is_gone),
		cmocka_unit_test(a_real_hive_gets_another_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
