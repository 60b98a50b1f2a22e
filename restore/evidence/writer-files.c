/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of Windows' state: see writer-files.h. */
#include "writer-files.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <base/checked.h>
#include <base/text.h>

#include "backup-specs.h"

/* -- classes ---------------------------------------------------------------------- */

static const char *const class_texts[] = { [STATE_REGISTRY] = "registry",
					   [STATE_BOOT] = "boot",
					   [STATE_CATALOGS] = "catalogs" };

static int add_class(const char *word, size_t length, unsigned *classes, struct err *err)
{
	for (unsigned i = 0; i < STATE_CLASSES; i++) {
		if (strlen(class_texts[i]) != length ||
		    strncasecmp(class_texts[i], word, length) != 0)
			continue;
		*classes |= 1u << i;
		return 0;
	}
	return err_set(err, -EINVAL, "'%.*s': must be of registry, boot, catalogs",
		       (int)length, word);
}

int state_classes_parse(const char *text, unsigned *ret, struct err *err)
{
	unsigned classes = 0;
	int r = 0;

	while (r == 0) {
		size_t length = strcspn(text, ",");

		r = add_class(text, length, &classes, err);
		text += length;
		if (r == 0 && !*text++)
			break;
	}
	if (r == 0)
		*ret = classes;
	return r;
}

/* -- rules ------------------------------------------------------------------------ */

static void rule_clear(struct state_rule *rule)
{
	free(rule->path);
	free(rule->spec);
	free(rule->origin);
}

void state_rules_clear(struct state_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		rule_clear(&rules->rules[i]);
	free(rules->rules);
	free(rules->writer);
	*rules = (struct state_rules){ 0 };
}

/* Takes rule's texts over, on failure too. */
static int add_rule(struct state_rules *rules, struct state_rule rule, struct err *err)
{
	struct state_rule *grown = NULL;

	if (rules->count >= STATE_RULES_MAX) {
		rule_clear(&rule);
		return err_set(err, -E2BIG, "more than %d lists of files",
			       STATE_RULES_MAX);
	}
	if (rule.path && rule.spec && rule.origin)
		grown = reallocarray(rules->rules, rules->count + 1, sizeof(*grown));
	if (!grown) {
		rule_clear(&rule);
		return err_nomem(err);
	}
	rules->rules = grown;
	grown[rules->count++] = rule;
	return 0;
}

int state_rules_move(struct state_rules *to, struct state_rules *from, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < from->count; i++) {
		struct state_rule rule = from->rules[i];

		from->rules[i] = (struct state_rule){ 0 };
		if (r == 0)
			r = add_rule(to, rule, err);
		else
			rule_clear(&rule);
	}
	from->count = 0;
	return r;
}

bool state_rules_have(const struct state_rules *rules, enum state_class class)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].class == class)
			return true;
	return false;
}

bool state_spec_fits(const char *spec, const char *name)
{
	const char *star = NULL, *after = NULL;

	if (strcmp(spec, "*.*") == 0)
		return true;
	while (*name) {
		if (*spec == '*') {
			star = ++spec;
			after = name;
		} else if (*spec &&
			   (*spec == '?' || tolower((unsigned char)*spec) ==
						    tolower((unsigned char)*name))) {
			spec++;
			name++;
		} else if (star) {
			spec = star;
			name = ++after;
		} else {
			return false;
		}
	}
	while (*spec == '*')
		spec++;
	return !*spec;
}

/* -- well-known places ------------------------------------------------------------- */

#define CONFIG "Windows/System32/config"

static const struct {
	const char *path, *spec;
	enum state_class class;
	bool recursive;
} known_places[] = {
	{ CONFIG, "SYSTEM", STATE_REGISTRY, false },
	{ CONFIG, "SOFTWARE", STATE_REGISTRY, false },
	{ CONFIG, "SAM", STATE_REGISTRY, false },
	{ CONFIG, "SECURITY", STATE_REGISTRY, false },
	{ CONFIG, "DEFAULT", STATE_REGISTRY, false },
	{ CONFIG, "COMPONENTS", STATE_REGISTRY, false },
	{ CONFIG, "DRIVERS", STATE_REGISTRY, false },
	{ "Windows/System32/SMI/Store/Machine", "schema.dat", STATE_REGISTRY, false },
	{ "", "bootmgr", STATE_BOOT, false },
	{ "", "BOOTNXT", STATE_BOOT, false },
	{ "Boot", "*", STATE_BOOT, true },
	{ "Windows/System32/CatRoot", "*", STATE_CATALOGS, true },
	{ "Windows/System32/CatRoot2", "*", STATE_CATALOGS, true },
};

