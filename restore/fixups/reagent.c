/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ReAgent.xml: see reagent.h. The document is parsed to understand it, and changed as text, so
 * that what is not understood stays; the result is parsed again and must say what was meant.
 */
#include "reagent.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <base/utf.h>

#include "evidence/xml.h"

#define ROOT	 "WindowsRE"
#define LOCATION "WinreLocation"

/* -- encodings ---- */

struct encoding {
	bool wide; /* UTF-16LE */
	bool mark;
	size_t tail; /* bytes of NULs at the end */
};

static struct encoding find_encoding(const uint8_t *bytes, size_t length)
{
	struct encoding encoding = { 0 };

	encoding.wide = length >= 2 && ((bytes[0] == 0xff && bytes[1] == 0xfe) ||
					(bytes[0] && !bytes[1]));
	encoding.mark = encoding.wide
				? bytes[0] == 0xff && bytes[1] == 0xfe
				: length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
	while (length - encoding.tail >= 2 && !bytes[length - 1 - encoding.tail] &&
	       (!encoding.wide || !bytes[length - 2 - encoding.tail]))
		encoding.tail += encoding.wide ? 2 : 1;
	return encoding;
}

static int encode(const struct encoding *encoding, const char *text, uint8_t **ret,
		  size_t *ret_length, struct err *err)
{
	AUTO_FREE uint8_t *wide = NULL;
	size_t length = strlen(text), mark;
	const void *body = text;
	uint8_t *bytes;

	if (encoding->wide) {
		int r = utf8_to_utf16le(text, &wide, &length, err);

		if (r < 0)
			return r;
		body = wide;
	}
	mark = !encoding->mark ? 0 : encoding->wide ? 2 : 3;
	bytes = calloc(1, mark + length + encoding->tail + 1);
	if (!bytes)
		return err_nomem(err);
	memcpy(bytes, encoding->wide ? "\xff\xfe" : "\xef\xbb\xbf", mark);
	memcpy(bytes + mark, body, length);
	*ret = bytes;
	*ret_length = mark + length + encoding->tail;
	return 0;
}

/* -- locations ---- */

static bool read_number(const char *text, uint64_t limit, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return isdigit((unsigned char)text[0]) && !*end && errno == 0 && *ret <= limit;
}

/* 1: a location; 0: empty, or something else. */
static int read_location(const struct xml_element *element, const char *what,
			 struct reagent_location *ret, struct err *err)
{
	const char *id = xml_value(element, "id");
	const char *offset = xml_value(element, "offset");
	const char *guid = xml_value(element, "guid");
	struct reagent_location location = { 0 };
	uint64_t signature;

	if (!id || !offset || !guid)
		return 0;
	if (!read_number(id, UINT32_MAX, &signature) ||
	    !read_number(offset, INT64_MAX, &location.offset) ||
	    guid_parse(guid, strlen(guid), &location.disk.disk_id) < 0)
		return err_set(err, -EBADMSG,
			       "'%s': %s has id '%.20s', offset '%.30s', guid '%.50s'",
			       what, element->name, id, offset, guid);
	location.disk.mbr_signature = (uint32_t)signature;
	if (!guid_is_zero(&location.disk.disk_id))
		location.disk.kind = BCD_DEVICE_GPT;
	else if (signature)
		location.disk.kind = BCD_DEVICE_MBR;
	else
		return 0;
	*ret = location;
	return 1;
}

static bool is_enabled(const struct xml_element *root)
{
	const struct xml_element *state = xml_find(root, "InstallState");
	const char *value = state ? xml_value(state, "state") : NULL;

	return value && strcmp(value, "1") == 0;
}

/* -- the text ---- */

/* The value of an attribute between start and end of a tag; NULL: it is written in a way that is
 * not changed here. */
static char *find_value(char *start, const char *end, const char *name,
			size_t *ret_length)
{
	size_t name_length = strlen(name);

	for (char *at = start; at + name_length + 2 < end; at++) {
		char *value = at + 1 + name_length + 2;
		const char *quote;

		if (!isspace((unsigned char)*at) ||
		    strncmp(at + 1, name, name_length) != 0 || value[-2] != '=' ||
		    (value[-1] != '"' && value[-1] != '\''))
			continue;
		quote = memchr(value, value[-1], (size_t)(end - value));
		if (!quote)
			return NULL;
		*ret_length = (size_t)(quote - value);
		return value;
	}
	return NULL;
}

static int replace(char **text, char *at, size_t old_length, const char *new_value)
{
	char *replaced = text_format("%.*s%s%s", (int)(at - *text), *text, new_value,
				     at + old_length);

	if (!replaced)
		return -ENOMEM;
	free(*text);
	*text = replaced;
	return 0;
}

/* The tag of this name that begins at from or behind it. */
static char *find_tag(char *text, const char *name)
{
	size_t length = strlen(name);

	for (char *at = strchr(text, '<'); at; at = strchr(at + 1, '<'))
		if (strncmp(at + 1, name, length) == 0 &&
		    (isspace((unsigned char)at[1 + length])))
			return at;
	return NULL;
}

