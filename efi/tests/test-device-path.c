/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Device paths as bytes, as OVMF shows them, and damaged ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "device-path.h"

#define ACPI_PCI(slot)                                                                   \
	0x02, 0x01, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0, /* PciRoot(0) */          \
		0x01, 0x01, 6, 0, 0, slot		       /* Pci(slot, 0) */
#define USB(port) 0x03, 0x05, 6, 0, port, 0
#define GPT_NODE(number, guid_0)                                                         \
	0x04, 0x01, 42, 0, number, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, \
		0, 0, guid_0, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b,      \
		0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b, 2, 2
#define MBR_NODE(number)                                                                 \
	0x04, 0x01, 42, 0, number, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, \
		0, 0, 0xe5, 0xdb, 0xe9, 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1
#define CD_NODE                                                                          \
	0x04, 0x02, 24, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0
#define END 0x7f, 0xff, 4, 0

static const uint8_t gpt_stick[] = { ACPI_PCI(1), USB(2), GPT_NODE(1, 0x28), END };
static const uint8_t gpt_stick_2[] = { ACPI_PCI(1), USB(2), GPT_NODE(2, 0x29), END };
static const uint8_t other_stick[] = { ACPI_PCI(1), USB(3), GPT_NODE(1, 0x28), END };
static const uint8_t mbr_stick[] = { ACPI_PCI(1), USB(2), MBR_NODE(2), END };
static const uint8_t cd[] = { ACPI_PCI(3), CD_NODE, END };
static const uint8_t network[] = { ACPI_PCI(4), END };

static void partition_is_read(const uint8_t *path, size_t size, const char *text)
{
	char buffer[BOOT_PARTITION_TEXT_SIZE];
	struct boot_partition partition;
	struct err err;
	size_t length;

	assert_int_equal(device_path_measure(path, DEVICE_PATH_MAX_SIZE, &length, &err),
			 0);
	assert_int_equal(length, size);
	assert_int_equal(device_path_partition(path, length, &partition, &err), 0);
	assert_string_equal(boot_partition_format(&partition, buffer), text);
}