static int add_known(struct state_rules *rules, enum state_class class, const char *path,
		     const char *spec, bool recursive, struct err *err)
{
	struct state_rule rule = {
		.class = class,
		.path = strdup(path),
		.spec = strdup(spec),
		.recursive = recursive,
		.origin = strdup("well-known place"),
	};

	return add_rule(rules, rule, err);
}

int state_rules_add_known(struct state_rules *rules, enum state_class class,
			  struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known_places) && r == 0; i++)
		if (known_places[i].class == class)
			r = add_known(rules, class, known_places[i].path,
				      known_places[i].spec, known_places[i].recursive,
				      err);
	return r;
}

int state_rules_add_esp(struct state_rules *rules, const char *fallback, struct err *err)
{
	int r = add_known(rules, STATE_BOOT, "EFI/Microsoft", "*", true, err);

	return r < 0 || !fallback
		       ? r
		       : add_known(rules, STATE_BOOT, "EFI/Boot", fallback, false, err);
}

/* -- paths of documents ------------------------------------------------------------ */

/* Begins a path of Windows' own variables. */
static const struct {
	const char *begin, *path;
} variables[] = {
	{ "%systemroot%", "Windows/" },
	{ "%windir%", "Windows/" },
	{ "%systemdrive%", "" },
};

/* What lies in the volume of a path: behind its letter or its GUID. NULL: on another one. */
static const char *within_volume(const char *path, const struct state_place *place)
{
	const char *open = strchr(path, '{'), *close = open ? strchr(open, '}') : NULL;
	struct guid guid;

	if (isalpha((unsigned char)path[0]) && path[1] == ':')
		return toupper((unsigned char)path[0]) == place->letter ? path + 2 : NULL;
	if (strncmp(path, "\\\\?\\Volume", 10) != 0 || open != path + 10 || !close)
		return NULL;
	if (guid_parse(open, (size_t)(close - open) + 1, &guid) < 0 ||
	    !guid_equal(&guid, &place->volume))
		return NULL;
	return close + 1;
}

/* '/' between parts, none in front and behind. NULL: a part that leads upwards, or no memory. */
static char *plain_path(const char *begin, const char *rest)
{
	AUTO_FREE char *copy = strdup(rest);
	struct text text = { 0 };
	char *next = copy;
	bool upwards = false;

	text_add(&text, "%.*s", (int)strcspn(begin, "/"), begin);
	for (char *part = copy ? strsep(&next, "\\/") : NULL; part;
	     part = strsep(&next, "\\/")) {
		upwards |= strcmp(part, "..") == 0;
		if (part[0] && strcmp(part, ".") != 0)
			text_add(&text, "%s%s", text.length ? "/" : "", part);
	}
	if (!copy || upwards) {
		text_clear(&text);
		return NULL;
	}
	return text_take(&text);
}

/* *ret stays NULL where the path is none of this volume. */
static char *path_in_volume(const char *path, const struct state_place *place)
{
	const char *rest;

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		size_t length = strlen(variables[i].begin);

		if (strncasecmp(path, variables[i].begin, length) == 0)
			return plain_path(variables[i].path, path + length);
	}
	rest = within_volume(path, place);
	return rest ? plain_path("", rest) : NULL;
}

/* -- documents --------------------------------------------------------------------- */

/* Which lists of which writers are of which kind; part: of the path, without case. */
static const struct {
	const char *writer;
	enum state_class class;
	const char *part;
} kinds[] = {
	{ "afbab4a2-367d-4d15-a586-71dbb18f8485", STATE_REGISTRY, "" },
	{ "be000cbe-11fe-4426-9c58-531aa6355fc4", STATE_BOOT, "\\Boot" },
	{ "e8132975-6f93-4464-a53e-1050253ae220", STATE_CATALOGS, "\\catroot" },
};

/* -1: of none. */
static int class_of(const struct guid *writer, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct guid guid;

		if (guid_parse(kinds[i].writer, strlen(kinds[i].writer), &guid) == 0 &&
		    guid_equal(&guid, writer) && strcasestr(path, kinds[i].part))
			return (int)kinds[i].class;
	}
	return -1;
}

static bool is_there(const struct state_rules *rules, const struct state_rule *rule)
{
	for (size_t i = 0; i < rules->count; i++)
		if (strcasecmp(rules->rules[i].path, rule->path) == 0 &&
		    strcasecmp(rules->rules[i].spec, rule->spec) == 0 &&
		    rules->rules[i].recursive == rule->recursive)
			return true;
	return false;
}

