/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BackupSpecs.xml: see backup-specs.h. */
#include "backup-specs.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

/* A Windows machine has 26 letters and some mount points. */
#define MAX_VOLUMES 1024

void backup_specs_free(struct backup_specs *specs)
{
	if (!specs)
		return;
	for (size_t i = 0; i < specs->count; i++) {
		free(specs->volumes[i].access_path);
		free(specs->volumes[i].label);
		free(specs->volumes[i].why);
	}
	free(specs->volumes);
	free(specs);
}

int volume_name_parse(const char *text, struct guid *ret)
{
	static const char *const prefixes[] = { "\\\\?\\", "\\??\\", "" };
	static const char word[] = "Volume";
	size_t length;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (strncmp(text, prefixes[i], prefix) == 0) {
			text += prefix;
			break;
		}
	}
	if (strncasecmp(text, word, sizeof(word) - 1) != 0)
		return -EINVAL;
	text += sizeof(word) - 1;
	length = strlen(text);
	if (length && text[length - 1] == '\\')
		length--;
	if (text[0] != '{')
		return -EINVAL;
	return guid_parse(text, length, ret);
}

bool backup_specs_matches(const struct xml_element *root)
{
	return strcmp(root->name, "BackupSpecs") == 0;
}

static bool is_true(const char *value)
{
	return value && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* Is path the root of the volume: its name, or its access path with or without the last
 * backslash? */
static bool is_volume_root(const char *path, const char *name, const char *access_path)
{
	size_t length = access_path ? strlen(access_path) : 0;

	if (!path)
		return false;
	if (name && strcasecmp(path, name) == 0)
		return true;
	if (!length)
		return false;
	if (access_path[length - 1] == '\\')
		length--;
	return strncasecmp(path, access_path, length) == 0 &&
	       (strcmp(path + length, "\\") == 0 || path[length] == '\0');
}

/* Why one FileSpec is not "everything of this volume"; NULL if it is. */
static const char *spec_limit(const struct xml_element *volume,
			      const struct xml_element *spec)
{
	const char *file = xml_value(spec, "FileName");

	if (!is_true(xml_value(spec, "IsInclude")))
		return "it excludes files";
	if (!is_volume_root(xml_value(spec, "FilePath"), xml_value(volume, "Name"),
			    xml_value(volume, "OriginalAccessPath")) &&
	    !is_volume_root(xml_value(spec, "FilePath"), NULL,
			    xml_value(volume, "AccessPath")))
		return "it holds a folder, not the volume";
	if (!file || strcmp(file, "*") != 0)
		return "it holds some files only";
	if (!is_true(xml_value(spec, "IsRecursive")))
		return "it leaves out sub-folders";
	return NULL;
}

/* The full-volume test of FORMAT.md section 3. */
static int judge_volume(const struct xml_element *volume, struct specs_volume *ret,
			struct err *err)
{
	const struct xml_element *child;
	const char *limit = NULL, *first = NULL;
	size_t specs = 0;

	for (child = volume->children; child; child = child->next) {
		if (strcmp(child->name, "FileSpec") != 0)
			continue;
		limit = spec_limit(volume, child);
		if (limit && !first)
			first = limit;
		specs++;
	}
	if (!specs)
		return 0;
	if (!first && specs > 1)
		first = "several selections of files instead of one";
	ret->completeness = first ? COMPLETENESS_PARTIAL : COMPLETENESS_FULL;
	if (first) {
		ret->why = text_format("file-level backup: %s (BackupSpecs.xml)", first);
		if (!ret->why)
			return err_nomem(err);
	}
	return 0;
}

/* Current or original value, whichever is there and says something. */
static int copy_either(const struct xml_element *element, const char *name,
		       const char *original, char **ret, struct err *err)
{
	const char *value = xml_value(element, original);

	if (!value || !value[0])
		value = xml_value(element, name);
	*ret = strdup(value ? value : "");
	return *ret ? 0 : err_nomem(err);
}

static int read_volume(const struct xml_element *element, struct specs_volume *ret,
		       struct err *err)
{
	const char *name = xml_value(element, "Name");
	int r;

	ret->has_guid = name && volume_name_parse(name, &ret->guid) == 0;
	r = copy_either(element, "AccessPath", "OriginalAccessPath", &ret->access_path,
			err);
	if (r < 0)
		return r;
	r = copy_either(element, "Label", "OriginalLabel", &ret->label, err);
	if (r < 0)
		return r;
	return judge_volume(element, ret, err);
}

int backup_specs_read(const struct xml_element *root, const char *what,
		      struct backup_specs **ret, struct err *err)
{
	AUTO(backup_specs_freep) struct backup_specs *specs = calloc(1, sizeof(*specs));
	const struct xml_element *element;
	size_t count = 0;
	int r;

	if (!specs)
		return err_nomem(err);
	for (element = root; element; element = xml_next(root, element)) {
		count += strcmp(element->name, "Volume") == 0;
		if (strcmp(element->name, "SystemState") == 0)
			specs->system_state = is_true(xml_value(element, "IsPresent"));
	}
	if (count > MAX_VOLUMES)
		return err_set(err, -EBADMSG, "'%s': %zu volumes, limit %d", what, count,
			       MAX_VOLUMES);
	specs->volumes = calloc(count + 1, sizeof(*specs->volumes));
	if (!specs->volumes)
		return err_nomem(err);
	for (element = root; element; element = xml_next(root, element)) {
		if (strcmp(element->name, "Volume") != 0)
			continue;
		r = read_volume(element, &specs->volumes[specs->count++], err);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(specs);
	return 0;
}
