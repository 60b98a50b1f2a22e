/* SPDX-License-Identifier: GPL-3.0-or-later */
/* INF files of storage drivers, and what of them gets into a SYSTEM hive. */
#include "hive-fixture.h"

#include <string.h>

#include "evidence/boot-driver.h"
#include "fixups/given-driver.h"

#define HEAD                                                                             \
	"[Version]\nSignature=\"$WINDOWS NT$\"\n"                                        \
	"ClassGUID={4d36e97b-e325-11ce-bfc1-08002be10318}\n"
#define MODELS                                                                           \
	"[Manufacturer]\n%M% = Models,NTamd64\n[Models.NTamd64]\n"                       \
	"\"a\" = inst, PCI\\VEN_1AF4&DEV_1004\n"                                         \
	"\"b\" = inst, PCI\\ven_1af4&dev_1048, PCI\\VEN_1AF4&DEV_1048&SUBSYS_11001AF4\n"
#define SERVICES "[inst.NTamd64.Services]\nAddService = vioscsi, 2, serv ; comment\n"
#define SERVICE                                                                          \
	"[serv]\nServiceType = %KERNEL%\nStartType = 0\nErrorControl = 1\n"              \
	"ServiceBinary = %12%\\vioscsi.sys\nLoadOrderGroup = \"SCSI; miniport\"\n"
#define PARAMETERS                                                                       \
	"AddReg = one, \\\n two\n[one]\n"                                                \
	"HKR, \"Parameters\\PnpInterface\", \"5\", %DWORD%, 0x00000001\n"                \
	"[two]\nHKR, Parameters, BusType, 0x00010001, 10\n"
#define STRINGS "[Strings]\nM = \"Maker\"\nKERNEL = 1\nDWORD = 0x00010001\n"
#define WHOLE	HEAD MODELS SERVICES SERVICE PARAMETERS STRINGS

static int read_inf(const char *text, enum inf_machine machine, struct inf_driver *ret,
		    struct err *err)
{
	return inf_read(text, strlen(text), "a.inf", machine, ret, err);
}

