/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New keys of the answer file are lines in the table at the end: see answer-keys.h. */
#include "answer-keys.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <restore/boot-driver.h>
#include <restore/layout-file.h>

#include "evidence/writer-files.h"

#define HASH_LENGTH 64 /* SHA-256 in hexadecimal */

static int set_format(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	if (strcmp(line->value, "1") != 0)
		return answer_bad_value(line, "1, the only format so far", err);
	return 0;
}

/* -- source ---- */

/* What stands between "://" and '@' must not have a ':': it would be a password. */
static bool holds_password(const char *url)
{
	const char *host = strstr(url, "://");
	size_t length = host ? strcspn(host + 3, "/@") : 0;

	return host && host[3 + length] == '@' && memchr(host + 3, ':', length);
}

/* Nothing of it is repeated. */
static int check_no_password(const struct answer_line *line, struct err *err)
{
	if (!holds_password(line->value))
		return 0;
	return answer_bad(line, err,
			  "'%s' holds a password, which does not belong there; write it "
			  "into a file and credentials = file:NAME",
			  line->key);
}

static int set_url(struct answer *answer, const struct answer_line *line, struct err *err)
{
	int r = check_no_password(line, err);

	if (r == 0 && strstr(line->value, "://") && !answer_behind(line->value, "smb://"))
		return answer_bad_value(line,
					"smb://HOST/SHARE/PATH, \\\\HOST\\SHARE\\PATH, "
					"disk:auto, disk:SERIAL or a folder",
					err);
	if (r == 0)
		r = answer_check_variables(line, err);
	return r < 0 ? r : answer_set_text(answer, line, err);
}

/* prompt leaves *ret NULL. What else stands there is not repeated: it may be the secret. */
static int set_secret_file(char **ret, const struct answer_line *line,
			   const char *allowed, struct err *err)
{
	const char *path = answer_behind(line->value, "file:");

	if (strcmp(line->value, "prompt") == 0)
		return 0;
	if (!path)
		return answer_bad(line, err, "'%s' names no file; write %s", line->key,
				  allowed);
	return answer_keep_path(ret, path, line, err);
}

static bool is_web(const char *address)
{
	return answer_behind(address, "http://") || answer_behind(address, "https://");
}

static int set_credentials(struct answer *answer, const struct answer_line *line,
			   struct err *err)
{
	const char *url = answer_behind(line->value, "url:");
	int r = check_no_password(line, err);

	if (r < 0 || !url)
		return r < 0 ? r
			     : set_secret_file(&answer->credentials, line,
					       "file:NAME, prompt or url:https://…", err);
	if (!is_web(url))
		return answer_bad(line, err,
				  "'%s' can be fetched by http and https only; write "
				  "url:https://…, file:NAME or prompt",
				  line->key);
	answer->credentials_url = true;
	r = answer_check_variables(line, err);
	return r < 0 ? r : answer_keep(&answer->credentials, url, err);
}

static int set_unlock(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	return set_secret_file(&answer->unlock, line, "file:NAME or prompt", err);
}

static int set_retry_for(struct answer *answer, const struct answer_line *line,
			 struct err *err)
{
	answer->gives_retry = duration_parse(line->value, &answer->retry_seconds);
	return answer->gives_retry
		       ? 0
		       : answer_bad_value(line, "a time such as 90s, 30m, 2h or 0", err);
}

/* -- target ---- */

static int set_for(struct answer *answer, const struct answer_line *line, struct err *err)
{
	AUTO_FREE char *names = boot_driver_controllers();

	if (boot_driver_check(line->value, NULL) == 0)
		return answer_set_text(answer, line, err);
	return names ? answer_bad_value(line, names, err) : err_nomem(err);
}

/* "900G..1100G": both ends start with a digit; what they come to is the disks' business. */
static bool is_size_range(const char *text)
{
	const char *dots = strstr(text, "..");

	return dots && isdigit((unsigned char)text[0]) &&
	       isdigit((unsigned char)dots[2]) &&
	       strspn(text, "0123456789KMGTi") == (size_t)(dots - text) &&
	       dots[2 + strspn(dots + 2, "0123456789KMGTi")] == '\0';
}

static bool is_identity(const char *value)
{
	const char *size = answer_behind(value, "size:");

	return answer_behind(value, "serial:") || answer_behind(value, "wwn:") ||
	       (size && is_size_range(size));
}

