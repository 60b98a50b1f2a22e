/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BCD device elements and stores. The elements are real ones (FORMAT.md section 5). The
 * stores are real files of the folder that SAMPLES names; without it those tests are
 * skipped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <base/tree.h>

#include "evidence/bcd.h"

static const uint8_t
	gpt_device[88] = {
		[0x10] = 6, [0x18] = 0x48, [0x20] = 0x17, 0x17, 0xdb,	       0x25, 0x0a,
		0xfb,	    0x4d,	   0x48,	  0x98, 0x6d,	       0x92, 0xae,
		0x59,	    0x95,	   0x3c,	  0x88, [0x38] = 0xf5, 0xad, 0x4f,
		0xdc,	    0x01,	   0x03,	  0xb1, 0x43,	       0xa9, 0x2e,
		0xfa,	    0x05,	   0x0e,	  0x94, 0x1b,	       0x2a,
	};

static const uint8_t mbr_device[88] = {
	[0x10] = 6,    [0x18] = 0x48, [0x22] = 0x50, 0x06, [0x34] = 1,
	[0x38] = 0xe5, 0xdb,	      0xe9,	     0x8a,
};

static void assert_guid(const struct guid *guid, const char *text)
{
	char buffer[GUID_TEXT_SIZE];

	assert_string_equal(guid_format(guid, buffer), text);
}

static void a_partition_of_a_gpt_disk_is_named_by_two_guids(void **state)
{
	struct bcd_device device;
	struct err err = { 0 };

	assert_int_equal(bcd_device_decode(gpt_device, sizeof(gpt_device), &device, &err),
			 0);
	assert_int_equal(device.kind, BCD_DEVICE_GPT);
	assert_guid(&device.partition_id, "25db1717-fb0a-484d-986d-92ae59953c88");
	assert_guid(&device.disk_id, "dc4fadf5-0301-43b1-a92e-fa050e941b2a");
}

static void a_partition_of_an_mbr_disk_is_named_by_signature_and_offset(void **state)
{
	struct bcd_device device;
	struct err err = { 0 };

	assert_int_equal(bcd_device_decode(mbr_device, sizeof(mbr_device), &device, &err),
			 0);
	assert_int_equal(device.kind, BCD_DEVICE_MBR);
	assert_int_equal(device.mbr_signature, 0x8ae9dbe5);
	assert_int_equal(device.offset, 0x6500000);
}

static void other_devices_name_no_partition(void **state)
{
	static const uint8_t types[] = { 0, 2, 5, 8 };

	for (size_t i = 0; i < sizeof(types); i++) {
		struct bcd_device device = { .kind = BCD_DEVICE_GPT };
		uint8_t bytes[88] = { [0x10] = types[i] };
		struct err err = { 0 };

		assert_int_equal(bcd_device_decode(bytes, 0x20, &device, &err), 0);
		assert_int_equal(device.kind, BCD_DEVICE_OTHER);
	}
}