static void a_simple_inf_is_understood(void **state)
{
	struct inf_driver driver;
	struct err err = { 0 };

	if (read_inf(WHOLE, INF_AMD64, &driver, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(driver.service, "vioscsi");
	assert_string_equal(driver.file, "vioscsi.sys");
	assert_string_equal(driver.group, "SCSI; miniport");
	assert_string_equal(driver.class_id, "{4D36E97B-E325-11CE-BFC1-08002BE10318}");
	assert_int_equal(driver.id_count, 3);
	assert_string_equal(driver.ids[0], "PCI/VEN_1AF4&DEV_1004");
	assert_string_equal(driver.ids[1], "PCI/VEN_1AF4&DEV_1048");
	assert_int_equal(driver.value_count, 2);
	assert_string_equal(driver.values[0].key, "Parameters\\PnpInterface");
	assert_string_equal(driver.values[0].name, "5");
	assert_int_equal(driver.values[0].number, 1);
	assert_string_equal(driver.values[1].name, "BusType");
	assert_int_equal(driver.values[1].number, 10);
}

static void what_is_not_simple_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "[Version]\nSignature=x\n" MODELS SERVICES SERVICE STRINGS,
		  "it is not of a storage controller" },
		{ HEAD SERVICES SERVICE STRINGS, "it has not one maker" },
		{ HEAD "[Manufacturer]\nA = Models, NTx86\n[x]\na = b\n",
		  "it has no models for this kind of machine" },
		{ HEAD
		  "[Manufacturer]\nA = M, NTamd64.6.1, NTamd64.10.0\n[M.NTamd64.6.1]\n"
		  "a = b\n",
		  "it differs between versions of Windows" },
		{ HEAD
		  "[Manufacturer]\nA = M\n[M]\na = inst, PCI\\X\nb = other, PCI\\Y\n",
		  "its models are installed differently" },
		{ HEAD "[Manufacturer]\nA = M\n[M]\na = inst, USB\\X\n",
		  "it serves no PCI device" },
		{ WHOLE "[inst]\nInclude = other.inf\n",
		  "it needs parts of other INF files" },
		{ WHOLE "[inst.NTamd64.CoInstallers]\nCopyFiles = x\n",
		  "it brings its own installer" },
		{ WHOLE "[inst.Wdf]\nKmdfService = x, y\n",
		  "it needs a version of the driver framework" },
		{ HEAD MODELS SERVICE STRINGS, "it has not one service" },
		{ HEAD MODELS SERVICES "AddService = b, 2, c\n" SERVICE STRINGS,
		  "it has not one service" },
		{ HEAD MODELS
		  "[inst.Services]\nAddService = a/b, 2, serv\n" SERVICE STRINGS,
		  "it has not one service" },
		{ HEAD MODELS SERVICES "[serv]\nServiceType = 1\nStartType = 3\n",
		  "its service is no driver that starts at boot" },
		{ HEAD MODELS SERVICES "[serv]\nServiceType = 1\nStartType = 0\n"
				       "ServiceBinary = %11%\\a.sys\n",
		  "its driver does not lie in the folder of drivers" },
		{ HEAD MODELS SERVICES "[serv]\nServiceType = 1\nStartType = 0\n"
				       "ServiceBinary = %12%\\..\\a.sys\n",
		  "its driver does not lie in the folder of drivers" },
		{ HEAD MODELS SERVICES SERVICE "Dependencies = x\n" STRINGS,
		  "its service needs others" },
		{ HEAD MODELS SERVICES SERVICE
		  "AddReg = r\n[r]\nHKLM, a, b, 0x00010001, 1\n" STRINGS,
		  "its service has parameters that are no numbers" },
		{ HEAD MODELS SERVICES SERVICE
		  "AddReg = r\n[r]\nHKR, a, b, 0, text\n" STRINGS,
		  "its service has parameters that are no numbers" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *text = text_format(
			"'a.inf': %s; install it from within Windows", cases[i].reason);
		struct inf_driver driver;
		struct err err = { 0 };

		assert_int_equal(read_inf(cases[i].text, INF_AMD64, &driver, &err),
				 -ENOTSUP);
		assert_string_equal(err.text, text);
	}
}

static void what_is_no_inf_is_damaged(void **state)
{
	struct inf_driver driver;
	struct err err = { 0 };

	assert_int_equal(read_inf("hello", INF_AMD64, &driver, &err), -EBADMSG);
	assert_string_equal(err.text, "'a.inf': no INF");
}

static void an_inf_for_another_machine_is_refused(void **state)
{
	struct inf_driver driver;
	struct err err = { 0 };

	assert_int_equal(read_inf(WHOLE, INF_X86, &driver, &err), -ENOTSUP);
	assert_string_equal(err.text,
			    "'a.inf': it has no models for this kind of machine; "
			    "install it from within Windows");
}

/* -- into a hive ---- */

/* PE headers, machine amd64, with a certificate table. */
static void make_file(uint8_t file[1024])
{
	static const uint8_t parts[][3] = { { 0, 'M', 'Z' },
					    { 0x3c, 0x80, 0 },
					    { 0x80, 'P', 'E' },
					    { 0x84, 0x64, 0x86 },
					    { 0x98, 0x0b, 0x02 } };

	memset(file, 0, 1024);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		memcpy(file + parts[i][0], parts[i] + 1, 2);
	file[0x98 + 112 + 32 + 4] = 8; /* size of the certificates */
}

static struct given_driver give(uint8_t file[1024], struct driver_file files[2])
{
	struct driver_folder folder = { 2, files };
	struct given_driver driver;
	struct err err = { 0 };

	make_file(file);
	files[0] =
		(struct driver_file){ (char *)"a.inf", (uint8_t *)WHOLE, strlen(WHOLE) };
	files[1] = (struct driver_file){ (char *)"VIOSCSI.SYS", file, 1024 };
	if (given_driver_read(&folder, &files[0], 0, &driver, &err) < 0)
		fail_msg("%s", err.text);
	return driver;
}

