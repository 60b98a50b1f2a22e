/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of registry hives, read back by hivexsh and by reglookup, which knows the format by itself.
 */
#include "hive-fixture.h"

#include <string.h>
#include <unistd.h>

struct edited {
	struct hive_file before;
	struct hive_editor *editor;
	struct hive_file after; /* once it was committed */
};

static void begin(struct edited *e, struct hive_file before)
{
	const struct hive_files files = { "SYSTEM", before, { { 0 } } };
	struct hive_image image = { 0 };
	struct err err = { 0 };

	*e = (struct edited){ .before = before };
	if (hive_recover(&files, &image, &err) < 0 ||
	    hive_editor_new(&image, "SYSTEM", &e->editor, &err) < 0)
		fail_msg("%s", err.text);
}

static void end(struct edited *e)
{
	uint8_t *bytes = NULL;
	struct err err = { 0 };

	if (hive_editor_commit(e->editor, &bytes, &e->after.length, &err) < 0)
		fail_msg("%s", err.text);
	e->after.bytes = bytes;
}

static void drop(struct edited *e)
{
	hive_editor_free(e->editor);
	file_drop(&e->before);
	file_drop(&e->after);
}

static hive_node find(struct edited *e, const char *path)
{
	struct hive *hive = NULL;
	struct err err = { 0 };
	hive_node node;

	if (hive_editor_hive(e->editor, &hive, &err) < 0)
		fail_msg("%s", err.text);
	node = hive_find(hive, 0, path);
	if (!node)
		fail_msg("no key '%s'", path);
	return node;
}

static void set(struct edited *e, const char *path, const struct hive_datum *datum)
{
	struct err err = { 0 };

	if (hive_editor_set(e->editor, find(e, path), datum, &err) < 0)
		fail_msg("%s", err.text);
}

static hive_node add(struct edited *e, const char *path, const char *name)
{
	hive_node node = 0;
	struct err err = { 0 };

	if (hive_editor_add_key(e->editor, find(e, path), name, &node, &err) < 0)
		fail_msg("%s", err.text);
	return node;
}

/* What a program prints about the changed hive. The caller frees. */
static char *ask(struct edited *e, const char *command)
{
	char path[] = "/tmp/hive-edit-XXXXXX";
	int fd = mkstemp(path);
	AUTO_FREE char *line = text_format("%s 2>&1", command);
	struct text output = { 0 };
	char part[4096];
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, e->after.bytes, e->after.length), e->after.length);
	close(fd);
	setenv("HIVE", path, 1);
	pipe = popen(line, "re");
	assert_non_null(pipe);
	while (fgets(part, sizeof(part), pipe))
		text_add(&output, "%s", part);
	pclose(pipe);
	unlink(path);
	return text_take(&output);
}

static void assert_says(struct edited *e, const char *command, const char *expected)
{
	AUTO_FREE char *output = ask(e, command);

	if (!strstr(output, expected))
		fail_msg("'%s' says:\n%s\nnot '%s'", command, output, expected);
}

static void assert_does_not_say(struct edited *e, const char *command, const char *text)
{
	AUTO_FREE char *output = ask(e, command);

	if (strstr(output, text))
		fail_msg("'%s' says '%s'", command, text);
}

#define START "ControlSet001/Services/LSI_SAS"
static const uint8_t zero[4];
static const struct hive_datum start_now = { "Start", HIVE_DWORD, zero, 4 };

static void a_value_of_the_same_size_is_changed_where_it_lies(void **state)
{
	struct edited e;
	unsigned differ = 0;

	begin(&e, file_load(SYSTEM_HIVE));
	set(&e, START, &start_now);
	assert_true(hive_editor_has_changed(e.editor));
	end(&e);
	assert_int_equal(e.after.length, e.before.length);
	for (size_t i = HIVE_BASE_SIZE; i < e.after.length; i++)
		differ += e.after.bytes[i] != e.before.bytes[i];
	assert_int_equal(differ, 1);
	assert_int_equal(get_at(&e.after, 4), get_at(&e.before, 4) + 1);
	assert_int_equal(get_at(&e.after, 8), get_at(&e.before, 4) + 1);
	assert_says(&e, "reglookup -p ControlSet001/Services/LSI_SAS/Start $HIVE",
		    "Start,DWORD,0x00000000");
	drop(&e);
}

static void what_is_set_already_changes_nothing(void **state)
{
	struct edited e;

	begin(&e, file_load(SYSTEM_HIVE));
	set(&e, "ControlSet001/Services/storahci", &start_now);
	assert_false(hive_editor_has_changed(e.editor));
	end(&e);
	assert_memory_equal(e.after.bytes, e.before.bytes, e.before.length);
	drop(&e);
}

