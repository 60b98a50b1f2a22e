/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New keys of the answer file are lines in the table at the end: see answer-keys.h. */
#include "answer-keys.h"

#include <ctype.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <restore/boot-driver.h>
#include <restore/layout-file.h>

static int bad_value(const struct answer_line *line, const char *allowed, struct err *err)
{
	return err_set(err, -EINVAL, "'%s' line %u: '%s' cannot be '%s'; write %s",
		       line->file, line->number, line->key, line->value, allowed);
}

char *answer_trim(char *text)
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
		name = answer_trim(name);
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

const struct answer_key answer_keys[ANSWER_KEY_COUNT] = {
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
