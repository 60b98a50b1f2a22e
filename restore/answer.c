/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answer file: see answer.h. New keys are lines in the table. */
#include <restore/answer.h>

#include <ctype.h>
#include <string.h>

#include <base/block-source.h>
#include <base/cleanup.h>
#include <base/text.h>
#include <base/utf.h>
#include <restore/layout-file.h>
#include <restore/boot-driver.h>
#include <restore/signature.h>

struct answer_line {
	const char *file;
	unsigned number;
	const char *section, *key, *value;
	const char *folder; /* of the answer file; NULL */
};

struct answer_key {
	const char *section, *key;
	bool required;
	int (*set)(struct answer *answer, const struct answer_line *line,
		   struct err *err);
};

static int bad_value(const struct answer_line *line, const char *allowed, struct err *err)
{
	return err_set(err, -EINVAL, "'%s' line %u: '%s' cannot be '%s'; write %s",
		       line->file, line->number, line->key, line->value, allowed);
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static int keep(char **field, const char *value, struct err *err)
{
	*field = strdup(value);
	return *field ? 0 : err_nomem(err);
}

static int set_format(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	if (strcmp(line->value, "1") != 0)
		return bad_value(line, "1, the only format so far", err);
	return 0;
}

static int set_url(struct answer *answer, const struct answer_line *line, struct err *err)
{
	return keep(&answer->source_url, line->value, err);
}

/* A path is told from the folder of the answer file. */
static int keep_path(char **field, const char *path, const struct answer_line *line,
		     struct err *err)
{
	if (*path == '/' || !line->folder)
		return keep(field, path, err);
	*field = text_format("%s/%s", line->folder, path);
	return *field ? 0 : err_nomem(err);
}

/* prompt leaves *ret NULL. What else stands there is not repeated: it may be the secret. */
static int set_secret_file(char **ret, const struct answer_line *line, struct err *err)
{
	const char *path = line->value + strlen("file:");

	if (strcmp(line->value, "prompt") == 0)
		return 0;
	if (strncmp(line->value, "file:", strlen("file:")) != 0 || !*path)
		return err_set(
			err, -EINVAL,
			"'%s' line %u: '%s' names no file; write file:NAME or prompt",
			line->file, line->number, line->key);
	return keep_path(ret, path, line, err);
}

static int set_credentials(struct answer *answer, const struct answer_line *line,
			   struct err *err)
{
	return set_secret_file(&answer->credentials, line, err);
}

static int set_unlock(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	return set_secret_file(&answer->unlock, line, err);
}

static int set_encrypt(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	answer->require_encryption = strcmp(line->value, "required") == 0;
	if (answer->require_encryption || strcmp(line->value, "if-offered") == 0)
		return 0;
	return bad_value(line, "required or if-offered", err);
}

static int set_machine(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	return keep(&answer->machine, line->value, err);
}

static int set_version(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	return keep(&answer->version, line->value, err);
}

static int set_volumes(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	return keep(&answer->volumes, line->value, err);
}

static int set_shrink(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	answer->no_shrink = strcmp(line->value, "never") == 0;
	if (!answer->no_shrink && strcmp(line->value, "auto") != 0)
		return bad_value(line, "auto or never", err);
	return 0;
}

static int set_for(struct answer *answer, const struct answer_line *line, struct err *err)
{
	AUTO_FREE char *names = boot_driver_controllers();

	if (boot_driver_check(line->value, NULL) == 0)
		return keep(&answer->controller, line->value, err);
	return names ? bad_value(line, names, err) : err_nomem(err);
}

static int set_forecast(struct answer *answer, const struct answer_line *line,
			struct err *err)
{
	answer->ignore_forecast = strcmp(line->value, "ignore") == 0;
	if (!answer->ignore_forecast && strcmp(line->value, "stop") != 0)
		return bad_value(line, "stop or ignore", err);
	return 0;
}

static int set_drivers(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	const char *path = line->value + strlen("file:");

	if (strncmp(line->value, "file:", strlen("file:")) != 0 || !*path)
		return bad_value(line, "file:FOLDER", err);
	return keep_path(&answer->drivers, path, line, err);
}

static int set_grow(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	const char *value = line->value;

	if (!isalpha((unsigned char)value[0]) || value[1] != ':' || value[2])
		return bad_value(line, "a drive letter, such as C:", err);
	return keep(&answer->grow, value, err);
}

static int set_prove(struct answer *answer, const struct answer_line *line,
		     struct err *err)
{
	answer->prove_full = strcmp(line->value, "full") == 0;
	if (!answer->prove_full && strcmp(line->value, "sample") != 0)
		return bad_value(line, "sample or full", err);
	return 0;
}

static int set_delta(struct answer *answer, const struct answer_line *line,
		     struct err *err)
{
	answer->delta = strcmp(line->value, "yes") == 0;
	if (answer->delta || strcmp(line->value, "no") == 0)
		return 0;
	return bad_value(line, "yes or no", err);
}

static bool is_identity(const char *value)
{
	static const char *const forms[] = { "serial:", "wwn:", "size:" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strncmp(value, forms[i], strlen(forms[i])) == 0 &&
		    value[strlen(forms[i])])
			return true;
	return false;
}

/* The number of the key is that of the source disk. */
static int set_disk(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	char **disk = &answer->disks[answer->disk_count];

	if (!is_identity(line->value))
		return bad_value(line, "serial:…, wwn:… or size:900G..1100G", err);
	*disk = text_format("%s=%s", line->key + strlen("disk"), line->value);
	if (!*disk)
		return err_nomem(err);
	answer->disk_count++;
	return 0;
}

static int set_exclude(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	AUTO_FREE char *list = strdup(line->value);
	char *rest = list;
	int r = 0;

	if (!list)
		return err_nomem(err);
	for (char *name = strsep(&rest, ","); r == 0 && name; name = strsep(&rest, ",")) {
		name = trim(name);
		if (answer->exclude_count == ANSWER_DISKS || !is_identity(name))
			return bad_value(
				line, "serial:… or wwn:…, at most 16 with commas", err);
		r = keep(&answer->excludes[answer->exclude_count], name, err);
		answer->exclude_count += r == 0;
	}
	return r;
}

static int set_firmware(struct answer *answer, const struct answer_line *line,
			struct err *err)
{
	if (plan_firmware_parse(line->value, &answer->firmware, NULL) == 0)
		return 0;
	return bad_value(line, "match, convert, uefi or bios", err);
}

static int set_ids(struct answer *answer, const struct answer_line *line, struct err *err)
{
	answer->new_ids = strcmp(line->value, "new") == 0;
	if (answer->new_ids || strcmp(line->value, "same") == 0)
		return 0;
	return bad_value(line, "same or new", err);
}

static int set_dynamic(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	answer->dynamic_plain = strcmp(line->value, "plain") == 0;
	if (answer->dynamic_plain || strcmp(line->value, "refuse") == 0)
		return 0;
	return bad_value(line, "plain or refuse", err);
}

static int set_file(char **field, const struct answer_line *line, struct err *err)
{
	const char *path = line->value + strlen("file:");

	if (strncmp(line->value, "file:", strlen("file:")) != 0 || !*path)
		return bad_value(line, "file:NAME", err);
	return keep_path(field, path, line, err);
}

static int set_layout(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	size_t prefix = strlen(LAYOUT_BESIDE_BACKUP);

	if (strncmp(line->value, LAYOUT_BESIDE_BACKUP, prefix) == 0 &&
	    line->value[prefix])
		return keep(&answer->layout, line->value, err);
	return set_file(&answer->layout, line, err);
}

static int set_report(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	return set_file(&answer->report, line, err);
}

static int set_confirm(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	if (strcmp(line->value, "erase") != 0)
		return bad_value(line, "erase", err);
	answer->confirm_erase = true;
	return 0;
}

static const char *const action_texts[] = {
	[AFTER_HOLD] = "hold",
	[AFTER_REBOOT] = "reboot",
	[AFTER_POWEROFF] = "poweroff",
	[AFTER_SHELL] = "shell",
};

const char *after_action_text(enum after_action action)
{
	return action_texts[action];
}

static int set_action(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(action_texts); i++) {
		if (strcmp(line->value, action_texts[i]) == 0) {
			answer->action = (enum after_action)i;
			return 0;
		}
	}
	return bad_value(line, "reboot, poweroff, shell or hold", err);
}

