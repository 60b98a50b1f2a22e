/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values with an origin: setting them, and merging what several origins say of one value.
 */
#pragma once

#include <restore/backup.h>

static inline bool value_known(enum origin origin)
{
	return origin != ORIGIN_NONE;
}

static inline void value_set(struct value_u64 *value, uint64_t number, enum origin origin)
{
	value->value = number;
	value->origin = origin;
}

static inline void value_set_guid(struct value_guid *value, const struct guid *guid,
				  enum origin origin)
{
	value->value = *guid;
	value->origin = origin;
}

/* Replaces the text by a copy. */
int value_set_text(struct value_text *value, const char *text, enum origin origin,
		   struct err *err) MUST_CHECK;

/* How the number of a value is written for people. */
enum value_style { VALUE_NUMBER, VALUE_HEX, VALUE_TABLE_STYLE };

/* Takes the number where the value is unknown; where it is known and differs, the old one
 * stays and a contradiction is added to the version. */
struct value_claim {
	struct backup_version *version; /* gets the contradiction */
	const char *what;		/* "partition 3 of disk 0: length" */
	enum origin origin;		/* of the claim */
	bool fatal;			/* would a restore have to guess? */
	enum value_style style;
};
int value_merge(struct value_u64 *value, uint64_t number, const struct value_claim *claim,
		struct err *err) MUST_CHECK;
int value_merge_guid(struct value_guid *value, const struct guid *guid,
		     const struct value_claim *claim, struct err *err) MUST_CHECK;

/* Adds a contradiction; the texts are copied. The same one again is not added. */
int contradiction_add(struct backup_version *version, const struct contradiction *found,
		      struct err *err) MUST_CHECK;

/* Adds a reason why a version is not whole and lowers its health. */
int reason_add(struct backup_version *version, enum health health, struct err *err,
	       const char *format, ...) PRINTF(4, 5) MUST_CHECK;

/* Adds the name of a document. */
int document_add(struct backup_version *version, const char *name, struct err *err) MUST_CHECK;

/* Adds something odd that does not stop a restore. */
int note_add(struct backup_version *version, struct err *err, const char *format, ...)
	PRINTF(3, 4) MUST_CHECK;
