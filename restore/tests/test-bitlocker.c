/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BitLocker's metadata and keys, each field spoiled in turn. The volume here is made by hand, its
 * key lies in it in the clear; volumes that other programs take for sound are in qemu-tests.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <nettle/ccm.h>
#include <nettle/xts.h>

#include "base/tests/child-memory.h"
#include "volumes/bitlocker-parse.h"
#include "volumes/bitlocker.h"

#define SIZE	 (1 << 20)
#define SECTOR	 512u
#define BLOCK(i) (131072u * ((unsigned)(i) + 1))
#define HEADER	 (BLOCK(0) + BITLOCKER_BLOCK_AREA) /* where the first sectors lie */
#define SECTORS	 16u

static const struct guid encrypted_id = GUID_INIT(0x4967d63b, 0x2e29, 0x4ad8, 0x83, 0x99,
						  0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01);
static uint8_t image[SIZE];
static const uint8_t clear_key[32] = { 1 }, master_key[32] = { 2 },
		     volume_key[32] = { 3 };

/* -- making one ------------------------------------------------------------------- */

struct writer {
	uint8_t *at;
};

static void put(struct writer *writer, const void *bytes, size_t length)
{
	memcpy(writer->at, bytes, length);
	writer->at += length;
}

/* Returns where its size stands. */
static uint8_t *begin(struct writer *writer, unsigned type, unsigned value)
{
	uint8_t *start = writer->at;
	struct bitlocker_entry_disk disk = { .type = put_le16((uint16_t)type),
					     .value = put_le16((uint16_t)value),
					     .version = put_le16(1) };

	put(writer, &disk, sizeof(disk));
	return start;
}

static void end(struct writer *writer, uint8_t *start)
{
	le16 size = put_le16((uint16_t)(writer->at - start));

	memcpy(start, &size, sizeof(size));
}

static void put_key(struct writer *writer, const uint8_t key[32])
{
	le32 method = put_le32(0x2000);
	uint8_t *start = begin(writer, 0, BITLOCKER_VALUE_KEY);

	put(writer, &method, sizeof(method));
	put(writer, key, 32);
	end(writer, start);
}

static void put_sealed(struct writer *writer, unsigned type, const uint8_t with[32],
		       const uint8_t key[32])
{
	struct bitlocker_sealed_disk disk = { .nonce = { (uint8_t)type } };
	uint8_t plain[44], sealed[sizeof(plain) + 16];
	struct writer inside = { plain };
	struct aes256_ctx cipher;
	uint8_t *start = begin(writer, type, BITLOCKER_VALUE_SEALED);

	put_key(&inside, key);
	aes256_set_encrypt_key(&cipher, with);
	ccm_encrypt_message(&cipher, (nettle_cipher_func *)aes256_encrypt, 12, disk.nonce,
			    0, NULL, 16, sizeof(sealed), sealed, plain);
	memcpy(disk.tag, sealed + sizeof(plain), 16);
	put(writer, &disk, sizeof(disk));
	put(writer, sealed, sizeof(plain));
	end(writer, start);
}

static void put_protector(struct writer *writer)
{
	struct bitlocker_protector_disk disk = { .id.b = { 7 } };
	uint8_t *start = begin(writer, BITLOCKER_PROTECTOR, BITLOCKER_VALUE_PROTECTOR);

	put(writer, &disk, sizeof(disk));
	put_key(writer, clear_key);
	put_sealed(writer, 0, clear_key, master_key);
	end(writer, start);
}

