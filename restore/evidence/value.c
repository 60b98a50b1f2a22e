/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values with an origin: see value.h. */
#include "value.h"

#include <inttypes.h>
#include <string.h>

/* More than these say nothing new. */
#define MAX_CONTRADICTIONS 256
#define MAX_LINES	   256

/* An error's text and some words before it. */
#define LINE_SIZE (sizeof(((struct err *)NULL)->text) + 256)

int value_set_text(struct value_text *value, const char *text, enum origin origin,
		   struct err *err)
{
	char *copy = strdup(text);

	if (!copy)
		return err_nomem(err);
	free(value->value);
	value->value = copy;
	value->origin = origin;
	return 0;
}

static bool same_contradiction(const struct contradiction *a,
			       const struct contradiction *b)
{
	return strcmp(a->what, b->what) == 0 && strcmp(a->value_a, b->value_a) == 0 &&
	       strcmp(a->value_b, b->value_b) == 0 && a->a == b->a && a->b == b->b;
}

int contradiction_add(struct backup_version *version, const struct contradiction *found,
		      struct err *err)
{
	struct contradiction *grown, *added;

	for (size_t i = 0; i < version->contradiction_count; i++)
		if (same_contradiction(&version->contradictions[i], found))
			return 0;
	if (version->contradiction_count >= MAX_CONTRADICTIONS) {
		version->contradictions[MAX_CONTRADICTIONS - 1].fatal |= found->fatal;
		return 0;
	}
	grown = reallocarray(version->contradictions, version->contradiction_count + 1,
			     sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	version->contradictions = grown;
	added = &grown[version->contradiction_count++];
	*added = *found;
	added->what = strdup(found->what);
	added->value_a = strdup(found->value_a);
	added->value_b = strdup(found->value_b);
	return added->what && added->value_a && added->value_b ? 0 : err_nomem(err);
}

static int append_line(char ***lines, size_t *count, const char *line, struct err *err)
{
	char **grown;

	if (*count >= MAX_LINES)
		return 0;
	grown = reallocarray(*lines, *count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	*lines = grown;
	grown[*count] = strdup(line);
	if (!grown[*count])
		return err_nomem(err);
	(*count)++;
	return 0;
}

int reason_add(struct backup_version *version, enum health health, struct err *err,
	       const char *format, ...)
{
	va_list arguments;
	char line[LINE_SIZE];

	if (health > version->health)
		version->health = health;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	return append_line(&version->reasons, &version->reason_count, line, err);
}

int note_add(struct backup_version *version, struct err *err, const char *format, ...)
{
	va_list arguments;
	char line[LINE_SIZE];

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	return append_line(&version->notes, &version->note_count, line, err);
}

int document_add(struct backup_version *version, const char *name, struct err *err)
{
	return append_line(&version->documents, &version->document_count, name, err);
}

static void format_number(uint64_t number, enum value_style style, char text[32])
{
	static const char *const styles[] = { "none", "MBR", "GPT" };

	if (style == VALUE_TABLE_STYLE)
		snprintf(text, 32, "%s",
			 number < ARRAY_SIZE(styles) ? styles[number] : "?");
	else
		snprintf(text, 32, style == VALUE_HEX ? "0x%" PRIx64 : "%" PRIu64,
			 number);
}

/* old: what was known, from origin. */
static int contradict(const struct value_claim *claim, enum origin origin, char *old,
		      char *new, struct err *err)
{
	const struct contradiction c = { .what = (char *)claim->what,
					 .value_a = old,
					 .value_b = new,
					 .a = origin,
					 .b = claim->origin,
					 .fatal = claim->fatal };

	return contradiction_add(claim->version, &c, err);
}

int value_merge(struct value_u64 *value, uint64_t number, const struct value_claim *claim,
		struct err *err)
{
	char a[32], b[32];

	if (!value_known(value->origin)) {
		value_set(value, number, claim->origin);
		return 0;
	}
	if (value->value == number)
		return 0;
	format_number(value->value, claim->style, a);
	format_number(number, claim->style, b);
	return contradict(claim, value->origin, a, b, err);
}

int value_merge_guid(struct value_guid *value, const struct guid *guid,
		     const struct value_claim *claim, struct err *err)
{
	char a[GUID_TEXT_SIZE], b[GUID_TEXT_SIZE];

	if (!value_known(value->origin)) {
		value_set_guid(value, guid, claim->origin);
		return 0;
	}
	if (guid_equal(&value->value, guid))
		return 0;
	guid_format(&value->value, a);
	guid_format(guid, b);
	return contradict(claim, value->origin, a, b, err);
}
