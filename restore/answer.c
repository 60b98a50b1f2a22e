/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of an answer file: see answer.h; its keys are in answer-keys.c. */
#include <restore/answer.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/block-source.h>
#include <base/cleanup.h>
#include <base/text.h>
#include <base/utf.h>
#include <restore/signature.h>

#include "answer-keys.h"

/* -- nearest known name ---- */

#define NAME_MAX_COMPARED 32 /* longer names are nobody's typing error */

static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED + 1];
	size_t length = strlen(b);

	if (length > NAME_MAX_COMPARED || strlen(a) > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[length];
}

/* Of the keys of section, or, where section is NULL, of the sections. */
static const char *nearest(const char *name, const char *section)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++) {
		const char *candidate =
			section ? answer_keys[i].key : answer_keys[i].section;
		size_t distance;

		if ((section && strcmp(section, answer_keys[i].section) != 0) ||
		    !*candidate)
			continue;
		distance = edit_distance(name, candidate);
		if (distance < best_distance) {
			best = candidate;
			best_distance = distance;
		}
	}
	return best;
}

/* Another section that has this key: it stands in the wrong place. NULL: none. */
static const char *elsewhere(const char *key, const char *section)
{
	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++)
		if (*answer_keys[i].section && strcmp(answer_keys[i].key, key) == 0 &&
		    strcmp(answer_keys[i].section, section) != 0)
			return answer_keys[i].section;
	return NULL;
}

/* *ret_first: its first key. */
static bool find_section(const char *name, size_t *ret_first)
{
	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++)
		if (*name && strcmp(name, answer_keys[i].section) == 0) {
			*ret_first = i;
			return true;
		}
	return false;
}

/* -- lines ---- */

/* As sections are counted: by the first of their keys. */
struct answer_parser {
	const char *file, *folder;
	unsigned number;
	const char *start;		  /* of the line, for columns */
	char *section;			  /* within the text */
	unsigned seen[ANSWER_KEY_COUNT];  /* line numbers; 0: not yet */
	unsigned begun[ANSWER_KEY_COUNT]; /* where the section of this key begins; 0 */
	struct answer *answer;
};

/* In characters, from 1. */
static unsigned column_of(const struct answer_parser *parser, const char *at)
{
	unsigned column = 1;

	for (const char *c = parser->start; c < at; c++)
		column += ((unsigned char)*c & 0xc0) != 0x80;
	return column;
}

static int wrong(const struct answer_parser *parser, const char *at, struct err *err,
		 const char *format, ...) PRINTF(4, 5);

static int wrong(const struct answer_parser *parser, const char *at, struct err *err,
		 const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return err_set(err, -EINVAL, "'%s' line %u column %u: %s", parser->file,
		       parser->number, column_of(parser, at), text);
}

static bool starts_comment(char c)
{
	return c == ';' || c == '#';
}

/* A comment starts the line or follows two blanks: passwords and paths may hold ';'. */
static void cut_comment(char *line)
{
	for (char *c = line; *c; c++) {
		bool after_blanks = c >= line + 2 && isblank((unsigned char)c[-1]) &&
				    isblank((unsigned char)c[-2]);

		if (starts_comment(*c) && (c == line || after_blanks)) {
			*c = '\0';
			return;
		}
	}
}

static int take_section(struct answer_parser *parser, char *line, struct err *err)
{
	size_t length = strlen(line), first;

	if (line[length - 1] != ']')
		return wrong(parser, line, err, "'%s' begins a section and has no ']'",
			     line);
	line[length - 1] = '\0';
	parser->section = text_trim(line + 1);
	if (!find_section(parser->section, &first))
		return wrong(parser, line, err,
			     "[%s] is not a section; the nearest is [%s]",
			     parser->section, nearest(parser->section, NULL));
	if (parser->begun[first])
		return wrong(parser, line, err, "[%s] stands in line %u already",
			     parser->section, parser->begun[first]);
	parser->begun[first] = parser->number;
	return 0;
}

static int unknown_key(const struct answer_parser *parser, const char *key,
		       struct err *err)
{
	const char *other = elsewhere(key, parser->section);

