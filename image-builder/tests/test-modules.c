/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "modules.h"

static void a_name_means_the_module_of_that_name(void **state)
{
	assert_true(module_pattern_matches("e1000e", "drivers/net/e1000e/e1000e.ko"));
	assert_true(module_pattern_matches("hid-generic", "drivers/hid/hid-generic.ko"));
	assert_true(module_pattern_matches("usb_storage", "drivers/usb/usb-storage.ko"));
	assert_false(module_pattern_matches("e1000", "drivers/net/e1000e/e1000e.ko"));
	assert_false(module_pattern_matches("e1000e", "drivers/net/e1000/e1000.ko"));
}

static void a_folder_means_everything_in_it(void **state)
{
	assert_true(module_pattern_matches("drivers/net/", "drivers/net/a/b.ko"));
	assert_false(module_pattern_matches("drivers/net/", "drivers/network.ko"));
	assert_false(module_pattern_matches("net/", "drivers/net/a.ko"));
}

static void a_path_may_have_wildcards(void **state)
{
	assert_true(module_pattern_matches("drivers/net/a.ko", "drivers/net/a.ko"));
	assert_true(module_pattern_matches("drivers/*_cs.ko", "drivers/net/x_cs.ko"));
	assert_false(module_pattern_matches("drivers/*_cs.ko", "drivers/net/x_cs.kox"));
}

static void the_name_of_a_module_has_no_hyphen(void **state)
{
	char *name = module_name("kernel/sound/snd-hda-intel.ko");

	assert_string_equal(name, "snd_hda_intel");
	free(name);
}

static void firmware_comes_from_the_folder_or_a_package(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	char folder[512], expected[1024];
	struct err err;

	write_file(in(state, "root/lib/modules/6.1-amd64/modules.dep"), "");
	write_file(in(state, "root/lib/firmware/acme/a.bin"), "package");
	write_file(in(state, "firmware/acme/b.bin"), "folder");
	assert_int_equal(sysroot_open(in(state, "root"), &sysroot, &err), 0);
	snprintf(folder, sizeof(folder), "%s", in(state, "firmware"));
	assert_int_equal(firmware_add(&sysroot, folder, "acme/a.bin", &tree, &err), 0);
	assert_int_equal(firmware_add(&sysroot, folder, "acme/b.bin", &tree, &err), 0);
	assert_int_equal(
		root_tree_find(&tree, "/lib/firmware/acme/a.bin")->content.length,
		strlen("package"));
	assert_int_equal(
		root_tree_find(&tree, "/lib/firmware/acme/b.bin")->content.length,
		strlen("folder"));
	snprintf(expected, sizeof(expected),
		 "firmware 'acme/c.bin' is in neither the folder '(none given)' nor a "
		 "package of packages.list; Debian has such files in the packages "
		 "firmware-* "
		 "of non-free-firmware: "
		 "'/lib/firmware/acme/c.bin': not in the sysroot '%s': No such file or "
		 "directory",
		 in(state, "root"));
	assert_failed(firmware_add(&sysroot, NULL, "acme/c.bin", &tree, &err), -ENOENT,
		      expected);
}

static void modules_without_an_index_are_refused_with_the_cure(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct manifest manifest = { 0 };
	struct module_choice choice = { .manifest = &manifest,
					.scratch = "/nonexistent" };
	struct text missing = { 0 };
	struct err err;

	write_file(in(state, "lib/modules/6.1-amd64/other"), "");
	assert_int_equal(sysroot_open(*state, &sysroot, &err), 0);
	assert_int_equal(modules_add(&sysroot, &choice, &tree, &missing, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no index of modules, run 'depmod -b "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_means_the_module_of_that_name),
		cmocka_unit_test(a_folder_means_everything_in_it),
		cmocka_unit_test(a_path_may_have_wildcards),
		cmocka_unit_test(the_name_of_a_module_has_no_hyphen),
		scratch_test(firmware_comes_from_the_folder_or_a_package),
		scratch_test(modules_without_an_index_are_refused_with_the_cure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