static void a_value_that_is_deleted_leaves_its_neighbours(void **state)
{
	struct hive_datum deleted = { "\\DosDevices\\C:", HIVE_BINARY, zero, 0 };
	struct err err = { 0 };
	struct edited e;

	begin(&e, file_load(SYSTEM_HIVE));
	assert_int_equal(hive_editor_delete_value(e.editor, find(&e, "MountedDevices"),
						  deleted.name, &err),
			 0);
	assert_int_equal(hive_editor_delete_value(e.editor, find(&e, "MountedDevices"),
						  "no such value", &err),
			 0);
	end(&e);
	assert_int_equal(e.after.length, e.before.length);
	assert_does_not_say(&e, "reglookup -p MountedDevices $HIVE", "DosDevices");
	assert_says(&e, "reglookup -p MountedDevices $HIVE", "Volume{");
	assert_says(&e, "printf '%s\n' 'cd \\MountedDevices' lsval | hivexsh $HIVE",
		    "Volume{");
	drop(&e);
}

static void all_values_of_a_key_can_be_deleted(void **state)
{
	static const char *const names[] = { "Current", "Default", "Failed",
					     "LastKnownGood" };
	struct err err = { 0 };
	struct edited e;

	begin(&e, file_load(SYSTEM_HIVE));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(hive_editor_delete_value(e.editor, find(&e, "Select"),
							  names[i], &err),
				 0);
	set(&e, "Select", &(struct hive_datum){ "Current", HIVE_DWORD, zero, 4 });
	end(&e);
	assert_says(&e, "reglookup -p Select $HIVE", "Select/Current,DWORD,0x00000000");
	assert_does_not_say(&e, "reglookup -p Select $HIVE", "Default");
	drop(&e);
}

/* What a boot service needs: a key with some values, in a hive of either version. */
static void add_service(struct edited *e, const char *place)
{
	static const char path[] = "s\0y\0s\0t\0e\0m\0003\0002\0\\\0a\0\0";
	AUTO_FREE char *key = text_format("%s/pvscsi", place);

	add(e, place, "pvscsi");
	set(e, key, &start_now);
	set(e, key, &(struct hive_datum){ "ImagePath", HIVE_EXPAND_SZ, path, 22 });
	set(e, key, &(struct hive_datum){ "", HIVE_BINARY, path, 9 });
	add(e, key, "Parameters");
	add(e, key, "PnpInterface");
	add(e, key, "Parameters");
}

static void keys_and_values_can_be_added_to_hives_of_all_versions(void **state)
{
	static const char *const hives[] = { HIVES "shapes-3", HIVES "shapes-5" };

	for (size_t i = 0; i < ARRAY_SIZE(hives); i++) {
		struct edited e;

		begin(&e, file_load(hives[i]));
		add_service(&e, "values");
		end(&e);
		assert_says(&e, "reglookup -p values/pvscsi $HIVE",
			    "values/pvscsi/ImagePath,EXPAND_SZ,system32");
		assert_says(&e, "reglookup -t KEY -p values/pvscsi $HIVE",
			    "values/pvscsi/PnpInterface,KEY");
		assert_says(&e,
			    "printf '%s\n' 'cd \\values\\pvscsi' lsval | hivexsh $HIVE",
			    "\"Start\"=dword:00000000");
		drop(&e);
	}
}

/* Boot stores have version 1.3, whose lists hold the first characters of names. */
static void lists_of_old_versions_have_no_hashes(void **state)
{
	struct edited e;
	bool old = false;

	begin(&e, file_load(HIVES "shapes-3"));
	add_service(&e, "values");
	end(&e);
	for (size_t i = HIVE_BASE_SIZE; i + 12 < e.after.length; i += 4) {
		assert_memory_not_equal(e.after.bytes + i, "lh", 2);
		old |= memcmp(e.after.bytes + i, "lf\x01", 4) == 0 &&
		       memcmp(e.after.bytes + i + 8, "pvsc", 4) == 0;
	}
	assert_true(old);
	drop(&e);
}

static void keys_can_be_deleted_with_all_below(void **state)
{
	struct err err = { 0 };
	struct edited e;

	begin(&e, file_load(HIVES "shapes-5"));
	assert_int_equal(hive_editor_delete_key(e.editor, find(&e, "values"), &err), 0);
	for (unsigned i = 0; i < 20; i++) {
		AUTO_FREE char *key = text_format("many/%u", i);

		assert_int_equal(hive_editor_delete_key(e.editor, find(&e, key), &err),
				 0);
	}
	end(&e);
	assert_does_not_say(&e, "reglookup $HIVE", "/values");
	assert_does_not_say(&e, "reglookup $HIVE", "/many/19,");
	assert_says(&e, "reglookup $HIVE", "/many/20,KEY");
	drop(&e);
}