/* section "" is what stands before the first one */
static const struct answer_key keys[] = {
	{ "", "format", true, set_format },
	{ "source", "url", true, set_url },
	{ "source", "credentials", false, set_credentials },
	{ "source", "encrypt", false, set_encrypt },
	{ "source", "unlock", false, set_unlock },
	{ "backup", "machine", false, set_machine },
	{ "backup", "version", false, set_version },
	{ "backup", "volumes", false, set_volumes },
	{ "backup", "prove", false, set_prove },
	{ "target", "delta", false, set_delta },
	{ "target", "disk0", true, set_disk },
	{ "target", "disk1", false, set_disk },
	{ "target", "disk2", false, set_disk },
	{ "target", "disk3", false, set_disk },
	{ "target", "disk4", false, set_disk },
	{ "target", "disk5", false, set_disk },
	{ "target", "disk6", false, set_disk },
	{ "target", "disk7", false, set_disk },
	{ "target", "disk8", false, set_disk },
	{ "target", "disk9", false, set_disk },
	{ "target", "disk10", false, set_disk },
	{ "target", "disk11", false, set_disk },
	{ "target", "disk12", false, set_disk },
	{ "target", "disk13", false, set_disk },
	{ "target", "disk14", false, set_disk },
	{ "target", "disk15", false, set_disk },
	{ "target", "exclude", false, set_exclude },
	{ "target", "for", false, set_for },
	{ "target", "drivers", false, set_drivers },
	{ "target", "confirm", true, set_confirm },
	{ "target", "forecast", false, set_forecast },
	{ "layout", "shrink", false, set_shrink },
	{ "layout", "grow", false, set_grow },
	{ "layout", "firmware", false, set_firmware },
	{ "layout", "ids", false, set_ids },
	{ "layout", "dynamic", false, set_dynamic },
	{ "layout", "layout", false, set_layout },
	{ "after", "action", false, set_action },
	{ "after", "report", false, set_report },
};

