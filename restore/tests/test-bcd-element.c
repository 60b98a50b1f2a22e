/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Devices in each other. The ramdisk is one of a real Windows 10 (FORMAT.md section 5 has its
 * ids); the others are built after public descriptions: no sample holds one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "evidence/bcd-element.h"

static const uint8_t winre[] = {
	0xe3,
	0x18,
	0x75,
	0x34,
	0xcc,
	0xf3,
	0xea,
	0x11,
	0x91,
	0x1e,
	0xc7,
	0xea,
	0xa7,
	0xd8,
	0x4b,
	0x6c,
	[0x14] = 1,
	[0x18] = 0x58,
	[0x20] = 3,
	[0x38] = 1,
	[0x3c] = 0x6c - 0x3c,
	[0x40] = 5,
	[0x44] = 6,
	[0x4c] = 0x48,
	[0x54] = 0xc6,
	0xd5,
	0x3f,
	0xfb,
	0x83,
	0xaf,
	0x23,
	0x4c,
	0x9d,
	0x60,
	0x77,
	0x24,
	0x53,
	0xd0,
	0x62,
	0x3d,
	[0x6c] = 0x7c,
	0xfb,
	0x48,
	0xd1,
	0x81,
	0xbe,
	0x12,
	0x4d,
	0x8d,
	0xcf,
	0x62,
	0x26,
	0x02,
	0x99,
	0xab,
	0xde,
	[0x8c] = '\\',
	0,
	'w',
	0,
	0,
	0,
};

static const struct bcd_device gpt = {
	.kind = BCD_DEVICE_GPT,
	.partition_id = GUID_INIT(0xfb3fd5c6, 0xaf83, 0x4c23, 0x9d, 0x60, 0x77, 0x24,
				  0x53, 0xd0, 0x62, 0x3d),
	.disk_id = GUID_INIT(0xd148fb7c, 0xbe81, 0x4d12, 0x8d, 0xcf, 0x62, 0x26, 0x02,
			     0x99, 0xab, 0xde),
};

static const struct bcd_device mbr = { .kind = BCD_DEVICE_MBR,
				       .mbr_signature = 0x8ae9dbe5,
				       .offset = 0x6500000 };

/* An element under construction, from the inside out. */
struct built {
	size_t length;
	uint8_t bytes[1024];
};

