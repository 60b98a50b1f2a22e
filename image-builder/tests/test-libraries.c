/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sysroot of these tests is made of small libraries that gcc builds: they need each
 * other as real ones do, and one is missing where a test says so.
 */
#include "testing.h"

#include "libraries.h"

/* liba needs libb by its own DT_RUNPATH; libb needs libc, which is a link. */
static const char build_script[] =
	"cd \"$1\"; mkdir -p lib/modules/6.1-amd64 usr/lib/x86_64-linux-gnu/deep bin "
	"lib64;"
	"l=usr/lib/x86_64-linux-gnu;"
	"so() { echo \"int $1(void) { return 1; }\" >$1.c;"
	"  gcc -shared -nostdlib -fPIC -o $2 -Wl,-soname,$(basename $2) $1.c "
	"-Wl,--no-as-needed $3; };"
	"so c $l/libtestc.so.1.0 '';"
	"ln -s libtestc.so.1.0 $l/libtestc.so.1;"
	"so b $l/deep/libtestb.so.1 $l/libtestc.so.1.0;"
	"so a $l/libtesta.so.1 \"$l/deep/libtestb.so.1 "
	"-Wl,--enable-new-dtags,-rpath,\\$ORIGIN/deep\";"
	"so p bin/program \"$l/libtesta.so.1 -Wl,-rpath-link,$l/deep "
	"-Wl,-rpath-link,$l\";"
	"mv $l/libtestc.so.1.0 $l/real; ln -sf /$l/real $l/libtestc.so.1.0";

static void make_sysroot(void **state, struct sysroot *sysroot)
{
	const char *argv[] = { "sh", "-ec", build_script, "sh", *state, NULL };
	struct err err = { 0 };

	free(judge(argv));
	if (sysroot_open(*state, sysroot, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(sysroot->kernel, "6.1-amd64");
}

static int add_program(const struct sysroot *sysroot, const char *path,
		       struct root_tree *tree, struct err *err)
{
	int r = sysroot_add(sysroot, path, tree, err);

	assert_int_equal(r, 0);
	return libraries_add(sysroot, path, tree, err);
}

static void libraries_of_libraries_come_along(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct err err = { 0 };

	make_sysroot(state, &sysroot);
	if (add_program(&sysroot, "/bin/program", &tree, &err) < 0)
		fail_msg("%s", err.text);
	assert_non_null(root_tree_find(&tree, "/usr/lib/x86_64-linux-gnu/libtesta.so.1"));
	assert_non_null(
		root_tree_find(&tree, "/usr/lib/x86_64-linux-gnu/deep/libtestb.so.1"));
	/* the soname of libtestc is that of its file, an absolute link within the root */
	assert_non_null(
		root_tree_find(&tree, "/usr/lib/x86_64-linux-gnu/libtestc.so.1.0"));
}

static void a_library_that_is_missing_is_named_with_who_needs_it(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct err err;
	char expected[512];

	make_sysroot(state, &sysroot);
	assert_int_equal(unlink(in(state, "usr/lib/x86_64-linux-gnu/real")), 0);
	snprintf(
		expected, sizeof(expected),
		"'/usr/lib/x86_64-linux-gnu/deep/libtestb.so.1' needs 'libtestc.so.1.0', "
		"which is not in the sysroot '%s'; add its package to packages.list",
		(char *)*state);
	assert_failed(add_program(&sysroot, "/bin/program", &tree, &err), -ENOENT,
		      expected);
}

static void a_script_brings_its_interpreter(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct err err = { 0 };

	make_sysroot(state, &sysroot);
	write_file(in(state, "bin/script"), "#! /bin/program -x\n");
	assert_int_equal(add_program(&sysroot, "/bin/script", &tree, &err), 0);
	assert_non_null(root_tree_find(&tree, "/bin/program"));
	assert_non_null(root_tree_find(&tree, "/usr/lib/x86_64-linux-gnu/libtesta.so.1"));
	write_file(in(state, "bin/other"), "#!/bin/absent\n");
	assert_int_equal(add_program(&sysroot, "/bin/other", &tree, &err), -ENOENT);
	assert_non_null(
		strstr(err.text, "'/bin/other' is a script: '/bin/absent': not in the"));
}

static void a_damaged_program_is_refused(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct err err;

	make_sysroot(state, &sysroot);
	write_file(in(state, "bin/damaged"), "\177ELF\002\001\001 and no more");
	assert_int_equal(add_program(&sysroot, "/bin/damaged", &tree, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "'/bin/damaged': damaged ELF file"));
}

static void a_library_may_be_asked_for_by_its_name(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct err err;

	make_sysroot(state, &sysroot);
	assert_int_equal(libraries_add_named(&sysroot, "libtesta.so.1", &tree, &err), 0);
	assert_non_null(root_tree_find(&tree, "/usr/lib/x86_64-linux-gnu/libtesta.so.1"));
	assert_int_equal(libraries_add_named(&sysroot, "libabsent.so", &tree, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "'the manifest' needs 'libabsent.so'"));
}

static void a_link_cannot_lead_out_of_the_sysroot(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct err err;

	make_sysroot(state, &sysroot);
	assert_int_equal(symlink("/etc/passwd", in(state, "bin/host")), 0);
	assert_int_equal(symlink("../../../../../../etc/passwd", in(state, "bin/up")), 0);
	assert_false(sysroot_has(&sysroot, "/bin/host"));
	assert_false(sysroot_has(&sysroot, "/bin/up"));
	assert_int_equal(sysroot_add(&sysroot, "/bin/host", &tree, &err), -ENOENT);
}

static void a_program_for_another_machine_is_refused(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	struct err err;

	make_sysroot(state, &sysroot);
	assert_int_equal(architecture_find("6.1-arm64", &sysroot.architecture, &err), 0);
	assert_failed(add_program(&sysroot, "/bin/program", &tree, &err), -ENOTSUP,
		      "'/bin/program': ELF file for machine 62, must be AArch64 (183)");
}

static void a_sysroot_has_exactly_one_kernel(void **state)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	struct err err;
	char expected[512];

	assert_int_equal(mkdir(in(state, "lib"), 0755), 0);
	assert_int_equal(mkdir(in(state, "lib/modules"), 0755), 0);
	snprintf(expected, sizeof(expected),
		 "'%s/lib/modules': no kernel: unpack linux-image-amd64", (char *)*state);
	assert_failed(sysroot_open(*state, &sysroot, &err), -ENOENT, expected);
	assert_int_equal(mkdir(in(state, "lib/modules/a"), 0755), 0);
	assert_int_equal(mkdir(in(state, "lib/modules/b"), 0755), 0);
	assert_int_equal(sysroot_open(*state, &sysroot, &err), -EINVAL);
	assert_non_null(strstr(err.text, "two kernels"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(libraries_of_libraries_come_along),
		scratch_test(a_library_that_is_missing_is_named_with_who_needs_it),
		scratch_test(a_script_brings_its_interpreter),
		scratch_test(a_damaged_program_is_refused),
		scratch_test(a_library_may_be_asked_for_by_its_name),
		scratch_test(a_link_cannot_lead_out_of_the_sysroot),
		scratch_test(a_program_for_another_machine_is_refused),
		scratch_test(a_sysroot_has_exactly_one_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
