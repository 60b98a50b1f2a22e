/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See http.h; talking is in http-talk.c. Pure. */
#include <net/http.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

static const struct scheme {
	const char *text;
	unsigned port;
	bool tls;
} schemes[] = {
	{ "http://", 80, false },
	{ "https://", 443, true },
};

/* -- addresses ---- */

/* What would end a line of the request, or a word in it. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static const struct scheme *find_scheme(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(url, schemes[i].text, strlen(schemes[i].text)) == 0)
			return &schemes[i];
	return NULL;
}

static bool take_port(const char *text, size_t length, unsigned standard, unsigned *ret)
{
	unsigned long port = standard;

	if (length > 0) {
		if (text[0] != ':' || length < 2 || length > 6)
			return false;
		for (size_t i = 1; i < length; i++)
			if (!isdigit((unsigned char)text[i]))
				return false;
		port = strtoul(text + 1, NULL, 10);
	}
	*ret = (unsigned)port;
	return port >= 1 && port <= 65535;
}

int http_url_parse(const char *url, struct http_url *ret, struct err *err)
{
	const struct scheme *scheme = find_scheme(url);
	const char *at, *host, *path;
	size_t authority, name;
	bool bracket;

	if (!scheme || !is_plain(url))
		return err_set(err, -EINVAL,
			       "'%s': must be http://HOST/PATH or https://HOST/PATH",
			       url);
	at = url + strlen(scheme->text);
	authority = strcspn(at, "/?#");
	/* not repeated: it may be a password */
	if (memchr(at, '@', authority))
		return err_set(err, -EINVAL,
			       "an http address with a user name or password in it");
	bracket = *at == '[';
	host = at + bracket;
	name = bracket ? strcspn(at, "]/") - 1 : strcspn(at, ":/?#");
	if ((bracket && host[name] != ']') || name == 0 ||
	    !take_port(host + name + bracket, authority - name - 2 * bracket,
		       scheme->port, &ret->port))
		return err_set(err, -EINVAL, "'%s': must be %sHOST[:PORT]/PATH", url,
			       scheme->text);
	path = at + authority;
	ret->tls = scheme->tls;
	ret->host = strndup(host, name);
	ret->path = *path == '/' ? strdup(path) : text_format("/%s", path);
	if (ret->host && ret->path)
		return 0;
	http_url_clear(ret);
	return err_nomem(err);
}

void http_url_clear(struct http_url *url)
{
	free(url->host);
	free(url->path);
	*url = (struct http_url){ 0 };
}

/* -- answers ---- */

/* Behind the empty line; NULL: there is none. */
static const char *find_body(const char *bytes, size_t length)
{
	const char *end = memmem(bytes, length, "\r\n\r\n", 4);
	const char *bare = memmem(bytes, length, "\n\n", 2);

	if (end && (!bare || end < bare))
		return end + 4;
	return bare ? bare + 2 : NULL;
}

/* What Content-Length says, if it says anything. */
static bool announced_length(const char *head, size_t length, size_t *ret)
{
	static const char name[] = "\ncontent-length:";

	for (size_t i = 0; i + strlen(name) < length; i++) {
		const char *value = head + i + strlen(name);
		size_t left = length - i - strlen(name), digits = 0;

		if (strncasecmp(head + i, name, strlen(name)) != 0)
			continue;
		while (left && *value == ' ')
			value++, left--;
		*ret = 0;
		for (; digits < left && isdigit((unsigned char)value[digits]); digits++) {
			if (*ret > SIZE_MAX / 10 - 1)
				return false;
			*ret = *ret * 10 + (size_t)(value[digits] - '0');
		}
		return digits > 0;
	}
	return false;
}

static int check_status(const char *bytes, size_t length, struct err *err)
{
	char line[64] = "";
	unsigned major, minor, status = 0;

	memcpy(line, bytes, length < sizeof(line) ? length : sizeof(line) - 1);
	line[strcspn(line, "\r\n")] = '\0';
	if (sscanf(line, "HTTP/%1u.%1u %3u", &major, &minor, &status) != 3)
		return err_set(err, -EPROTO, "the server does not speak HTTP");
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	if (status == 404)
		return err_set(err, -ENOENT, "not there (%s)", line);
	if (status < 200 || status > 299)
		return err_set(err, -EIO, "refused (%s)", line);
	return 0;
}

bool http_answer_says_length(const char *bytes, size_t length)
{
	const char *body = find_body(bytes, length);
	size_t announced;

	return body && announced_length(bytes, (size_t)(body - bytes), &announced);
}

int http_answer_parse(const char *bytes, size_t length, const char **ret_body,
		      size_t *ret_length, struct err *err)
{
	const char *body = find_body(bytes, length);
	size_t announced, there;
	int r = check_status(bytes, length, err);

	if (r < 0)
		return r;
	if (!body)
		return err_set(err, -EBADMSG, "the answer was cut off");
	there = length - (size_t)(body - bytes);
	if (announced_length(bytes, (size_t)(body - bytes), &announced)) {
		if (announced > there)
			return err_set(err, -EBADMSG,
				       "the answer was cut off after %zu of %zu bytes",
				       there, announced);
		there = announced;
	}
	*ret_body = body;
	*ret_length = there;
	return 0;
}