static void partitions_of_gpt_mbr_and_other_devices_are_named(void **state)
{
	partition_is_read(gpt_stick, sizeof(gpt_stick),
			  "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	partition_is_read(mbr_stick, sizeof(mbr_stick), "mbr:8ae9dbe5:2");
	partition_is_read(cd, sizeof(cd), "");
	partition_is_read(network, sizeof(network), "");
}

static void longest_name_of_a_partition_fits_its_buffer(void **state)
{
	struct boot_partition partition = { .style = PARTITION_MBR,
					    .disk_signature = 0x0000000a,
					    .number = UINT32_MAX };
	char text[BOOT_PARTITION_TEXT_SIZE];

	assert_string_equal(boot_partition_format(&partition, text),
			    "mbr:0000000a:4294967295");
}

static void last_hard_drive_node_counts(void **state)
{
	static const uint8_t nested[] = { ACPI_PCI(1), MBR_NODE(1), GPT_NODE(3, 0x28),
					  END };

	partition_is_read(nested, sizeof(nested), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
}

static void partition_without_a_known_signature_is_refused(void **state)
{
	uint8_t path[sizeof(gpt_stick)];
	struct boot_partition partition = { .number = 77 };
	struct err err;

	memcpy(path, gpt_stick, sizeof(path));
	path[sizeof(path) - 6] = 1; /* format MBR, signature GUID */
	assert_int_equal(device_path_partition(path, sizeof(path), &partition, &err),
			 -EBADMSG);
	assert_string_equal(err.text,
			    "device path: partition format 1 with signature type 2");
	path[sizeof(path) - 5] = 0;
	assert_int_equal(device_path_partition(path, sizeof(path), &partition, &err),
			 -EBADMSG);
	assert_string_equal(err.text,
			    "device path: partition format 1 with signature type 0");
	assert_int_equal(partition.number, 77);
}

static void short_hard_drive_node_is_refused(void **state)
{
	static const uint8_t path[] = { 0x04, 0x01, 8, 0, 1, 0, 0, 0, END };
	struct boot_partition partition;
	struct err err;

	assert_int_equal(device_path_partition(path, sizeof(path), &partition, &err),
			 -EBADMSG);
	assert_string_equal(err.text,
			    "device path: hard drive node of 8 bytes, must be 42");
}

static void node_shorter_than_its_head_is_refused(void **state)
{
	static const uint8_t path[] = { ACPI_PCI(1), 0x01, 0x01, 3, 0, END };
	struct err err;
	size_t size;

	assert_int_equal(device_path_measure(path, sizeof(path), &size, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "device path: node of 3 bytes at 18, must be at least 4");
}

static void path_cut_anywhere_is_refused(void **state)
{
	for (size_t size = 0; size < sizeof(gpt_stick); size++) {
		uint8_t *exact = malloc(size ? size : 1);
		struct err err;
		size_t length;

		memcpy(exact, gpt_stick, size);
		assert_int_equal(device_path_measure(exact, size, &length, &err),
				 -EBADMSG);
		free(exact);
	}
}

static void endless_path_ends_at_the_limit(void **state)
{
	uint8_t *path = malloc(DEVICE_PATH_MAX_SIZE);
	struct err err;
	size_t size;

	for (size_t i = 0; i < DEVICE_PATH_MAX_SIZE; i += 4)
		memcpy(path + i, "\x01\x01\x04\x00", 4);
	assert_int_equal(device_path_measure(path, SIZE_MAX, &size, &err), -EBADMSG);
	assert_string_equal(err.text, "device path: no end within 16384 bytes");
	free(path);
}

/* ASan looks whether a byte outside the path is read. */
static void random_damage_never_leads_outside(void **state)
{
	uint8_t *exact = malloc(sizeof(gpt_stick));
	uint32_t random = 1;

	for (unsigned int round = 0; round < 50000; round++) {
		struct boot_partition partition;
		uint16_t name[16];
		struct err err;
		size_t size;

		memcpy(exact, gpt_stick, sizeof(gpt_stick));
		for (unsigned int i = 0; i <= round % 4; i++) {
			random = random * 1664525 + 1013904223;
			exact[(random >> 8) % sizeof(gpt_stick)] =
				(uint8_t)(random >> 24);
		}
		if (device_path_measure(exact, sizeof(gpt_stick), &size, &err))
			continue;
		assert_true(size <= sizeof(gpt_stick));
		(void)!device_path_partition(exact, size, &partition, &err);
		(void)!device_path_file(exact, size, name, 16, &err);
		assert_true(device_path_disk_length(exact, size) <= size);
	}
	free(exact);
}

#define SAME(a, b) device_path_same_disk(a, sizeof(a), b, sizeof(b))

static void partitions_of_one_disk_are_on_the_same_disk(void **state)
{
	assert_true(SAME(gpt_stick, gpt_stick));
	assert_true(SAME(gpt_stick, gpt_stick_2));
	assert_true(SAME(gpt_stick, mbr_stick));
	assert_false(SAME(gpt_stick, other_stick));
	assert_false(SAME(gpt_stick, cd));
	assert_false(SAME(gpt_stick, network));
	assert_int_equal(device_path_disk_length(gpt_stick, sizeof(gpt_stick)), 24);
	assert_int_equal(device_path_disk_length(network, sizeof(network)),
			 sizeof(network) - 4);
}

/* A file path node per part, as firmware writes them, to one name in ASCII. */
static int join(const uint8_t *path, size_t size, char *ret, size_t max_units,
		struct err *err)
{
	uint16_t name[32];
	int r = device_path_file(path, size, name, max_units, err);

	for (size_t i = 0; !r && (i == 0 || name[i - 1]); i++)
		ret[i] = (char)name[i];
	return r;
}

static void file_path_nodes_are_joined(void **state)
{
	static const uint8_t one[] = { 0x04, 0x04, 12, 0, '\\', 0,  'a',
				       0,    '.',  0,  0, 0,	END };
	static const uint8_t two[] = { 0x04, 0x04, 10, 0, '\\', 0, 'a', 0, 0,  0,
				       0x04, 0x04, 8,  0, 'b',	0, 0,	0, END };
	static const uint8_t both[] = { 0x04, 0x04, 10,	 0,    '\\', 0,	 'a',
					0,    0,    0,	 0x04, 0x04, 10, 0,
					'\\', 0,    'b', 0,    0,    0,	 END };
	static const uint8_t unended[] = { 0x04, 0x04, 6, 0, 'x', 0, END };
	struct err err;
	char name[32];

	assert_int_equal(join(one, sizeof(one), name, 32, &err), 0);
	assert_string_equal(name, "\\a.");
	assert_int_equal(join(two, sizeof(two), name, 32, &err), 0);
	assert_string_equal(name, "\\a\\b");
	assert_int_equal(join(both, sizeof(both), name, 32, &err), 0);
	assert_string_equal(name, "\\a\\b");
	assert_int_equal(join(unended, sizeof(unended), name, 32, &err), 0);
	assert_string_equal(name, "x");
	assert_int_equal(join(network, sizeof(network), name, 32, &err), 0);
	assert_string_equal(name, "");
}

static void file_names_that_do_not_fit_or_are_odd_are_refused(void **state)
{
	static const uint8_t odd[] = { 0x04, 0x04, 7, 0, 'x', 0, 0, END };
	static const uint8_t long_name[] = { 0x04, 0x04, 12, 0, 'a', 0,	 'b',
					     0,	   'c',	 0,  0, 0,   END };
	struct err err;
	char name[32];

	assert_int_equal(join(odd, sizeof(odd), name, 32, &err), -EBADMSG);
	assert_string_equal(err.text, "device path: file name of 3 bytes, must be even");
	assert_int_equal(join(long_name, sizeof(long_name), name, 4, &err), 0);
	assert_int_equal(join(long_name, sizeof(long_name), name, 3, &err), -ENOSPC);
	assert_string_equal(err.text, "device path: file name longer than 2 characters");
}

static void folder_of_a_file_ends_in_its_separator(void **state)
{
	uint16_t deep[] = { '\\', 'E', '\\', 'B', 0 }, top[] = { '\\', 'B', 0 },
		 bare[] = { 'B', 0 };

	file_name_to_folder(deep);
	assert_int_equal(deep[2], '\\');
	assert_int_equal(deep[3], 0);
	file_name_to_folder(top);
	assert_int_equal(top[0], '\\');
	assert_int_equal(top[1], 0);
	file_name_to_folder(bare);
	assert_int_equal(bare[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partitions_of_gpt_mbr_and_other_devices_are_named),
		cmocka_unit_test(longest_name_of_a_partition_fits_its_buffer),
		cmocka_unit_test(last_hard_drive_node_counts),
		cmocka_unit_test(partition_without_a_known_signature_is_refused),
		cmocka_unit_test(short_hard_drive_node_is_refused),
		cmocka_unit_test(node_shorter_than_its_head_is_refused),
		cmocka_unit_test(path_cut_anywhere_is_refused),
		cmocka_unit_test(random_damage_never_leads_outside),
		cmocka_unit_test(endless_path_ends_at_the_limit),
		cmocka_unit_test(partitions_of_one_disk_are_on_the_same_disk),
		cmocka_unit_test(file_path_nodes_are_joined),
		cmocka_unit_test(file_names_that_do_not_fit_or_are_odd_are_refused),
		cmocka_unit_test(folder_of_a_file_ends_in_its_separator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