static int set_value(char **text, const char *element, const char *name,
		     const char *value, const char *what, struct err *err)
{
	char *tag = find_tag(*text, element);
	const char *end = tag ? strchr(tag, '>') : NULL;
	size_t length;
	char *at = end ? find_value(tag, end, name, &length) : NULL;

	if (!at)
		return err_set(err, -ENOTSUP, "'%s': %s of %s is not found in the text",
			       what, name, element);
	return replace(text, at, length, value) < 0 ? err_nomem(err) : 0;
}

static int write_location(char **text, const char *element,
			  const struct reagent_location *location, const char *what,
			  struct err *err)
{
	bool gpt = location->disk.kind == BCD_DEVICE_GPT;
	const struct guid none = { 0 };
	char id[16], offset[24], guid[GUID_TEXT_SIZE], braced[GUID_TEXT_SIZE + 2];
	int r;

	snprintf(id, sizeof(id), "%" PRIu32, gpt ? 0 : location->disk.mbr_signature);
	snprintf(offset, sizeof(offset), "%" PRIu64, location->offset);
	snprintf(braced, sizeof(braced), "{%s}",
		 guid_format(gpt ? &location->disk.disk_id : &none, guid));
	r = set_value(text, element, "id", id, what, err);
	if (r == 0)
		r = set_value(text, element, "offset", offset, what, err);
	return r < 0 ? r : set_value(text, element, "guid", braced, what, err);
}

static bool same_location(const struct reagent_location *a,
			  const struct reagent_location *b)
{
	if (a->disk.kind != b->disk.kind || a->offset != b->offset)
		return false;
	return a->disk.kind == BCD_DEVICE_GPT
		       ? guid_equal(&a->disk.disk_id, &b->disk.disk_id)
		       : a->disk.mbr_signature == b->disk.mbr_signature;
}

/* Does the changed text say what was meant? */
static int check_location(const char *text, const char *name,
			  const struct reagent_location *wanted, const char *what,
			  struct err *err)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	struct reagent_location found = { 0 };
	const struct xml_element *element;
	int r = xml_parse(text, strlen(text), what, &root, err);

	if (r < 0)
		return r;
	element = xml_find(root, name);
	r = element ? read_location(element, what, &found, err) : 0;
	if (r >= 0 && !same_location(&found, wanted))
		r = err_set(err, -ENOTSUP,
			    "'%s': %s is written in a way that is not "
			    "changed here",
			    what, name);
	return r < 0 ? r : 0;
}

static int parse(const char *text, const char *what, struct xml_element **ret,
		 struct err *err)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	int r = xml_parse(text, strlen(text), what, &root, err);

	if (r < 0)
		return r;
	if (strcmp(root->name, ROOT) != 0)
		return err_set(err, -EBADMSG,
			       "'%s': begins with '%.40s', must be '" ROOT "'", what,
			       root->name);
	*ret = TAKE_PTR(root);
	return 0;
}

struct edit {
	char *text; /* as changed so far; owned */
	const struct xml_element *root;
	const char *what;
	reagent_visit *visit;
	void *context;
};

/* 1: the text was changed. */
static int edit_element(struct edit *edit, const struct xml_element *element,
			struct err *err)
{
	bool enabled = is_enabled(edit->root) && strcmp(element->name, LOCATION) == 0;
	struct reagent_location location;
	int r = read_location(element, edit->what, &location, err);

	if (r > 0)
		r = edit->visit(element->name, enabled, &location, edit->context, err);
	if (r <= 0)
		return r;
	r = write_location(&edit->text, element->name, &location, edit->what, err);
	if (r == 0)
		r = check_location(edit->text, element->name, &location, edit->what, err);
	return r < 0 ? r : 1;
}

int reagent_edit(const uint8_t *bytes, size_t length, const struct reagent_job *job,
		 uint8_t **ret, size_t *ret_length, struct err *err)
{
	struct encoding encoding = find_encoding(bytes, length);
	AUTO(xml_freep) struct xml_element *root = NULL;
	AUTO_FREE char *text = NULL;
	struct edit edit = { NULL, NULL, job->what, job->visit, job->context };
	bool changed = false;
	int r = text_decode(bytes, length, &text, err);

	if (r < 0)
		return err_add(err, "'%s'", job->what);
	r = parse(text, job->what, &root, err);
	edit.root = root;
	edit.text = TAKE_PTR(text);
	for (const struct xml_element *e = root; r >= 0 && e; e = xml_next(root, e)) {
		r = edit_element(&edit, e, err);
		changed |= r == 1;
	}
	*ret = NULL;
	if (r >= 0)
		r = changed ? encode(&encoding, edit.text, ret, ret_length, err) : 0;
	free(edit.text);
	return r;
}
