/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Structs as JSON and back by tables: one line per member, both directions. Reading is
 * strict: every key must be there, no other may be, and numbers, texts and lists are
 * bounded. fields-json.c is the file that knows the JSON library; this header does not
 * show it.
 */
#pragma once

#include <stddef.h>

#include <restore/backup.h>

/* The longest text that is read. Paths and lines of error text are shorter. */
#define JSON_MAX_TEXT 65536
/* The longest document that is read: a thousand machines with a hundred versions each. */
#define JSON_MAX_DOCUMENT (256u << 20)

enum json_kind {
	JSON_KIND_CONSTANT, /* no member: the number in limit */
	JSON_KIND_U64,	    /* up to INT64_MAX */
	JSON_KIND_U32,
	JSON_KIND_INT,
	JSON_KIND_BOOL,
	JSON_KIND_HEX, /* uint64_t as "0x…" */
	JSON_KIND_GUID,
	JSON_KIND_TEXT,	     /* char *, owned; NULL is null */
	JSON_KIND_CHARS,     /* char[limit] */
	JSON_KIND_WORD,	     /* const char * out of names, not owned */
	JSON_KIND_ENUM,	     /* unsigned int, by names */
	JSON_KIND_ORIGIN,    /* enum origin */
	JSON_KIND_VALUE_U64, /* struct value_u64 */
	JSON_KIND_VALUE_HEX,
	JSON_KIND_VALUE_GUID, /* struct value_guid */
	JSON_KIND_VALUE_TEXT, /* struct value_text */
	JSON_KIND_NESTED,     /* a struct, by type */
	JSON_KIND_LIST,	      /* pointer and count, by type */
	JSON_KIND_LINES,      /* char ** and count */
};

struct json_names {
	const char *const *names;
	size_t count;
};

struct json_type;

struct json_field {
	const char *key;
	enum json_kind kind;
	size_t offset, count_offset;
	uint64_t limit; /* chars of an array, elements of a list, value of a constant */
	const struct json_names *names;
	const struct json_type *type;
};

struct json_type {
	const struct json_field *fields;
	size_t field_count;
	size_t size; /* bytes of the struct */
};

/* *ret_text is new, NUL-terminated, indented. */
int json_write(const struct json_type *type, const void *value, char **ret_text,
	       struct err *err) MUST_CHECK;

/* Fills the zeroed struct; on failure too it can be freed like a filled one. */
int json_read(const struct json_type *type, const char *text, size_t length, void *value,
	      struct err *err) MUST_CHECK;

#define JSON_NAMES(name, list)                                                           \
	static const struct json_names name = { list, ARRAY_SIZE(list) }
#define JSON_STRUCT(name, type_, list)                                                   \
	static const struct json_type name = { list, ARRAY_SIZE(list), sizeof(type_) }

/* Does member have the type that its kind needs? */
#define JSON_MEMBER(type_, member, needed)                                               \
	(offsetof(type_, member) +                                                       \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((type_ *)0)->member),  \
						      needed)                            \
				 ? 1                                                     \
				 : -1]))
#define JSON_PLAIN(type_, member, kind_, needed)                                         \
	{                                                                                \
		.key = #member, .kind = (kind_),                                         \
		.offset = JSON_MEMBER(type_, member, needed)                             \
	}
#define JSON_CONSTANT(key_, number)                                                      \
	{                                                                                \
		.key = (key_), .kind = JSON_KIND_CONSTANT, .limit = (number)             \
	}
#define JSON_U64(type_, member)	 JSON_PLAIN(type_, member, JSON_KIND_U64, uint64_t)
#define JSON_U32(type_, member)	 JSON_PLAIN(type_, member, JSON_KIND_U32, uint32_t)
#define JSON_INT(type_, member)	 JSON_PLAIN(type_, member, JSON_KIND_INT, int)
#define JSON_BOOL(type_, member) JSON_PLAIN(type_, member, JSON_KIND_BOOL, bool)
#define JSON_HEX(type_, member)	 JSON_PLAIN(type_, member, JSON_KIND_HEX, uint64_t)
#define JSON_GUID(type_, member) JSON_PLAIN(type_, member, JSON_KIND_GUID, struct guid)
#define JSON_TEXT(type_, member) JSON_PLAIN(type_, member, JSON_KIND_TEXT, char *)
#define JSON_ORIGIN(type_, member)                                                       \
	JSON_PLAIN(type_, member, JSON_KIND_ORIGIN, enum origin)
#define JSON_VALUE_U64(type_, member)                                                    \
	JSON_PLAIN(type_, member, JSON_KIND_VALUE_U64, struct value_u64)
#define JSON_VALUE_HEX(type_, member)                                                    \
	JSON_PLAIN(type_, member, JSON_KIND_VALUE_HEX, struct value_u64)
#define JSON_VALUE_GUID(type_, member)                                                   \
	JSON_PLAIN(type_, member, JSON_KIND_VALUE_GUID, struct value_guid)
#define JSON_VALUE_TEXT(type_, member)                                                   \
	JSON_PLAIN(type_, member, JSON_KIND_VALUE_TEXT, struct value_text)
#define JSON_CHARS(type_, member)                                                        \
	{                                                                                \
		.key = #member, .kind = JSON_KIND_CHARS,                                 \
		.offset = offsetof(type_, member), .limit = sizeof(((type_ *)0)->member) \
	}
#define JSON_WORD(type_, member, names_)                                                 \
	{                                                                                \
		.key = #member, .kind = JSON_KIND_WORD,                                  \
		.offset = JSON_MEMBER(type_, member, const char *), .names = &(names_)   \
	}
#define JSON_ENUM(type_, member, names_)                                                 \
	{                                                                                \
		.key = #member, .kind = JSON_KIND_ENUM,                                  \
		.offset = offsetof(type_, member),                                       \
		.limit = sizeof(((type_ *)0)->member), .names = &(names_)                \
	}
#define JSON_NESTED(type_, member, type__)                                               \
	{                                                                                \
		.key = #member, .kind = JSON_KIND_NESTED,                                \
		.offset = offsetof(type_, member), .type = &(type__)                     \
	}
#define JSON_LIST(type_, member, count, type__, limit_)                                  \
	{                                                                                \
		.key = #member, .kind = JSON_KIND_LIST,                                  \
		.offset = offsetof(type_, member),                                       \
		.count_offset = JSON_MEMBER(type_, count, size_t), .limit = (limit_),    \
		.type = &(type__)                                                        \
	}
#define JSON_LINES(type_, member, count, limit_)                                         \
	{                                                                                \
		.key = #member, .kind = JSON_KIND_LINES,                                 \
		.offset = JSON_MEMBER(type_, member, char **),                           \
		.count_offset = JSON_MEMBER(type_, count, size_t), .limit = (limit_)     \
	}
