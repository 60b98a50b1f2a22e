/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of BitLocker volumes as people have them: see restore/unlock.h. */
#include <restore/unlock.h>

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include <nettle/sha2.h>

#include <base/cleanup.h>
#include <base/utf.h>

#include "bitlocker-parse.h"

#define FILE_MAX                                                                         \
	65536 /* bytes; a startup key has 200, a recovery key's text a thousand */

/* Eight groups of six digits, each of a number of 16 bits times 11. */
#define GROUPS	     8
#define GROUP_DIGITS 6

void unlock_clear(struct unlock_keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}

static int add_key(struct unlock_keys *keys, const struct unlock_key *key,
		   struct err *err)
{
	if (keys->count == UNLOCK_KEYS_MAX)
		return err_set(err, -E2BIG, "more than %d keys", UNLOCK_KEYS_MAX);
	keys->keys[keys->count++] = *key;
	return 0;
}

static void hash(const void *bytes, size_t length, uint8_t ret[UNLOCK_KEY_SIZE])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, length, bytes);
	sha256_digest(&context, UNLOCK_KEY_SIZE, ret);
	explicit_bzero(&context, sizeof(context));
}

/* -- recovery keys ---------------------------------------------------------------- */

/* Eight groups with a hyphen, blank or nothing between them; *ret_end is behind. */
static bool has_recovery_form(const char *text, const char **ret_end)
{
	for (unsigned group = 0; group < GROUPS; group++) {
		if (group && (*text == '-' || *text == ' '))
			text++;
		for (unsigned digit = 0; digit < GROUP_DIGITS; digit++)
			if (!isdigit((unsigned char)*text++))
				return false;
	}
	*ret_end = text;
	return !isdigit((unsigned char)*text);
}

/* False: not six digits, or not what BitLocker makes groups of. */
static bool read_group(const char *text, unsigned *ret)
{
	unsigned value = 0;

	for (unsigned digit = 0; digit < GROUP_DIGITS; digit++) {
		if (!isdigit((unsigned char)text[digit]))
			return false;
		value = 10 * value + (unsigned)(text[digit] - '0');
	}
	*ret = value / 11;
	return value % 11 == 0 && value / 11 <= UINT16_MAX;
}

unsigned unlock_wrong_group(const char *text)
{
	unsigned value;

	for (unsigned group = 0; group < GROUPS; group++) {
		if (group && (*text == '-' || *text == ' '))
			text++;
		if (!read_group(text, &value))
			return group + 1;
		text += GROUP_DIGITS;
	}
	return *text ? GROUPS + 1 : 0;
}

/* text has the form. */
static int add_recovery(struct unlock_keys *keys, const char *text, struct err *err)
{
	struct unlock_key key = { .kind = UNLOCK_RECOVERY };
	le16 numbers[GROUPS];
	int r;

	for (unsigned group = 0; group < GROUPS; group++) {
		unsigned value;

		text += group && !isdigit((unsigned char)*text);
		if (!read_group(text, &value))
			return err_set(err, -EINVAL,
				       "group %u of the recovery key is mistyped: no "
				       "multiple of 11 up to 720885",
				       group + 1);
		text += GROUP_DIGITS;
		numbers[group] = put_le16((uint16_t)value);
	}
	hash(numbers, sizeof(numbers), key.bytes);
	explicit_bzero(numbers, sizeof(numbers));
	r = add_key(keys, &key, err);
	explicit_bzero(&key, sizeof(key));
	return r;
}

/* -- passwords -------------------------------------------------------------------- */

static int add_password(struct unlock_keys *keys, const char *text, struct err *err)
{
	struct unlock_key key = { .kind = UNLOCK_PASSWORD };
	AUTO_FREE uint8_t *wide = NULL;
	size_t length = 0;
	int r = utf8_to_utf16le(text, &wide, &length, err);

	if (r < 0)
		return err_set(err, r, "the password is not UTF-8 text");
	hash(wide, length, key.bytes);
	hash(key.bytes, sizeof(key.bytes), key.bytes);
	if (wide)
		explicit_bzero(wide, length);
	r = add_key(keys, &key, err);
	explicit_bzero(&key, sizeof(key));
	return r;
}