static void damaged_devices_are_refused(void **state)
{
	static const struct {
		const uint8_t *base;
		size_t length, at;
		uint8_t value;
		const char *message;
	} cases[] = {
		{ gpt_device, 31, 0, 0, "BCD device: 31 bytes, needs 32" },
		{ gpt_device, 87, 0, 0,
		  "BCD device: partition of 87 bytes with length 0x48, must be 88 and "
		  "0x48" },
		{ gpt_device, 88, 0x18, 0x49,
		  "BCD device: partition of 88 bytes with length 0x49, must be 88 and "
		  "0x48" },
		{ gpt_device, 88, 0x34, 2,
		  "BCD device: table style 2, must be 0 (GPT) or 1 (MBR)" },
		{ mbr_device, 88, 0x20, 1,
		  "BCD device: partition at byte 105906177, must be a multiple of 512 "
		  "above 0" },
		{ mbr_device, 88, 0x27, 0x80,
		  "BCD device: partition at byte 9223372036960681984, must be a multiple "
		  "of 512 "
		  "above 0" },
		{ mbr_device, 88, 0x34, 0, "BCD device: partition or disk id is zero" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[88];
		struct bcd_device device;
		struct err err = { 0 };

		memcpy(bytes, cases[i].base, sizeof(bytes));
		if (cases[i].at)
			bytes[cases[i].at] = cases[i].value;
		if (cases[i].base == mbr_device && cases[i].at == 0x34)
			memset(bytes + 0x20, 0, 16);
		assert_int_equal(bcd_device_decode(bytes, cases[i].length, &device, &err),
				 -EBADMSG);
		assert_string_equal(err.text, cases[i].message);
	}
}

static void bytes_that_are_no_hive_are_refused(void **state)
{
	uint8_t bytes[8192] = { 'r', 'e', 'g', 'f' };
	struct bcd_store store;
	struct err err = { 0 };

	assert_int_equal(bcd_store_read(bytes, sizeof(bytes), "BCD", &store, &err),
			 -EBADMSG);
	assert_string_equal(err.text, "'BCD': damaged registry hive");
	assert_int_equal(bcd_store_read(bytes, 100, "BCD", &store, &err), -EBADMSG);
	assert_string_equal(err.text, "'BCD': not a registry hive");
}

/* A file of the samples, or NULL where they are not there. */
static uint8_t *read_sample(const char *path, size_t *ret_length)
{
	AUTO(tree_freep) struct tree *tree = NULL;
	const char *samples = getenv("SAMPLES");
	struct err err = { 0 };
	uint8_t *bytes = NULL;

	if (!samples) {
		print_message("SAMPLES is not set: real stores are not read\n");
		skip();
	}
	if (tree_local_open(samples, &tree, &err) < 0 ||
	    tree_read_file(tree, path, 1 << 20, &bytes, ret_length, &err) < 0)
		fail_msg("%s", err.text);
	return bytes;
}

static void read_store(const char *path, struct bcd_store *ret)
{
	size_t length = 0;
	AUTO_FREE uint8_t *bytes = read_sample(path, &length);
	struct err err = { 0 };

	if (bcd_store_read(bytes, length, path, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void the_store_of_a_uefi_machine_names_esp_windows_and_recovery(void **state)
{
	struct bcd_store store;

	read_store("bcd/uefi-win10-gpt/2020-09-24-EFI_Microsoft_Boot_BCD", &store);
	assert_true(store.uefi && store.has_loader);
	assert_int_equal(store.boot_manager.kind, BCD_DEVICE_GPT);
	assert_guid(&store.boot_manager.partition_id,
		    "236538dd-1103-424b-80ef-c54841d0a445");
	assert_guid(&store.boot_manager.disk_id, "d148fb7c-be81-4d12-8dcf-62260299abde");
	assert_int_equal(store.windows.kind, BCD_DEVICE_GPT);
	assert_guid(&store.windows.partition_id, "ecd43012-88cf-4f80-a8de-8d3719d0653a");
	assert_int_equal(store.recovery.kind, BCD_DEVICE_GPT);
	assert_guid(&store.recovery.partition_id, "fb3fd5c6-af83-4c23-9d60-772453d0623d");
	assert_true(guid_equal(&store.recovery.disk_id, &store.windows.disk_id));
}

static void a_store_for_bios_is_told_apart_from_one_for_uefi(void **state)
{
	struct bcd_store bios, uefi;

	read_store("bcd/uefi-and-bios-store-on-gpt/2020-12-27-Boot_BCD", &bios);
	read_store("bcd/uefi-and-bios-store-on-gpt/2020-12-27-EFI_Microsoft_Boot_BCD",
		   &uefi);
	assert_false(bios.uefi);
	assert_true(uefi.uefi);
	assert_true(bcd_device_equal(&bios.windows, &uefi.windows));
	assert_guid(&uefi.boot_manager.partition_id,
		    "2d9b7ebd-0f16-41ef-b06a-fd6526496b24");
}

static void a_store_without_windows_has_no_loader(void **state)
{
	struct bcd_store store;

	read_store("bcd/uefi-win10-gpt/2020-09-24-EFI_Microsoft_Recovery_BCD", &store);
	assert_false(store.has_loader);
	assert_int_equal(store.windows.kind, BCD_DEVICE_OTHER);
	assert_int_equal(store.recovery.kind, BCD_DEVICE_GPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_partition_of_a_gpt_disk_is_named_by_two_guids),
		cmocka_unit_test(
			a_partition_of_an_mbr_disk_is_named_by_signature_and_offset),
		cmocka_unit_test(other_devices_name_no_partition),
		cmocka_unit_test(damaged_devices_are_refused),
		cmocka_unit_test(bytes_that_are_no_hive_are_refused),
		cmocka_unit_test(
			the_store_of_a_uefi_machine_names_esp_windows_and_recovery),
		cmocka_unit_test(a_store_for_bios_is_told_apart_from_one_for_uefi),
		cmocka_unit_test(a_store_without_windows_has_no_loader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
