/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BackupSpecs.xml and the ASR writer's document. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/tree.h>
#include <base/utf.h>

#include "evidence/asr-writer.h"
#include "evidence/asrsif.h"
#include "evidence/backup-specs.h"

#define VOLUME_NAME "\\\\?\\Volume{9b9cfbc4-369e-11e9-a17c-806e6f6e6963}\\"

static struct xml_element *parse(const char *text)
{
	struct xml_element *root = NULL;
	struct err err = { 0 };

	if (xml_parse(text, strlen(text), "a.xml", &root, &err) < 0)
		fail_msg("%s", err.text);
	return root;
}

/* The one volume of a BackupSpecs.xml whose C: has these FileSpec elements. */
static struct backup_specs *read_specs(const char *file_specs)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	struct backup_specs *specs = NULL;
	struct err err = { 0 };
	char text[2048];

	snprintf(
		text, sizeof(text),
		"<BackupSpecs><FileSpecs><Volume Name=\"" VOLUME_NAME
		"\" AccessPath=\"C:\" "
		"OriginalAccessPath=\"C:\" Label=\"\" OriginalLabel=\"Sys\" Odd=\"1\" >%s"
		"</Volume><Odd/></FileSpecs><AllCritical IsPresent=\"false\" "
		"/></BackupSpecs>",
		file_specs);
	root = parse(text);
	assert_true(backup_specs_matches(root));
	if (backup_specs_read(root, "a.xml", &specs, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(specs->count, 1);
	return specs;
}

static void expect_completeness(const char *file_specs, enum completeness completeness,
				const char *why)
{
	AUTO(backup_specs_freep) struct backup_specs *specs = read_specs(file_specs);

	assert_int_equal(specs->volumes[0].completeness, completeness);
	if (why)
		assert_string_equal(specs->volumes[0].why, why);
	else
		assert_null(specs->volumes[0].why);
}

static void a_volume_is_known_by_guid_letter_and_label(void **state)
{
	AUTO(backup_specs_freep) struct backup_specs *specs = read_specs("");
	char guid[GUID_TEXT_SIZE];

	assert_true(specs->volumes[0].has_guid);
	assert_string_equal(guid_format(&specs->volumes[0].guid, guid),
			    "9b9cfbc4-369e-11e9-a17c-806e6f6e6963");
	assert_string_equal(specs->volumes[0].access_path, "C:");
	assert_string_equal(specs->volumes[0].label, "Sys");
}

static void one_recursive_include_of_the_root_is_the_full_volume(void **state)
{
	expect_completeness("<FileSpec FilePath='C:\\' FileName='*' IsRecursive='true' "
			    "IsInclude='true' />",
			    COMPLETENESS_FULL, NULL);
	expect_completeness("<FileSpec FilePath='" VOLUME_NAME "' FileName='*' "
			    "IsRecursive='TRUE' IsInclude='true' />",
			    COMPLETENESS_FULL, NULL);
}

static void a_volume_without_file_specs_is_unknown(void **state)
{
	expect_completeness("", COMPLETENESS_UNKNOWN, NULL);
}

static void everything_else_is_partial_with_the_reason(void **state)
{
	static const struct {
		const char *specs, *why;
	} cases[] = {
		{ "<FileSpec FilePath='C:\\Users' FileName='*' IsRecursive='true' "
		  "IsInclude='true'/>",
		  "file-level backup: it holds a folder, not the volume "
		  "(BackupSpecs.xml)" },
		{ "<FileSpec FilePath='C:\\' FileName='*.doc' IsRecursive='true' "
		  "IsInclude='true'/>",
		  "file-level backup: it holds some files only (BackupSpecs.xml)" },
		{ "<FileSpec FilePath='C:\\' FileName='*' IsRecursive='false' "
		  "IsInclude='true'/>",
		  "file-level backup: it leaves out sub-folders (BackupSpecs.xml)" },
		{ "<FileSpec FilePath='C:\\' FileName='*' IsRecursive='true' "
		  "IsInclude='true'/><FileSpec FilePath='C:\\Temp' FileName='*' "
		  "IsRecursive='true' IsInclude='false'/>",
		  "file-level backup: it excludes files (BackupSpecs.xml)" },
		{ "<FileSpec FilePath='C:\\' FileName='*' IsRecursive='true' "
		  "IsInclude='true'/><FileSpec FilePath='C:\\' FileName='*' "
		  "IsRecursive='true' IsInclude='true'/>",
		  "file-level backup: several selections of files instead of one "
		  "(BackupSpecs.xml)" },
		{ "<FileSpec />",
		  "file-level backup: it excludes files (BackupSpecs.xml)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_completeness(cases[i].specs, COMPLETENESS_PARTIAL, cases[i].why);
}

static void volume_names_are_read_in_three_forms(void **state)
{
	struct guid guid;

	assert_int_equal(volume_name_parse(VOLUME_NAME, &guid), 0);
	assert_int_equal(
		volume_name_parse("\\??\\Volume{9b9cfbc4-369e-11e9-a17c-806e6f6e6963}",
				  &guid),
		0);
	assert_int_equal(
		volume_name_parse("Volume{9b9cfbc4-369e-11e9-a17c-806e6f6e6963}", &guid),
		0);
	assert_int_equal(volume_name_parse("C:", &guid), -EINVAL);
	assert_int_equal(volume_name_parse("Volume", &guid), -EINVAL);
	assert_int_equal(volume_name_parse("", &guid), -EINVAL);
}

static void too_many_volumes_are_refused(void **state)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	struct backup_specs *specs = NULL;
	struct err err = { 0 };
	AUTO_FREE char *text = malloc(32 * 1024);
	char *to = text;

	assert_non_null(text);
	to = stpcpy(to, "<BackupSpecs>");
	for (unsigned i = 0; i <= 1024; i++)
		to = stpcpy(to, "<Volume/>");
	stpcpy(to, "</BackupSpecs>");
	root = parse(text);
	assert_int_equal(backup_specs_read(root, "a.xml", &specs, &err), -EBADMSG);
	assert_string_equal(err.text, "'a.xml': 1025 volumes, limit 1024");
}

#define WRITER(groups)                                                                   \
	"<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\"><IDENTIFICATION "    \
	"writerId=\"be000cbe-11fe-4426-9c58-531aa6355fc4\"/><BACKUP_LOCATIONS>" groups   \
	"</BACKUP_LOCATIONS></WRITER_METADATA>"

static struct asr_writer *read_writer(const char *text)
{
	AUTO(xml_freep) struct xml_element *root = parse(text);
	struct asr_writer *writer = NULL;
	struct err err = { 0 };

	assert_true(asr_writer_matches(root));
	if (asr_writer_read(root, "a.xml", &writer, &err) < 0)
		fail_msg("%s", err.text);
	return writer;
}

static void volumes_that_cannot_be_deselected_are_critical(void **state)
{
	AUTO(asr_writer_freep)
	struct asr_writer *writer = read_writer(
		WRITER("<FILE_GROUP logicalPath='Volumes' selectable='no' "
		       "componentName='Volume{c7463aba-f40d-11e9-80c7-806e6f6e6963}'/>"
		       "<FILE_GROUP logicalPath='Volumes' selectable='yes' "
		       "componentName='Volume{43025f8a-07b0-11ea-80d1-0050569f7760}'/>"
		       "<FILE_GROUP logicalPath='Volumes' componentName='Odd'/>"
		       "<FILE_GROUP logicalPath='ASR' componentName='ASR'/>"));

	assert_int_equal(writer->volume_count, 2);
	assert_true(writer->volumes[0].critical);
	assert_false(writer->volumes[1].critical);
}

static void the_id_of_a_disk_is_found_in_a_caption_of_any_language(void **state)
{
	AUTO(asr_writer_freep)
	struct asr_writer *writer = read_writer(
		WRITER("<FILE_GROUP logicalPath='Disks' componentName='harddisk3' "
		       "caption='Datentr\xc3\xa4ger Nr. 3 (mit Signatur 0x629f16e1)'/>"
		       "<FILE_GROUP logicalPath='Disks' componentName='harddisk2' "
		       "caption='Select to include disk #2 (raw disk) for ASR restore.'/>"
		       "<FILE_GROUP logicalPath='Disks' componentName='harddisk12' "
		       "caption='disque {5AAD4FDC-0103-43B1-A92E-FA050E941B2A}.'/>"
		       "<FILE_GROUP logicalPath='Disks' componentName='harddiskX'/>"));
	char guid[GUID_TEXT_SIZE];

	assert_int_equal(writer->disk_count, 3);
	assert_int_equal(writer->disks[0].number, 3);
	assert_true(writer->disks[0].has_signature);
	assert_int_equal(writer->disks[0].mbr_signature, 0x629f16e1);
	assert_false(writer->disks[1].has_signature);
	assert_false(writer->disks[1].has_id);
	assert_int_equal(writer->disks[2].number, 12);
	assert_true(writer->disks[2].has_id);
	assert_string_equal(guid_format(&writer->disks[2].id, guid),
			    "5aad4fdc-0103-43b1-a92e-fa050e941b2a");
}

static void the_path_of_the_boot_store_tells_firmware_and_system_volume(void **state)
{
	AUTO(asr_writer_freep)
	struct asr_writer *bios = read_writer(WRITER(
		"<FILE_GROUP logicalPath='BCD' componentName='BCD'><FILE_LIST "
		"path='\\\\?\\Volume{c7463aba-f40d-11e9-80c7-806e6f6e6963}\\Boot'/>"
		"</FILE_GROUP>"));
	AUTO(asr_writer_freep)
	struct asr_writer *uefi = read_writer(
		WRITER("<FILE_GROUP logicalPath='BCD' componentName='BCD'><FILE_LIST "
		       "path='\\\\?"
		       "\\GLOBALROOT\\Device\\HarddiskVolume1\\EFI\\Microsoft\\Boot'/>"
		       "</FILE_GROUP>"));

	assert_true(bios->has_boot_path && bios->has_system_volume);
	assert_false(bios->uefi);
	assert_true(uefi->has_boot_path && uefi->uefi);
	assert_false(uefi->has_system_volume);
}

static void documents_of_other_writers_are_told_apart(void **state)
{
	AUTO(xml_freep)
	struct xml_element *root = parse(
		"<WRITER_METADATA><IDENTIFICATION "
		"writerId='afbab4a2-367d-4d15-a586-71dbb18f8485'/></WRITER_METADATA>");

	assert_false(asr_writer_matches(root));
	assert_false(backup_specs_matches(root));
}

/* -- real documents ---------------------------------------------------------------------- */

/* A document of the folder that SAMPLES names, as UTF-8; the test is skipped without it. */
static char *read_sample(const char *path)
{
	AUTO(tree_freep) struct tree *tree = NULL;
	const char *samples = getenv("SAMPLES");
	AUTO_FREE uint8_t *bytes = NULL;
	struct err err = { 0 };
	size_t length = 0;
	char *text = NULL;

	if (!samples) {
		print_message("SAMPLES is not set: real documents are not read\n");
		skip();
	}
	if (tree_local_open(samples, &tree, &err) < 0 ||
	    tree_read_file(tree, path, 1 << 20, &bytes, &length, &err) < 0 ||
	    text_decode(bytes, length, &text, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

static void a_real_list_of_windows_7_names_two_full_volumes(void **state)
{
	AUTO_FREE char *text = read_sample("wbadmin-xml/win7-L4mpje-PC-BackupSpecs.xml");
	AUTO(xml_freep) struct xml_element *root = parse(text);
	AUTO(backup_specs_freep) struct backup_specs *specs = NULL;
	struct err err = { 0 };
	char guid[GUID_TEXT_SIZE];

	assert_true(backup_specs_matches(root));
	assert_int_equal(backup_specs_read(root, "a.xml", &specs, &err), 0);
	assert_int_equal(specs->count, 2);
	assert_string_equal(guid_format(&specs->volumes[0].guid, guid),
			    "9b9cfbc3-369e-11e9-a17c-806e6f6e6963");
	assert_int_equal(specs->volumes[0].completeness, COMPLETENESS_FULL);
	assert_string_equal(specs->volumes[0].access_path, "");
	assert_int_equal(specs->volumes[1].completeness, COMPLETENESS_FULL);
	assert_string_equal(specs->volumes[1].access_path, "C:");
}

static void a_real_document_of_the_writer_names_four_disks(void **state)
{
	AUTO_FREE char *text = read_sample("vss-xml/data/no_sql/WM4.xml");
	AUTO(asr_writer_freep) struct asr_writer *writer = read_writer(text);
	char guid[GUID_TEXT_SIZE];

	assert_int_equal(writer->volume_count, 4);
	assert_true(writer->volumes[0].critical && writer->volumes[1].critical);
	assert_false(writer->volumes[2].critical || writer->volumes[3].critical);
	assert_int_equal(writer->disk_count, 4);
	assert_int_equal(writer->disks[0].number, 3);
	assert_int_equal(writer->disks[0].mbr_signature, 0x629f16e1);
	assert_int_equal(writer->disks[1].number, 2);
	assert_false(writer->disks[1].has_signature || writer->disks[1].has_id);
	assert_int_equal(writer->disks[2].mbr_signature, 0x93f0ace7);
	assert_int_equal(writer->disks[3].mbr_signature, 0x9c93ebc7);
	assert_true(writer->has_boot_path && writer->has_system_volume);
	assert_false(writer->uefi);
	assert_string_equal(guid_format(&writer->system_volume, guid),
			    "c7463aba-f40d-11e9-80c7-806e6f6e6963");
}

static void real_documents_of_a_file_level_set_hold_no_asrsif(void **state)
{
	static const char *const names[] = { "BCDocument", "Manifest", "WM0", "WM4",
					     "WM9" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];
		AUTO_FREE char *text = NULL, *found = NULL;
		struct err err = { 0 };

		snprintf(path, sizeof(path), "vss-xml/data/no_sql/%s.xml", names[i]);
		text = read_sample(path);
		assert_int_equal(asrsif_find(text, &found, &err), -ENOENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_is_known_by_guid_letter_and_label),
		cmocka_unit_test(one_recursive_include_of_the_root_is_the_full_volume),
		cmocka_unit_test(a_volume_without_file_specs_is_unknown),
		cmocka_unit_test(everything_else_is_partial_with_the_reason),
		cmocka_unit_test(volume_names_are_read_in_three_forms),
		cmocka_unit_test(too_many_volumes_are_refused),
		cmocka_unit_test(volumes_that_cannot_be_deselected_are_critical),
		cmocka_unit_test(the_id_of_a_disk_is_found_in_a_caption_of_any_language),
		cmocka_unit_test(
			the_path_of_the_boot_store_tells_firmware_and_system_volume),
		cmocka_unit_test(documents_of_other_writers_are_told_apart),
		cmocka_unit_test(a_real_list_of_windows_7_names_two_full_volumes),
		cmocka_unit_test(a_real_document_of_the_writer_names_four_disks),
		cmocka_unit_test(real_documents_of_a_file_level_set_hold_no_asrsif),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