int unlock_add_typed(struct unlock_keys *keys, const char *text, struct err *err)
{
	const char *end;

	if (has_recovery_form(text, &end) && *end == '\0')
		return add_recovery(keys, text, err);
	return add_password(keys, text, err);
}

/* -- files ------------------------------------------------------------------------ */

/* The value of "password = …"; NULL: another line. One blank belongs to "= ". */
static const char *password_of(const char *line)
{
	static const char key[] = "password";

	line += strspn(line, " \t");
	if (strncasecmp(line, key, strlen(key)) != 0)
		return NULL;
	line += strlen(key);
	line += strspn(line, " \t");
	if (*line++ != '=')
		return NULL;
	return line + (*line == ' ');
}

static int take_line(const char *line, struct unlock_keys *keys, struct err *err)
{
	const char *password = password_of(line), *end;
	int r = 0;

	if (password)
		return add_password(keys, password, err);
	while (*line && r == 0) {
		if (!isdigit((unsigned char)*line)) {
			line++;
		} else if (has_recovery_form(line, &end)) {
			r = add_recovery(keys, line, err);
			line = end;
		} else {
			line += strspn(line, "0123456789");
		}
	}
	return r;
}

/* Spoils text. */
static int take_lines(char *text, struct unlock_keys *keys, struct err *err)
{
	unsigned number = 0;
	int r = 0;

	for (char *line = text, *next; line && r == 0; line = next) {
		number++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		r = take_line(line, keys, err);
	}
	return r < 0 ? err_add(err, "line %u", number) : 0;
}

static int parse_text(const void *bytes, size_t length, struct unlock_keys *keys,
		      struct err *err)
{
	size_t before = keys->count;
	char *text = NULL;
	size_t decoded;
	int r;

	/* Its own words may quote what it does not understand. */
	if (text_decode(bytes, length, &text, NULL) < 0)
		return err_set(err, -EINVAL, "neither a startup key nor text");
	decoded = strlen(text);
	r = take_lines(text, keys, err);
	explicit_bzero(text, decoded);
	free(text);
	if (r == 0 && keys->count == before)
		r = err_set(err, -EINVAL,
			    "no key in it: neither a line 'password = …' nor a recovery "
			    "key of 48 digits nor a startup key (*.bek)");
	return r;
}

int unlock_parse(const void *bytes, size_t length, const char *name,
		 struct unlock_keys *keys, struct err *err)
{
	struct unlock_key startup = { 0 };
	int r = bitlocker_parse_startup(bytes, length, &startup, err);

	if (r == 0)
		r = add_key(keys, &startup, err);
	else
		r = parse_text(bytes, length, keys, err);
	explicit_bzero(&startup, sizeof(startup));
	return r < 0 ? err_add(err, "'%s'", name) : 0;
}

int unlock_read(const char *path, struct unlock_keys *keys, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	uint8_t bytes[FILE_MAX];
	size_t length = 0;
	ssize_t n = 1;
	int r = 0;

	if (fd < 0)
		return err_errno(err, errno, "'%s': opening the file of keys", path);
	while (n > 0 && length < sizeof(bytes)) {
		n = read(fd, bytes + length, sizeof(bytes) - length);
		length += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		r = err_errno(err, errno, "'%s'", path);
	else if (length == sizeof(bytes))
		r = err_set(err, -EINVAL, "'%s': %d bytes or more, no file of keys", path,
			    FILE_MAX);
	else
		r = unlock_parse(bytes, length, path, keys, err);
	explicit_bzero(bytes, sizeof(bytes));
	return r;
}
