/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Login names and passwords: the credentials file and the prompt. The password lies in
 * memory twice for a moment (file and struct); whatever held it is wiped before it is
 * freed. Values are at most 255 bytes: libsmbclient's buffers take no more.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/cleanup.h>
#include <base/terminal.h>
#include <base/text.h>
#include <base/utf.h>
#include <net/smb.h>

#define FILE_LIMIT  65536	      /* bytes; three lines need no more */
#define VALUE_LIMIT TERMINAL_LINE_MAX /* bytes; libsmbclient's fstring without its NUL */

static void wipe_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void credentials_clear(struct credentials *credentials)
{
	wipe_free(credentials->user);
	wipe_free(credentials->domain);
	wipe_free(credentials->password);
	*credentials = (struct credentials){ 0 };
}

/* -- login names ------------------------------------------------------------------ */

/* DOMAIN\user becomes domain and user. A domain that is there already must be the same.
 */
static int split_domain(struct credentials *credentials, struct err *err)
{
	char *split = strchr(credentials->user, '\\');
	char *user;

	if (!split)
		return 0;
	*split = '\0';
	if (credentials->domain &&
	    strcasecmp(credentials->domain, credentials->user) != 0)
		return err_set(err, -EINVAL,
			       "domain '%s' and '%s\\' before the user name disagree",
			       credentials->domain, credentials->user);
	user = strdup(split + 1);
	if (!user)
		return err_nomem(err);
	free(credentials->domain);
	credentials->domain = credentials->user;
	credentials->user = user;
	return 0;
}

/* Takes the values over once they make a login. */
static int finish(struct credentials *credentials, struct credentials *ret,
		  struct err *err)
{
	int r;

	if (!credentials->user || credentials->user[0] == '\0')
		return err_set(err, -EINVAL,
			       "no user name: add a line 'username = NAME'");
	if (!credentials->password || credentials->password[0] == '\0')
		return err_set(err, -EINVAL,
			       "no password: add a line 'password = PASSWORD'");
	r = split_domain(credentials, err);
	if (r < 0)
		return r;
	if (!credentials->domain)
		credentials->domain = strdup("");
	if (!credentials->domain)
		return err_nomem(err);
	if (strpbrk(credentials->user, "\\/") || credentials->user[0] == '\0')
		return err_set(
			err, -EINVAL,
			"'%s' is not a user name: write user, DOMAIN\\user or user@realm",
			credentials->user);
	*ret = *credentials;
	*credentials = (struct credentials){ 0 };
	return 0;
}

/* -- the file --------------------------------------------------------------------- */

enum key { KEY_USERNAME, KEY_PASSWORD, KEY_DOMAIN, KEY_COUNT };

