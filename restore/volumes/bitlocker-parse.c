/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BitLocker's metadata: see bitlocker-parse.h. */
#include "bitlocker-parse.h"

#include <inttypes.h>

#include <base/checked.h>

#include "bitlocker-crypt.h"

/* Of a volume that is encrypted as a whole, and of one that is where something was written. */
static const struct guid encrypted_id = GUID_INIT(0x4967d63b, 0x2e29, 0x4ad8, 0x83, 0x99,
						  0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01);
static const struct guid on_write_id = GUID_INIT(0x92a84d3b, 0xdd80, 0x4d0e, 0x9e, 0x4e,
						 0xb1, 0xe3, 0x28, 0x4e, 0xae, 0xd8);

/* -- the volume header ------------------------------------------------------------ */

bool bitlocker_is_header(const uint8_t bytes[512])
{
	struct bitlocker_header_disk disk;

	memcpy(&disk, bytes, sizeof(disk));
	return memcmp(disk.signature, BITLOCKER_SIGNATURE, 8) == 0 ||
	       (memcmp(disk.signature, BITLOCKER_TO_GO, 8) == 0 &&
		guid_equal(&disk.to_go_id, &encrypted_id));
}

static int check_id(const struct guid *id, struct err *err)
{
	char text[GUID_TEXT_SIZE];

	if (guid_equal(id, &encrypted_id))
		return 0;
	if (guid_equal(id, &on_write_id))
		return err_set(err, -ENOTSUP,
			       "BitLocker: encrypted on write, with a map of what is "
			       "encrypted that is not understood here: decrypt it in "
			       "Windows (manage-bde -off)");
	return err_set(err, -ENOTSUP, "BitLocker of Vista, or unknown: id %s",
		       guid_format(id, text));
}

int bitlocker_parse_header(const uint8_t bytes[512], uint64_t size,
			   struct bitlocker_header *ret, struct err *err)
{
	struct bitlocker_header_disk disk;
	struct bitlocker_header header = { 0 };
	bool to_go;
	int r;

	memcpy(&disk, bytes, sizeof(disk));
	to_go = memcmp(disk.signature, BITLOCKER_TO_GO, 8) == 0;
	r = check_id(to_go ? &disk.to_go_id : &disk.id, err);
	if (r < 0)
		return r;
	header.sector_size = get_le16(disk.sector_size);
	if (!is_power_of_two(header.sector_size) || header.sector_size < 512 ||
	    header.sector_size > 4096)
		return err_set(err, -EBADMSG,
			       "BitLocker: sectors of %" PRIu32
			       " bytes, must be 512-4096",
			       header.sector_size);
	for (size_t i = 0; i < BITLOCKER_BLOCKS; i++) {
		header.blocks[i] =
			get_le64(to_go ? disk.to_go_blocks[i] : disk.blocks[i]);
		if (header.blocks[i] % header.sector_size ||
		    !range_within(header.blocks[i], BITLOCKER_BLOCK_AREA, size))
			return err_set(err, -EBADMSG,
				       "BitLocker: metadata at %" PRIu64 " of %" PRIu64
				       " bytes",
				       header.blocks[i], size);
	}
	*ret = header;
	return 0;
}

/* -- entries ---------------------------------------------------------------------- */

/* What is left of a list of entries. */
struct entries {
	const uint8_t *bytes;
	size_t length;
};

struct entry {
	unsigned type, value;
	struct entries data;
};

/* false: the end, or what is no entry. */
static bool next_entry(struct entries *entries, struct entry *ret)
{
	struct bitlocker_entry_disk disk;
	size_t size;

	if (entries->length < sizeof(disk))
		return false;
	memcpy(&disk, entries->bytes, sizeof(disk));
	size = get_le16(disk.size);
	if (size < sizeof(disk) || size > entries->length)
		return false;
	ret->type = get_le16(disk.type);
	ret->value = get_le16(disk.value);
	ret->data =
		(struct entries){ entries->bytes + sizeof(disk), size - sizeof(disk) };
	entries->bytes += size;
	entries->length -= size;
	return true;
}

