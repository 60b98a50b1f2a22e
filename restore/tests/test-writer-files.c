/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which files are Windows' state. The documents have the spelling of real ones (Windows Server 2012,
 * vss-xml of the samples).
 */
#include "image-fixture.h"

#include "evidence/writer-files.h"

#define HEAD(id, name)                                                                   \
	"<WRITER_METADATA version=\"1.2\"><IDENTIFICATION writerId=\"" id                \
	"\" friendlyName=\"" name "\" usage=\"BOOTABLE_SYSTEM_STATE\"/>"                 \
	"<BACKUP_LOCATIONS><FILE_GROUP componentName=\"x\">"
#define TAIL "</FILE_GROUP></BACKUP_LOCATIONS></WRITER_METADATA>"

#define REGISTRY "afbab4a2-367d-4d15-a586-71dbb18f8485"
#define ASR	 "BE000CBE-11FE-4426-9C58-531AA6355FC4"
#define SYSTEM	 "e8132975-6f93-4464-a53e-1050253ae220"
#define VOLUME	 "c7463aba-f40d-11e9-80c7-806e6f6e6963"

static struct state_rules rules_of(const char *document)
{
	struct state_place place = { .letter = 'C' };
	struct state_rules rules = { 0 };
	struct err err = { 0 };

	assert_int_equal(guid_parse(VOLUME, strlen(VOLUME), &place.volume), 0);
	assert_succeeds(state_rules_read(document, strlen(document), "document", &place,
					 &rules, &err));
	return rules;
}

static void expect_rule(const struct state_rules *rules, size_t index,
			enum state_class class, const char *path, const char *spec,
			bool recursive)
{
	assert_true(index < rules->count);
	assert_int_equal(rules->rules[index].class, class);
	assert_string_equal(rules->rules[index].path, path);
	assert_string_equal(rules->rules[index].spec, spec);
	assert_int_equal(rules->rules[index].recursive, recursive);
}

static void the_registry_writers_document_lists_hives(void **state)
{
	AUTO(state_rules_clear)
	struct state_rules rules = rules_of(HEAD(
		REGISTRY,
		"Registry Writer") "<FILE_LIST path=\"C:\\Windows\\system32\\config\" "
				   "filespec=\"SAM\"/>"
				   "<FILE_LIST path=\"c:\\windows\\system32\\config\" "
				   "filespec=\"sam\"/>"
				   "<FILE_LIST "
				   "path=\"%SystemRoot%"
				   "\\System32\\SMI\\Store\\Machine\\\" "
				   "filespec=\"schema.dat\" recursive=\"no\"/>"
				   "<FILE_LIST path=\"D:\\config\" filespec=\"SAM\"/>"
				   "<FILE_LIST path=\"C:\\Windows\\..\\x\" "
				   "filespec=\"SAM\"/>"
				   "<FILE_LIST path=\"C:\\Windows\" "
				   "filespec=\"..\\SAM\"/>"
				   "<FILE_LIST path=\"C:\\Windows\"/>" TAIL);

	assert_int_equal(rules.count, 2);
	assert_int_equal(rules.others, 4);
	assert_string_equal(rules.writer, "Registry Writer");
	assert_string_equal(rules.rules[0].origin, "Registry Writer");
	expect_rule(&rules, 0, STATE_REGISTRY, "Windows/system32/config", "SAM", false);
	expect_rule(&rules, 1, STATE_REGISTRY, "Windows/System32/SMI/Store/Machine",
		    "schema.dat", false);
}

static void boot_files_and_catalogues_are_found_among_others(void **state)
{
	AUTO(state_rules_clear)
	struct state_rules boot = rules_of(HEAD(
		ASR, "ASR Writer") "<FILE_LIST path=\"\\\\?\\Volume{" VOLUME
				   "}\\Boot\" filespec=\"*.*\" recursive=\"yes\"/>"
				   "<FILE_LIST path=\"\\\\?\\Volume{00000000-0000-0000-"
				   "0000-000000000001}\\EFI\\Microsoft\\Boot\" "
				   "filespec=\"*.*\" recursive=\"yes\"/>" TAIL);
	AUTO(state_rules_clear)
	struct state_rules system = rules_of(HEAD(
		SYSTEM,
		"System Writer") "<FILE_LIST path=\"%systemroot%\\winsxs\" "
				 "filespec=\"*.*\" "
				 "recursive=\"yes\"/>"
				 "<FILE_LIST "
				 "path=\"C:\\Windows\\system32\\CatRoot2\\{127D0A1D}\" "
				 "filespec=\"*\" recursive=\"yes\"/>" TAIL);

	assert_int_equal(boot.count, 1);
	expect_rule(&boot, 0, STATE_BOOT, "Boot", "*.*", true);
	assert_int_equal(system.count, 1);
	assert_int_equal(system.others, 1);
	expect_rule(&system, 0, STATE_CATALOGS, "Windows/system32/CatRoot2/{127D0A1D}",
		    "*", true);
	assert_non_null(strstr(state_writer_advice(&system.writer_id), "WinSxS"));
}

