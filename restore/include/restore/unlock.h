/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What opens BitLocker volumes: passwords, recovery keys (48 digits) and startup keys (*.bek).
 * Nothing that a person typed is kept, only what BitLocker makes of it first; whoever has it can
 * open the volume all the same: unlock_clear() wipes.
 */
#pragma once

#include <base/guid.h>

#define UNLOCK_KEY_SIZE 32u

/* How messages about a volume that stays closed begin: with "; what opens it: " behind, or with
 * "no key that was given fits" between. */
#define UNLOCK_LOCKED "BitLocker, locked"

/* Of several disks, each with its own. */
#define UNLOCK_KEYS_MAX 16

enum unlock_kind { UNLOCK_PASSWORD, UNLOCK_RECOVERY, UNLOCK_STARTUP };

struct unlock_key {
	enum unlock_kind kind;
	uint8_t bytes[UNLOCK_KEY_SIZE];
	struct guid id; /* UNLOCK_STARTUP: the protector that it belongs to */
};

struct unlock_keys {
	size_t count;
	struct unlock_key keys[UNLOCK_KEYS_MAX];
};

void unlock_clear(struct unlock_keys *keys);

/* Adds the keys of a file: a startup key, or text (UTF-8 or UTF-16) with lines
 * "password = …" and recovery keys anywhere, as in the file that Windows saves. -EINVAL: there
 * are none, or a recovery key is mistyped; nothing of the text is repeated. */
int unlock_read(const char *path, struct unlock_keys *keys, struct err *err) MUST_CHECK;
/* The same from bytes; name is for messages. Pure. */
int unlock_parse(const void *bytes, size_t length, const char *name,
		 struct unlock_keys *keys, struct err *err) MUST_CHECK;

/* 0: the text is a recovery key, eight groups of six digits with hyphens, blanks or nothing between
 * them; else the number of the first group that is none, or no multiple of 11 up to 720885; 9: there
 * is something behind the eighth. Pure. */
unsigned unlock_wrong_group(const char *text);

/* Adds what somebody typed: a recovery key if it has that form, else a password. */
int unlock_add_typed(struct unlock_keys *keys, const char *text,
		     struct err *err) MUST_CHECK;
