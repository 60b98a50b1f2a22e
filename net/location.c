/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a share is: smb://[DOMAIN;]user@host[:port]/share/path with %XX where a byte
 * would otherwise be a separator, or \\host\share\path as Windows shows it. Pure.
 */
#include <string.h>
#include <strings.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <base/utf.h>
#include <net/smb.h>

#define SCHEME "smb://"

bool smb_is_location(const char *text)
{
	return strncasecmp(text, SCHEME, strlen(SCHEME)) == 0 ||
	       strncmp(text, "\\\\", 2) == 0;
}

void smb_location_clear(struct smb_location *location)
{
	free(location->host);
	free(location->share);
	free(location->path);
	free(location->domain);
	free(location->user);
	*location = (struct smb_location){ 0 };
}

/* -- parts ------------------------------------------------------------------------ */

/* A new string from length bytes, their %XX resolved if decode. what: for the error. */
static int take_part(const char *from, size_t length, bool decode, const char *what,
		     char **ret, struct err *err)
{
	AUTO_FREE char *part = malloc(length + 1);
	size_t used = 0;

	if (!part)
		return err_nomem(err);
	for (size_t i = 0; i < length; i++) {
		bool coded = decode && from[i] == '%';
		int high = coded && length - i > 2 ? text_hex_digit(from[i + 1]) : -1;
		int low = coded && length - i > 2 ? text_hex_digit(from[i + 2]) : -1;

		if (coded && (high < 0 || low < 0))
			return err_set(err, -EINVAL,
				       "the %s has '%%' without two digits of a code "
				       "behind it: write %%25 for a percent sign",
				       what);
		part[used] = coded ? (char)(high << 4 | low) : from[i];
		if ((unsigned char)part[used] < 0x20 || part[used] == 0x7f)
			return err_set(err, -EINVAL, "the %s has a control character",
				       what);
		used++;
		i += coded ? 2 : 0;
	}
	part[used] = '\0';
	if (utf8_check(part, used) < 0)
		return err_set(err, -EINVAL, "the %s is not UTF-8", what);
	*ret = TAKE_PTR(part);
	return 0;
}

/* [DOMAIN;]user, or DOMAIN\user. */
static int parse_user(const char *from, size_t length, struct smb_location *location,
		      struct err *err)
{
	const char *split = memchr(from, ';', length);
	int r;

	/* Not repeated in the text: it may be a password. */
	if (memchr(from, ':', length))
		return err_set(err, -EINVAL,
			       "a password does not belong into the address: use a "
			       "credentials file or type it when asked");
	if (!split)
		split = memchr(from, '\\', length);
	if (split) {
		r = take_part(from, (size_t)(split - from), true, "domain",
			      &location->domain, err);
		if (r < 0)
			return r;
		length -= (size_t)(split + 1 - from);
		from = split + 1;
	}
	r = take_part(from, length, true, "user name", &location->user, err);
	if (r < 0)
		return r;
	if (location->user[0] == '\0')
		return err_set(err, -EINVAL, "the user name before '@' is empty");
	return 0;
}

