/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns libjansson: see sbom.h. */
#include "sbom.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include <base/cleanup.h>

#ifndef OPENBMR_VERSION /* the linters do not go through the Makefile */
#define OPENBMR_VERSION "unknown"
#endif

#define CONTENTS      "/.contents"
#define FORMAT_LINE   "Format: http"
#define LICENCE_FIELD "License:"
#define LICENCES_MAX  64 /* the kernel's package names some forty */

/* -- licences ------------------------------------------------------------------------ */

/* Text without a NUL at its end, in the middle of another. */
struct piece {
	const char *start;
	size_t length;
};

static bool piece_equal(struct piece a, struct piece b)
{
	return a.length == b.length && memcmp(a.start, b.start, a.length) == 0;
}

/* The value of a License field in this line, without blanks around it; length 0: none. */
static struct piece licence_of(struct piece line)
{
	const size_t field = strlen(LICENCE_FIELD);

	if (line.length < field || memcmp(line.start, LICENCE_FIELD, field) != 0)
		return (struct piece){ 0 };
	line.start += field;
	line.length -= field;
	while (line.length && strchr(" \t", line.start[0])) {
		line.start++;
		line.length--;
	}
	while (line.length && strchr(" \t\r", line.start[line.length - 1]))
		line.length--;
	return line;
}

static size_t add_licence(struct piece *found, size_t count, struct piece licence)
{
	for (size_t i = 0; i < count; i++)
		if (piece_equal(found[i], licence))
			return count;
	if (!licence.length || count == LICENCES_MAX)
		return count;
	found[count] = licence;
	return count + 1;
}

char *sbom_licences(const char *copyright)
{
	struct piece found[LICENCES_MAX];
	AUTO(text_clear) struct text text = { 0 };
	size_t count = 0;

	if (strncmp(copyright, FORMAT_LINE, strlen(FORMAT_LINE)) != 0)
		return NULL;
	for (const char *line = copyright; *line;) {
		size_t length = strcspn(line, "\n");

		count = add_licence(found, count,
				    licence_of((struct piece){ line, length }));
		line += length + (line[length] == '\n');
	}
	for (size_t i = 0; i < count; i++)
		text_add(&text, "%s(%.*s)", i ? " AND " : "", (int)found[i].length,
			 found[i].start);
	return count ? text_take(&text) : NULL;
}

/* NULL: none that a machine can read. */
static char *read_licences(const struct sysroot *sysroot, const char *package)
{
	AUTO_FREE char *path = text_format("/usr/share/doc/%s/copyright", package);
	AUTO(content_clear) struct content content = { 0 };
	AUTO_FREE char *text = NULL;

	if (!path || sysroot_read(sysroot, path, &content, NULL, NULL) < 0 ||
	    !content.length)
		return NULL;
	text = strndup((const char *)content.bytes, content.length);
	return text ? sbom_licences(text) : NULL;
}

/* -- who owns what ------------------------------------------------------------------- */

struct lines {
	char *text;
	char **line; /* ascending */
	size_t count;
};

static void lines_clear(struct lines *lines)
{
	free(lines->text);
	free(lines->line);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int split_lines(const char *text, struct lines *ret, struct err *err)
{
	size_t room = 1;
	char *rest;

	for (const char *at = text; *at; at++)
		room += *at == '\n';
	ret->text = strdup(text);
	ret->line = calloc(room, sizeof(*ret->line));
	if (!ret->text || !ret->line)
		return err_nomem(err);
	rest = ret->text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line)
			ret->line[ret->count++] = line;
	qsort(ret->line, ret->count, sizeof(*ret->line), compare_lines);
	return 0;
}

static bool lines_have(const struct lines *lines, const char *wanted)
{
	return bsearch(&wanted, lines->line, lines->count, sizeof(*lines->line),
		       compare_lines) != NULL;
}

/* -- the document -------------------------------------------------------------------- */

static int add_package(json_t *packages, const char *name, const char *version,
		       const char *licences, struct err *err)
{
	json_t *package =
		json_pack("{s:s+, s:s, s:s, s:s, s:s, s:b, s:s}", "SPDXID",
			  "SPDXRef-Package-", name, "name", name, "versionInfo", version,
			  "downloadLocation", "NOASSERTION", "licenseDeclared",
			  "NOASSERTION", "filesAnalyzed", 0, "licenseComments",
			  licences ? licences : "see the package's copyright file");

	if (!package || json_array_append_new(packages, package) < 0)
		return err_nomem(err);
	return 0;
}

/* One line "NAME VERSION ./PATH" after the other; the files of a package follow each
 * other, and it is listed once. */
static int add_packages(const struct sysroot *sysroot, const struct lines *used,
			char *contents, json_t *packages, struct err *err)
{
	const char *last = "";

	for (char *rest = contents, *line; (line = strsep(&rest, "\n"));) {
		AUTO_FREE char *licences = NULL;
		char *name = strsep(&line, " "), *version = strsep(&line, " ");
		int r;

		if (!line || line[0] != '.' || strcmp(name, last) == 0 ||
		    !lines_have(used, line + 1))
			continue;
		licences = read_licences(sysroot, name);
		r = add_package(packages, name, version, licences, err);
		if (r < 0)
			return r;
		last = name;
	}
	return 0;
}

static int write_document(json_t *packages, uint32_t time_s, const char *output,
			  struct err *err)
{
	const time_t seconds = (time_t)time_s;
	struct tm tm;
	char created[32];
	json_t *document;
	int r = 0;

	gmtime_r(&seconds, &tm);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	document =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:[s]}, s:O}", "spdxVersion",
			  "SPDX-2.3", "dataLicense", "CC0-1.0", "SPDXID",
			  "SPDXRef-DOCUMENT", "name", "openbmr", "documentNamespace",
			  "https://openbmr.invalid/sbom", "creationInfo", "created",
			  created, "creators", "Tool: bmr-image", "packages", packages);
	if (!document)
		return err_nomem(err);
	if (json_dump_file(document, output, JSON_INDENT(1)) < 0)
		r = err_set(err, -EIO, "'%s': cannot be written", output);
	json_decref(document);
	return r;
}

static int fill_and_write(const struct sysroot *sysroot, const char *used,
			  uint32_t time_s, const char *output, json_t *packages,
			  struct err *err)
{
	/* reading licences is no use of a package */
	struct sysroot quiet = { .path = sysroot->path, .fd = sysroot->fd };
	AUTO(content_clear) struct content content = { 0 };
	AUTO(lines_clear) struct lines lines = { 0 };
	AUTO_FREE char *contents = NULL;
	int r = sysroot_read(&quiet, CONTENTS, &content, NULL, err);

	if (r < 0)
		return err_add(err, "list of the packages' files");
	contents = strndup(content.length ? (const char *)content.bytes : "",
			   content.length);
	if (!contents)
		return err_nomem(err);
	r = split_lines(used, &lines, err);
	if (r == 0)
		r = add_package(packages, "openbmr", OPENBMR_VERSION,
				"(GPL-3.0-or-later)", err);
	if (r == 0)
		r = add_packages(&quiet, &lines, contents, packages, err);
	return r < 0 ? r : write_document(packages, time_s, output, err);
}

int sbom_write(const struct sysroot *sysroot, const char *used, uint32_t time_s,
	       const char *output, struct err *err)
{
	json_t *packages = json_array();
	int r = packages ? fill_and_write(sysroot, used, time_s, output, packages, err)
			 : err_nomem(err);

	json_decref(packages);
	return r;
}