static void other_documents_list_nothing(void **state)
{
	AUTO(state_rules_clear) struct state_rules specs = rules_of("<BackupSpecs/>");
	AUTO(state_rules_clear)
	struct state_rules wmi = rules_of(
		HEAD("a6ad56c2-b509-4e6c-bb19-49d8f43532f0",
		     "WMI Writer") "<FILE_LIST "
				   "path=\"C:\\Windows\\system32\\wbem\\repository\" "
				   "filespec=\"*.*\" recursive=\"yes\"/>" TAIL);
	struct state_rules rules = { 0 };
	struct state_place place = { .letter = 'C' };
	struct err err = { 0 };

	assert_int_equal(specs.count + wmi.count, 0);
	assert_null(specs.writer);
	assert_non_null(strstr(state_writer_advice(&wmi.writer_id), "WMI repository"));
	assert_int_equal(state_rules_read("<a", 2, "document", &place, &rules, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.text, "document"));
}

static void what_no_document_lists_has_its_places(void **state)
{
	AUTO(state_rules_clear) struct state_rules rules = { 0 }, all = { 0 };
	struct err err = { 0 };

	assert_succeeds(state_rules_add_known(&rules, STATE_CATALOGS, &err));
	assert_true(state_rules_have(&rules, STATE_CATALOGS));
	assert_false(state_rules_have(&rules, STATE_BOOT));
	expect_rule(&rules, 0, STATE_CATALOGS, "Windows/System32/CatRoot", "*", true);
	assert_succeeds(state_rules_add_known(&all, STATE_BOOT, &err));
	assert_succeeds(state_rules_move(&all, &rules, &err));
	assert_int_equal(rules.count, 0);
	expect_rule(&all, 0, STATE_BOOT, "", "bootmgr", false);
	assert_string_equal(all.rules[all.count - 1].path, "Windows/System32/CatRoot2");
	assert_string_equal(all.rules[0].origin, "well-known place");
}

static void of_an_efi_system_partition_windows_own_is_taken(void **state)
{
	AUTO(state_rules_clear) struct state_rules rules = { 0 }, more = { 0 };
	struct err err = { 0 };

	assert_succeeds(state_rules_add_esp(&rules, NULL, &err));
	assert_int_equal(rules.count, 1);
	expect_rule(&rules, 0, STATE_BOOT, "EFI/Microsoft", "*", true);
	assert_succeeds(state_rules_add_esp(&more, "bootaa64.efi", &err));
	assert_int_equal(more.count, 2);
	expect_rule(&more, 1, STATE_BOOT, "EFI/Boot", "bootaa64.efi", false);
}

static void names_fit_as_in_windows(void **state)
{
	static const struct {
		const char *spec, *name;
		bool fits;
	} cases[] = {
		{ "SAM", "sam", true },
		{ "SAM", "SAMx", false },
		{ "*", "", true },
		{ "*.*", "no dot", true },
		{ "*.cat", "a.cat.CAT", true },
		{ "*.cat", "a.catx", false },
		{ "Perf?00?.dat", "perfc009.DAT", true },
		{ "?", "", false },
		{ "a*b*c", "aXbYbZc", true },
		{ "a*b*c", "aXbYbZ", false },
		{ "[S]AM", "SAM", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (state_spec_fits(cases[i].spec, cases[i].name) != cases[i].fits)
			fail_msg("'%s', '%s'", cases[i].spec, cases[i].name);
}

static void kinds_are_chosen_by_name(void **state)
{
	struct err err = { 0 };
	unsigned classes = 0;

	assert_succeeds(state_classes_parse("catalogs,registry", &classes, &err));
	assert_int_equal(classes, 1 << STATE_CATALOGS | 1 << STATE_REGISTRY);
	assert_failed(state_classes_parse("registry,hives", &classes, &err), -EINVAL,
		      "'hives': must be of registry, boot, catalogs");
	assert_failed(state_classes_parse("", &classes, &err), -EINVAL,
		      "'': must be of registry, boot, catalogs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_registry_writers_document_lists_hives),
		cmocka_unit_test(boot_files_and_catalogues_are_found_among_others),
		cmocka_unit_test(other_documents_list_nothing),
		cmocka_unit_test(what_no_document_lists_has_its_places),
		cmocka_unit_test(of_an_efi_system_partition_windows_own_is_taken),
		cmocka_unit_test(names_fit_as_in_windows),
		cmocka_unit_test(kinds_are_chosen_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
