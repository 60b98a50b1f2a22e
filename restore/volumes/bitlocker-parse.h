/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BitLocker's metadata (bitlocker-format.h) as values. Pure. */
#pragma once

#include <restore/unlock.h>

#include "bitlocker-format.h"

/* More than Windows makes: one of each kind, and some recovery keys. Others are left out. */
#define BITLOCKER_PROTECTORS_MAX 32

/* The longest key and what describes it. */
#define BITLOCKER_SEALED_MAX 128

struct bitlocker_header {
	uint32_t sector_size; /* bytes */
	uint64_t blocks[BITLOCKER_BLOCKS];
};

struct bitlocker_sealed {
	uint8_t nonce[12], tag[16];
	size_t length; /* 0: there is none */
	uint8_t bytes[BITLOCKER_SEALED_MAX];
};

struct bitlocker_protector {
	struct guid id;
	unsigned protection; /* enum bitlocker_protection, or another */
	bool has_salt, has_key;
	uint8_t salt[16];
	uint8_t key[UNLOCK_KEY_SIZE]; /* in the clear */
	struct bitlocker_sealed sealed;
};

struct bitlocker_metadata {
	struct bitlocker_header header;
	uint64_t header_offset, header_size; /* bytes: where the file system's start lies */
	unsigned method;		     /* enum bitlocker_method */
	struct bitlocker_sealed volume_key;
	size_t count;
	struct bitlocker_protector protectors[BITLOCKER_PROTECTORS_MAX];
};

/* Is this the first sector of a BitLocker volume? */
bool bitlocker_is_header(const uint8_t bytes[512]);

/* Of a volume of size bytes. -ENOTSUP: Vista's, or a conversion that is under way. */
int bitlocker_parse_header(const uint8_t bytes[512], uint64_t size,
			   struct bitlocker_header *ret, struct err *err) MUST_CHECK;

/* BITLOCKER_BLOCK_AREA bytes from one of header's blocks on. -EBADMSG; -ENOTSUP: not (wholly)
 * encrypted, or in a way that is not known. */
int bitlocker_parse_block(const uint8_t *bytes, uint64_t size,
			  const struct bitlocker_header *header,
			  struct bitlocker_metadata *ret, struct err *err) MUST_CHECK;

/* What bitlocker_unseal() gave: a key of exactly size bytes. */
int bitlocker_parse_key(const uint8_t *plain, size_t length, uint8_t *ret, size_t size,
			struct err *err) MUST_CHECK;

/* A startup key file, *.bek. -ENOEXEC: it is something else. */
int bitlocker_parse_startup(const uint8_t *bytes, size_t length, struct unlock_key *ret,
			    struct err *err) MUST_CHECK;