static int take_list(const struct xml_element *list, const struct state_place *place,
		     struct state_rules *rules, struct err *err)
{
	const char *path = xml_value(list, "path"), *spec = xml_value(list, "filespec");
	const char *recursive = xml_value(list, "recursive");
	struct state_rule rule = { 0 };
	int class = path && spec ? class_of(&rules->writer_id, path) : -1;

	if (class >= 0)
		rule.path = path_in_volume(path, place);
	if (!rule.path || strpbrk(spec, "\\/")) {
		free(rule.path);
		rules->others++;
		return 0;
	}
	rule.class = (enum state_class) class;
	rule.recursive = recursive && strcasecmp(recursive, "yes") == 0;
	rule.spec = strdup(spec);
	rule.origin = strdup(rules->writer);
	if (rule.spec && is_there(rules, &rule)) {
		rule_clear(&rule);
		return 0;
	}
	return add_rule(rules, rule, err);
}

int state_rules_read(const char *text, size_t length, const char *what,
		     const struct state_place *place, struct state_rules *ret,
		     struct err *err)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	const struct xml_element *identity;
	const char *name, *id;
	struct state_rules rules = { 0 };
	int r = xml_parse(text, length, what, &root, err);

	if (r < 0)
		return r;
	identity = strcmp(root->name, "WRITER_METADATA") == 0
			   ? xml_find(root, "IDENTIFICATION")
			   : NULL;
	id = identity ? xml_value(identity, "writerId") : NULL;
	name = identity ? xml_value(identity, "friendlyName") : NULL;
	*ret = rules;
	if (!id || !name || guid_parse(id, strlen(id), &rules.writer_id) < 0)
		return 0;
	rules.writer = strndup(name, 80);
	r = rules.writer ? 0 : err_nomem(err);
	for (const struct xml_element *e = root; e && r == 0; e = xml_next(root, e))
		if (strcmp(e->name, "FILE_LIST") == 0)
			r = take_list(e, place, &rules, err);
	if (r < 0) {
		state_rules_clear(&rules);
		return err_add(err, "'%s'", what), r;
	}
	*ret = rules;
	return 0;
}

/* -- what Windows must do ------------------------------------------------------------ */

static const struct {
	const char *writer, *advice;
} advices[] = {
	{ "b2014c9e-8711-4c5c-a5a9-3cf384484757",
	  "Active Directory: start in Directory Services Restore Mode and run 'wbadmin "
	  "start "
	  "systemstaterecovery' (with -authsysvol, or 'ntdsutil authoritative restore', "
	  "where "
	  "it is to win over other domain controllers)" },
	{ "2707761b-2324-473d-88eb-eb007a359533",
	  "SYSVOL by DFS replication: 'wbadmin start systemstaterecovery' restores it, "
	  "authoritatively with -authsysvol" },
	{ "d76f5a28-3092-4589-ba48-2958fb88ce29",
	  "SYSVOL by FRS: 'wbadmin start systemstaterecovery', BurFlags for an "
	  "authoritative one" },
	{ "542da469-d3e1-473c-9f4f-7847f01fc64f",
	  "COM+ class registrations: restored by Windows alone ('wbadmin start "
	  "systemstaterecovery'); those on the volume stay" },
	{ "a6ad56c2-b509-4e6c-bb19-49d8f43532f0",
	  "WMI repository: stays as it is; 'winmgmt /salvagerepository' where it does "
	  "not "
	  "fit" },
	{ "6f5b15b5-da24-4d88-b737-63063e3a1f86",
	  "certificate services: 'certutil -restore' or 'wbadmin start "
	  "systemstaterecovery'" },
	{ "59b1f0cf-90ef-465f-9609-6ca8b2938366",
	  "IIS metabase: 'iisback' or 'wbadmin start systemstaterecovery'" },
	{ "2a40fd15-dfca-4aa8-a654-1f8c654603f6",
	  "IIS configuration: 'appcmd restore backup' or 'wbadmin start "
	  "systemstaterecovery'" },
	{ "41e12264-35d8-479b-8e5c-9b23d1dad37e",
	  "cluster database: an authoritative restore is made by 'wbadmin start "
	  "recovery' on "
	  "a node that runs" },
	{ "e8132975-6f93-4464-a53e-1050253ae220",
	  "system files (WinSxS, drivers, services): stay as they are on the volume; "
	  "'sfc "
	  "/scannow' or 'wbadmin start systemstaterecovery' where they do not fit the "
	  "registry" },
};

const char *state_writer_advice(const struct guid *writer)
{
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		struct guid guid;

		if (guid_parse(advices[i].writer, strlen(advices[i].writer), &guid) ==
			    0 &&
		    guid_equal(&guid, writer))
			return advices[i].advice;
	}
	return "";
}
