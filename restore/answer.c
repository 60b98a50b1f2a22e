/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of an answer file: see answer.h; its keys are in answer-keys.c. */
#include <restore/answer.h>

#include <ctype.h>
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

static bool is_section(const char *name)
{
	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++)
		if (*name && strcmp(name, answer_keys[i].section) == 0)
			return true;
	return false;
}

/* -- lines ---- */

struct answer_parser {
	const char *file, *folder;
	unsigned number;
	char *section;			 /* within the text */
	unsigned seen[ANSWER_KEY_COUNT]; /* line numbers; 0: not yet */
	struct answer *answer;
};

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
	size_t length = strlen(line);

	if (line[length - 1] != ']')
		return err_set(err, -EINVAL,
			       "'%s' line %u: '%s' begins a section and has no ']'",
			       parser->file, parser->number, line);
	line[length - 1] = '\0';
	parser->section = answer_trim(line + 1);
	if (is_section(parser->section))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s' line %u: [%s] is not a section; the nearest is [%s]",
		       parser->file, parser->number, parser->section,
		       nearest(parser->section, NULL));
}

static int take_key(struct answer_parser *parser, char *line, struct err *err)
{
	char *equals = strchr(line, '=');
	struct answer_line found = { parser->file, parser->number, parser->section,
				     NULL,	   NULL,	   parser->folder };

	if (!equals)
		return err_set(err, -EINVAL,
			       "'%s' line %u: '%s' is neither [section] nor key = value",
			       parser->file, parser->number, line);
	*equals = '\0';
	found.key = answer_trim(line);
	found.value = answer_trim(equals + 1);
	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++) {
		if (strcmp(answer_keys[i].section, found.section) != 0 ||
		    strcmp(answer_keys[i].key, found.key) != 0)
			continue;
		if (parser->seen[i])
			return err_set(err, -EINVAL,
				       "'%s' line %u: '%s' stands in line %u already",
				       parser->file, parser->number, found.key,
				       parser->seen[i]);
		if (!*found.value)
			return err_set(err, -EINVAL, "'%s' line %u: '%s' has no value",
				       parser->file, parser->number, found.key);
		parser->seen[i] = parser->number;
		return answer_keys[i].set(parser->answer, &found, err);
	}
	return err_set(err, -EINVAL,
		       "'%s' line %u: '%s' is not a key of %s%s%s; the nearest is '%s'",
		       parser->file, parser->number, found.key,
		       *found.section ? "[" : "the start", found.section,
		       *found.section ? "]" : "", nearest(found.key, found.section));
}

static int take_line(struct answer_parser *parser, char *line, struct err *err)
{
	parser->number++;
	cut_comment(line);
	line = answer_trim(line);
	if (!*line)
		return 0;
	if (*line == '[')
		return take_section(parser, line, err);
	return take_key(parser, line, err);
}

static int check_required(const struct answer_parser *parser, struct err *err)
{
	for (size_t i = 0; i < ANSWER_KEY_COUNT; i++)
		if (answer_keys[i].required && !parser->seen[i])
			return err_set(err, -EINVAL, "'%s': '%s' is missing%s%s%s",
				       parser->file, answer_keys[i].key,
				       *answer_keys[i].section ? " in ["
							       : " at the start",
				       answer_keys[i].section,
				       *answer_keys[i].section ? "]" : "");
	return 0;
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
		r = check_required(&parser, err);
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
	AUTO(source_freep) struct block_source *file = NULL;
	AUTO_FREE char *folder = NULL;
	AUTO_FREE char *bytes = NULL;
	char *slash;
	int r = source_file_open(path, &file, err);

	if (r < 0)
		return r;
	if (file->size > ANSWER_MAX_BYTES)
		return err_set(err, -EINVAL,
			       "'%s': %llu bytes, an answer file has at most %d", path,
			       (unsigned long long)file->size, ANSWER_MAX_BYTES);
	bytes = malloc(file->size + 1);
	folder = strdup(path);
	if (!bytes || !folder)
		return err_nomem(err);
	slash = strrchr(folder, '/');
	strcpy(slash == folder ? slash + 1 : slash ? slash : folder, slash ? "" : ".");
	r = source_read(file, bytes, 0, file->size, err);
	if (r == 0 && signed_by)
		r = check_signature(path, signed_by, bytes, file->size, err);
	if (r < 0)
		return r;
	return answer_parse(bytes, file->size, path, folder, ret, err);
}

void answer_clear(struct answer *answer)
{
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
	for (size_t i = 0; i < answer->disk_count; i++)
		free(answer->disks[i]);
	for (size_t i = 0; i < answer->exclude_count; i++)
		free(answer->excludes[i]);
	*answer = (struct answer){ 0 };
}
