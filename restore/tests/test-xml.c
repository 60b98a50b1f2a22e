/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The XML tree: what it keeps and what it refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <base/text.h>

#include "evidence/xml.h"

static struct xml_element *parse(const char *text)
{
	struct xml_element *root = NULL;
	struct err err = { 0 };

	if (xml_parse(text, strlen(text), "a.xml", &root, &err) < 0)
		fail_msg("%s", err.text);
	return root;
}

static void refuse(const char *text, const char *message)
{
	struct xml_element *root = NULL;
	struct err err = { 0 };

	assert_int_equal(xml_parse(text, strlen(text), "a.xml", &root, &err), -EBADMSG);
	assert_null(root);
	assert_string_equal(err.text, message);
}

static void the_tree_keeps_names_attributes_and_order(void **state)
{
	AUTO(xml_freep)
	struct xml_element *root =
		parse("<a x='1' y='2'><b/><c><d z='\xc3\xa4'/></c><b n='2'/></a>");
	const struct xml_element *e = root;
	struct text names = { 0 };
	AUTO_FREE char *all = NULL;

	assert_string_equal(xml_value(root, "x"), "1");
	assert_string_equal(xml_value(root, "y"), "2");
	assert_null(xml_value(root, "z"));
	assert_string_equal(xml_value(xml_find(root, "d"), "z"), "\xc3\xa4");
	assert_null(xml_find(root, "e"));
	for (; e; e = xml_next(root, e))
		text_add(&names, "%s", e->name);
	all = text_take(&names);
	assert_string_equal(all, "abcdb");
}

static void what_the_document_says_about_its_encoding_is_ignored(void **state)
{
	AUTO(xml_freep)
	struct xml_element *root =
		parse("<?xml version='1.0' encoding='UTF-16'?><a x='\xc3\xa4'/>");

	assert_string_equal(xml_value(root, "x"), "\xc3\xa4");
}

static void raw_line_breaks_in_a_value_are_read(void **state)
{
	AUTO(xml_freep) struct xml_element *root = parse("<a x='one\r\ntwo'/>");

	assert_string_equal(xml_value(root, "x"), "one two");
}

static void a_dtd_is_refused(void **state)
{
	refuse("<!DOCTYPE a [<!ENTITY e 'eeee'>]>\n<a x='&e;'/>",
	       "'a.xml': line 1: has a DTD, which no document of a backup has");
	refuse("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
	       "'a.xml': line 1: has a DTD, which no document of a backup has");
}

static void an_unknown_entity_is_refused(void **state)
{
	refuse("<a>&e;</a>", "'a.xml': line 1: not XML: undefined entity");
}

static void text_that_is_not_xml_is_refused_with_its_line(void **state)
{
	refuse("", "'a.xml': line 1: not XML: no element found");
	refuse("<a>\n<b></a>", "'a.xml': line 2: not XML: mismatched tag");
	refuse("<a/><b/>", "'a.xml': line 1: not XML: junk after document element");
	refuse("<a>\n\n<b>", "'a.xml': line 3: not XML: no element found");
}

static char *repeat(const char *before, const char *what, size_t times, const char *after)
{
	struct text text = { 0 };

	text_add(&text, "%s", before);
	for (size_t i = 0; i < times; i++)
		text_add(&text, "%s", what);
	text_add(&text, "%s", after);
	return text_take(&text);
}

static void deep_documents_are_refused(void **state)
{
	AUTO_FREE char *deep = repeat("", "<a>", 65, "");

	refuse(deep, "'a.xml': line 1: more than 64 levels");
}

static void an_element_with_many_attributes_is_refused(void **state)
{
	struct text text = { 0 };
	AUTO_FREE char *many = NULL;

	text_add(&text, "<a");
	for (unsigned i = 0; i <= XML_MAX_ATTRIBUTES; i++)
		text_add(&text, " x%u=''", i);
	text_add(&text, "/>");
	many = text_take(&text);
	refuse(many, "'a.xml': line 1: more than 64 attributes in an element");
}

static void a_long_value_is_refused(void **state)
{
	AUTO_FREE char *value = malloc(XML_MAX_VALUE + 2);
	AUTO_FREE char *document = NULL;

	assert_non_null(value);
	memset(value, 'x', XML_MAX_VALUE + 1);
	value[XML_MAX_VALUE + 1] = '\0';
	document = repeat("<a x='", value, 1, "'/>");
	refuse(document, "'a.xml': line 1: attribute of 1048577 bytes, limit 1048576");
}

static void a_document_of_many_elements_is_refused(void **state)
{
	AUTO_FREE char *many = repeat("<a>", "<b/>", 400000, "</a>");

	refuse(many, "'a.xml': line 1: needs more than 16777216 bytes of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_keeps_names_attributes_and_order),
		cmocka_unit_test(what_the_document_says_about_its_encoding_is_ignored),
		cmocka_unit_test(raw_line_breaks_in_a_value_are_read),
		cmocka_unit_test(a_dtd_is_refused),
		cmocka_unit_test(an_unknown_entity_is_refused),
		cmocka_unit_test(text_that_is_not_xml_is_refused_with_its_line),
		cmocka_unit_test(deep_documents_are_refused),
		cmocka_unit_test(an_element_with_many_attributes_is_refused),
		cmocka_unit_test(a_long_value_is_refused),
		cmocka_unit_test(a_document_of_many_elements_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
