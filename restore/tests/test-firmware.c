/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The firmware's boot entry, written through libefivar into a folder that has the form of
 * efivarfs: one file for each variable, its attributes in front. libefivar takes the folder by
 * EFIVARFS_PATH.
 */
#include "image-fixture.h"

#include <base/utf.h>

#include "fixups/boot-option.h"
#include "fixups/firmware.h"

#define GLOBAL	"8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define LOADER	"\\EFI\\Microsoft\\Boot\\bootmgfw.efi"
#define ESP_ID	"11111111-2222-3333-4444-555555555555"
#define OLD_ID	"aaaaaaaa-2222-3333-4444-555555555555"
#define ELSE_ID "bbbbbbbb-2222-3333-4444-555555555555"

static void put_variable(const char *name, const uint8_t *data, size_t length)
{
	uint8_t bytes[1024] = { 7 }; /* non-volatile, for boot services and run time */
	char path[128];

	memcpy(bytes + 4, data, length);
	snprintf(path, sizeof(path), "efivars/%s-" GLOBAL, name);
	write_file(path, bytes, length + 4);
}

/* Without the attributes; -1: there is none. */
static ssize_t get_variable(const char *name, uint8_t *data, size_t room)
{
	uint8_t bytes[1024];
	char path[128];
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "efivars/%s-" GLOBAL, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, bytes, sizeof(bytes));
	assert_true(n >= 4 && (size_t)n - 4 <= room);
	memcpy(data, bytes + 4, (size_t)n - 4);
	return n - 4;
}

static size_t put_text(uint8_t *at, const char *text)
{
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length;

	assert_succeeds(utf8_to_utf16le(text, &bytes, &length, &err));
	memcpy(at, bytes, length);
	memset(at + length, 0, 2);
	return length + 2;
}

/* HD(1, GPT, id, 2048, 204800)/File(file)/End by hand, from UEFI 2.10, 10.3. */
static size_t make_option(uint8_t *bytes, const char *name, const char *id,
			  const char *file)
{
	size_t text = put_text(bytes + 6, name), at = 6 + text;
	uint8_t *drive = bytes + at, *path;
	size_t length;

	put_le(bytes, 4, 1);
	memset(drive, 0, 42);
	memcpy(drive, (uint8_t[]){ 4, 1, 42, 0, 1 }, 5);
	put_le(drive + 8, 8, 2048);
	put_le(drive + 16, 8, 204800);
	put_guid(drive + 24, id);
	drive[40] = drive[41] = 2;
	path = drive + 42;
	length = put_text(path + 4, file) + 4;
	memcpy(path, (uint8_t[]){ 4, 4, (uint8_t)length, 0 }, 4);
	memcpy(path + length, (uint8_t[]){ 0x7f, 0xff, 4, 0 }, 4);
	put_le(bytes + 4, 2, 42 + length + 4);
	return at + 42 + length + 4;
}

static void put_option(unsigned number, const char *name, const char *id,
		       const char *file)
{
	uint8_t bytes[512];
	char variable[16];

	snprintf(variable, sizeof(variable), "Boot%04X", number);
	put_variable(variable, bytes, make_option(bytes, name, id, file));
}

/* A restore onto a disk that had a partition OLD_ID, and gets an ESP. */
struct scene {
	struct backup_volume volume;
	struct plan_partition partition;
	struct disk_partition esp, old;
	struct disk_layout after, before;
	struct disk disk;
	struct restore_plan plan;
};

static void set_up(struct scene *scene)
{
	*scene = (struct scene){
		.volume = { .role = ROLE_ESP },
		.esp = { .slot = 1, .offset = MiB, .length = 100 * MiB },
		.after = { .sector_size = 512, .count = 1, .partitions = &scene->esp },
		.before = { .sector_size = 512, .count = 1, .partitions = &scene->old },
	};
	put_guid(scene->esp.id.b, ESP_ID);
	put_guid(scene->old.id.b, OLD_ID);
	scene->partition.volume = &scene->volume;
	scene->disk.layout = &scene->before;
	scene->plan = (struct restore_plan){ .disk = &scene->disk,
					     .after = &scene->after,
					     .partitions = &scene->partition };
	run_tool("rm", "-rf", "efivars");
	assert_int_equal(mkdir("efivars", 0700), 0);
}

static void assert_order(const uint16_t *expected, size_t count)
{
	uint8_t order[64], next[8];

	assert_int_equal(get_variable("BootOrder", order, sizeof(order)), count * 2);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(order[2 * i] | order[2 * i + 1] << 8, expected[i]);
	assert_int_equal(get_variable("BootNext", next, sizeof(next)), 2);
	assert_memory_equal(next, order, 2);
}
#define assert_order(...)                                                                \
	assert_order((const uint16_t[]){ __VA_ARGS__ },                                  \
		     sizeof((const uint16_t[]){ __VA_ARGS__ }) / 2)

