/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of files for a destination: see file_name_for(). Pure. */
#include <restore/files.h>

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

/* "~" and eight digits that stand for what was cut. */
#define MARK_LENGTH 9
/* A longer one is not what programs look for. */
#define EXTENSION_MAX 16

static bool is_forbidden(unsigned char c, bool windows_names)
{
	if (c < 0x20 || c == 0x7f || c == '/')
		return true;
	return windows_names && strchr("<>:\"\\|?*", c);
}

/* Windows opens a device under these names, in any folder, whatever the extension. */
static bool is_device(const char *name)
{
	static const char *const devices[] = { "con", "prn", "aux", "nul", "com", "lpt" };
	size_t length = strcspn(name, ".");

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		bool numbered = i >= 4;

		if (length == 3u + numbered && strncasecmp(name, devices[i], 3) == 0 &&
		    (!numbered || (name[3] >= '0' && name[3] <= '9')))
			return true;
	}
	return false;
}

/* Windows cuts blanks and dots at the end, and "." and ".." are no names anywhere. */
static bool is_bad_end(const char *name, size_t at, bool windows_names)
{
	bool last = name[at + 1] == '\0';

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	return windows_names && last && (name[at] == '.' || name[at] == ' ');
}

static uint32_t hash(const char *text)
{
	uint32_t h =
		2166136261u; /* FNV-1a: names that differ must differ after the cut */

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

/* Not in the middle of a character. */
static size_t cut_at(const char *text, size_t length)
{
	while (length && (text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

static char *shorten(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t extension = dot && strlen(dot) <= EXTENSION_MAX ? strlen(dot) : 0;
	size_t length = cut_at(name, FILE_NAME_LENGTH - MARK_LENGTH - extension);

	return text_format("%.*s~%08" PRIx32 "%s", (int)length, name, hash(name),
			   extension ? dot : "");
}

int file_name_for(const char *name, bool windows_names, char **ret, bool *ret_changed,
		  struct err *err)
{
	AUTO_FREE char *escaped = NULL;
	struct text text = { 0 };
	bool device = windows_names && is_device(name);

	if (!name[0])
		return err_set(err, -EINVAL, "a file without a name");
	for (size_t i = 0; name[i]; i++) {
		unsigned char c = (unsigned char)name[i];

		if (is_forbidden(c, windows_names) || (device && i == 0) ||
		    is_bad_end(name, i, windows_names))
			text_add(&text, "%%%02X", c);
		else
			text_add(&text, "%c", c);
	}
	escaped = text_take(&text);
	if (escaped && strlen(escaped) > FILE_NAME_LENGTH)
		*ret = shorten(escaped);
	else
		*ret = TAKE_PTR(escaped);
	if (!*ret)
		return err_nomem(err);
	*ret_changed = strcmp(*ret, name) != 0;
	return 0;
}
