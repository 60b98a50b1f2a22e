/* SPDX-License-Identifier: GPL-3.0-or-later */
/* XML by libexpat: see xml.h. This is the only file that includes it. */
#include "xml.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <expat.h>

static void xml_parser_free(XML_Parser parser)
{
	XML_ParserFree(parser);
}
DEFINE_FREEP(struct XML_ParserStruct, xml_parser, xml_parser_free)

struct xml_build {
	XML_Parser parser;
	struct xml_element *root, *current, *last;
	unsigned depth;
	size_t bytes; /* of the tree so far */
	char problem[128];
	bool failed, no_memory;
};

static void build_fail(struct xml_build *build, const char *format, ...) PRINTF(2, 3);

/* Notes the first problem and ends the parsing. */
static void build_fail(struct xml_build *build, const char *format, ...)
{
	va_list arguments;

	if (!build->failed) {
		va_start(arguments, format);
		vsnprintf(build->problem, sizeof(build->problem), format, arguments);
		va_end(arguments);
	}
	build->failed = true;
	XML_StopParser(build->parser, XML_FALSE);
}

/* Bytes that an element takes, or 0 where it is beyond a limit. The limits of length and
 * number keep the sum far from overflow. */
static size_t element_size(struct xml_build *build, const char *name, const char **pairs,
			   size_t *ret_count)
{
	size_t size = sizeof(struct xml_element) + strlen(name) + 1, count = 0;

	for (; pairs[2 * count]; count++) {
		size_t length = strlen(pairs[2 * count + 1]);

		if (count >= XML_MAX_ATTRIBUTES) {
			build_fail(build, "more than %d attributes in an element",
				   XML_MAX_ATTRIBUTES);
			return 0;
		}
		if (length > XML_MAX_VALUE) {
			build_fail(build, "attribute of %zu bytes, limit %u", length,
				   XML_MAX_VALUE);
			return 0;
		}
		size += sizeof(struct xml_attribute) + strlen(pairs[2 * count]) + 1 +
			length + 1;
	}
	*ret_count = count;
	return size;
}

/* One block of memory: element, attributes, then the texts. */
static struct xml_element *element_new(const char *name, const char **pairs, size_t count,
				       size_t size)
{
	struct xml_element *element = calloc(1, size);
	struct xml_attribute *attributes;
	char *text;

	if (!element)
		return NULL;
	attributes = (struct xml_attribute *)(element + 1);
	text = (char *)(attributes + count);
	element->name = text;
	text = stpcpy(text, name) + 1;
	element->attribute_count = count;
	element->attributes = attributes;
	for (size_t i = 0; i < count; i++) {
		attributes[i].name = text;
		text = stpcpy(text, pairs[2 * i]) + 1;
		attributes[i].value = text;
		text = stpcpy(text, pairs[2 * i + 1]) + 1;
	}
	return element;
}

/* Makes element the last child of the current one. build->last is the child of current
 * that ended last. */
static void build_append(struct xml_build *build, struct xml_element *element)
{
	element->parent = build->current;
	if (!build->current)
		build->root = element;
	else if (build->last)
		build->last->next = element;
	else
		build->current->children = element;
	build->current = element;
	build->last = NULL;
}

static void XMLCALL on_start(void *context, const char *name, const char **pairs)
{
	struct xml_build *build = context;
	struct xml_element *element;
	size_t size, count = 0;

	if (build->failed)
		return;
	if (++build->depth > XML_MAX_DEPTH) {
		build_fail(build, "more than %d levels", XML_MAX_DEPTH);
		return;
	}
	size = element_size(build, name, pairs, &count);
	if (!size)
		return;
	if (size > XML_MAX_TREE - build->bytes) {
		build_fail(build, "needs more than %u bytes of memory", XML_MAX_TREE);
		return;
	}
	build->bytes += size;
	element = element_new(name, pairs, count, size);
	if (!element) {
		build->no_memory = true;
		build_fail(build, "out of memory");
		return;
	}
	build_append(build, element);
}

static void XMLCALL on_end(void *context, const char *name)
{
	struct xml_build *build = context;

	if (build->failed)
		return;
	build->depth--;
	build->last = build->current;
	build->current = build->current->parent;
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system_id,
			       const char *public_id, int has_internal_subset)
{
	build_fail(context, "has a DTD, which no document of a backup has");
}

static int build_error(const struct xml_build *build, const char *what, struct err *err)
{
	unsigned long line = XML_GetCurrentLineNumber(build->parser);

	if (build->no_memory || XML_GetErrorCode(build->parser) == XML_ERROR_NO_MEMORY)
		return err_nomem(err);
	if (build->failed)
		return err_set(err, -EBADMSG, "'%s': line %lu: %s", what, line,
			       build->problem);
	return err_set(err, -EBADMSG, "'%s': line %lu: not XML: %s", what, line,
		       XML_ErrorString(XML_GetErrorCode(build->parser)));
}

int xml_parse(const char *text, size_t length, const char *what, struct xml_element **ret,
	      struct err *err)
{
	AUTO(xml_parser_freep) XML_Parser parser = XML_ParserCreate("UTF-8");
	struct xml_build build = { .parser = parser };

	if (!parser)
		return err_nomem(err);
	if (length > INT_MAX)
		return err_set(err, -EBADMSG, "'%s': %zu bytes of XML, limit %d", what,
			       length, INT_MAX);
	XML_SetUserData(parser, &build);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	/* All at once: in pieces, the library reads a long token again for each piece. */
	if (XML_Parse(parser, text, (int)length, XML_TRUE) != XML_STATUS_OK ||
	    build.failed) {
		xml_free(build.root);
		return build_error(&build, what, err);
	}
	*ret = build.root;
	return 0;
}

/* Frees leaves first and walks by the links, not by recursion. */
void xml_free(struct xml_element *root)
{
	struct xml_element *element = root;

	while (element) {
		struct xml_element *child = element->children;

		if (child) {
			element->children = child->next;
			element = child;
		} else {
			struct xml_element *parent = element->parent;

			free(element);
			element = parent;
		}
	}
}

const char *xml_value(const struct xml_element *element, const char *name)
{
	for (size_t i = 0; i < element->attribute_count; i++)
		if (strcmp(element->attributes[i].name, name) == 0)
			return element->attributes[i].value;
	return NULL;
}

const struct xml_element *xml_next(const struct xml_element *root,
				   const struct xml_element *element)
{
	if (element->children)
		return element->children;
	while (element != root && !element->next)
		element = element->parent;
	return element == root ? NULL : element->next;
}

const struct xml_element *xml_find(const struct xml_element *root, const char *name)
{
	const struct xml_element *element = root;

	while (element && strcmp(element->name, name) != 0)
		element = xml_next(root, element);
	return element;
}
