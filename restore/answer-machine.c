/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See answer-machine.h. */
#include <restore/answer-machine.h>

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

/* -- match ---- */

static bool glob_fits(const char *glob, const char *value)
{
	return value[0] && fnmatch(glob, value, FNM_CASEFOLD) == 0;
}

/* '-' and ':' stand for each other; a glob may have a range, "[0-9]", which stays. */
static bool mac_fits(const char *glob, const struct answer_machine *machine)
{
	for (size_t i = 0; i < machine->mac_count; i++) {
		char dashes[sizeof(machine->macs[i])];

		snprintf(dashes, sizeof(dashes), "%s", machine->macs[i]);
		for (char *c = dashes; *c; c++)
			if (*c == ':')
				*c = '-';
		if (glob_fits(glob, machine->macs[i]) || glob_fits(glob, dashes))
			return true;
	}
	return false;
}

bool answer_matches(const struct answer *answer, const struct answer_machine *machine,
		    char **ret_why)
{
	const struct answer_match *match = &answer->match;
	const struct {
		const char *key, *glob, *value;
	} rules[] = {
		{ "uuid", match->uuid, machine->uuid },
		{ "serial", match->serial, machine->serial },
		{ "host", match->host, machine->host },
		{ "vendor", match->vendor, machine->vendor },
		{ "model", match->model, machine->model },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!rules[i].glob || glob_fits(rules[i].glob, rules[i].value))
			continue;
		*ret_why = text_format("[match] %s = '%s' is not this machine's '%s'",
				       rules[i].key, rules[i].glob, rules[i].value);
		return false;
	}
	if (!match->mac || mac_fits(match->mac, machine))
		return true;
	*ret_why = text_format("[match] mac = '%s' is none of this machine's cards, %s",
			       match->mac,
			       machine->mac_count ? machine->macs[0] : "it has none");
	return false;
}

/* -- names ---- */

/* As efi/machine-ids.c makes it: a name of a file must not start as "..". */
static void add_plain(const char *value, char *to, size_t size)
{
	size_t length = 0;

	for (; value[length] && length + 1 < size; length++)
		to[length] = isalnum((unsigned char)value[length]) ||
					     strchr(".-_", value[length])
				     ? value[length]
				     : '_';
	to[length] = '\0';
	if (to[0] == '.')
		to[0] = '_';
}

static void add_mac(const char *mac, char *to, size_t size)
{
	snprintf(to, size, "%s", mac);
	for (; *to; to++)
		*to = *to == ':' ? '-' : (char)tolower((unsigned char)*to);
}

int answer_expand(const char *text, const struct answer_machine *machine, char **ret,
		  struct err *err)
{
	static const char *const names[] = { "${uuid}", "${serial}", "${mac}",
					     "${host}" };
	char values[ARRAY_SIZE(names)][sizeof(machine->host)] = { "" };
	AUTO(text_clear) struct text result = { 0 };

	add_plain(machine->uuid, values[0], sizeof(values[0]));
	add_plain(machine->serial, values[1], sizeof(values[1]));
	if (machine->mac_count)
		add_mac(machine->macs[0], values[2], sizeof(values[2]));
	add_plain(machine->host, values[3], sizeof(values[3]));
	while (*text) {
		size_t i = 0;

		while (i < ARRAY_SIZE(names) &&
		       strncmp(text, names[i], strlen(names[i])) != 0)
			i++;
		if (i == ARRAY_SIZE(names)) {
			text_add(&result, "%c", *text++);
			continue;
		}
		if (!values[i][0])
			return err_set(err, -ENODATA,
				       "'%s': this machine has no such name", names[i]);
		text_add(&result, "%s", values[i]);
		text += strlen(names[i]);
	}
	*ret = text_take(&result);
	return *ret ? 0 : err_nomem(err);
}

bool answer_name(const struct answer_machine *machine, size_t index,
		 char ret[ANSWER_NAME_MAX])
{
	static const char *const for_all[] = { "default", "openbmr" };
	const size_t macs = machine->mac_count;
	char value[sizeof(machine->host)] = "";
	const char *folder = "";

	ret[0] = '\0';
	if (index == 0) {
		folder = "by-uuid/";
		add_plain(machine->uuid, value, sizeof(value));
	} else if (index == 1) {
		folder = "by-serial/";
		add_plain(machine->serial, value, sizeof(value));
	} else if (index < 2 + macs) {
		folder = "by-mac/";
		add_mac(machine->macs[index - 2], value, sizeof(value));
	} else if (index == 2 + macs) {
		folder = "by-name/";
		add_plain(machine->host, value, sizeof(value));
	} else if (index - 3 - macs < ARRAY_SIZE(for_all)) {
		snprintf(value, sizeof(value), "%s", for_all[index - 3 - macs]);
	} else {
		return false;
	}
	if (value[0])
		snprintf(ret, ANSWER_NAME_MAX, "%s%s.ini", folder, value);
	return true;
}