	if (other)
		return wrong(parser, key, err,
			     "'%s' is not a key of %s%s%s; it is one of [%s]", key,
			     *parser->section ? "[" : "the start", parser->section,
			     *parser->section ? "]" : "", other);
	return wrong(parser, key, err, "'%s' is not a key of %s%s%s; the nearest is '%s'",
		     key, *parser->section ? "[" : "the start", parser->section,
		     *parser->section ? "]" : "", nearest(key, parser->section));
}

static int take_key(struct answer_parser *parser, char *line, struct err *err)
{
	char *equals = strchr(line, '=');
	struct answer_line found = { .file = parser->file,
				     .number = parser->number,
				     .section = parser->section,
				     .folder = parser->folder };

	if (!equals)
		return wrong(parser, line, err,
			     "'%s' is neither [section] nor key = value", line);
	*equals = '\0';
	found.key = text_trim(line);
	found.value = text_trim(equals + 1);
	found.column = column_of(parser, found.value);
	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++) {
		if (strcmp(answer_keys[i].section, found.section) != 0 ||
		    strcmp(answer_keys[i].key, found.key) != 0)
			continue;
		if (parser->seen[i])
			return wrong(parser, line, err, "'%s' stands in line %u already",
				     found.key, parser->seen[i]);
		if (!*found.value)
			return wrong(parser, line, err, "'%s' has no value", found.key);
		parser->seen[i] = parser->number;
		found.about = &answer_keys[i];
		return answer_keys[i].set(parser->answer, &found, err);
	}
	return unknown_key(parser, found.key, err);
}

static int take_line(struct answer_parser *parser, char *line, struct err *err)
{
	parser->number++;
	parser->start = line;
	cut_comment(line);
	line = text_trim(line);
	if (!*line)
		return 0;
	if (*line == '[')
		return take_section(parser, line, err);
	return take_key(parser, line, err);
}

/* -- the whole ---- */

static bool is_seen(const struct answer_parser *parser, const char *section)
{
	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++)
		if (parser->seen[i] && strcmp(answer_keys[i].section, section) == 0)
			return true;
	return false;
}

/* Only the format is never asked for: it says how the rest is read. */
static int find_missing(const struct answer_parser *parser, struct err *err)
{
	struct answer *answer = parser->answer;

	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++) {
		const struct answer_key *key = &answer_keys[i];
		bool named = *key->section;

		if (!key->required || parser->seen[i])
			continue;
		if (!named)
			return err_set(err, -EINVAL, "'%s': '%s' is missing at the start",
				       parser->file, key->key);
		answer->missing = text_format("'%s': '%s' is missing in [%s]",
					      parser->file, key->key, key->section);
		return answer->missing ? 0 : err_nomem(err);
	}
	return 0;
}

/* The word that confirms says what will be done to the disk. */
static int check_state(const struct answer_parser *parser, struct err *err)
{
	const struct answer *answer = parser->answer;

	if (answer->system_state && answer->confirm_erase)
		return err_set(
			err, -EINVAL,
			"'%s': 'state' in [backup] erases no disk; write confirm = "
			"replace",
			parser->file);
	if (answer->system_state && answer->disk_count > 1)
		return err_set(err, -EINVAL,
			       "'%s': 'state' in [backup] is for one disk, disk0",
			       parser->file);
	if (!answer->system_state && (answer->confirm_replace || answer->partition ||
				      answer->other_machine || answer->domain_controller))
		return err_set(
			err, -EINVAL,
			"'%s': confirm = replace, 'partition', 'other_machine' and "
			"'domain_controller' need 'state' in [backup]",
			parser->file);
	return 0;
}

/* What is right by itself and wrong together. */
static int check_together(const struct answer_parser *parser, struct err *err)
{
	const struct answer *answer = parser->answer;
	const struct answer_network *network = &answer->network;

	for (size_t i = 0; i < answer->exclude_count; i++)
		for (size_t j = 0; j < answer->disk_count; j++)
			if (strcasecmp(strchr(answer->disks[j], '=') + 1,
				       answer->excludes[i]) == 0)
				return err_set(err, -EINVAL,
					       "'%s': 'exclude' and 'disk%.*s' name the "
					       "same disk, '%s'",
					       parser->file,
					       (int)strcspn(answer->disks[j], "="),
					       answer->disks[j], answer->excludes[i]);
	if (network->gateway && !network->address)
		return err_set(err, -EINVAL,
			       "'%s': 'gateway' in [network] needs an 'address' other "
			       "than dhcp",
			       parser->file);
	if (network->gateway &&
	    !strchr(network->gateway, ':') != !strchr(network->address, ':'))
		return err_set(err, -EINVAL,
			       "'%s': 'gateway' %s and 'address' %s in [network] are of "
			       "two families, IPv4 and IPv6",
			       parser->file, network->gateway, network->address);
	return 0;
}

