/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BitLocker's arithmetic: see bitlocker-crypt.h. */
#include "bitlocker-crypt.h"

#include <string.h>

#include <nettle/cbc.h>
#include <nettle/ccm.h>
#include <nettle/sha2.h>
#include <nettle/xts.h>

#include <base/cleanup.h>

#include "bitlocker-format.h"

#define STRETCH_ROUNDS 0x100000u

#define SEALED_MAX 4096 /* bytes; keys have less than a hundred */

void bitlocker_stretch(const uint8_t salt[16], uint8_t key[BITLOCKER_KEY_SIZE])
{
	struct {
		uint8_t last[32], first[32], salt[16];
		le64 count;
	} state = { 0 };
	struct sha256_ctx hash;

	_Static_assert(sizeof(state) == 88, "what is hashed");
	sha256_init(&hash);
	memcpy(state.first, key, sizeof(state.first));
	memcpy(state.salt, salt, sizeof(state.salt));
	for (uint64_t i = 0; i < STRETCH_ROUNDS; i++) {
		state.count = put_le64(i);
		sha256_update(&hash, sizeof(state), (const uint8_t *)&state);
		sha256_digest(&hash, sizeof(state.last), state.last);
	}
	memcpy(key, state.last, BITLOCKER_KEY_SIZE);
	explicit_bzero(&state, sizeof(state));
}

/* nettle wants the tag behind, BitLocker has it in front. */
bool bitlocker_unseal(const uint8_t key[BITLOCKER_KEY_SIZE], const uint8_t nonce[12],
		      const uint8_t tag[16], const uint8_t *sealed, size_t length,
		      uint8_t *plain)
{
	uint8_t joined[SEALED_MAX + 16];
	struct aes256_ctx cipher;
	int good;

	if (length > SEALED_MAX)
		return false;
	memcpy(joined, sealed, length);
	memcpy(joined + length, tag, 16);
	aes256_set_encrypt_key(&cipher, key);
	good = ccm_decrypt_message(&cipher, (nettle_cipher_func *)aes256_encrypt, 12,
				   nonce, 0, NULL, 16, length, plain, joined);
	explicit_bzero(&cipher, sizeof(cipher));
	return good;
}

/* -- sectors ---------------------------------------------------------------------- */

struct aes {
	nettle_cipher_func *encrypt_block, *decrypt_block;
	union {
		struct aes128_ctx of_128;
		struct aes256_ctx of_256;
	} encrypt, decrypt;
};

struct bitlocker_cipher {
	void (*decrypt)(struct bitlocker_cipher *cipher, uint32_t sector_size,
			uint64_t offset, uint8_t *sector);
	struct aes data, tweak; /* tweak: of the diffuser alone */
	union {
		struct xts_aes128_key of_128;
		struct xts_aes256_key of_256;
	} xts;
};

static void aes_set(struct aes *aes, const uint8_t *key, bool is_256)
{
	if (is_256) {
		aes->encrypt_block = (nettle_cipher_func *)aes256_encrypt;
		aes->decrypt_block = (nettle_cipher_func *)aes256_decrypt;
		aes256_set_encrypt_key(&aes->encrypt.of_256, key);
		aes256_set_decrypt_key(&aes->decrypt.of_256, key);
	} else {
		aes->encrypt_block = (nettle_cipher_func *)aes128_encrypt;
		aes->decrypt_block = (nettle_cipher_func *)aes128_decrypt;
		aes128_set_encrypt_key(&aes->encrypt.of_128, key);
		aes128_set_decrypt_key(&aes->decrypt.of_128, key);
	}
}

struct block {
	le64 number, rest;
};

/* The initial vector is the encrypted position of the sector. */
static void decrypt_cbc(struct bitlocker_cipher *cipher, uint32_t sector_size,
			uint64_t offset, uint8_t *sector)
{
	struct block position = { .number = put_le64(offset) };
	uint8_t vector[AES_BLOCK_SIZE];

	cipher->data.encrypt_block(&cipher->data.encrypt, sizeof(vector), vector,
				   (const uint8_t *)&position);
	cbc_decrypt(&cipher->data.decrypt, cipher->data.decrypt_block, AES_BLOCK_SIZE,
		    vector, sector_size, sector, sector);
}

static uint32_t rotate_left(uint32_t value, unsigned bits)
{
	return bits ? value << bits | value >> (32 - bits) : value;
}

static uint32_t get_word(const uint8_t *sector, size_t index)
{
	le32 word;

	memcpy(&word, sector + 4 * index, sizeof(word));
	return get_le32(word);
}

static void add_word(uint8_t *sector, size_t index, uint32_t value)
{
	le32 word = put_le32(get_word(sector, index) + value);

	memcpy(sector + 4 * index, &word, sizeof(word));
}

