/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * XML documents of backups as a small tree that is never changed. xml.c is the only file
 * that knows the XML library. The input is UTF-8 (text_decode() makes it from what
 * Windows writes); what the document says about its encoding is ignored. Documents with a
 * DTD are refused, and with it every entity of their own. Names are as written, prefix
 * included.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <base/err.h>

struct xml_attribute {
	const char *name;
	const char *value; /* UTF-8; line breaks are spaces, as the XML standard wants */
};

struct xml_element {
	const char *name;
	size_t attribute_count;
	const struct xml_attribute *attributes;
	struct xml_element *parent;   /* NULL: the root */
	struct xml_element *children; /* the first one, or NULL */
	struct xml_element *next;     /* next child of the same parent, or NULL */
};

/* The deepest document known has 5 levels; a deeper one than this is an attack. */
#define XML_MAX_DEPTH 64
/* The longest value known is a caption of 200 bytes. */
#define XML_MAX_VALUE (1u << 20)
/* The richest element known has 16. */
#define XML_MAX_ATTRIBUTES 64
/* Bytes of memory for a tree: the documents that are read this way are below 1 MiB. */
#define XML_MAX_TREE (16u << 20)

/* -EBADMSG with the line: not well-formed, a DTD, beyond a limit. what names the document
 * in the message. The whole tree goes with xml_free(). */
int xml_parse(const char *text, size_t length, const char *what, struct xml_element **ret,
	      struct err *err) MUST_CHECK;
void xml_free(struct xml_element *root); /* NULL is fine */
DEFINE_FREEP(struct xml_element, xml, xml_free)

/* The value of an attribute, or NULL. */
const char *xml_value(const struct xml_element *element, const char *name);

/* The element after this one in the order of the document, root's descendants only; NULL
 * at the end. */
const struct xml_element *xml_next(const struct xml_element *root,
				   const struct xml_element *element);

/* The first descendant (or root itself) of this name, or NULL. */
const struct xml_element *xml_find(const struct xml_element *root, const char *name);