static void the_entry_comes_before_network_and_others(void **state)
{
	/* as long as the new one: the folder's files do not get shorter, as variables do */
	static const uint8_t order[] = { 3, 0, 0, 0, 5, 0 };
	AUTO_FREE char *done = NULL, *again = NULL;
	uint8_t bytes[512], made[512];
	struct boot_option option;
	struct scene scene;
	struct err err = { 0 };
	ssize_t n;

	set_up(&scene);
	put_option(0, "ubuntu", OLD_ID, "\\EFI\\ubuntu\\shimx64.efi");
	put_option(3, "UEFI PXEv4", ELSE_ID, "");
	put_option(5, "Windows Boot Manager", ELSE_ID, LOADER);
	put_option(7, "Windows Boot Manager", OLD_ID, LOADER);
	put_variable("BootOrder", order, sizeof(order));
	assert_succeeds(firmware_entry_write(&scene.plan, &done, &err));
	assert_string_equal(done,
			    "firmware entry Boot0001 \"Windows Boot Manager\" written, "
			    "first in BootOrder and next to start; 2 of 2 entries of the "
			    "erased disk removed");
	assert_order(1, 3, 5);
	assert_int_equal(get_variable("Boot0000", bytes, sizeof(bytes)), -1);
	assert_int_equal(get_variable("Boot0007", bytes, sizeof(bytes)), -1);
	assert_true(get_variable("Boot0005", bytes, sizeof(bytes)) > 0);

	/* as one makes it by hand, but for the loader's data, of which there is none */
	n = get_variable("Boot0001", bytes, sizeof(bytes));
	assert_int_equal(n, make_option(made, "Windows Boot Manager", ESP_ID, LOADER));
	assert_memory_equal(bytes, made, n);
	assert_succeeds(boot_option_parse(bytes, (size_t)n, &option, &err));
	assert_string_equal(option.file, LOADER);

	assert_succeeds(firmware_entry_write(&scene.plan, &again, &err));
	assert_non_null(strstr(again, "Boot0001 \"Windows Boot Manager\" kept"));
	assert_order(1, 3, 5);
}

static void
windows_own_entry_is_used_and_set_right_where_the_partition_moved(void **state)
{
	AUTO_FREE char *done = NULL;
	uint8_t bytes[512];
	struct boot_option option;
	struct scene scene;
	struct err err = { 0 };
	ssize_t n;

	set_up(&scene);
	scene.esp.offset = 5 * MiB;
	put_option(2, "Windows Boot Manager", ESP_ID,
		   "\\EFI\\MICROSOFT\\BOOT\\BOOTMGFW.EFI");
	assert_succeeds(firmware_entry_write(&scene.plan, &done, &err));
	assert_non_null(strstr(done, "Boot0002 \"Windows Boot Manager\" written"));
	assert_order(2);
	n = get_variable("Boot0002", bytes, sizeof(bytes));
	assert_true(n > 0);
	assert_succeeds(boot_option_parse(bytes, (size_t)n, &option, &err));
	assert_int_equal(option.first_lba, 5 * MiB / 512);
}

static void entries_that_make_no_sense_are_left_alone(void **state)
{
	AUTO_FREE char *done = NULL;
	uint8_t bytes[512];
	struct scene scene;
	struct err err = { 0 };
	size_t length;

	set_up(&scene);
	length = make_option(bytes, "old", OLD_ID, LOADER);
	/* every cut and a node of length 0 */
	for (size_t cut = 0; cut < length; cut++) {
		struct boot_option option;

		assert_int_equal(boot_option_parse(bytes, cut, &option, &err), -EBADMSG);
	}
	bytes[6 + 8 + 2] = 0;
	put_variable("Boot0000", bytes, length);
	put_variable("Boot0001", bytes, 3);
	assert_succeeds(firmware_entry_write(&scene.plan, &done, &err));
	assert_non_null(strstr(done, "Boot0002"));
	assert_non_null(strstr(done, "0 of 0 entries"));
	assert_int_equal(get_variable("Boot0000", bytes, sizeof(bytes)), length);
}

static void a_machine_without_variables_is_told(void **state)
{
	AUTO_FREE char *done = NULL;
	struct scene scene;
	struct err err = { 0 };

	set_up(&scene);
	scene.volume.role = ROLE_WINDOWS;
	assert_failed(firmware_entry_write(&scene.plan, &done, &err), -ENOENT,
		      "the plan has no EFI system partition");
}

/* libefivar looks for its variables when it is loaded: the folder is made first, then the test
 * starts again. */
static int start_again(char **argv)
{
	void *folder = NULL;

	if (scratch_enter(&folder) < 0 || mkdir("efivars", 0700) < 0)
		return 1;
	setenv("FIRMWARE_TEST", folder, 1);
	setenv("EFIVARFS_PATH", "efivars/", 1);
	free(folder);
	execv("/proc/self/exe", argv);
	return 1;
}

static int enter(void **state)
{
	*state = strdup(getenv("FIRMWARE_TEST"));
	return *state ? 0 : -1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_entry_comes_before_network_and_others),
		cmocka_unit_test(
			windows_own_entry_is_used_and_set_right_where_the_partition_moved),
		cmocka_unit_test(entries_that_make_no_sense_are_left_alone),
		cmocka_unit_test(a_machine_without_variables_is_told),
	};

	if (!getenv("FIRMWARE_TEST"))
		return start_again(argv);
	return cmocka_run_group_tests(tests, enter, scratch_leave);
}
