/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structs as JSON by tables: see fields-json.h. */
#include "fields-json.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <jansson.h>

#include <base/utf.h>

#include "value.h"

static void json_free(json_t *json)
{
	json_decref(json);
}
DEFINE_FREEP(json_t, json, json_free)

/* -- writing ---- */

/* NULL: no memory, or a number beyond INT64_MAX. */
static json_t *write_struct(const struct json_type *type, const void *value);

static json_t *write_number(uint64_t number)
{
	return number > INT64_MAX ? NULL : json_integer((json_int_t)number);
}

static json_t *write_hex(uint64_t number)
{
	return json_sprintf("0x%" PRIx64, number);
}

static json_t *write_guid(const struct guid *guid)
{
	char text[GUID_TEXT_SIZE];

	return json_string(guid_format(guid, text));
}

/* Names in a tree are UTF-8, but a message that was cut may end inside a character: then
 * all that is not ASCII becomes '?'. */
static json_t *write_plain(const char *text)
{
	AUTO_FREE char *plain = strdup(text);

	for (char *c = plain; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return plain ? json_string(plain) : NULL;
}

static json_t *write_text(const char *text)
{
	if (!text)
		return json_null();
	return utf8_check(text, strlen(text)) == 0 ? json_string(text)
						   : write_plain(text);
}

/* Takes content over. */
static json_t *write_value(enum origin origin, json_t *content)
{
	if (!content)
		return NULL;
	if (!value_known(origin)) {
		json_decref(content);
		return json_null();
	}
	return json_pack("{s:o,s:s}", "value", content, "origin", origin_id(origin));
}

static json_t *write_list(const struct json_field *field, const char *elements,
			  size_t count)
{
	AUTO(json_freep) json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *element =
			write_struct(field->type, elements + i * field->type->size);

		if (!element || json_array_append_new(list, element) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

static json_t *write_lines(char *const *lines, size_t count)
{
	AUTO(json_freep) json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(list, write_text(lines[i])) < 0)
			return NULL;
	return TAKE_PTR(list);
}

static json_t *write_values(const struct json_field *field, const void *member)
{
	const struct value_u64 *number = member;
	const struct value_guid *guid = member;
	const struct value_text *text = member;

	switch (field->kind) {
	case JSON_KIND_VALUE_U64:
		return write_value(number->origin, write_number(number->value));
	case JSON_KIND_VALUE_HEX:
		return write_value(number->origin, write_hex(number->value));
	case JSON_KIND_VALUE_GUID:
		return write_value(guid->origin, write_guid(&guid->value));
	default:
		return write_value(text->origin, write_text(text->value));
	}
}

static json_t *write_name(const struct json_names *names, unsigned index)
{
	return index < names->count ? json_string(names->names[index]) : NULL;
}

static json_t *write_field(const struct json_field *field, const char *base)
{
	const void *member = base + field->offset;
	size_t count = *(const size_t *)(base + field->count_offset);

	switch (field->kind) {
	case JSON_KIND_CONSTANT:
		return write_number(field->limit);
	case JSON_KIND_U64:
		return write_number(*(const uint64_t *)member);
	case JSON_KIND_U32:
		return write_number(*(const uint32_t *)member);
	case JSON_KIND_INT:
		return json_integer(*(const int *)member);
	case JSON_KIND_BOOL:
		return json_boolean(*(const bool *)member);
	case JSON_KIND_HEX:
		return write_hex(*(const uint64_t *)member);
	case JSON_KIND_GUID:
		return write_guid(member);
	case JSON_KIND_CHARS:
		return write_text(member);
	case JSON_KIND_TEXT:
	case JSON_KIND_WORD:
		return write_text(*(char *const *)member);
	case JSON_KIND_ENUM:
		return write_name(field->names, *(const unsigned *)member);
	case JSON_KIND_ORIGIN:
		return json_string(origin_id(*(const enum origin *)member));
	case JSON_KIND_NESTED:
		return write_struct(field->type, member);
	case JSON_KIND_LIST:
		return write_list(field, *(const char *const *)member, count);
	case JSON_KIND_LINES:
		return write_lines(*(char *const *const *)member, count);
	default:
		return write_values(field, member);
	}
}

static json_t *write_struct(const struct json_type *type, const void *value)
{
	AUTO(json_freep) json_t *object = json_object();

	for (size_t i = 0; i < type->field_count; i++) {
		json_t *member = write_field(&type->fields[i], value);

		if (!member ||
		    json_object_set_new(object, type->fields[i].key, member) < 0)
			return NULL;
	}
	return TAKE_PTR(object);
}

int json_write(const struct json_type *type, const void *value, char **ret_text,
	       struct err *err)
{
	AUTO(json_freep) json_t *object = write_struct(type, value);
	char *text;

	if (!object)
		return err_set(err, -EINVAL,
			       "cannot be written as JSON: a number beyond %" PRId64
			       ", or out of memory",
			       INT64_MAX);
	text = json_dumps(object, JSON_INDENT(1));
	if (!text)
		return err_nomem(err);
	*ret_text = text;
	return 0;
}

/* -- reading ---- */

static int read_struct(const struct json_type *type, const json_t *json, void *value,
		       struct err *err);

static int wrong(const struct json_field *field, const char *wanted, struct err *err)
{
	return err_set(err, -EBADMSG, "JSON: '%s' must be %s", field->key, wanted);
}

static int read_number(const struct json_field *field, const json_t *json, uint64_t limit,
		       uint64_t *ret, struct err *err)
{
	json_int_t number = json_integer_value(json);

	if (!json_is_integer(json) || number < 0 || (uint64_t)number > limit)
		return wrong(field, "a number in its range", err);
	*ret = (uint64_t)number;
	return 0;
}

static int read_int(const struct json_field *field, const json_t *json, int *ret,
		    struct err *err)
{
	json_int_t number = json_integer_value(json);

	if (!json_is_integer(json) || number < INT_MIN || number > INT_MAX)
		return wrong(field, "a number in its range", err);
	*ret = (int)number;
	return 0;
}

static int read_hex(const struct json_field *field, const json_t *json, uint64_t *ret,
		    struct err *err)
{
	const char *text = json_string_value(json);
	char *end = NULL;

	/* 0x and up to 16 digits; strtoull would also take signs and blanks. */
	if (!text || strncmp(text, "0x", 2) != 0 || strlen(text) < 3 ||
	    strlen(text) > 18 || strspn(text + 2, "0123456789abcdef") != strlen(text + 2))
		return wrong(field, "a hexadecimal number", err);
	*ret = strtoull(text + 2, &end, 16);
	return 0;
}

static int read_guid(const struct json_field *field, const json_t *json, struct guid *ret,
		     struct err *err)
{
	const char *text = json_string_value(json);

	if (!text || guid_parse(text, strlen(text), ret) < 0)
		return wrong(field, "a GUID", err);
	return 0;
}

/* A text of at most limit bytes. The library has checked that it is UTF-8 without NUL. */
static int check_text(const struct json_field *field, const json_t *json, size_t limit,
		      struct err *err)
{
	if (!json_is_string(json) || json_string_length(json) > limit)
		return wrong(field, "a text that is not too long", err);
	return 0;
}

static int read_text(const struct json_field *field, const json_t *json, char **ret,
		     struct err *err)
{
	int r;

	if (json_is_null(json))
		return 0;
	r = check_text(field, json, JSON_MAX_TEXT, err);
	if (r < 0)
		return r;
	*ret = strdup(json_string_value(json));
	return *ret ? 0 : err_nomem(err);
}

static int read_name(const struct json_field *field, const struct json_names *names,
		     const json_t *json, size_t *ret, struct err *err)
{
	const char *text = json_string_value(json);

	for (size_t i = 0; text && i < names->count; i++) {
		if (names->names[i] && strcmp(names->names[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return wrong(field, "one of its words", err);
}

static int read_origin(const struct json_field *field, const json_t *json,
		       enum origin *ret, struct err *err)
{
	const char *text = json_string_value(json);

	for (unsigned i = 0; text && i < ORIGIN_COUNT; i++) {
		if (strcmp(text, origin_id((enum origin)i)) == 0) {
			*ret = (enum origin)i;
			return 0;
		}
	}
	return wrong(field, "an origin", err);
}

/* Opens { "value": …, "origin": … }; *ret_value NULL: unknown. */
static int read_value(const struct json_field *field, const json_t *json,
		      enum origin *origin, const json_t **ret_value, struct err *err)
{
	int r;

	*ret_value = NULL;
	if (json_is_null(json))
		return 0;
	if (!json_is_object(json) || json_object_size(json) != 2 ||
	    !json_object_get(json, "value"))
		return wrong(field, "null or a value with an origin", err);
	r = read_origin(field, json_object_get(json, "origin"), origin, err);
	if (r < 0)
		return r;
	if (!value_known(*origin))
		return wrong(field, "null or a value with an origin", err);
	*ret_value = json_object_get(json, "value");
	return 0;
}

static int read_values(const struct json_field *field, const json_t *json, void *member,
		       struct err *err)
{
	struct value_u64 *number = member;
	struct value_guid *guid = member;
	struct value_text *text = member;
	const json_t *value = NULL;
	enum origin origin = ORIGIN_NONE;
	int r = read_value(field, json, &origin, &value, err);

	if (r < 0 || !value)
		return r;
	switch (field->kind) {
	case JSON_KIND_VALUE_U64:
		number->origin = origin;
		return read_number(field, value, INT64_MAX, &number->value, err);
	case JSON_KIND_VALUE_HEX:
		number->origin = origin;
		return read_hex(field, value, &number->value, err);
	case JSON_KIND_VALUE_GUID:
		guid->origin = origin;
		return read_guid(field, value, &guid->value, err);
	default:
		text->origin = origin;
		return read_text(field, value, &text->value, err);
	}
}

/* The count is set only with the elements, all zeroed: whatever fails can be freed. */
static int read_list(const struct json_field *field, const json_t *json, char **ret,
		     size_t *ret_count, struct err *err)
{
	size_t count = json_array_size(json);
	int r = 0;

	if (!json_is_array(json) || count > field->limit)
		return wrong(field, "a list that is not too long", err);
	*ret = calloc(count + 1, field->type->size);
	if (!*ret)
		return err_nomem(err);
	*ret_count = count;
	for (size_t i = 0; i < count && r == 0; i++)
		r = read_struct(field->type, json_array_get(json, i),
				*ret + i * field->type->size, err);
	return r;
}

static int read_lines(const struct json_field *field, const json_t *json, char ***ret,
		      size_t *ret_count, struct err *err)
{
	size_t count = json_array_size(json);
	int r = 0;

	if (!json_is_array(json) || count > field->limit)
		return wrong(field, "a list that is not too long", err);
	*ret = calloc(count + 1, sizeof(**ret));
	if (!*ret)
		return err_nomem(err);
	*ret_count = count;
	for (size_t i = 0; i < count && r == 0; i++) {
		if (!json_is_string(json_array_get(json, i)))
			return wrong(field, "a list of texts", err);
		r = read_text(field, json_array_get(json, i), &(*ret)[i], err);
	}
	return r;
}

static int read_u32(const struct json_field *field, const json_t *json, uint32_t *ret,
		    struct err *err)
{
	uint64_t number = 0;
	int r = read_number(field, json, UINT32_MAX, &number, err);

	*ret = (uint32_t)number;
	return r;
}

static int read_constant(const struct json_field *field, const json_t *json,
			 struct err *err)
{
	if (!json_is_integer(json) || (uint64_t)json_integer_value(json) != field->limit)
		return err_set(err, -EBADMSG, "JSON: '%s' must be %" PRIu64, field->key,
			       field->limit);
	return 0;
}

static int read_chars(const struct json_field *field, const json_t *json, char *member,
		      struct err *err)
{
	int r = check_text(field, json, field->limit - 1, err);

	if (r == 0)
		memcpy(member, json_string_value(json), json_string_length(json));
	return r;
}

static int read_word(const struct json_field *field, const json_t *json, void *member,
		     struct err *err)
{
	size_t index = 0;
	int r = read_name(field, field->names, json, &index, err);

	if (r < 0)
		return r;
	if (field->kind == JSON_KIND_WORD)
		*(const char **)member = field->names->names[index];
	else
		*(unsigned *)member = (unsigned)index;
	return 0;
}

static int read_bool(const struct json_field *field, const json_t *json, bool *member,
		     struct err *err)
{
	if (!json_is_boolean(json))
		return wrong(field, "true or false", err);
	*member = json_is_true(json);
	return 0;
}

static int read_field(const struct json_field *field, const json_t *json, char *base,
		      struct err *err)
{
	void *member = base + field->offset;
	size_t *count = (size_t *)(base + field->count_offset);

	switch (field->kind) {
	case JSON_KIND_CONSTANT:
		return read_constant(field, json, err);
	case JSON_KIND_U64:
		return read_number(field, json, INT64_MAX, member, err);
	case JSON_KIND_U32:
		return read_u32(field, json, member, err);
	case JSON_KIND_INT:
		return read_int(field, json, member, err);
	case JSON_KIND_BOOL:
		return read_bool(field, json, member, err);
	case JSON_KIND_HEX:
		return read_hex(field, json, member, err);
	case JSON_KIND_GUID:
		return read_guid(field, json, member, err);
	case JSON_KIND_TEXT:
		return read_text(field, json, member, err);
	case JSON_KIND_CHARS:
		return read_chars(field, json, member, err);
	case JSON_KIND_WORD:
	case JSON_KIND_ENUM:
		return read_word(field, json, member, err);
	case JSON_KIND_ORIGIN:
		return read_origin(field, json, member, err);
	case JSON_KIND_NESTED:
		return read_struct(field->type, json, member, err);
	case JSON_KIND_LIST:
		return read_list(field, json, member, count, err);
	case JSON_KIND_LINES:
		return read_lines(field, json, member, count, err);
	default:
		return read_values(field, json, member, err);
	}
}

/* All keys of the table and, since the number of keys is the same, no others. */
static int read_struct(const struct json_type *type, const json_t *json, void *value,
		       struct err *err)
{
	if (!json_is_object(json))
		return err_set(err, -EBADMSG, "JSON: an object with '%s' is missing",
			       type->fields[0].key);
	for (size_t i = 0; i < type->field_count; i++) {
		const json_t *member = json_object_get(json, type->fields[i].key);
		int r;

		if (!member)
			return err_set(err, -EBADMSG, "JSON: key '%s' is missing",
				       type->fields[i].key);
		r = read_field(&type->fields[i], member, value, err);
		if (r < 0)
			return r;
	}
	if (json_object_size(json) != type->field_count)
		return err_set(err, -EBADMSG, "JSON: unknown key beside '%s'",
			       type->fields[0].key);
	return 0;
}

int json_read(const struct json_type *type, const char *text, size_t length, void *value,
	      struct err *err)
{
	AUTO(json_freep) json_t *json = NULL;
	json_error_t error;

	if (length > JSON_MAX_DOCUMENT)
		return err_set(err, -EBADMSG, "JSON: %zu bytes, limit %u", length,
			       JSON_MAX_DOCUMENT);
	json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return err_set(err, -EBADMSG, "JSON: line %d: %s", error.line,
			       error.text);
	return read_struct(type, json, value, err);
}
