/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kinds of values of an answer file: see answer-keys.h. Pure. */
#include "answer-keys.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/cleanup.h>
#include <base/text.h>

#define VLAN_MAX	   4094 /* IEEE 802.1Q: 0 and 4095 mean something else */
#define INTERFACE_NAME_MAX 17	/* a MAC address; names of Linux have at most 15 */
#define NAME_SERVERS_MAX   3	/* as resolv.conf(5) takes */

int answer_bad(const struct answer_line *line, struct err *err, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return err_set(err, -EINVAL, "'%s' line %u column %u: %s", line->file,
		       line->number, line->column, text);
}

int answer_bad_value(const struct answer_line *line, const char *allowed, struct err *err)
{
	return answer_bad(line, err, "'%s' cannot be '%s'; write %s", line->key,
			  line->value, allowed);
}

int answer_keep(char **field, const char *value, struct err *err)
{
	*field = strdup(value);
	return *field ? 0 : err_nomem(err);
}

int answer_keep_path(char **field, const char *path, const struct answer_line *line,
		     struct err *err)
{
	if (*path == '/' || !line->folder)
		return answer_keep(field, path, err);
	*field = text_format("%s/%s", line->folder, path);
	return *field ? 0 : err_nomem(err);
}

const char *answer_behind(const char *value, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncasecmp(value, prefix, length) == 0 && value[length] ? value + length
									: NULL;
}

int answer_check_variables(const struct answer_line *line, struct err *err)
{
	static const char *const names[] = { "uuid}", "serial}", "mac}", "host}" };

	for (const char *at = strstr(line->value, "${"); at; at = strstr(at + 2, "${")) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			known = known || strncmp(at + 2, names[i], strlen(names[i])) == 0;
		if (!known)
			return answer_bad(line, err,
					  "'%.*s' in '%s' stands for nothing; write "
					  "${uuid}, ${serial}, ${mac} or ${host}",
					  (int)strcspn(at, "}") + 1, at, line->key);
	}
	return 0;
}

static void *field_of(struct answer *answer, const struct answer_line *line)
{
	return (char *)answer + line->about->offset;
}

int answer_set_text(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	return answer_keep(field_of(answer, line), line->value, err);
}

int answer_set_flag(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	AUTO_FREE char *both = NULL;
	bool *flag = field_of(answer, line);

	*flag = strcmp(line->value, line->about->yes) == 0;
	if (*flag || strcmp(line->value, line->about->no) == 0)
		return 0;
	both = text_format("%s or %s", line->about->no, line->about->yes);
	return both ? answer_bad_value(line, both, err) : err_nomem(err);
}

int answer_set_path(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	const char *path = answer_behind(line->value, "file:");

	if (!path)
		return answer_bad_value(line, "file:NAME", err);
	return answer_keep_path(field_of(answer, line), path, line, err);
}

/* -- network ---- */

static int family_of(const char *address)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, address, bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, address, bytes) == 1 ? AF_INET6 : AF_UNSPEC;
}

/* "192.0.2.10/24" */
static bool is_address_with_prefix(const char *value)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(value, '/');
	size_t length = slash ? (size_t)(slash - value) : 0;
	long prefix;
	char *end;
	int family;

	if (!slash || length >= sizeof(address) || !isdigit((unsigned char)slash[1]))
		return false;
	memcpy(address, value, length);
	address[length] = '\0';
	family = family_of(address);
	prefix = strtol(slash + 1, &end, 10);
	return !*end && family != AF_UNSPEC && prefix >= 1 &&
	       prefix <= (family == AF_INET ? 32 : 128);
}

int answer_set_address(struct answer *answer, const struct answer_line *line,
		       struct err *err)
{
	bool own = strcmp(line->key, "address") == 0;

	if (own && strcmp(line->value, "dhcp") == 0)
		return 0;
	if (own && !is_address_with_prefix(line->value))
		return answer_bad_value(line,
					"dhcp or an address with the length of its "
					"network, such as 192.0.2.10/24",
					err);
	if (!own && family_of(line->value) == AF_UNSPEC)
		return answer_bad_value(line, "an address such as 192.0.2.1", err);
	return answer_keep(field_of(answer, line), line->value, err);
}

int answer_set_dns(struct answer *answer, const struct answer_line *line, struct err *err)
{
	AUTO_FREE char *list = strdup(line->value);
	struct text text = { 0 };
	char *rest = list;
	size_t count = 0;

	if (!list)
		return err_nomem(err);
	for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
		name = text_trim(name);
		if (family_of(name) == AF_UNSPEC || ++count > NAME_SERVERS_MAX) {
			text_clear(&text);
			return answer_bad_value(
				line, "at most three addresses with commas", err);
		}
		text_add(&text, "%s%s", text.length ? "," : "", name);
	}
	answer->network.dns = text_take(&text);
	return answer->network.dns ? 0 : err_nomem(err);
}

int answer_set_vlan(struct answer *answer, const struct answer_line *line,
		    struct err *err)
{
	char *end;
	unsigned long vlan = strtoul(line->value, &end, 10);

	if (!isdigit((unsigned char)line->value[0]) || *end || vlan < 1 ||
	    vlan > VLAN_MAX)
		return answer_bad_value(line, "a number from 1 to 4094", err);
	answer->network.vlan = (unsigned)vlan;
	return 0;
}

int answer_set_interface(struct answer *answer, const struct answer_line *line,
			 struct err *err)
{
	size_t length = strlen(line->value);

	if (length > INTERFACE_NAME_MAX || strpbrk(line->value, " \t/"))
		return answer_bad_value(line,
					"a name such as eth0, or the address of a card, "
					"such as 52:54:00:12:34:56",
					err);
	return answer_set_text(answer, line, err);
}
