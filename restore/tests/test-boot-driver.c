/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drivers of storage controllers: ids, and what SYSTEM hives say of them; real hives of the
 * folder that SAMPLES names, without which those tests are skipped.
 */
#include "hive-fixture.h"

#include "evidence/boot-driver.h"

static struct controller controller(const char *text)
{
	struct controller ret;
	struct err err = { 0 };

	if (controller_from_text(text, &ret, &err) < 0)
		fail_msg("%s", err.text);
	return ret;
}

static bool has_id(const struct controller *controller, const char *id)
{
	for (size_t i = 0; i < controller->id_count; i++)
		if (strcmp(controller->ids[i], id) == 0)
			return true;
	return false;
}

static void a_pci_modalias_gives_the_ids_that_windows_looks_for(void **state)
{
	struct controller c =
		controller("pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01");

	assert_string_equal(c.name, "PCI 8086:2922, class 010601");
	assert_string_equal(c.ids[0], "PCI/VEN_8086&DEV_2922&SUBSYS_11001AF4");
	assert_true(has_id(&c, "PCI/VEN_8086&DEV_2922"));
	assert_true(has_id(&c, "PCI/VEN_8086&DEV_2922&CC_0106"));
	assert_true(has_id(&c, "PCI/CC_010601"));
	assert_true(has_id(&c, "PCI/CC_0106"));
	assert_string_equal(c.driver, "storahci");
}

static void a_vmbus_modalias_is_a_guid_in_bytes(void **state)
{
	struct controller c = controller("vmbus:d96361baa104294db60572e2ffb1dc7f");

	assert_int_equal(c.id_count, 1);
	assert_string_equal(c.ids[0], "VMBUS/{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}");
	assert_string_equal(c.driver, "storvsc");
}

static void names_stand_for_controllers_of_virtual_machines(void **state)
{
	static const char *const cases[][2] = {
		{ "ahci", "storahci" },	     { "NVMe", "stornvme" },
		{ "virtio-blk", "viostor" }, { "virtio-scsi", "vioscsi" },
		{ "pvscsi", "pvscsi" },	     { "lsi-sas", "LSI_SAS" },
		{ "megasas", "megasas2i" },  { "ide", "intelide" },
		{ "hyper-v", "storvsc" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct controller c = controller(cases[i][0]);

		assert_string_equal(c.driver, cases[i][1]);
		assert_true(c.id_count > 0);
	}
}

static void what_is_no_controller_is_told_with_what_is(void **state)
{
	static const char *const texts[] = { "", "floppy", "pci:v00008086", "vmbus:12",
					     "usb:v1234p5678" };
	struct controller c;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_FREE char *text = text_format(
			"'%s': no storage controller; possible are ahci, nvme, ide, "
			"hyper-v, virtio-blk, virtio-scsi, pvscsi, lsi-sas, megasas, or "
			"a "
			"modalias of the kernel ('pci:v00008086d…')",
			texts[i]);

		assert_int_equal(controller_from_text(texts[i], &c, &err), -EINVAL);
		assert_string_equal(err.text, text);
	}
}

/* -- hives ---- */

/* "storvsc starts, vmbus overridden": what the hive says of a controller. */
static char *ask(struct hive *hive, const char *name)
{
	struct controller c = controller(name);
	struct boot_services found;
	struct text text = { 0 };
	struct err err = { 0 };

	assert_int_equal(boot_services_find(hive, &c, &found, &err), 0);
	for (size_t i = 0; i < found.count; i++) {
		const struct boot_service *s = &found.services[i];

		text_add(&text, "%s%s %s", i ? ", " : "", s->name,
			 boot_service_starts(s) ? "starts"
			 : s->overridden	? "overridden"
						: "on demand");
	}
	return text_take(&text);
}

static void assert_says(struct hive *hive, const char *name, const char *expected)
{
	AUTO_FREE char *text = ask(hive, name);

	assert_string_equal(text, expected);
}

static struct hive *open_hive(const struct hive_file *file)
{
	struct hive *hive = NULL;
	struct err err = { 0 };

	if (hive_open(file->bytes, file->length, "SYSTEM", &hive, &err) < 0)
		fail_msg("%s", err.text);
	return hive;
}