/* The number of the key is that of the source disk. */
static int set_disk(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	char **disk = &answer->disks[answer->disk_count];

	if (!is_identity(line->value))
		return answer_bad_value(line, "serial:…, wwn:… or size:900G..1100G", err);
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
		name = text_trim(name);
		if (answer->exclude_count == ANSWER_DISKS || !is_identity(name))
			return answer_bad_value(
				line, "serial:… or wwn:…, at most 16 with commas", err);
		r = answer_keep(&answer->excludes[answer->exclude_count], name, err);
		answer->exclude_count += r == 0;
	}
	return r;
}

static int set_confirm(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	answer->confirm_erase = strcmp(line->value, "erase") == 0;
	answer->confirm_replace = strcmp(line->value, "replace") == 0;
	if (!answer->confirm_erase && !answer->confirm_replace)
		return answer_bad_value(
			line, "erase, or replace where 'state' in [backup] is given",
			err);
	return 0;
}

static int set_state(struct answer *answer, const struct answer_line *line,
		     struct err *err)
{
	answer->system_state = true;
	if (strcmp(line->value, "all") == 0 ||
	    state_classes_parse(line->value, &answer->state_classes, NULL) == 0)
		return 0;
	return answer_bad_value(line, "all, or of registry,boot,catalogs", err);
}

static int set_partition(struct answer *answer, const struct answer_line *line,
			 struct err *err)
{
	size_t digits = strspn(line->value, "0123456789");

	if (digits < 1 || digits > 3 || line->value[digits])
		return answer_bad_value(
			line, "the number of a partition, as 'bmr disks' lists them",
			err);
	return answer_set_text(answer, line, err);
}

static int set_plan(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	const char *hash = answer_behind(line->value, "sha256:");

	if (!hash || strlen(hash) != HASH_LENGTH ||
	    strspn(hash, "0123456789abcdef") != HASH_LENGTH)
		return answer_bad_value(
			line, "sha256: and the 64 digits that 'bmr plan' shows", err);
	return answer_keep(&answer->plan, hash, err);
}

/* -- layout ---- */

static int set_grow(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	const char *value = line->value;

	if (!isalpha((unsigned char)value[0]) || value[1] != ':' || value[2])
		return answer_bad_value(line, "a drive letter, such as C:", err);
	return answer_set_text(answer, line, err);
}

static int set_firmware(struct answer *answer, const struct answer_line *line,
			struct err *err)
{
	if (plan_firmware_parse(line->value, &answer->firmware, NULL) == 0)
		return 0;
	return answer_bad_value(line, "match, convert, uefi or bios", err);
}

static int set_layout(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	if (answer_behind(line->value, LAYOUT_BESIDE_BACKUP))
		return answer_set_text(answer, line, err);
	if (!answer_behind(line->value, "file:"))
		return answer_bad_value(line, "file:NAME or " LAYOUT_BESIDE_BACKUP "PATH",
					err);
	return answer_set_path(answer, line, err);
}

/* -- after ---- */

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

static bool parse_action(const char *value, enum after_action *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(action_texts); i++)
		if (strcmp(value, action_texts[i]) == 0) {
			*ret = (enum after_action)i;
			return true;
		}
	return false;
}

static int set_action(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	if (parse_action(line->value, &answer->action))
		return 0;
	return answer_bad_value(line, "reboot, poweroff, shell or hold", err);
}

static int set_on_fail(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	const char *count = answer_behind(line->value, "retry:");
	unsigned long retries = count ? strtoul(count, NULL, 10) : 0;

	if (parse_action(line->value, &answer->on_fail))
		return 0;
	if (!count || strspn(count, "0123456789") != strlen(count) || retries < 1 ||
	    retries > ANSWER_RETRIES_MAX)
		return answer_bad_value(
			line,
			"hold, retry:N with N from 1 to 99, reboot, poweroff or shell",
			err);
	answer->retries = (unsigned)retries;
	return 0;
}

/* The one value that there is, so that a file can say what happens anyway. */
static int set_verify(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	if (strcmp(line->value, "full") == 0)
		return 0;
	if (strcmp(line->value, "none") == 0)
		return answer_bad(
			line, err,
			"'verify' cannot be 'none': a disk that was not read back "
			"is not called restored; write full");
	return answer_bad_value(line, "full", err);
}

static int set_heal(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	if (strcmp(line->value, "auto") == 0)
		return 0;
	return answer_bad_value(line, "auto", err);
}

/* Where a report or a log is kept. */
static int set_store(struct answer *answer, const struct answer_line *line,
		     struct err *err)
{
	const char *value = line->value, *path = answer_behind(value, "file:");
	int r = check_no_password(line, err);