/* Copies the fixed part of an entry's data and leaves what follows it. */
static bool take_head(struct entries *data, void *head, size_t size)
{
	if (data->length < size)
		return false;
	memcpy(head, data->bytes, size);
	data->bytes += size;
	data->length -= size;
	return true;
}

static void take_sealed(struct entries data, struct bitlocker_sealed *ret)
{
	struct bitlocker_sealed_disk disk;

	if (ret->length || !take_head(&data, &disk, sizeof(disk)) ||
	    data.length > sizeof(ret->bytes))
		return;
	memcpy(ret->nonce, disk.nonce, sizeof(ret->nonce));
	memcpy(ret->tag, disk.tag, sizeof(ret->tag));
	memcpy(ret->bytes, data.bytes, data.length);
	ret->length = data.length;
}

static bool take_key(struct entries data, uint8_t key[UNLOCK_KEY_SIZE])
{
	struct bitlocker_key_disk disk;

	if (!take_head(&data, &disk, sizeof(disk)) || data.length != UNLOCK_KEY_SIZE)
		return false;
	memcpy(key, data.bytes, UNLOCK_KEY_SIZE);
	return true;
}

static void take_property(const struct entry *entry, struct bitlocker_protector *ret)
{
	struct bitlocker_stretch_disk stretch;
	struct entries data = entry->data;

	if (entry->value == BITLOCKER_VALUE_SEALED)
		take_sealed(data, &ret->sealed);
	if (entry->value == BITLOCKER_VALUE_KEY)
		ret->has_key = take_key(data, ret->key);
	if (entry->value == BITLOCKER_VALUE_STRETCH &&
	    take_head(&data, &stretch, sizeof(stretch))) {
		memcpy(ret->salt, stretch.salt, sizeof(ret->salt));
		ret->has_salt = true;
	}
}

static void take_protector(struct entries data, struct bitlocker_metadata *ret)
{
	struct bitlocker_protector_disk disk;
	struct bitlocker_protector *protector;
	struct entry entry;

	if (ret->count == BITLOCKER_PROTECTORS_MAX ||
	    !take_head(&data, &disk, sizeof(disk)))
		return;
	protector = &ret->protectors[ret->count++];
	*protector = (struct bitlocker_protector){
		.id = disk.id,
		.protection = get_le16(disk.protection),
	};
	while (next_entry(&data, &entry))
		take_property(&entry, protector);
}

/* -- one copy of the metadata ----------------------------------------------------- */

static int check_block(const struct bitlocker_block_disk *disk, struct err *err)
{
	uint32_t size = get_le32(disk->metadata_size);

	if (memcmp(disk->signature, BITLOCKER_SIGNATURE, 8) != 0)
		return err_set(err, -EBADMSG,
			       "BitLocker: no metadata where it should be");
	if (get_le16(disk->version) != 2)
		return err_set(err, -ENOTSUP, "BitLocker: metadata of version %u, not 2",
			       get_le16(disk->version));
	if (get_le32(disk->metadata_header) != 48 ||
	    size != get_le32(disk->metadata_copy) || size < 48 ||
	    size > BITLOCKER_BLOCK_AREA - BITLOCKER_METADATA)
		return err_set(err, -EBADMSG, "BitLocker: metadata of %" PRIu32 " bytes",
			       size);
	if (get_le16(disk->state) != BITLOCKER_ENCRYPTED ||
	    get_le16(disk->next_state) != BITLOCKER_ENCRYPTED)
		return err_set(
			err, -ENOTSUP,
			"BitLocker: the volume is being encrypted or decrypted "
			"(state %u to %u): let Windows finish it (manage-bde -status)",
			get_le16(disk->state), get_le16(disk->next_state));
	if (!bitlocker_volume_key_size(get_le16(disk->method)))
		return err_set(err, -ENOTSUP, "BitLocker: encryption method %#x",
			       get_le16(disk->method));
	return 0;
}

static int take_places(const struct bitlocker_block_disk *disk, uint64_t size,
		       struct bitlocker_metadata *ret, struct err *err)
{
	uint32_t sector = ret->header.sector_size;

