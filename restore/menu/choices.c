/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choices as a command line and as an answer file: see choices.h. */
#include "choices.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/cleanup.h>
#include <base/text.h>

#define LINE_WIDTH   70
#define PROOF_LENGTH 4

bool choices_from_share(const struct choices *choices)
{
	return strncasecmp(choices->source, "smb:", 4) == 0 ||
	       strncmp(choices->source, "\\\\", 2) == 0;
}

const char *choices_proof(const char *which)
{
	const char *name = strchr(which, ':') ? strchr(which, ':') + 1 : which;
	size_t length = strlen(name);

	return length > PROOF_LENGTH ? name + length - PROOF_LENGTH : name;
}

static void add_word(struct arguments *arguments, const char *word)
{
	if (arguments->count == ARGUMENTS_MAX) {
		arguments->failed = true;
		return;
	}
	arguments->words[arguments->count] = strdup(word);
	if (arguments->words[arguments->count])
		arguments->count++;
	else
		arguments->failed = true;
}

void arguments_add(struct arguments *arguments, const char *option, const char *value)
{
	if (value && !value[0])
		return;
	if (option)
		add_word(arguments, option);
	if (value)
		add_word(arguments, value);
}

void arguments_clear(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		free(arguments->words[i]);
	*arguments = (struct arguments){ 0 };
}

static void add_disks(const struct choices *choices, struct arguments *arguments)
{
	for (size_t i = 0; i < CHOICES_DISKS; i++) {
		AUTO_FREE char *value = text_format("%zu=%s", i, choices->disks[i]);

		if (choices->disks[i][0])
			arguments_add(arguments, "--disk", value);
	}
}

void choices_add_source(const struct choices *choices,
			const struct choices_secrets *secrets,
			struct arguments *arguments)
{
	if (choices_from_share(choices) && choices->user[0])
		arguments_add(arguments, "--credentials", secrets->credentials);
	if (choices->require_encryption)
		arguments_add(arguments, "--encrypt", "required");
	arguments_add(arguments, "--unlock",
		      choices->keys[0] ? secrets->keys : choices->unlock);
}

/* What a person makes before the command line or the answer file is used: the one file that a boot
 * medium hands over with the answer file. */
static const struct choices_secrets files_to_make = { "openbmr.cred", "openbmr.cred" };

/* What no screen asks for. */
static const struct more {
	const char *section, *key, *option;
	const char *prefix; /* of a path, in an answer file */
	bool is_flag;	    /* the option takes no value */
	size_t offset;	    /* of a text in struct choices */
} mores[] = {
	{ "source", "retry_for", "--retry-for", "", false,
	  offsetof(struct choices, retry_for) },
	{ "target", "for", "--for", "", false, offsetof(struct choices, controller) },
	{ "target", "drivers", "--drivers", "file:", false,
	  offsetof(struct choices, drivers) },
	{ "target", "delta", "--delta", "", true, offsetof(struct choices, delta) },
	{ "target", "wipe", "--wipe", "", true, offsetof(struct choices, wipe) },
	{ "layout", "firmware", "--firmware", "", false,
	  offsetof(struct choices, firmware) },
	{ "layout", "dynamic", "--dynamic", "", false,
	  offsetof(struct choices, dynamic) },
	{ "layout", "layout", "--layout", "file:", false,
	  offsetof(struct choices, layout) },
	{ "after", "report", "--report", "", false, offsetof(struct choices, report) },
};

static const char *more_value(const struct choices *choices, const struct more *more)
{
	return (const char *)choices + more->offset;
}

static void add_mores(const struct choices *choices, struct arguments *arguments)
{
	for (size_t i = 0; i < ARRAY_SIZE(mores); i++) {
		const char *value = more_value(choices, &mores[i]);

		if (value[0])
			arguments_add(arguments, mores[i].option,
				      mores[i].is_flag ? NULL : value);
	}
}

int choices_arguments(const struct choices *choices, const char *command,
		      const struct choices_secrets *secrets, struct arguments *ret,
		      struct err *err)
{
	struct arguments arguments = { 0 };

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, command);
	if (choices->source[0])
		arguments_add(&arguments, "--from", choices->source);
	choices_add_source(choices, secrets, &arguments);
	arguments_add(&arguments, "--machine", choices->machine);
	arguments_add(&arguments, "--version", choices->version);
	arguments_add(&arguments, "--volumes", choices->volumes);
	add_disks(choices, &arguments);
	arguments_add(&arguments, "--grow", choices->grow);
	if (choices->new_ids)
		arguments_add(&arguments, "--ids", "new");
	if (choices->no_shrink)
		arguments_add(&arguments, "--no-shrink", NULL);
	if (choices->prove_full)
		arguments_add(&arguments, "--prove", "full");
	for (size_t i = 0; i < CHOICES_DISKS; i++)
		arguments_add(&arguments, "--exclude", choices->excludes[i]);
	add_mores(choices, &arguments);
	if (arguments.failed) {
		arguments_clear(&arguments);
		return err_nomem(err);
	}
	*ret = arguments;
	return 0;
}

int choices_state_arguments(const struct choices *choices,
			    const struct choices_secrets *secrets, struct arguments *ret,
			    struct err *err)
{
	struct arguments arguments = { 0 };

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "restore-systemstate");
	arguments_add(&arguments, "--from", choices->source);
	choices_add_source(choices, secrets, &arguments);
	arguments_add(&arguments, "--retry-for", choices->retry_for);
	arguments_add(&arguments, "--machine", choices->machine);
	arguments_add(&arguments, "--version", choices->version);
	arguments_add(&arguments, "--disk", choices->disks[0]);
	arguments_add(&arguments, "--volume", choices->partition);
	arguments_add(&arguments, "--only", choices->state);
	if (choices->other_machine)
		arguments_add(&arguments, "--other-machine", NULL);
	if (choices->domain_controller)
		arguments_add(&arguments, "--domain-controller", NULL);
	arguments_add(&arguments, "--report", choices->report);
	if (arguments.failed) {
		arguments_clear(&arguments);
		return err_nomem(err);
	}
	*ret = arguments;
	return 0;
}