/* N. Ferguson, "AES-CBC + Elephant diffuser" (Microsoft, 2006), 4.2: A is undone after B. */
static void undo_diffuser(uint8_t *sector, size_t words)
{
	static const unsigned a_bits[4] = { 9, 0, 13, 0 }, b_bits[4] = { 0, 10, 0, 25 };

	for (unsigned round = 0; round < 3; round++)
		for (size_t i = 0; i < words; i++)
			add_word(sector, i,
				 get_word(sector, (i + 2) % words) ^
					 rotate_left(get_word(sector, (i + 5) % words),
						     b_bits[i % 4]));
	for (unsigned round = 0; round < 5; round++)
		for (size_t i = 0; i < words; i++)
			add_word(sector, i,
				 get_word(sector, (i + words - 2) % words) ^
					 rotate_left(get_word(sector,
							      (i + words - 5) % words),
						     a_bits[i % 4]));
}

static void decrypt_diffused(struct bitlocker_cipher *cipher, uint32_t sector_size,
			     uint64_t offset, uint8_t *sector)
{
	struct block position[2] = { { .number = put_le64(offset) },
				     { .number = put_le64(offset) } };
	uint8_t key[sizeof(position)];

	((uint8_t *)&position[1])[15] = 0x80;
	decrypt_cbc(cipher, sector_size, offset, sector);
	undo_diffuser(sector, sector_size / 4);
	cipher->tweak.encrypt_block(&cipher->tweak.encrypt, sizeof(key), key,
				    (const uint8_t *)position);
	for (size_t i = 0; i < sector_size; i++)
		sector[i] ^= key[i % sizeof(key)];
}

static void decrypt_xts_128(struct bitlocker_cipher *cipher, uint32_t sector_size,
			    uint64_t offset, uint8_t *sector)
{
	struct block number = { .number = put_le64(offset / sector_size) };

	xts_aes128_decrypt_message(&cipher->xts.of_128, (const uint8_t *)&number,
				   sector_size, sector, sector);
}

static void decrypt_xts_256(struct bitlocker_cipher *cipher, uint32_t sector_size,
			    uint64_t offset, uint8_t *sector)
{
	struct block number = { .number = put_le64(offset / sector_size) };

	xts_aes256_decrypt_message(&cipher->xts.of_256, (const uint8_t *)&number,
				   sector_size, sector, sector);
}

/* -- methods ---------------------------------------------------------------------- */

static const struct method {
	void (*decrypt)(struct bitlocker_cipher *cipher, uint32_t sector_size,
			uint64_t offset, uint8_t *sector);
	size_t key_size;
	unsigned id;
	bool is_256;
} methods[] = {
	/* the key of the tweak is the second half */
	{ decrypt_diffused, 64, BITLOCKER_AES_128_DIFFUSER, false },
	{ decrypt_diffused, 64, BITLOCKER_AES_256_DIFFUSER, true },
	{ decrypt_cbc, 16, BITLOCKER_AES_128, false },
	{ decrypt_cbc, 32, BITLOCKER_AES_256, true },
	{ decrypt_xts_128, 32, BITLOCKER_XTS_128, false },
	{ decrypt_xts_256, 64, BITLOCKER_XTS_256, true },
};

static const struct method *find_method(unsigned id)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (methods[i].id == id)
			return &methods[i];
	return NULL;
}

size_t bitlocker_volume_key_size(unsigned method)
{
	const struct method *found = find_method(method);

	return found ? found->key_size : 0;
}

int bitlocker_cipher_new(unsigned id, const uint8_t *key, struct bitlocker_cipher **ret,
			 struct err *err)
{
	const struct method *method = find_method(id);
	struct bitlocker_cipher *cipher;

	if (!method)
		return err_set(err, -ENOTSUP, "encryption method %#x", id);
	cipher = calloc(1, sizeof(*cipher));
	if (!cipher)
		return err_nomem(err);
	cipher->decrypt = method->decrypt;
	if (method->decrypt == decrypt_xts_128) {
		xts_aes128_set_decrypt_key(&cipher->xts.of_128, key);
	} else if (method->decrypt == decrypt_xts_256) {
		xts_aes256_set_decrypt_key(&cipher->xts.of_256, key);
	} else {
		aes_set(&cipher->data, key, method->is_256);
		if (method->decrypt == decrypt_diffused)
			aes_set(&cipher->tweak, key + 32, method->is_256);
	}
	*ret = cipher;
	return 0;
}

void bitlocker_cipher_free(struct bitlocker_cipher *cipher)
{
	if (cipher)
		explicit_bzero(cipher, sizeof(*cipher));
	free(cipher);
}

void bitlocker_decrypt(struct bitlocker_cipher *cipher, uint32_t sector_size,
		       uint64_t offset, uint8_t *bytes, size_t count)
{
	for (size_t at = 0; at + sector_size <= count; at += sector_size)
		cipher->decrypt(cipher, sector_size, offset + at, bytes + at);
}