	for (size_t i = 0; i < BITLOCKER_BLOCKS; i++)
		if (get_le64(disk->blocks[i]) != ret->header.blocks[i])
			return err_set(err, -EBADMSG,
				       "BitLocker: header and metadata disagree about "
				       "where the metadata lies");
	ret->header_offset = get_le64(disk->header_offset);
	ret->header_size = (uint64_t)get_le32(disk->header_sectors) * sector;
	if (!ret->header_size || ret->header_offset % sector ||
	    !range_within(ret->header_offset, ret->header_size, size) ||
	    ret->header_offset < ret->header_size)
		return err_set(err, -EBADMSG,
			       "BitLocker: %" PRIu64 " bytes of the start at %" PRIu64
			       " of %" PRIu64,
			       ret->header_size, ret->header_offset, size);
	return 0;
}

int bitlocker_parse_block(const uint8_t *bytes, uint64_t size,
			  const struct bitlocker_header *header,
			  struct bitlocker_metadata *ret, struct err *err)
{
	struct bitlocker_block_disk disk;
	struct entries entries;
	struct entry entry;
	int r;

	memcpy(&disk, bytes, sizeof(disk));
	r = check_block(&disk, err);
	if (r < 0)
		return r;
	*ret = (struct bitlocker_metadata){ .header = *header,
					    .method = get_le16(disk.method) };
	r = take_places(&disk, size, ret, err);
	if (r < 0)
		return r;
	entries = (struct entries){ bytes + sizeof(disk),
				    get_le32(disk.metadata_size) - 48 };
	while (next_entry(&entries, &entry)) {
		if (entry.type == BITLOCKER_PROTECTOR &&
		    entry.value == BITLOCKER_VALUE_PROTECTOR)
			take_protector(entry.data, ret);
		if (entry.type == BITLOCKER_VOLUME_KEY &&
		    entry.value == BITLOCKER_VALUE_SEALED)
			take_sealed(entry.data, &ret->volume_key);
	}
	return ret->volume_key.length
		       ? 0
		       : err_set(err, -EBADMSG, "BitLocker: no key of the volume");
}

int bitlocker_parse_key(const uint8_t *plain, size_t length, uint8_t *ret, size_t size,
			struct err *err)
{
	struct entries entries = { plain, length };
	struct bitlocker_key_disk disk;
	struct entry entry;

	if (!next_entry(&entries, &entry) || entry.value != BITLOCKER_VALUE_KEY ||
	    !take_head(&entry.data, &disk, sizeof(disk)) || entry.data.length < size)
		return err_set(err, -EBADMSG, "BitLocker: a key that is none");
	memcpy(ret, entry.data.bytes, size);
	return 0;
}

/* -- startup keys ----------------------------------------------------------------- */

static int not_startup(struct err *err)
{
	return err_set(err, -ENOEXEC, "not a startup key (*.bek)");
}

int bitlocker_parse_startup(const uint8_t *bytes, size_t length, struct unlock_key *ret,
			    struct err *err)
{
	struct bitlocker_startup_disk disk;
	struct bitlocker_external_disk external;
	struct entries entries = { bytes, length };
	struct entry entry;

	if (!take_head(&entries, &disk, sizeof(disk)) || get_le32(disk.version) != 1 ||
	    get_le32(disk.header) != sizeof(disk) || get_le32(disk.size) > length ||
	    get_le32(disk.size) < sizeof(disk)) {
		explicit_bzero(&disk, sizeof(disk)); /* a file with a password, then */
		return not_startup(err);
	}
	entries.length = get_le32(disk.size) - sizeof(disk);
	while (next_entry(&entries, &entry)) {
		if (entry.type != BITLOCKER_STARTUP ||
		    entry.value != BITLOCKER_VALUE_EXTERNAL ||
		    !take_head(&entry.data, &external, sizeof(external)))
			continue;
		entries = entry.data;
		while (next_entry(&entries, &entry)) {
			if (entry.value != BITLOCKER_VALUE_KEY ||
			    !take_key(entry.data, ret->bytes))
				continue;
			ret->kind = UNLOCK_STARTUP;
			ret->id = external.id;
			return 0;
		}
		break;
	}
	return not_startup(err);
}