static void a_file_must_be_there_fit_and_be_signed(void **state)
{
	uint8_t file[1024];
	struct driver_file files[2];
	struct driver_folder folder = { 2, files };
	struct given_driver driver = give(file, files);
	struct err err = { 0 };

	assert_ptr_equal(driver.file, &files[1]);
	file[0x98 + 112 + 32 + 4] = 0;
	assert_int_equal(given_driver_read(&folder, &files[0], 0, &driver, &err),
			 -ENOTSUP);
	assert_string_equal(err.text, "'VIOSCSI.SYS' has no signature in it: a 64-bit "
				      "Windows does not start it at boot");
	file[0x84] = 0x4c, file[0x85] = 0x01;
	assert_int_equal(given_driver_read(&folder, &files[0], INF_AMD64, &driver, &err),
			 -ENOTSUP);
	assert_string_equal(err.text, "'VIOSCSI.SYS' is for another kind of machine than "
				      "the Windows");
	file[0] = 0;
	assert_int_equal(given_driver_read(&folder, &files[0], 0, &driver, &err),
			 -EBADMSG);
	assert_string_equal(err.text, "'VIOSCSI.SYS': no driver of Windows");
	folder.count = 1;
	assert_int_equal(given_driver_read(&folder, &files[0], 0, &driver, &err),
			 -ENOENT);
	assert_string_equal(err.text, "'a.inf': its file 'vioscsi.sys' is not beside it");
}

/* Afterwards the hive itself leads from the controller to the driver; twice is as once. */
static void register_in(struct hive_file file)
{
	const struct hive_files hive_files = { "SYSTEM", file, { { 0 } } };
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_image image = { 0 };
	struct controller controller;
	struct boot_services found;
	uint8_t bytes[1024];
	struct driver_file files[2];
	struct given_driver driver = give(bytes, files);
	struct hive *hive = NULL;
	struct err err = { 0 };

	assert_int_equal(hive_recover(&hive_files, &image, &err), 0);
	file_drop(&file);
	for (unsigned i = 0; i < 2; i++) {
		if (hive_editor_new(&image, "SYSTEM", &editor, &err) < 0 ||
		    given_driver_register(editor, &driver, &err) < 0 ||
		    hive_editor_hive(editor, &hive, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(hive_editor_has_changed(editor) == (i == 0));
		assert_int_equal(controller_from_text("virtio-scsi", &controller, &err),
				 0);
		controller.driver = NULL; /* not by its name */
		assert_int_equal(boot_services_find(hive, &controller, &found, &err), 0);
		assert_int_equal(found.count, 1);
		assert_string_equal(found.services[0].name, "vioscsi");
		assert_string_equal(found.services[0].file,
				    "Windows/System32/drivers/vioscsi.sys");
		assert_true(boot_service_starts(&found.services[0]));
		if (hive_editor_commit(editor, &image.bytes, &image.length, &err) < 0)
			fail_msg("%s", err.text);
		hive_editor_free(editor);
		editor = NULL;
	}
	hive_image_clear(&image);
}

static void an_old_windows_finds_it_by_critical_device_database(void **state)
{
	register_in(file_load(SYSTEM_HIVE));
}

static void a_windows_10_finds_it_by_its_driver_database(void **state)
{
	const char *samples = getenv("SAMPLES");

	if (!samples) {
		print_message("SAMPLES is not set: no real hive gets a driver\n");
		skip();
	}
	register_in(sample_load(samples, "hive-logs/regipy/SYSTEM_WIN_10_1709.xz"));
	register_in(sample_load(samples, "dfwinreg/SYSTEM.xz"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_simple_inf_is_understood),
		cmocka_unit_test(what_is_not_simple_is_refused_with_the_reason),
		cmocka_unit_test(what_is_no_inf_is_damaged),
		cmocka_unit_test(an_inf_for_another_machine_is_refused),
		cmocka_unit_test(a_file_must_be_there_fit_and_be_signed),
		cmocka_unit_test(an_old_windows_finds_it_by_critical_device_database),
		cmocka_unit_test(a_windows_10_finds_it_by_its_driver_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
