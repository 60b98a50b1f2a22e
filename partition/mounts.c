/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads mountinfo: see mounts.h. */
#include "mounts.h"

#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <base/cleanup.h>
#include <base/text.h>

/* Blanks, tabs, newlines and backslashes are written as \ooo. */
static void undo_escapes(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
		    from[2] >= '0' && from[2] <= '7' && from[3] >= '0' &&
		    from[3] <= '7') {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 3;
			continue;
		}
		*to++ = *from;
	}
	*to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue":
 * fields 3 and 5, and the second one behind the lone dash. */
static bool parse_line(char *line, unsigned *ret_major, unsigned *ret_minor,
		       char **ret_point, char **ret_source)
{
	char *fields[5], *tail = strstr(line, " - "), *rest = line;

	if (!tail)
		return false;
	*tail = '\0';
	tail += 3;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!(fields[i] = strsep(&rest, " ")))
			return false;
	if (sscanf(fields[2], "%u:%u", ret_major, ret_minor) != 2)
		return false;
	*ret_point = fields[4];
	if (!strsep(&tail, " ") || !(*ret_source = strsep(&tail, " ")))
		return false;
	undo_escapes(*ret_point);
	undo_escapes(*ret_source);
	return true;
}

static int add_mount(struct mounts *mounts, dev_t number, const char *point,
		     const char *source, struct err *err)
{
	struct mount *all = reallocarray(mounts->mounts, mounts->count + 1, sizeof(*all));
	AUTO_FREE char *own_point = strdup(point);
	AUTO_FREE char *own_source = strdup(source);

	if (all)
		mounts->mounts = all;
	if (!all || !own_point || !own_source)
		return err_nomem(err);
	all[mounts->count++] = (struct mount){ .number = number,
					       .point = TAKE_PTR(own_point),
					       .source = TAKE_PTR(own_source) };
	return 0;
}

int mounts_read(const char *root, struct mounts *ret, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/proc/self/mountinfo", root);
	AUTO_FCLOSE FILE *file = path ? fopen(path, "re") : NULL;
	AUTO(mounts_clear) struct mounts mounts = { 0 };
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	int r = 0;

	if (!path)
		return err_nomem(err);
	while (file && r == 0 && getline(&line, &room, file) > 0) {
		char *point = NULL, *source = NULL;
		unsigned first = 0, second = 0;

		line[strcspn(line, "\n")] = '\0';
		if (parse_line(line, &first, &second, &point, &source))
			r = add_mount(&mounts, makedev(first, second), point, source,
				      err);
	}
	if (r < 0)
		return r;
	*ret = mounts;
	mounts = (struct mounts){ 0 };
	return 0;
}

void mounts_clear(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->mounts[i].point);
		free(mounts->mounts[i].source);
	}
	free(mounts->mounts);
	*mounts = (struct mounts){ 0 };
}

/* Is path the folder itself or below it? */
static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	if (strcmp(folder, "/") == 0)
		return true;
	return strncmp(path, folder, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

const struct mount *mounts_find(const struct mounts *mounts, const char *path)
{
	const struct mount *best = NULL;

	/* Of two on one point the later one is on top. */
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->mounts[i];

		if (is_below(path, mount->point) &&
		    (!best || strlen(mount->point) >= strlen(best->point)))
			best = mount;
	}
	return best;
}