#define KEY_COUNT ARRAY_SIZE(keys)

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

	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *candidate = section ? keys[i].key : keys[i].section;
		size_t distance;

		if ((section && strcmp(section, keys[i].section) != 0) || !*candidate)
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
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (*name && strcmp(name, keys[i].section) == 0)
			return true;
	return false;
}

/* -- lines ---- */

struct answer_parser {
	const char *file, *folder;
	unsigned number;
	char *section;		  /* within the text */
	unsigned seen[KEY_COUNT]; /* line numbers; 0: not yet */
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
	parser->section = trim(line + 1);
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
	found.key = trim(line);
	found.value = trim(equals + 1);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].section, found.section) != 0 ||
		    strcmp(keys[i].key, found.key) != 0)
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
		return keys[i].set(parser->answer, &found, err);
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
	line = trim(line);
	if (!*line)
		return 0;
	if (*line == '[')
		return take_section(parser, line, err);
	return take_key(parser, line, err);
}

static int check_required(const struct answer_parser *parser, struct err *err)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].required && !parser->seen[i])
			return err_set(err, -EINVAL, "'%s': '%s' is missing%s%s%s",
				       parser->file, keys[i].key,
				       *keys[i].section ? " in [" : " at the start",
				       keys[i].section, *keys[i].section ? "]" : "");
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