static void put32(struct built *built, size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		built->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

/* Puts room in front. */
static void wrap(struct built *built, size_t room)
{
	memmove(built->bytes + room, built->bytes, built->length);
	memset(built->bytes, 0, room);
	built->length += room;
}

static void device_head(struct built *built, uint32_t type)
{
	wrap(built, 16);
	put32(built, 0, type);
	put32(built, 8, (uint32_t)built->length);
}

static struct built partition_of(const struct bcd_device *device)
{
	struct built built = { .length = BCD_PARTITION_SIZE };

	bcd_partition_encode(device, built.bytes);
	memmove(built.bytes, built.bytes + 16, 72);
	built.length = 72;
	return built;
}

/* A file on what was built so far, "\a.vhd". */
static void file_of(struct built *built)
{
	static const uint8_t path[] = "\\\0a\0.\0v\0h\0d\0\0";

	memcpy(built->bytes + built->length, path, sizeof(path));
	built->length += sizeof(path);
	wrap(built, 12);
	put32(built, 0, 1);
	put32(built, 4, (uint32_t)built->length);
	put32(built, 8, 5);
}

static void local_of(struct built *built, uint32_t local, size_t gap)
{
	wrap(built, 4 + gap);
	put32(built, 0, local);
	device_head(built, 0);
}

static void locate_of(struct built *built)
{
	wrap(built, 14);
	put32(built, 4, 0x12000002);
	put32(built, 8, 0x1e);
	device_head(built, 8);
}

/* "vhd=[partition]\a.vhd", as bcdedit writes it for osdevice. */
static struct built virtual_disk(const struct bcd_device *device)
{
	struct built built = partition_of(device);

	file_of(&built);
	local_of(&built, 5, 0);
	local_of(&built, 6, 20);
	locate_of(&built);
	wrap(&built, 16);
	return built;
}

static struct bcd_element decode(const struct built *built)
{
	struct bcd_element element;
	struct err err = { 0 };

	if (bcd_element_decode(built->bytes, built->length, &element, &err) < 0)
		fail_msg("%s", err.text);
	return element;
}

static void the_partition_within_a_ramdisk_is_found(void **state)
{
	struct built built = { .length = sizeof(winre) };
	struct bcd_element element;

	memcpy(built.bytes, winre, sizeof(winre));
	put32(&built, 0x18, sizeof(winre) - 16);
	put32(&built, 0x3c, sizeof(winre) - 0x38);
	element = decode(&built);
	assert_int_equal(element.depth, 2);
	assert_int_equal(element.types[0], BCD_TYPE_RAMDISK);
	assert_int_equal(element.types[1], BCD_TYPE_PARTITION);
	assert_true(element.has_place);
	assert_int_equal(element.place.offset, 0x44);
	assert_true(bcd_device_equal(&element.place.device, &gpt));
}

static void the_partition_of_a_virtual_disks_file_is_found(void **state)
{
	static const enum bcd_device_type types[] = { BCD_TYPE_LOCATE,
						      BCD_TYPE_VIRTUAL_DISK,
						      BCD_TYPE_FILE, BCD_TYPE_PARTITION };
	struct built built = virtual_disk(&mbr);
	struct bcd_element element = decode(&built);

	assert_int_equal(element.depth, 4);
	assert_memory_equal(element.types, types, sizeof(types));
	assert_true(element.has_place);
	assert_true(bcd_device_equal(&element.place.device, &mbr));
}

static void boot_and_locate_name_nothing(void **state)
{
	struct built boot = { 0 }, locate = { .length = 24 };
	struct bcd_element element;

	device_head(&boot, 5);
	wrap(&boot, 16);
	element = decode(&boot);
	assert_int_equal(element.types[0], BCD_TYPE_BOOT);
	assert_false(element.has_place);
	put32(&locate, 4, 0x12000002);
	device_head(&locate, 8);
	wrap(&locate, 16);
	element = decode(&locate);
	assert_int_equal(element.types[0], BCD_TYPE_LOCATE);
	assert_false(element.has_place);
}

static void a_whole_disk_is_named_by_its_id(void **state)
{
	struct built built = { .length = 20 };
	struct bcd_element element;

	memcpy(built.bytes + 4, gpt.disk_id.b, 16);
	local_of(&built, 0, 0);
	wrap(&built, 16);
	element = decode(&built);
	assert_int_equal(element.types[0], BCD_TYPE_DISK);
	assert_true(element.place.whole_disk);
	assert_true(guid_equal(&element.place.device.disk_id, &gpt.disk_id));
}

static void a_place_gets_other_ids_and_nothing_else_changes(void **state)
{
	struct built before = virtual_disk(&gpt), built = before;
	struct bcd_element element = decode(&built);

	bcd_place_set(built.bytes, &element.place, &mbr);
	element = decode(&built);
	assert_true(bcd_device_equal(&element.place.device, &mbr));
	bcd_place_set(built.bytes, &element.place, &gpt);
	assert_memory_equal(built.bytes, before.bytes, before.length);
}

static void what_does_not_lie_in_its_element_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *message;
	} cases[] = {
		{ 0x18, 0x0f, "BCD device: length 0xf at byte 16, must be 0x10 to 0xbc" },
		{ 0x18, 0x1000,
		  "BCD device: length 0x1000 at byte 16, must be 0x10 to 0xbc" },
		{ 0x28, 0x4000,
		  "BCD device: a device inside at byte 32 does not lie within the 204 "
		  "bytes "
		  "around it" },
		{ 0x28, 4,
		  "BCD device: a device inside at byte 32 does not lie within the 204 "
		  "bytes "
		  "around it" },
		/* the head of the virtual disk, in front of which two bytes of path lie */
		{ 0x2e + 8, 0x2000,
		  "BCD device: length 0x2000 at byte 46, must be 0x10 to 0x9e" },
		{ 0x6a + 4, 11,
		  "BCD device: file of 11 bytes at byte 106, must be 12 to 98" },
		{ 0x6a + 4, 99,
		  "BCD device: file of 99 bytes at byte 106, must be 12 to 98" },
		{ 0x76 + 8, 0x47,
		  "BCD device: partition of 87 bytes with length 0x47, must be 88 and "
		  "0x48" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct built built = virtual_disk(&gpt);
		struct bcd_element element;
		struct err err = { 0 };

		put32(&built, cases[i].at, cases[i].value);
		assert_int_equal(
			bcd_element_decode(built.bytes, built.length, &element, &err),
			-EBADMSG);
		assert_string_equal(err.text, cases[i].message);
	}
}

static void devices_in_each_other_without_end_are_refused(void **state)
{
	struct built built = partition_of(&gpt);
	struct bcd_element element;
	struct err err = { 0 };

	for (int i = 0; i < BCD_NESTED_MAX; i++)
		local_of(&built, 6, 20);
	wrap(&built, 16);
	assert_int_equal(bcd_element_decode(built.bytes, built.length, &element, &err),
			 -EBADMSG);
	assert_string_equal(err.text, "BCD device: more than 8 devices in each other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_partition_within_a_ramdisk_is_found),
		cmocka_unit_test(the_partition_of_a_virtual_disks_file_is_found),
		cmocka_unit_test(boot_and_locate_name_nothing),
		cmocka_unit_test(a_whole_disk_is_named_by_its_id),
		cmocka_unit_test(a_place_gets_other_ids_and_nothing_else_changes),
		cmocka_unit_test(what_does_not_lie_in_its_element_is_refused),
		cmocka_unit_test(devices_in_each_other_without_end_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
