/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an answer file says, filled in: where it does not run by itself the screens begin with its
 * values, and a person answers the rest. One that can be followed as it is, is wrong, or is for
 * another machine fills nothing in.
 */
#include "prefill.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <net/smb.h>

#define LOGIN_FILE "openbmr.cred" /* beside an answer file that names none */

#define FILL(to, from) snprintf(to, sizeof(to), "%s", (from) ? (from) : "")

static void fill_disks(const struct answer *answer, struct choices *choices)
{
	for (size_t i = 0; i < answer->disk_count; i++) {
		char *which = NULL;
		unsigned long number = strtoul(answer->disks[i], &which, 10);

		if (number < CHOICES_DISKS && *which == '=')
			FILL(choices->disks[number], which + 1);
	}
	for (size_t i = 0; i < answer->exclude_count && i < CHOICES_DISKS; i++)
		FILL(choices->excludes[i], answer->excludes[i]);
}

static void fill_network(const struct answer_network *network, struct choices *choices)
{
	FILL(choices->interface, network->interface);
	FILL(choices->address, network->address);
	FILL(choices->gateway, network->gateway);
	FILL(choices->dns, network->dns);
	if (network->vlan)
		snprintf(choices->vlan, sizeof(choices->vlan), "%u",
			 network->vlan % 10000);
}

static void fill_rest(const struct answer *answer, struct choices *choices)
{
	static const char *const firmwares[] = {
		[PLAN_FIRMWARE_UNKNOWN] = "",
		[PLAN_FIRMWARE_BIOS] = "bios",
		[PLAN_FIRMWARE_UEFI] = "uefi",
		[PLAN_FIRMWARE_CONVERT] = "convert",
	};

	FILL(choices->unlock, answer->unlock);
	if (answer->gives_retry)
		snprintf(choices->retry_for, sizeof(choices->retry_for), "%llus",
			 (unsigned long long)answer->retry_seconds);
	FILL(choices->controller, answer->controller);
	FILL(choices->drivers, answer->drivers);
	FILL(choices->layout, answer->layout);
	FILL(choices->firmware, firmwares[answer->firmware]);
	FILL(choices->dynamic, answer->dynamic_plain ? "plain" : "");
	FILL(choices->delta, answer->delta ? "yes" : "");
	FILL(choices->wipe, answer->wipe ? "yes" : "");
}

/* The kinds of files stand as bits there. */
static void fill_state(const struct answer *answer, struct choices *choices)
{
	static const char *const words[] = { "registry", "boot", "catalogs" };
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (answer->state_classes >> i & 1)
			length += (size_t)snprintf(choices->state + length,
						   sizeof(choices->state) - length,
						   "%s%s", length ? "," : "", words[i]);
	FILL(choices->partition, answer->partition);
	choices->other_machine = answer->other_machine;
	choices->domain_controller = answer->domain_controller;
}

void prefill_choices(const struct answer *answer, struct choices *choices)
{
	FILL(choices->source, answer->source_url);
	choices->require_encryption = answer->require_encryption;
	FILL(choices->machine, answer->machine);
	FILL(choices->version, answer->version);
	FILL(choices->volumes, answer->volumes);
	choices->prove_full = answer->prove_full;
	fill_state(answer, choices);
	choices->new_ids = answer->new_ids;
	choices->no_shrink = answer->no_shrink;
	choices->ignore_forecast = answer->ignore_forecast;
	FILL(choices->grow, answer->grow);
	FILL(choices->report, answer->report);
	fill_disks(answer, choices);
	fill_network(&answer->network, choices);
	fill_rest(answer, choices);
}

/* -- the login ------------------------------------------------------------------------- */

static void take_login(const char *domain, const char *user, struct choices *choices)
{
	if (domain && *domain)
		snprintf(choices->user, sizeof(choices->user), "%s\\%s", domain, user);
	else
		FILL(choices->user, user);
}

static char *login_path(const struct answer *answer, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (answer->credentials)
		return answer->credentials_url ? NULL : strdup(answer->credentials);
	return text_format("%.*s" LOGIN_FILE, slash ? (int)(slash + 1 - path) : 0, path);
}

/* What is not known is asked for. */
static void fill_login(const struct answer *answer, const char *path,
		       struct choices *choices)
{
	AUTO_FREE char *file = login_path(answer, path);
	struct credentials credentials = { 0 };
	struct smb_location location = { 0 };
	struct err err;

	if (!choices_from_share(choices))
		return;
	if (smb_location_parse(choices->source, &location, &err) == 0) {
		if (location.user)
			take_login(location.domain, location.user, choices);
		smb_location_clear(&location);
	}
	if (!file || access(file, R_OK) < 0 ||
	    credentials_read(file, &credentials, NULL, &err) < 0)
		return;
	if (credentials.user)
		take_login(credentials.domain, credentials.user, choices);
	FILL(choices->password, credentials.password);
	credentials_clear(&credentials);
}

/* -- the file -------------------------------------------------------------------------- */

static int expand(char **text, const struct answer_machine *machine, struct err *err)
{
	char *expanded = NULL;
	int r = *text ? answer_expand(*text, machine, &expanded, err) : 0;

	if (r == 0 && *text) {
		free(*text);
		*text = expanded;
	}
	return r;
}

/* ${host} in the name of a report: this machine's, else the one that is restored. */
static int expand_all(struct answer *answer, const struct answer_machine *machine,
		      struct err *err)
{
	struct answer_machine named = *machine;
	int r = expand(&answer->source_url, machine, err);

	if (!named.host[0] && answer->machine)
		FILL(named.host, answer->machine);
	return r < 0 ? r : expand(&answer->report, &named, err);
}

static int check_machine(const struct answer *answer, const char *path,
			 const struct answer_machine *machine, struct err *err)
{
	AUTO_FREE char *why = NULL;

	if (answer_matches(answer, machine, &why))
		return 0;
	return err_set(err, -EINVAL, "'%s' is for another machine: %s", path,
		       why ? why : "[match]");
}

int prefill_read(const char *path, const struct answer_machine *machine,
		 struct choices *choices, char **ret_missing, struct err *err)
{
	struct answer answer = { 0 };
	int r = answer_read(path, NULL, &answer, err);

	if (r == 0)
		r = check_machine(&answer, path, machine, err);
	if (r == 0)
		r = expand_all(&answer, machine, err);
	/* one that lacks nothing is offered as a whole, login included */
	if (r == 0 && answer.missing) {
		prefill_choices(&answer, choices);
		fill_login(&answer, path, choices);
		*ret_missing = answer.leads_to_share ? NULL : TAKE_PTR(answer.missing);
	}
	answer_clear(&answer);
	return r;
}