static void a_hive_without_a_driver_database_is_asked_for_the_usual_service(void **state)
{
	struct hive_file file = file_load(SYSTEM_HIVE);
	AUTO(hive_freep) struct hive *hive = open_hive(&file);
	char set[CONTROL_SET_SIZE];

	control_set_name(hive, set);
	assert_string_equal(set, "ControlSet001");
	assert_says(hive, "ahci", "storahci starts");
	assert_says(hive, "lsi-sas", "LSI_SAS overridden");
	assert_says(hive, "virtio-scsi", "");
	file_drop(&file);
}

/* A device that Windows has met, and of which nothing else tells. */
static void a_device_that_windows_has_met_has_its_driver(void **state)
{
	static const uint8_t service[] = "L\0S\0I\0_\0S\0A\0S\0\0";
	static const char *const path[] = { "ControlSet001", "Enum", "PCI",
					    "VEN_1234&DEV_5678&SUBSYS_00000000&REV_01",
					    "3&1" };
	struct hive_file file = file_load(SYSTEM_HIVE);
	const struct hive_files files = { "SYSTEM", file, { { 0 } } };
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_image image = { 0 };
	struct hive *hive = NULL;
	struct err err = { 0 };
	hive_node node;

	assert_int_equal(hive_recover(&files, &image, &err), 0);
	assert_int_equal(hive_editor_new(&image, "SYSTEM", &editor, &err), 0);
	assert_int_equal(hive_editor_hive(editor, &hive, &err), 0);
	node = hive_find(hive, 0, "");
	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		assert_int_equal(hive_editor_add_key(editor, node, path[i], &node, &err),
				 0);
	assert_int_equal(
		hive_editor_set(editor, node,
				&(struct hive_datum){ "Service", HIVE_SZ, service, 16 },
				&err),
		0);
	assert_int_equal(hive_editor_hive(editor, &hive, &err), 0);
	assert_says(hive, "pci:v00001234d00005678sv00000001sd00000001bc01sc04i00",
		    "LSI_SAS overridden");
	assert_says(hive, "pci:v00001234d00005679sv00000001sd00000001bc01sc04i00", "");
	file_drop(&file);
}

static const char *sample(const char *name, struct hive_file *ret)
{
	const char *samples = getenv("SAMPLES");

	if (!samples) {
		print_message("SAMPLES is not set: real hives are not asked\n");
		skip();
	}
	*ret = sample_load(samples, name);
	return samples;
}

static void a_windows_10_names_its_drivers_by_its_driver_database(void **state)
{
	static const char *const cases[][2] = {
		{ "ahci", "storahci starts" },
		{ "nvme", "stornvme overridden" },
		{ "ide", "intelide starts, atapi starts" },
		{ "lsi-sas", "LSI_SAS starts" },
		{ "megasas", "megasas overridden" },
		{ "hyper-v", "storvsc overridden, vmbus overridden" },
		{ "virtio-blk", "" },
		{ "virtio-scsi", "" },
		{ "pvscsi", "pvscsi on demand" }, /* a VMware machine */
	};
	struct hive_file file;
	struct hive *hive;

	(void)sample("hive-logs/regipy/SYSTEM_WIN_10_1709.xz", &file);
	hive = open_hive(&file);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_says(hive, cases[i][0], cases[i][1]);
	hive_close(hive);
	file_drop(&file);
}

/* A PERC H310 Mini, which LSI_SAS2i or megasas2i could serve: only the image knows. */
static void a_windows_8_1_knows_a_controller_by_its_device_id(void **state)
{
	struct hive_file file;
	struct hive *hive;

	(void)sample("dfwinreg/SYSTEM.xz", &file);
	hive = open_hive(&file);
	assert_says(hive, "ahci", "storahci starts");
	assert_says(hive, "lsi-sas", "LSI_SAS overridden");
	assert_says(hive, "pci:v00001000d00000073sv00001028sd00001F51bc01sc04i00",
		    "megasas overridden");
	hive_close(hive);
	file_drop(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pci_modalias_gives_the_ids_that_windows_looks_for),
		cmocka_unit_test(a_vmbus_modalias_is_a_guid_in_bytes),
		cmocka_unit_test(names_stand_for_controllers_of_virtual_machines),
		cmocka_unit_test(what_is_no_controller_is_told_with_what_is),
		cmocka_unit_test(
			a_hive_without_a_driver_database_is_asked_for_the_usual_service),
		cmocka_unit_test(a_device_that_windows_has_met_has_its_driver),
		cmocka_unit_test(a_windows_10_names_its_drivers_by_its_driver_database),
		cmocka_unit_test(a_windows_8_1_knows_a_controller_by_its_device_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