static void put_block(uint8_t *at)
{
	struct bitlocker_block_disk disk = {
		.signature = { '-', 'F', 'V', 'E', '-', 'F', 'S', '-' },
		.version = put_le16(2),
		.state = put_le16(BITLOCKER_ENCRYPTED),
		.next_state = put_le16(BITLOCKER_ENCRYPTED),
		.volume_size = put_le64(SIZE),
		.header_sectors = put_le32(SECTORS),
		.blocks = { put_le64(BLOCK(0)), put_le64(BLOCK(1)), put_le64(BLOCK(2)) },
		.header_offset = put_le64(HEADER),
		.metadata_version = put_le32(1),
		.metadata_header = put_le32(48),
		.method = put_le16(BITLOCKER_XTS_128),
	};
	struct writer writer = { at + sizeof(disk) };

	put_protector(&writer);
	put_sealed(&writer, BITLOCKER_VOLUME_KEY, master_key, volume_key);
	disk.metadata_size = disk.metadata_copy =
		put_le32((uint32_t)(writer.at - at) - BITLOCKER_METADATA);
	memcpy(at, &disk, sizeof(disk));
}

static void encrypt(uint64_t offset, uint8_t byte)
{
	struct xts_aes128_key key;
	le64 number[2] = { put_le64(offset / SECTOR), put_le64(0) };

	memset(image + offset, byte, SECTOR);
	xts_aes128_set_encrypt_key(&key, volume_key);
	xts_aes128_encrypt_message(&key, (const uint8_t *)number, SECTOR, image + offset,
				   image + offset);
}

static struct bitlocker_header_disk *header(void)
{
	return (struct bitlocker_header_disk *)image;
}

static struct bitlocker_block_disk *block(unsigned index)
{
	return (struct bitlocker_block_disk *)(image + BLOCK(index));
}

static void make_image(void)
{
	struct bitlocker_header_disk disk = {
		.signature = { '-', 'F', 'V', 'E', '-', 'F', 'S', '-' },
		.sector_size = put_le16(SECTOR),
		.id = encrypted_id,
		.blocks = { put_le64(BLOCK(0)), put_le64(BLOCK(1)), put_le64(BLOCK(2)) },
	};

	memset(image, 0xaa, sizeof(image));
	memcpy(image, &disk, sizeof(disk));
	for (unsigned i = 0; i < BITLOCKER_BLOCKS; i++)
		put_block(image + BLOCK(i));
	for (unsigned i = 0; i < SECTORS; i++)
		encrypt(HEADER + i * SECTOR, (uint8_t)(i + 1));
	encrypt(BLOCK(2) + BITLOCKER_BLOCK_AREA, 0x77);
}

static struct block_source *volume; /* below what open_image() gave */

static void close_image(struct block_source *plain)
{
	source_close(plain);
	source_close(volume);
	volume = NULL;
}

static int open_image(struct block_source **ret, struct err *err)
{
	int r = source_memory_new(image, sizeof(image), "sdb partition 1", &volume, err);

	if (r == 0)
		r = bitlocker_open(volume, NULL, ret, err);
	if (r < 0)
		close_image(NULL);
	return r;
}

static int fails(struct err *err)
{
	struct block_source *plain = NULL;
	int r = open_image(&plain, err);

	assert_null(plain);
	return r;
}

/* -- what is good ----------------------------------------------------------------- */

static void a_suspended_volume_is_read_without_a_key(void **state)
{
	struct block_source *plain = NULL;
	struct err err = { 0 };
	uint8_t bytes[1024];

	make_image();
	assert_int_equal(open_image(&plain, &err), 0);
	assert_int_equal(plain->size, SIZE);
	/* the first sectors lie elsewhere */
	assert_int_equal(source_read(plain, bytes, 500, 24, &err), 0);
	assert_int_equal(bytes[11], 1);
	assert_int_equal(bytes[12], 2);
	/* metadata and that copy are zeros; behind it is data */
	assert_int_equal(source_read(plain, bytes, BLOCK(1) + 100, 16, &err), 0);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(source_read(plain, bytes, HEADER + 100, 16, &err), 0);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(source_read(plain, bytes, BLOCK(2) + BITLOCKER_BLOCK_AREA - 512,
				     1024, &err),
			 0);
	assert_int_equal(bytes[511], 0);
	assert_int_equal(bytes[512], 0x77);
	assert_int_equal(bytes[1023], 0x77);
	close_image(plain);
}

