/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "sbom.h"

#define MACHINE_READABLE                                                                 \
	"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"

static void licences_are(const char *copyright, const char *expected)
{
	char *licences = sbom_licences(copyright);

	if (expected)
		assert_string_equal(licences, expected);
	else
		assert_null(licences);
	free(licences);
}

static void each_licence_is_named_once_in_order(void **state)
{
	licences_are(MACHINE_READABLE "Files: *\nLicense: GPL-2+ \n text\nFiles: x\n"
				      "License:\tMIT or BSD\r\nLicense: GPL-2+\n",
		     "(GPL-2+) AND (MIT or BSD)");
}

static void a_last_line_without_an_end_counts(void **state)
{
	licences_are(MACHINE_READABLE "License: ISC", "(ISC)");
}

static void text_that_is_not_machine_readable_names_no_licence(void **state)
{
	licences_are("This package was made by somebody.\nLicense: GPL-2\n", NULL);
	licences_are(MACHINE_READABLE "Files: *\nLicense:\n", NULL);
	licences_are("", NULL);
}

/* A sysroot of two packages, of which one is used. */
static void make_sysroot(void **state, struct sysroot *sysroot)
{
	struct err err;

	write_file(in(state, "lib/modules/6.1-amd64/modules.dep"), "");
	write_file(in(state, "bin/one"), "1");
	write_file(in(state, "usr/share/doc/one/copyright"),
		   MACHINE_READABLE "License: MIT\n");
	write_file(in(state, ".contents"), "one 1.0-1 ./\none 1.0-1 ./bin/one\n"
					   "two 2:2.0 ./\ntwo 2:2.0 ./bin/two\n");
	if (sysroot_open(*state, sysroot, &err) < 0)
		fail_msg("%s", err.text);
}

static void only_packages_that_were_used_are_listed(void **state)
{
	struct sysroot sysroot = { .fd = -1 };
	struct text used = { 0 };
	struct content content = { 0 };
	struct err err = { 0 };
	char *list, *document;
	const char *read[] = { "cat", NULL, NULL };

	make_sysroot(state, &sysroot);
	sysroot.used = &used;
	assert_int_equal(sysroot_read(&sysroot, "/bin/one", &content, NULL, &err), 0);
	content_clear(&content);
	list = text_take(&used);
	assert_string_equal(list, "/bin/one\n");
	if (sbom_write(&sysroot, list, 0, in(state, "sbom"), &err) < 0)
		fail_msg("%s", err.text);
	read[1] = in(state, "sbom");
	document = judge(read);
	assert_non_null(strstr(document, "\"SPDXID\": \"SPDXRef-Package-one\""));
	assert_non_null(strstr(document, "\"versionInfo\": \"1.0-1\""));
	assert_non_null(strstr(document, "\"licenseComments\": \"(MIT)\""));
	assert_non_null(strstr(document, "1970-01-01T00:00:00Z"));
	assert_null(strstr(document, "two"));
	free(document);
	free(list);
	sysroot_clear(&sysroot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_licence_is_named_once_in_order),
		cmocka_unit_test(a_last_line_without_an_end_counts),
		cmocka_unit_test(text_that_is_not_machine_readable_names_no_licence),
		scratch_test(only_packages_that_were_used_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