static void the_last_key_of_a_key_can_be_deleted(void **state)
{
	struct err err = { 0 };
	struct edited e;

	begin(&e, file_load(SYSTEM_HIVE));
	assert_int_equal(
		hive_editor_delete_key(
			e.editor,
			find(&e, "ControlSet001/Control/ComputerName/ComputerName"),
			&err),
		0);
	add(&e, "ControlSet001/Control/ComputerName", "ActiveComputerName");
	end(&e);
	assert_says(&e, "reglookup -t KEY -p ControlSet001/Control/ComputerName $HIVE",
		    "ComputerName/ActiveComputerName,KEY");
	drop(&e);
}

static void what_the_library_cannot_write_is_refused(void **state)
{
	struct hive_datum datum = { "new", HIVE_BINARY, zero, HIVE_SEGMENT_SIZE + 1 };
	struct err err = { 0 };
	struct edited e;

	begin(&e, file_load(HIVES "shapes-5"));
	assert_int_equal(hive_editor_set(e.editor, find(&e, "values"), &datum, &err),
			 -ENOTSUP);
	assert_string_equal(err.text,
			    "'SYSTEM': value 'new' of 16345 bytes, limit 16344");
	datum.length = 4;
	assert_int_equal(hive_editor_set(e.editor, find(&e, "values"), &datum, &err),
			 -ENOTSUP);
	assert_string_equal(err.text, "'SYSTEM': value 'long' of 16400 bytes cannot be "
				      "written anew, limit 16344");
	drop(&e);
}

static void after_a_failure_nothing_comes_out(void **state)
{
	struct hive_datum datum = { "new", HIVE_BINARY, zero, 4 };
	struct err err = { 0 };
	uint8_t *bytes = NULL;
	struct edited e;
	size_t length;

	begin(&e, file_load(HIVES "shapes-5"));
	assert_int_equal(hive_editor_set(e.editor, find(&e, "values"), &datum, &err),
			 -ENOTSUP);
	assert_int_equal(hive_editor_commit(e.editor, &bytes, &length, &err), -EBADMSG);
	assert_string_equal(err.text, "'SYSTEM': an earlier change failed");
	assert_null(bytes);
	drop(&e);
}

/* -- real ones ---- */

static void real_hives_take_a_boot_driver(void **state)
{
	static const char *const names[] = { "dfwinreg/SYSTEM.xz", "regipy/SYSTEM_2.xz",
					     "hive-logs/regipy/SYSTEM_WIN_10_1709.xz" };
	const char *samples = getenv("SAMPLES");
	struct err err = { 0 };

	if (!samples) {
		print_message("SAMPLES is not set: real hives are not changed\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct edited e;

		begin(&e, sample_load(samples, names[i]));
		set(&e, "ControlSet001/Services/LSI_SAS", &start_now);
		add(&e, "ControlSet001/Services", "vioscsi");
		set(&e, "ControlSet001/Services/vioscsi", &start_now);
		assert_int_equal(hive_editor_delete_value(e.editor,
							  find(&e, "MountedDevices"),
							  "\\DosDevices\\C:", &err),
				 0);
		end(&e);
		assert_int_equal(e.after.length, e.before.length);
		assert_says(&e, "reglookup -p ControlSet001/Services/vioscsi $HIVE",
			    "vioscsi/Start,DWORD,0x00000000");
		assert_says(&e, "reglookup -p ControlSet001/Services/LSI_SAS/Start $HIVE",
			    "Start,DWORD,0x00000000");
		assert_does_not_say(&e, "reglookup -p MountedDevices $HIVE",
				    "DosDevices\\C:");
		drop(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_of_the_same_size_is_changed_where_it_lies),
		cmocka_unit_test(what_is_set_already_changes_nothing),
		cmocka_unit_test(a_value_that_is_deleted_leaves_its_neighbours),
		cmocka_unit_test(all_values_of_a_key_can_be_deleted),
		cmocka_unit_test(keys_and_values_can_be_added_to_hives_of_all_versions),
		cmocka_unit_test(lists_of_old_versions_have_no_hashes),
		cmocka_unit_test(keys_can_be_deleted_with_all_below),
		cmocka_unit_test(the_last_key_of_a_key_can_be_deleted),
		cmocka_unit_test(what_the_library_cannot_write_is_refused),
		cmocka_unit_test(after_a_failure_nothing_comes_out),
		cmocka_unit_test(real_hives_take_a_boot_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