static void a_damaged_copy_of_the_metadata_is_passed_over(void **state)
{
	struct block_source *plain = NULL;
	struct err err = { 0 };

	make_image();
	memset(block(0), 0, 512);
	block(1)->header_offset = put_le64(SIZE);
	assert_int_equal(open_image(&plain, &err), 0);
	close_image(plain);
}

/* -- what is not ------------------------------------------------------------------ */

static void each_field_of_the_header_is_checked(void **state)
{
	struct err err = { 0 };

	make_image();
	header()->signature[0] = 'x';
	assert_int_equal(fails(&err), -ENOEXEC);
	make_image();
	header()->id.b[0] = 0;
	assert_int_equal(fails(&err), -ENOTSUP);
	assert_string_equal(err.text, "BitLocker of Vista, or unknown: id "
				      "4967d600-2e29-4ad8-8399-f6a339e3d001");
	make_image();
	header()->sector_size = put_le16(513);
	assert_int_equal(fails(&err), -EBADMSG);
	assert_string_equal(err.text,
			    "BitLocker: sectors of 513 bytes, must be 512-4096");
	make_image();
	header()->blocks[2] = put_le64(SIZE - 512);
	assert_int_equal(fails(&err), -EBADMSG);
	assert_string_equal(err.text, "BitLocker: metadata at 1048064 of 1048576 bytes");
}

typedef void spoil(struct bitlocker_block_disk *disk);

/* In all three copies. */
static int fails_with(spoil *change, struct err *err)
{
	make_image();
	for (unsigned i = 0; i < BITLOCKER_BLOCKS; i++)
		change(block(i));
	return fails(err);
}

static void spoil_version(struct bitlocker_block_disk *disk)
{
	disk->version = put_le16(1);
}

static void spoil_size(struct bitlocker_block_disk *disk)
{
	disk->metadata_size = disk->metadata_copy = put_le32(65536);
}

static void spoil_state(struct bitlocker_block_disk *disk)
{
	disk->next_state = put_le16(BITLOCKER_DECRYPTED);
}

static void spoil_method(struct bitlocker_block_disk *disk)
{
	disk->method = put_le16(0x8006);
}

static void spoil_places(struct bitlocker_block_disk *disk)
{
	disk->blocks[1] = put_le64(0);
}

static void spoil_header_offset(struct bitlocker_block_disk *disk)
{
	disk->header_offset = put_le64(SIZE - 512);
}

static void spoil_protector(struct bitlocker_block_disk *disk)
{
	((uint8_t *)(disk + 1))[8 + 26] = 0x01; /* the protection: 1, a TPM */
}

static void spoil_volume_key(struct bitlocker_block_disk *disk)
{
	((uint8_t *)disk)[BITLOCKER_METADATA + get_le32(disk->metadata_size) - 1] ^= 1;
}

