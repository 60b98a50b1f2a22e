/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which files of a volume are Windows' state: as the metadata documents of the writers list them
 * (`<set>_Writer{GUID}.xml`, FORMAT.md section 4.2; the spelling of FILE_LIST is that of real
 * documents of a Windows Server 2012), else the places that every Windows has. Pure.
 */
#pragma once

#include <stdbool.h>

#include <base/guid.h>

#include "xml.h"

enum state_class { STATE_REGISTRY, STATE_BOOT, STATE_CATALOGS, STATE_CLASSES };

/* "registry,boot" → bits. -EINVAL: an unknown word. */
int state_classes_parse(const char *text, unsigned *ret, struct err *err) MUST_CHECK;

/* The volume whose files are looked for. */
struct state_place {
	char letter;	    /* 'C' */
	struct guid volume; /* zero: not known */
};

/* Files of a folder, of which path is "" (the root) or "Windows/System32/config". */
struct state_rule {
	enum state_class class;
	char *path, *spec; /* owned; spec has '*' and '?' */
	bool recursive;	   /* in all folders below, too */
	char *origin;	   /* owned: "Registry Writer", "well-known place" */
};

struct state_rules {
	size_t count;
	struct state_rule *rules;
	/* What the document says that is not taken: lists of files of other kinds. */
	size_t others;
	char *writer; /* owned: its name; NULL: no writer's document */
	struct guid writer_id;
};

void state_rules_clear(struct state_rules *rules);

/* More rules than this are no document of Windows. The System Writer's has 19,000 lists, of which
 * 8 are of catalogues. */
#define STATE_RULES_MAX 4096

/* The rules of one document. Another document than a writer's gives none. -EBADMSG: no XML, or
 * beyond limits. */
int state_rules_read(const char *text, size_t length, const char *what,
		     const struct state_place *place, struct state_rules *ret,
		     struct err *err) MUST_CHECK;
/* Appends the well-known places of a class. */
int state_rules_add_known(struct state_rules *rules, enum state_class class,
			  struct err *err) MUST_CHECK;
/* Appends those of an EFI system partition: Windows' folder, and the program of that name in \EFI\Boot;
 * NULL: none. */
int state_rules_add_esp(struct state_rules *rules, const char *fallback,
			struct err *err) MUST_CHECK;
/* Moves the rules of one to the end of another. */
int state_rules_move(struct state_rules *to, struct state_rules *from,
		     struct err *err) MUST_CHECK;
bool state_rules_have(const struct state_rules *rules, enum state_class class);

/* Does a name fit? Without case for ASCII; "*.*" fits all, as in Windows. */
bool state_spec_fits(const char *spec, const char *name);

/* What must be done in Windows for the files of a writer, "" if nothing is known to be. */
const char *state_writer_advice(const struct guid *writer);
