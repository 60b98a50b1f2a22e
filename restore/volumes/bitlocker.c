/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads BitLocker volumes: see bitlocker.h. Own code, in the reader's jail, since nothing that
 * exists fits there (measured with Debian 12): libcryptsetup unlocks in user space, but reads
 * through a mapping of the kernel alone, which takes root and device nodes and works on no image
 * file; libbde 20190102 does not know XTS with 256 bits; libdislocker brings Ruby along.
 */
#include "bitlocker.h"

#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "bitlocker-crypt.h"
#include "bitlocker-parse.h"

/* -- unlocking -------------------------------------------------------------------- */

struct secret {
	uint8_t key[BITLOCKER_SEALED_MAX];
};

static void secret_clear(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

/* size bytes of a key out of what is sealed. */
static int unseal(const struct bitlocker_sealed *sealed, const uint8_t *with, size_t size,
		  uint8_t *ret, struct err *err)
{
	AUTO(secret_clear) struct secret plain = { 0 };

	if (!sealed->length ||
	    !bitlocker_unseal(with, sealed->nonce, sealed->tag, sealed->bytes,
			      sealed->length, plain.key))
		return err_set(err, -EKEYREJECTED, "BitLocker: the key does not fit");
	return bitlocker_parse_key(plain.key, sealed->length, ret, size, err);
}

static bool belongs(const struct bitlocker_protector *protector,
		    const struct unlock_key *key)
{
	static const unsigned protections[] = {
		[UNLOCK_PASSWORD] = BITLOCKER_BY_PASSWORD,
		[UNLOCK_RECOVERY] = BITLOCKER_BY_RECOVERY,
		[UNLOCK_STARTUP] = BITLOCKER_BY_STARTUP,
	};

	return protector->protection == protections[key->kind] &&
	       (key->kind == UNLOCK_STARTUP ? guid_equal(&protector->id, &key->id)
					    : protector->has_salt);
}

/* The master key by one protector. */
static int try_key(const struct bitlocker_protector *protector,
		   const struct unlock_key *key, uint8_t *ret, struct err *err)
{
	AUTO(secret_clear) struct secret stretched = { 0 };

	memcpy(stretched.key, key->bytes, UNLOCK_KEY_SIZE);
	if (key->kind != UNLOCK_STARTUP)
		bitlocker_stretch(protector->salt, stretched.key);
	return unseal(&protector->sealed, stretched.key, BITLOCKER_KEY_SIZE, ret, err);
}

static int try_protector(const struct bitlocker_protector *protector,
			 const struct unlock_keys *keys, uint8_t *ret, struct err *err)
{
	int r = -EKEYREJECTED;

	if (protector->protection == BITLOCKER_BY_NOTHING && protector->has_key)
		return unseal(&protector->sealed, protector->key, BITLOCKER_KEY_SIZE, ret,
			      err);
	for (size_t i = 0; keys && i < keys->count && r == -EKEYREJECTED; i++)
		if (belongs(protector, &keys->keys[i]))
			r = try_key(protector, &keys->keys[i], ret, err);
	return r;
}

/* "password, recovery key {id}" */
static void add_ways(struct text *text, const struct bitlocker_metadata *metadata)
{
	static const struct {
		unsigned protection;
		const char *text;
	} ways[] = { { BITLOCKER_BY_PASSWORD, "password" },
		     { BITLOCKER_BY_RECOVERY, "recovery key" },
		     { BITLOCKER_BY_STARTUP, "startup key" } };
	size_t before = text->length;
	char id[GUID_TEXT_SIZE];

	for (size_t i = 0; i < metadata->count; i++) {
		const struct bitlocker_protector *protector = &metadata->protectors[i];

		for (size_t j = 0; j < ARRAY_SIZE(ways); j++)
			if (ways[j].protection == protector->protection)
				text_add(text, "%s%s {%s}",
					 text->length > before ? ", " : "", ways[j].text,
					 guid_format(&protector->id, id));
	}
	if (text->length == before)
		text_add(text, "nothing but the machine that it belongs to");
}

static int locked(const struct bitlocker_metadata *metadata,
		  const struct unlock_keys *keys, struct err *err)
{
	bool none = !keys || !keys->count;
	AUTO_FREE char *ways = NULL;
	struct text text = { 0 };

	add_ways(&text, metadata);
	ways = text_take(&text);
	if (!ways)
		return err_nomem(err);
	return err_set(err, none ? -ENOKEY : -EKEYREJECTED,
		       UNLOCK_LOCKED "%s; what opens it: %s",
		       none ? "" : ", no key that was given fits", ways);
}

static int unlock(const struct bitlocker_metadata *metadata,
		  const struct unlock_keys *keys, struct bitlocker_cipher **ret,
		  struct err *err)
{
	AUTO(secret_clear) struct secret master = { 0 };
	AUTO(secret_clear) struct secret volume = { 0 };
	int r = -EKEYREJECTED;

	for (size_t i = 0; i < metadata->count && r == -EKEYREJECTED; i++)
		r = try_protector(&metadata->protectors[i], keys, master.key, err);
	if (r == -EKEYREJECTED)
		return locked(metadata, keys, err);
	if (r == 0)
		r = unseal(&metadata->volume_key, master.key,
			   bitlocker_volume_key_size(metadata->method), volume.key, err);
	/* The master key is right: what it does not open was changed. */
	if (r == -EKEYREJECTED)
		return err_set(err, -EBADMSG,
			       "BitLocker: the key of the volume is damaged");
	return r < 0 ? r : bitlocker_cipher_new(metadata->method, volume.key, ret, err);
}

/* -- reading ---------------------------------------------------------------------- */

/* The volume in ranges of one kind. */
struct part {
	uint64_t length; /* from the offset that was asked for */
	bool is_zero;
	uint64_t from; /* where it lies on the volume, else */
};

struct bitlocker_source {
	struct block_source source;
	struct block_source *volume; /* borrowed */
	struct bitlocker_header header;
	uint64_t header_offset, header_size;
	struct bitlocker_cipher *cipher; /* owned */
};

/* Cuts part at the begin of a zero range, or makes it one. */
static void look_at_zeros(struct part *part, uint64_t offset, uint64_t begin,
			  uint64_t length)
{
	if (offset < begin)
		part->length = min_u64(part->length, begin - offset);
	else if (offset - begin < length) {
		part->is_zero = true;
		part->length = min_u64(part->length, length - (offset - begin));
	}
}

static struct part find_part(const struct bitlocker_source *bitlocker, uint64_t offset,
			     uint64_t length)
{
	struct part part = { .length = length, .from = offset };

	if (offset < bitlocker->header_size) {
		part.length = min_u64(length, bitlocker->header_size - offset);
		part.from = bitlocker->header_offset + offset;
		return part;
	}
	for (size_t i = 0; i < BITLOCKER_BLOCKS; i++)
		look_at_zeros(&part, offset, bitlocker->header.blocks[i],
			      BITLOCKER_BLOCK_AREA);
	look_at_zeros(&part, offset, bitlocker->header_offset, bitlocker->header_size);
	return part;
}

/* Whole sectors. */
static int read_sectors(struct bitlocker_source *bitlocker, uint8_t *buffer,
			uint64_t offset, size_t length, struct err *err)
{
	while (length) {
		struct part part = find_part(bitlocker, offset, length);
		int r = 0;

		if (part.is_zero)
			memset(buffer, 0, part.length);
		else
			r = source_read(bitlocker->volume, buffer, part.from, part.length,
					err);
		if (r < 0)
			return r;
		if (!part.is_zero)
			bitlocker_decrypt(bitlocker->cipher,
					  bitlocker->header.sector_size, part.from,
					  buffer, part.length);
		buffer += part.length;
		offset += part.length;
		length -= part.length;
	}
	return 0;
}

/* A part of one sector. */
static int read_piece(struct bitlocker_source *bitlocker, uint8_t *buffer,
		      uint64_t offset, size_t length, struct err *err)
{
	uint32_t size = bitlocker->header.sector_size;
	uint8_t sector[4096];
	int r = read_sectors(bitlocker, sector, align_down(offset, size), size, err);

	if (r == 0)
		memcpy(buffer, sector + offset % size, length);
	return r;
}

static int bitlocker_read_at(struct block_source *source, void *buffer, uint64_t offset,
			     size_t length, struct err *err)
{
	struct bitlocker_source *bitlocker = (struct bitlocker_source *)source;
	uint32_t size = bitlocker->header.sector_size;
	uint8_t *to = buffer;

	while (length) {
		size_t part = (size_t)align_down(length, size);
		int r;

		if (offset % size || !part) {
			part = (size_t)min_u64(length, size - offset % size);
			r = read_piece(bitlocker, to, offset, part, err);
		} else {
			r = read_sectors(bitlocker, to, offset, part, err);
		}
		if (r < 0)
			return r;
		to += part;
		offset += part;
		length -= part;
	}
	return 0;
}

static void bitlocker_close(struct block_source *source)
{
	struct bitlocker_source *bitlocker = (struct bitlocker_source *)source;

	bitlocker_cipher_free(bitlocker->cipher);
	free(source->name);
	free(bitlocker);
}

static const struct block_source_ops bitlocker_ops = {
	.read_at = bitlocker_read_at,
	.close = bitlocker_close,
};

/* -- opening ---------------------------------------------------------------------- */

/* The first copy of the metadata that is good. */
static int read_metadata(struct block_source *volume,
			 const struct bitlocker_header *header,
			 struct bitlocker_metadata *ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = malloc(BITLOCKER_BLOCK_AREA);
	int r = -EBADMSG;

	if (!bytes)
		return err_nomem(err);
	for (size_t i = 0; i < BITLOCKER_BLOCKS && r < 0 && r != -ENOTSUP; i++) {
		r = source_read(volume, bytes, header->blocks[i], BITLOCKER_BLOCK_AREA,
				err);
		if (r == 0)
			r = bitlocker_parse_block(bytes, volume->size, header, ret, err);
	}
	return r;
}

static int make_source(struct block_source *volume,
		       const struct bitlocker_metadata *metadata,
		       struct bitlocker_cipher *cipher, struct block_source **ret,
		       struct err *err)
{
	struct bitlocker_source *bitlocker = calloc(1, sizeof(*bitlocker));

	if (bitlocker)
		*bitlocker = (struct bitlocker_source){
			.source = { .ops = &bitlocker_ops,
				    .size = align_down(volume->size,
						       metadata->header.sector_size),
				    .sector_size = volume->sector_size,
				    .max_parallel = volume->max_parallel,
				    .name = strdup(volume->name) },
			.volume = volume,
			.header = metadata->header,
			.header_offset = metadata->header_offset,
			.header_size = metadata->header_size,
			.cipher = cipher,
		};
	if (bitlocker && bitlocker->source.name) {
		*ret = &bitlocker->source;
		return 0;
	}
	free(bitlocker);
	bitlocker_cipher_free(cipher);
	return err_nomem(err);
}

int bitlocker_open(struct block_source *volume, const struct unlock_keys *keys,
		   struct block_source **ret, struct err *err)
{
	AUTO_FREE struct bitlocker_metadata *metadata = calloc(1, sizeof(*metadata));
	struct bitlocker_cipher *cipher = NULL;
	struct bitlocker_header header = { 0 };
	uint8_t first[512] = { 0 };
	int r = source_read(volume, first, 0, min_u64(sizeof(first), volume->size), err);

	if (!metadata)
		return err_nomem(err);
	if (r == 0 && !bitlocker_is_header(first))
		return err_set(err, -ENOEXEC, "not BitLocker");
	if (r == 0)
		r = bitlocker_parse_header(first, volume->size, &header, err);
	if (r == 0)
		r = read_metadata(volume, &header, metadata, err);
	if (r == 0)
		r = unlock(metadata, keys, &cipher, err);
	return r < 0 ? r : make_source(volume, metadata, cipher, ret, err);
}