static void each_field_of_the_metadata_is_checked(void **state)
{
	struct err err = { 0 };

	assert_int_equal(fails_with(spoil_version, &err), -ENOTSUP);
	assert_string_equal(err.text, "BitLocker: metadata of version 1, not 2");
	assert_int_equal(fails_with(spoil_size, &err), -EBADMSG);
	assert_string_equal(err.text, "BitLocker: metadata of 65536 bytes");
	assert_int_equal(fails_with(spoil_state, &err), -ENOTSUP);
	assert_string_equal(
		err.text, "BitLocker: the volume is being encrypted or decrypted (state "
			  "4 to 1): let Windows finish it (manage-bde -status)");
	assert_int_equal(fails_with(spoil_method, &err), -ENOTSUP);
	assert_string_equal(err.text, "BitLocker: encryption method 0x8006");
	assert_int_equal(fails_with(spoil_places, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "BitLocker: header and metadata disagree about where "
			    "the metadata lies");
	assert_int_equal(fails_with(spoil_header_offset, &err), -EBADMSG);
	assert_string_equal(err.text,
			    "BitLocker: 8192 bytes of the start at 1048064 of 1048576");
	assert_int_equal(fails_with(spoil_protector, &err), -ENOKEY);
	assert_string_equal(err.text, "BitLocker, locked; what opens it: nothing but the "
				      "machine that it belongs to");
	assert_int_equal(fails_with(spoil_volume_key, &err), -EBADMSG);
	assert_string_equal(err.text, "BitLocker: the key of the volume is damaged");
}

/* -- keys ------------------------------------------------------------------------- */

#define RECOVERY "235818-357951-253979-013365-241120-245575-342914-591910"

static int parse(const char *text, struct unlock_keys *keys, struct err *err)
{
	unlock_clear(keys);
	return unlock_parse(text, strlen(text), "keys.txt", keys, err);
}

static void keys_are_found_in_text(void **state)
{
	struct unlock_keys keys = { 0 };
	struct err err = { 0 };

	assert_int_equal(parse("Identifier: 1F9DA098\r\nRecovery Key: " RECOVERY "\r\n",
			       &keys, &err),
			 0);
	assert_int_equal(keys.count, 1);
	assert_int_equal(keys.keys[0].kind, UNLOCK_RECOVERY);
	assert_int_equal(parse(" Password = a b \npassword=x\n" RECOVERY, &keys, &err),
			 0);
	assert_int_equal(keys.count, 3);
	assert_int_equal(keys.keys[0].kind, UNLOCK_PASSWORD);
	assert_int_equal(keys.keys[2].kind, UNLOCK_RECOVERY);
	/* blanks at the end belong to a password, as with a share's */
	assert_memory_not_equal(keys.keys[0].bytes, keys.keys[1].bytes, UNLOCK_KEY_SIZE);
}

static void text_without_a_key_is_refused(void **state)
{
	struct unlock_keys keys = { 0 };
	struct err err = { 0 };

	assert_int_equal(parse("nothing 123456-654321\n", &keys, &err), -EINVAL);
	assert_string_equal(
		err.text, "'keys.txt': no key in it: neither a line 'password = …' nor a "
			  "recovery key of 48 digits nor a startup key (*.bek)");
	assert_int_equal(
		parse("\n235818-357951-253979-013365-241120-245575-342914-591911", &keys,
		      &err),
		-EINVAL);
	assert_string_equal(
		err.text,
		"'keys.txt': line 2: group 8 of the recovery key is mistyped: no "
		"multiple of 11 up to 720885");
}

static void what_is_typed_is_a_recovery_key_if_it_looks_like_one(void **state)
{
	struct unlock_keys keys = { 0 };
	struct err err = { 0 };

	assert_int_equal(unlock_add_typed(&keys, RECOVERY, &err), 0);
	assert_int_equal(
		unlock_add_typed(
			&keys, "235818357951253979013365241120245575342914591910", &err),
		0);
	assert_int_equal(unlock_add_typed(&keys, RECOVERY "x", &err), 0);
	assert_int_equal(keys.keys[0].kind, UNLOCK_RECOVERY);
	assert_int_equal(keys.keys[1].kind, UNLOCK_RECOVERY);
	assert_memory_equal(keys.keys[0].bytes, keys.keys[1].bytes, UNLOCK_KEY_SIZE);
	assert_int_equal(keys.keys[2].kind, UNLOCK_PASSWORD);
}

static void the_group_that_is_mistyped_is_told(void **state)
{
	static const struct {
		const char *text;
		unsigned group;
	} cases[] = {
		{ RECOVERY, 0 },
		{ "235818 357951 253979 013365 241120 245575 342914 591910", 0 },
		{ "235818357951253979013365241120245575342914591910", 0 },
		{ "", 1 },
		{ "x", 1 },
		{ "235819-357951-253979-013365-241120-245575-342914-591910", 1 },
		{ "235818-357951-25397-013365-241120-245575-342914-591910", 3 },
		{ "235818-357951-253979-013365-24112o-245575-342914-591910", 5 },
		/* a multiple of 11 that is above 720885 */
		{ "235818-357951-253979-013365-241120-720896-342914-591910", 6 },
		{ "235818-357951-253979-013365-241120-245575-342914", 8 },
		{ RECOVERY "-", 9 },
		{ RECOVERY "0", 9 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(unlock_wrong_group(cases[i].text), cases[i].group);
}

static size_t make_startup(uint8_t bytes[256])
{
	struct bitlocker_startup_disk disk = { .version = put_le32(1),
					       .header = put_le32(48) };
	struct bitlocker_external_disk external = { .id.b = { 9 } };
	struct writer writer = { bytes + sizeof(disk) };
	uint8_t *start = begin(&writer, BITLOCKER_STARTUP, BITLOCKER_VALUE_EXTERNAL);

	put(&writer, &external, sizeof(external));
	put_key(&writer, clear_key);
	end(&writer, start);
	disk.size = disk.size_copy = put_le32((uint32_t)(writer.at - bytes));
	memcpy(bytes, &disk, sizeof(disk));
	return (size_t)(writer.at - bytes);
}

static void a_startup_key_has_an_owner(void **state)
{
	struct unlock_keys keys = { 0 };
	struct err err = { 0 };
	uint8_t bytes[256];
	size_t length = make_startup(bytes);

	assert_int_equal(unlock_parse(bytes, length, "x.bek", &keys, &err), 0);
	assert_int_equal(keys.keys[0].kind, UNLOCK_STARTUP);
	assert_int_equal(keys.keys[0].id.b[0], 9);
	assert_memory_equal(keys.keys[0].bytes, clear_key, sizeof(clear_key));
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(bitlocker_parse_startup(bytes, cut, keys.keys, &err),
				 -ENOEXEC);
	assert_string_equal(err.text, "not a startup key (*.bek)");
}

/* -- what is left in memory ------------------------------------------------------- */

static void read_keys_and_clear(const char *canary)
{
	char path[] = "/tmp/test-keys-XXXXXX";
	struct unlock_keys keys = { 0 };
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, "a note\npassword = ", 18) != 18 ||
	    write(fd, canary, strlen(canary)) != (ssize_t)strlen(canary) ||
	    unlock_read(path, &keys, NULL) < 0)
		_exit(2);
	unlink(path);
	unlock_clear(&keys);
}

static void type_and_clear(const char *canary)
{
	struct unlock_keys keys = { 0 };

	if (unlock_add_typed(&keys, canary, NULL) < 0)
		_exit(2);
	unlock_clear(&keys);
}

static void a_password_that_was_used_is_nowhere_in_memory(void **state)
{
	int left = canary_left(read_keys_and_clear);

	if (left < 0)
		skip(); /* memory of a child may not be read here */
	assert_int_equal(left, 0);
	assert_int_equal(canary_left(type_and_clear), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_suspended_volume_is_read_without_a_key),
		cmocka_unit_test(a_damaged_copy_of_the_metadata_is_passed_over),
		cmocka_unit_test(each_field_of_the_header_is_checked),
		cmocka_unit_test(each_field_of_the_metadata_is_checked),
		cmocka_unit_test(keys_are_found_in_text),
		cmocka_unit_test(text_without_a_key_is_refused),
		cmocka_unit_test(what_is_typed_is_a_recovery_key_if_it_looks_like_one),
		cmocka_unit_test(the_group_that_is_mistyped_is_told),
		cmocka_unit_test(a_startup_key_has_an_owner),
		cmocka_unit_test(a_password_that_was_used_is_nowhere_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