/* As a shell takes it. */
static char *quote(const char *word)
{
	struct text text = { 0 };

	if (word[0] && !strpbrk(word, " \t\\'\"$&;()<>|*?[]{}#~!`"))
		return strdup(word);
	text_add(&text, "'");
	for (; *word; word++)
		if (*word == '\'')
			text_add(&text, "'\\''");
		else
			text_add(&text, "%c", *word);
	text_add(&text, "'");
	return text_take(&text);
}

char *choices_command_line(const struct choices *choices)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	struct text line = { 0 };
	size_t column = 0;
	struct err err;
	int r = choices->system_state
			? choices_state_arguments(choices, &files_to_make, &arguments,
						  &err)
			: choices_arguments(choices, "restore", &files_to_make,
					    &arguments, &err);

	if (r < 0)
		return NULL;
	arguments_add(&arguments, "--confirm",
		      choices->system_state ? "replace" : "erase");
	for (size_t i = 0; i < arguments.count; i++) {
		AUTO_FREE char *word = quote(arguments.words[i]);
		size_t length = word ? strlen(word) : 0;

		if (i && column + 1 + length > LINE_WIDTH) {
			text_add(&line, " \\\n   ");
			column = 3;
		}
		text_add(&line, "%s%s", i ? " " : "", word ? word : "");
		column += length + 1;
	}
	if (!arguments.failed)
		return text_take(&line);
	text_clear(&line);
	return NULL;
}

static void add_key(struct text *file, const char *key, const char *value)
{
	if (value[0])
		text_add(file, "%s = %s\n", key, value);
}

static void add_more_keys(struct text *file, const struct choices *choices,
			  const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(mores); i++) {
		const char *value = more_value(choices, &mores[i]);
		bool path = value[0] == '/';

		if (value[0] && strcmp(mores[i].section, section) == 0)
			text_add(file, "%s = %s%s\n", mores[i].key,
				 path ? mores[i].prefix : "", value);
	}
}

static void add_unlock(struct text *file, const struct choices *choices)
{
	const char *path = choices->keys[0] ? files_to_make.keys : choices->unlock;

	if (path[0])
		text_add(file, "unlock = file:%s\n", path);
}

static void add_target(struct text *file, const struct choices *choices)
{
	text_add(file, "[target]\n");
	for (size_t i = 0; i < CHOICES_DISKS; i++)
		if (choices->disks[i][0])
			text_add(file, "disk%zu = %s\n", i, choices->disks[i]);
	for (size_t i = 0; i < CHOICES_DISKS && choices->excludes[i][0]; i++)
		text_add(file, "%s%s", i ? ", " : "exclude = ", choices->excludes[i]);
	text_add(file, "%s", choices->excludes[0][0] ? "\n" : "");
	add_key(file, "forecast", choices->ignore_forecast ? "ignore" : "");
	add_more_keys(file, choices, "target");
	add_key(file, "confirm", "erase");
}

static void add_network(struct text *file, const struct choices *choices)
{
	if (choices->interface[0] || choices->address[0] || choices->dns[0] ||
	    choices->vlan[0])
		text_add(file, "[network]\n");
	add_key(file, "interface", choices->interface);
	add_key(file, "address", choices->address);
	add_key(file, "gateway", choices->gateway);
	add_key(file, "dns", choices->dns);
	add_key(file, "vlan", choices->vlan);
}

/* What is said of backup, disk and partition where the system state is put back. */
static void add_state(struct text *file, const struct choices *choices)
{
	add_key(file, "state", choices->state[0] ? choices->state : "all");
	text_add(file, "[target]\n");
	add_key(file, "disk0", choices->disks[0]);
	add_key(file, "partition", choices->partition);
	add_key(file, "other_machine", choices->other_machine ? "yes" : "");
	add_key(file, "domain_controller", choices->domain_controller ? "yes" : "");
	add_key(file, "confirm", "replace");
}

static void add_volumes(struct text *file, const struct choices *choices)
{
	add_key(file, "volumes", choices->volumes);
	add_key(file, "prove", choices->prove_full ? "full" : "");
	add_target(file, choices);
	text_add(file, "[layout]\n");
	add_key(file, "ids", choices->new_ids ? "new" : "same");
	add_key(file, "shrink", choices->no_shrink ? "never" : "auto");
	add_key(file, "grow", choices->grow);
	add_more_keys(file, choices, "layout");
}

char *choices_answer_file(const struct choices *choices)
{
	struct text file = { 0 };

	text_add(&file, "format = 1\n[source]\n");
	add_key(&file, "url", choices->source);
	add_key(&file, "credentials", choices->user[0] ? "file:openbmr.cred" : "");
	add_key(&file, "encrypt", choices->require_encryption ? "required" : "");
	add_unlock(&file, choices);
	add_more_keys(&file, choices, "source");
	text_add(&file, "[backup]\n");
	add_key(&file, "machine", choices->machine);
	add_key(&file, "version", choices->version);
	if (choices->system_state)
		add_state(&file, choices);
	else
		add_volumes(&file, choices);
	add_network(&file, choices);
	text_add(&file, "[after]\naction = hold\n");
	add_more_keys(&file, choices, "after");
	return text_take(&file);
}