static const char *const keys[KEY_COUNT] = {
	[KEY_USERNAME] = "username",
	[KEY_PASSWORD] = "password",
	[KEY_DOMAIN] = "domain",
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* KEY_COUNT: none of them. */
static enum key find_key(const char *text, size_t length)
{
	enum key key = 0;

	while (key < KEY_COUNT &&
	       (strlen(keys[key]) != length || strncasecmp(text, keys[key], length) != 0))
		key++;
	return key;
}

/* The value behind '='. Of a password only the one blank that belongs to "= " is left
 * out. */
static int take_value(const char *from, enum key key, char **ret, struct err *err)
{
	size_t length;

	if (*ret)
		return err_set(err, -EINVAL, "'%s' is there twice", keys[key]);
	if (is_blank(*from))
		from++;
	while (key != KEY_PASSWORD && is_blank(*from))
		from++;
	length = strlen(from);
	while (key != KEY_PASSWORD && length && is_blank(from[length - 1]))
		length--;
	if (length > VALUE_LIMIT)
		return err_set(err, -EINVAL, "'%s' has %zu bytes, at most %d", keys[key],
			       length, VALUE_LIMIT);
	*ret = strndup(from, length);
	return *ret ? 0 : err_nomem(err);
}

static int parse_line(const char *line, struct credentials *credentials, struct err *err)
{
	char **const values[KEY_COUNT] = {
		[KEY_USERNAME] = &credentials->user,
		[KEY_PASSWORD] = &credentials->password,
		[KEY_DOMAIN] = &credentials->domain,
	};
	enum key key;
	const char *equals;
	size_t length;

	while (is_blank(*line))
		line++;
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	equals = strchr(line, '=');
	if (!equals)
		return err_set(err, -EINVAL,
			       "no '=', expected a line like 'username = NAME'");
	length = (size_t)(equals - line);
	while (length && is_blank(line[length - 1]))
		length--;
	key = find_key(line, length);
	/* The text is not repeated: a password may have got there. */
	if (key >= KEY_COUNT)
		return err_set(err, -EINVAL,
			       "unknown key, known are username, password and domain");
	return take_value(equals + 1, key, values[key], err);
}

/* Spoils text, which is wiped by its owner. */
static int parse_lines(char *text, struct credentials *credentials, struct err *err)
{
	unsigned number = 0;

	for (char *line = text, *next; line; line = next) {
		size_t length;
		int r;

		number++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		length = strlen(line);
		if (length && line[length - 1] == '\r')
			line[length - 1] = '\0';
		r = parse_line(line, credentials, err);
		if (r == -EINVAL)
			return err_add(err, "line %u", number);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_file(const void *bytes, size_t length, struct credentials *ret,
		      struct err *err)
{
	AUTO(credentials_clear) struct credentials credentials = { 0 };
	char *text = NULL;
	size_t decoded;
	int r;

	/* Its own texts may quote what they do not understand. */
	if (text_decode(bytes, length, &text, NULL) < 0)
		return err_set(err, -EINVAL, "neither UTF-8 nor UTF-16 text");
	decoded = strlen(text); /* before it is cut into lines */
	r = parse_lines(text, &credentials, err);
	explicit_bzero(text, decoded);
	free(text);
	return r < 0 ? r : finish(&credentials, ret, err);
}

/* Reads up to size bytes. */
static int read_file(int fd, char *bytes, size_t size, size_t *ret_length,
		     struct err *err)
{
	size_t length = 0;
	ssize_t n = 1;

	while (n != 0 && length < size) {
		n = read(fd, bytes + length, size - length);
		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "reading");
		if (n > 0)
			length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

static int note_mode(int fd, const char *path, char **ret, struct err *err)
{
	struct stat st;

	*ret = NULL;
	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "'%s'", path);
	if (!(st.st_mode & (S_IRGRP | S_IROTH)))
		return 0;
	*ret = text_format("'%s': readable by others (mode %04o), better 0600", path,
			   (unsigned)st.st_mode & 07777);
	return *ret ? 0 : err_nomem(err);
}

int credentials_read(const char *path, struct credentials *ret, char **ret_notes,
		     struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	AUTO_FREE char *notes = NULL;
	char bytes[FILE_LIMIT + 1];
	size_t length = 0;
	int r;

	if (fd < 0)
		return err_errno(err, errno, "'%s': opening the credentials file", path);
	r = note_mode(fd, path, &notes, err);
	if (r < 0)
		return r;
	r = read_file(fd, bytes, sizeof(bytes), &length, err);
	if (r == 0 && length > FILE_LIMIT)
		r = err_set(err, -EINVAL, "more than %d bytes, not a credentials file",
			    FILE_LIMIT);
	if (r == 0)
		r = parse_file(bytes, length, ret, err);
	explicit_bzero(bytes, sizeof(bytes));
	if (r < 0)
		return err_add(err, "'%s'", path);
	if (ret_notes)
		*ret_notes = TAKE_PTR(notes);
	return 0;
}

/* Not by dprintf(), whose buffer would keep the password. */
int credentials_write(int fd, const char *user, const char *password, const char *domain,
		      struct err *err)
{
	const char *const parts[] = { "username = ",
				      user,
				      "\npassword = ",
				      password,
				      domain ? "\ndomain = " : "",
				      domain ? domain : "",
				      "\n" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t length = strlen(parts[i]);

		if (write(fd, parts[i], length) != (ssize_t)length)
			return err_errno(err, errno, "a file in memory for a login");
	}
	return 0;
}

/* -- the prompt ------------------------------------------------------------------- */

static int ask_user(const struct smb_location *location, struct credentials *credentials,
		    struct err *err)
{
	AUTO_FREE char *question = NULL;

	if (location->user) {
		credentials->user = strdup(location->user);
		if (location->domain)
			credentials->domain = strdup(location->domain);
		if (!credentials->user || (location->domain && !credentials->domain))
			return err_nomem(err);
		return 0;
	}
	question = text_format("User name at %s (user, DOMAIN\\user or user@realm): ",
			       location->host);
	if (!question)
		return err_nomem(err);
	return terminal_ask(question, false, &credentials->user, err);
}

int credentials_prompt(const struct smb_location *location, struct credentials *ret,
		       struct err *err)
{
	AUTO(credentials_clear) struct credentials credentials = { 0 };
	AUTO_FREE char *question = NULL;
	int r;

	if (!terminal_is_there())
		return err_set(
			err, -ENOTTY,
			"no terminal to ask for a password: give a credentials file "
			"by --credentials FILE");
	r = ask_user(location, &credentials, err);
	if (r < 0)
		return r;
	question =
		text_format("Password of %s at %s: ", credentials.user, location->host);
	if (!question)
		return err_nomem(err);
	r = terminal_ask(question, true, &credentials.password, err);
	if (r < 0)
		return r;
	return finish(&credentials, ret, err);
}