static int parse_port(const char *from, size_t length, unsigned *ret, struct err *err)
{
	unsigned port = 0;

	for (size_t i = 0; i < length && port <= UINT16_MAX; i++) {
		if (from[i] < '0' || from[i] > '9')
			return err_set(err, -EINVAL, "the port is not a number");
		port = port * 10 + (unsigned)(from[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return err_set(err, -EINVAL, "port '%.*s', must be from 1 to %d",
			       (int)length, from, UINT16_MAX);
	*ret = port;
	return 0;
}

/* Names as DNS and Windows know them, addresses, and for IPv6 also the zone. */
static bool is_host(const char *host, bool literal)
{
	for (const char *p = host; *p; p++) {
		bool word = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			    (*p >= 'A' && *p <= 'Z') || strchr("-._", *p);

		if (!word && !(unsigned char)(*p & 0x80) &&
		    !(literal && strchr(":%", *p)))
			return false;
	}
	return host[0] != '-';
}

static int check_host(const char *host, bool literal, struct err *err)
{
	if (!host[0])
		return err_set(err, -EINVAL,
			       "the host is missing: write smb://host/share/path or "
			       "\\\\host\\share\\path");
	return is_host(host, literal)
		       ? 0
		       : err_set(err, -EINVAL, "'%s' is not a name or address of a host",
				 host);
}

/* host, host:port, [address] or [address]:port. */
static int parse_host(const char *from, size_t length, struct smb_location *location,
		      struct err *err)
{
	bool literal = length && from[0] == '[';
	const char *end = memchr(from, literal ? ']' : ':', length);
	size_t host_length = end ? (size_t)(end - from) : length;
	const char *rest = from + host_length;
	size_t rest_length = length - host_length;
	int r;

	if (literal && !end)
		return err_set(err, -EINVAL, "the host has '[' without ']'");
	if (literal) {
		from++;
		host_length--;
		rest++;
		rest_length--;
	}
	r = take_part(from, host_length, false, "host", &location->host, err);
	if (r < 0)
		return r;
	r = check_host(location->host, literal, err);
	if (r < 0)
		return r;
	if (rest_length == 0)
		return 0;
	if (rest[0] != ':')
		return err_set(err, -EINVAL, "after ']' only ':' and a port may follow");
	return parse_port(rest + 1, rest_length - 1, &location->port, err);
}

/* -- share and path --------------------------------------------------------------- */

static bool is_separator(char c)
{
	return c == '/' || c == '\\';
}

/* Takes the next part of *from and moves *from behind it; *ret is NULL at the end. */
static int next_part(const char **from, bool decode, char **ret, struct err *err)
{
	AUTO_FREE char *part = NULL;
	const char *p = *from;
	size_t length = 0;
	int r;

	while (decode ? *p == '/' : is_separator(*p))
		p++;
	while (p[length] && !(decode ? p[length] == '/' : is_separator(p[length])))
		length++;
	*from = p + length;
	*ret = NULL;
	if (length == 0)
		return 0;
	r = take_part(p, length, decode, "path", &part, err);
	if (r < 0 || !part)
		return r;
	if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0 || strpbrk(part, "/\\"))
		return err_set(err, -EINVAL, "'%s' cannot be a part of a path", part);
	*ret = TAKE_PTR(part);
	return 0;
}

static int parse_path(const char *from, bool decode, bool needs_share,
		      struct smb_location *location, struct err *err)
{
	AUTO(text_clear) struct text path = { 0 };
	int r = next_part(&from, decode, &location->share, err);

	if (r < 0)
		return r;
	if (!location->share && !needs_share)
		location->share = strdup("");
	else if (!location->share)
		return err_set(err, -EINVAL,
			       "the share is missing: write smb://host/share/path or "
			       "\\\\host\\share\\path");
	for (;;) {
		AUTO_FREE char *part = NULL;

		r = next_part(&from, decode, &part, err);
		if (r < 0)
			return r;
		if (!part)
			break;
		text_add(&path, "%s%s", path.length ? "/" : "", part);
	}
	location->path = text_take(&path);
	return location->path ? 0 : err_nomem(err);
}

/* -- the whole -------------------------------------------------------------------- */

static int parse_url(const char *text, bool needs_share, struct smb_location *location,
		     struct err *err)
{
	size_t length = strcspn(text, "/");
	const char *at = memrchr(text, '@', length);
	const char *host = at ? at + 1 : text;
	int r = 0;

	if (at)
		r = parse_user(text, (size_t)(at - text), location, err);
	if (r == 0)
		r = parse_host(host, (size_t)(text + length - host), location, err);
	if (r == 0)
		r = parse_path(text + length, true, needs_share, location, err);
	return r;
}

static int parse_unc(const char *text, bool needs_share, struct smb_location *location,
		     struct err *err)
{
	size_t length = strcspn(text, "/\\");
	int r = take_part(text, length, false, "host", &location->host, err);

	if (r < 0)
		return r;
	r = check_host(location->host, false, err);
	if (r < 0)
		return r;
	return parse_path(text + length, false, needs_share, location, err);
}

static int parse(const char *text, bool needs_share, struct smb_location *ret,
		 struct err *err)
{
	struct smb_location location = { 0 };
	int r;

	if (text[0] == '\\')
		r = parse_unc(text + 2, needs_share, &location, err);
	else if (smb_is_location(text))
		r = parse_url(text + strlen(SCHEME), needs_share, &location, err);
	else
		r = parse_url(text, needs_share, &location, err);
	if (r < 0) {
		smb_location_clear(&location);
		return r;
	}
	*ret = location;
	return 0;
}

int smb_location_parse(const char *text, struct smb_location *ret, struct err *err)
{
	if (!smb_is_location(text))
		return err_set(err, -EINVAL,
			       "not a share: write smb://host/share/path or "
			       "\\\\host\\share\\path");
	return parse(text, true, ret, err);
}

int smb_server_parse(const char *text, struct smb_location *ret, struct err *err)
{
	return parse(text, false, ret, err);
}

/* Codes what parse would take for something else. */
static void add_coded(struct text *text, const char *part, const char *special)
{
	for (const char *p = part; *p; p++) {
		if (*p == '%' || strchr(special, *p))
			text_add(text, "%%%02X", (unsigned char)*p);
		else
			text_add(text, "%c", *p);
	}
}

char *smb_location_text(const struct smb_location *location)
{
	bool literal = strchr(location->host, ':') != NULL;
	struct text text = { 0 };

	text_add(&text, SCHEME);
	if (location->domain) {
		add_coded(&text, location->domain, ":;/\\@");
		text_add(&text, ";");
	}
	if (location->user) {
		add_coded(&text, location->user, ":;/\\");
		text_add(&text, "@");
	}
	text_add(&text, literal ? "[%s]" : "%s", location->host);
	if (location->port)
		text_add(&text, ":%u", location->port);
	text_add(&text, "/");
	add_coded(&text, location->share, "");
	if (location->path[0])
		text_add(&text, "/");
	add_coded(&text, location->path, "");
	return text_take(&text);
}