static int finish(struct answer_parser *parser, struct err *err)
{
	int r = check_together(parser, err);

	if (r == 0)
		r = check_state(parser, err);
	if (r < 0)
		return r;
	parser->answer->leads_to_share =
		parser->answer->source_url && !is_seen(parser, "backup") &&
		!is_seen(parser, "target") && !is_seen(parser, "layout");
	return find_missing(parser, err);
}

int answer_check_whole(const struct answer *answer, struct err *err)
{
	return answer->missing ? err_set(err, -EINVAL, "%s", answer->missing) : 0;
}

int answer_parse(const void *bytes, size_t length, const char *name, const char *folder,
		 struct answer *ret, struct err *err)
{
	struct answer answer = { 0 };
	struct answer_parser parser = { .file = name,
					.folder = folder,
					.section = (char *)"" };
	AUTO_FREE char *text = NULL;
	char *rest;
	int r;

	if (length > ANSWER_MAX_BYTES)
		return err_set(err, -EINVAL,
			       "'%s': %zu bytes, an answer file has at most %d", name,
			       length, ANSWER_MAX_BYTES);
	r = text_decode(bytes, length, &text, err);
	if (r < 0)
		return err_add(err, "'%s'", name);
	parser.answer = &answer;
	rest = text;
	for (char *line = strsep(&rest, "\n"); r == 0 && line; line = strsep(&rest, "\n"))
		r = take_line(&parser, line, err);
	if (r == 0)
		r = finish(&parser, err);
	if (r < 0) {
		answer_clear(&answer);
		return r;
	}
	*ret = answer;
	return 0;
}

static int check_signature(const char *path, const char *key, const void *bytes,
			   size_t length, struct err *err)
{
	AUTO_FREE char *signature = text_format("%s.sig", path);
	const struct signed_bytes what = { path, bytes, length };

	return signature ? signature_check(&what, signature, key, err) : err_nomem(err);
}

int answer_read(const char *path, const char *signed_by, struct answer *ret,
		struct err *err)
{
	AUTO_FREE char *folder = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	char *slash;
	int r = source_file_read_whole(path, "an answer file", ANSWER_MAX_BYTES, &bytes,
				       &length, err);

	if (r < 0)
		return r;
	folder = strdup(path);
	if (!folder)
		return err_nomem(err);
	slash = strrchr(folder, '/');
	strcpy(slash == folder ? slash + 1 : slash ? slash : folder, slash ? "" : ".");
	if (signed_by)
		r = check_signature(path, signed_by, bytes, length, err);
	if (r < 0)
		return r;
	return answer_parse((char *)bytes, length, path, folder, ret, err);
}

void answer_clear(struct answer *answer)
{
	free(answer->match.uuid);
	free(answer->match.serial);
	free(answer->match.mac);
	free(answer->match.host);
	free(answer->match.vendor);
	free(answer->match.model);
	free(answer->network.interface);
	free(answer->network.address);
	free(answer->network.gateway);
	free(answer->network.dns);
	free(answer->missing);
	free(answer->plan);
	free(answer->partition);
	free(answer->status);
	free(answer->source_url);
	free(answer->credentials);
	free(answer->unlock);
	free(answer->machine);
	free(answer->version);
	free(answer->volumes);
	free(answer->controller);
	free(answer->drivers);
	free(answer->grow);
	free(answer->layout);
	free(answer->report);
	free(answer->log);
	for (size_t i = 0; i < answer->disk_count; i++)
		free(answer->disks[i]);
	for (size_t i = 0; i < answer->exclude_count; i++)
		free(answer->excludes[i]);
	*answer = (struct answer){ 0 };
}