	if (r == 0)
		r = answer_check_variables(line, err);
	if (r < 0)
		return r;
	if (answer_behind(value, "smb://") || answer_behind(value, "\\\\") ||
	    answer_behind(value, "stick:"))
		return answer_set_text(answer, line, err);
	if (strstr(value, "://") || (!path && value[strcspn(value, ":")]))
		return answer_bad_value(
			line, "smb://HOST/SHARE/PATH, stick:NAME, file:NAME or a path",
			err);
	return answer_keep_path((char **)((char *)answer + line->about->offset),
				path ? path : value, line, err);
}

static int set_status(struct answer *answer, const struct answer_line *line,
		      struct err *err)
{
	int r = check_no_password(line, err);

	if (r == 0)
		r = answer_check_variables(line, err);
	if (r < 0)
		return r;
	if (!is_web(line->value))
		return answer_bad_value(line, "http://HOST/PATH or https://HOST/PATH",
					err);
	return answer_set_text(answer, line, err);
}

#define AT(field) .offset = offsetof(struct answer, field)
#define DISK(number)                                                                     \
	{                                                                                \
		"target", "disk" #number, set_disk                                       \
	}

const struct answer_key answer_keys[ANSWER_KEY_COUNT] = {
	{ "", "format", set_format, .required = true },
	{ "match", "uuid", answer_set_text, AT(match.uuid) },
	{ "match", "serial", answer_set_text, AT(match.serial) },
	{ "match", "mac", answer_set_text, AT(match.mac) },
	{ "match", "host", answer_set_text, AT(match.host) },
	{ "match", "vendor", answer_set_text, AT(match.vendor) },
	{ "match", "model", answer_set_text, AT(match.model) },
	{ "source", "url", set_url, .required = true, AT(source_url) },
	{ "source", "credentials", set_credentials },
	{ "source", "encrypt", answer_set_flag, AT(require_encryption), "if-offered",
	  "required" },
	{ "source", "unlock", set_unlock },
	{ "source", "retry_for", set_retry_for },
	{ "backup", "machine", answer_set_text, AT(machine) },
	{ "backup", "version", answer_set_text, AT(version) },
	{ "backup", "volumes", answer_set_text, AT(volumes) },
	{ "backup", "prove", answer_set_flag, AT(prove_full), "sample", "full" },
	{ "backup", "state", set_state },
	{ "target", "disk0", set_disk, .required = true },
	DISK(1),
	DISK(2),
	DISK(3),
	DISK(4),
	DISK(5),
	DISK(6),
	DISK(7),
	DISK(8),
	DISK(9),
	DISK(10),
	DISK(11),
	DISK(12),
	DISK(13),
	DISK(14),
	DISK(15),
	{ "target", "exclude", set_exclude },
	{ "target", "for", set_for, AT(controller) },
	{ "target", "drivers", answer_set_path, AT(drivers) },
	{ "target", "confirm", set_confirm, .required = true },
	{ "target", "plan", set_plan },
	{ "target", "partition", set_partition, AT(partition) },
	{ "target", "other_machine", answer_set_flag, AT(other_machine), "no", "yes" },
	{ "target", "domain_controller", answer_set_flag, AT(domain_controller), "no",
	  "yes" },
	{ "target", "forecast", answer_set_flag, AT(ignore_forecast), "stop", "ignore" },
	{ "target", "delta", answer_set_flag, AT(delta), "no", "yes" },
	{ "target", "wipe", answer_set_flag, AT(wipe), "no", "yes" },
	{ "layout", "shrink", answer_set_flag, AT(no_shrink), "auto", "never" },
	{ "layout", "grow", set_grow, AT(grow) },
	{ "layout", "firmware", set_firmware },
	{ "layout", "ids", answer_set_flag, AT(new_ids), "same", "new" },
	{ "layout", "dynamic", answer_set_flag, AT(dynamic_plain), "refuse", "plain" },
	{ "layout", "layout", set_layout, AT(layout) },
	{ "after", "verify", set_verify },
	{ "after", "heal", set_heal },
	{ "after", "action", set_action },
	{ "after", "on_fail", set_on_fail },
	{ "after", "report", set_store, AT(report) },
	{ "after", "log", set_store, AT(log) },
	{ "after", "status", set_status, AT(status) },
	{ "network", "address", answer_set_address, AT(network.address) },
	{ "network", "gateway", answer_set_address, AT(network.gateway) },
	{ "network", "dns", answer_set_dns },
	{ "network", "vlan", answer_set_vlan },
	{ "network", "interface", answer_set_interface, AT(network.interface) },
};
