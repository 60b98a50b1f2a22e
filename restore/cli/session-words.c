/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options as words of the journal: see session-words.h. */
#include "session-words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What may be in a journal. Whoever resumes says where secrets and reports are. */
static const struct word_kind {
	const char *option;
	bool has_value;
} kinds[] = {
	{ "--from", true },	  { "--encrypt", true },  { "--machine", true },
	{ "--version", true },	  { "--disk", true },	  { "--exclude", true },
	{ "--ids", true },	  { "--firmware", true }, { "--sector-size", true },
	{ "--volumes", true },	  { "--layout", true },	  { "--dynamic", true },
	{ "--for", true },	  { "--drivers", true },  { "--grow", true },
	{ "--no-shrink", false }, { "--wipe", false },
};

static const struct word_kind *find_kind(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].option, word) == 0)
			return &kinds[i];
	return NULL;
}

/* -- writing --------------------------------------------------------------------------- */

static void put(FILE *file, const char *option, const char *value)
{
	if (!value)
		return;
	fprintf(file, "%s%c%s%c", option, '\0', value, '\0');
}

static void put_flag(FILE *file, const char *option, bool wanted)
{
	if (wanted)
		fprintf(file, "%s%c", option, '\0');
}

/* An image file that is half restored does not say itself how large its sectors are. */
static void put_sector_size(FILE *file, const struct session_options *options,
			    const struct session *session)
{
	uint32_t size = options->sector_size;
	char text[16];

	for (size_t i = 0; !size && i < options->disk_count; i++)
		if (session->named[i].disk->is_file)
			size = session->named[i].disk->sector_size;
	snprintf(text, sizeof(text), "%u", size);
	put(file, "--sector-size", size ? text : NULL);
}

static void put_all(FILE *file, const struct session_options *options,
		    const struct session *session)
{
	put(file, "--from", options->source.text);
	put(file, "--encrypt", options->source.require_encryption ? "required" : NULL);
	put(file, "--machine", session->machine->name);
	/* not "latest": there may be a later one when the restore is resumed */
	put(file, "--version", session->version->path);
	for (size_t i = 0; i < options->disk_count; i++)
		put(file, "--disk", options->disks[i]);
	for (size_t i = 0; i < options->exclude_count; i++)
		put(file, "--exclude", options->excludes[i]);
	put(file, "--ids", options->new_ids ? "new" : NULL);
	put(file, "--firmware",
	    options->firmware == PLAN_FIRMWARE_UEFI	 ? "uefi"
	    : options->firmware == PLAN_FIRMWARE_BIOS	 ? "bios"
	    : options->firmware == PLAN_FIRMWARE_CONVERT ? "convert"
							 : NULL);
	put_sector_size(file, options, session);
	put(file, "--volumes", options->volumes);
	put(file, "--layout", options->layout);
	put(file, "--dynamic", options->dynamic_plain ? "plain" : NULL);
	put(file, "--for", options->controller);
	put(file, "--drivers", options->drivers);
	put(file, "--grow", options->grow);
	put_flag(file, "--no-shrink", options->no_shrink);
	put_flag(file, "--wipe", options->wipe);
}

int session_words(const struct session_options *options, const struct session *session,
		  char **ret, size_t *ret_length, struct err *err)
{
	FILE *file = open_memstream(ret, ret_length);

	if (!file)
		return err_nomem(err);
	put_all(file, options, session);
	if (fclose(file) == 0)
		return 0;
	free(TAKE_PTR(*ret));
	return err_nomem(err);
}

/* -- reading --------------------------------------------------------------------------- */

int session_words_add(char *words, size_t length, char **argv, size_t *count, size_t room,
		      struct err *err)
{
	const struct word_kind *kind = NULL;

	for (char *word = words; word < words + length; word += strlen(word) + 1) {
		if (!kind || !kind->has_value) {
			kind = find_kind(word);
			if (!kind)
				return err_set(
					err, -EBADMSG,
					"the journal says '%s', which is no option "
					"of a restore",
					word);
		} else {
			kind = NULL;
		}
		if (*count == room)
			return err_set(err, -EBADMSG,
				       "the journal has more than %zu words", room);
		argv[(*count)++] = word;
	}
	if (kind && kind->has_value)
		return err_set(err, -EBADMSG, "the journal ends behind '%s'",
			       kind->option);
	return 0;
}
