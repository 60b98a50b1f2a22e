/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BitLocker's arithmetic: from what a person knows to the key of a volume, and sectors with
 * that key. The one file of BitLocker that knows nettle. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/bytes.h>
#include <base/err.h>

#define BITLOCKER_KEY_SIZE 32u

/* 2^20 times SHA-256, so that guessing takes long: key becomes the one that opens the seal. */
void bitlocker_stretch(const uint8_t salt[16], uint8_t key[BITLOCKER_KEY_SIZE]);

/* Opens what AES-CCM sealed: length bytes of sealed become as many of plain. false: the key is
 * another one, or it was changed. */
bool bitlocker_unseal(const uint8_t key[BITLOCKER_KEY_SIZE], const uint8_t nonce[12],
		      const uint8_t tag[16], const uint8_t *sealed, size_t length,
		      uint8_t *plain) MUST_CHECK;

/* Of a method (enum bitlocker_method), bytes; 0: not known. */
size_t bitlocker_volume_key_size(unsigned method);

/* The ciphers of one volume. Wiped by whoever frees them. */
struct bitlocker_cipher;
int bitlocker_cipher_new(unsigned method, const uint8_t *key, struct bitlocker_cipher **ret,
			 struct err *err) MUST_CHECK;
void bitlocker_cipher_free(struct bitlocker_cipher *cipher); /* NULL is fine */

/* In place, count bytes in whole sectors, the first of which lies at offset of the volume.
 * Several threads may call it. */
void bitlocker_decrypt(struct bitlocker_cipher *cipher, uint32_t sector_size,
		       uint64_t offset, uint8_t *bytes, size_t count);
