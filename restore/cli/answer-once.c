/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See answer-once.h. */
#include "answer-once.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "media.h"
#include "store.h"

#define ANSWER_FILE "openbmr.ini"
#define NAME_SIZE   48

/* "openbmr.done-20260831-210005", in UTC. */
static void done_name(char name[NAME_SIZE])
{
	time_t now = time(NULL);
	struct tm utc = { 0 };

	(void)gmtime_r(&now, &utc);
	strftime(name, NAME_SIZE, "openbmr.done-%Y%m%d-%H%M%S", &utc);
}

/* Is it the file that was followed, and not one that took its place? */
static bool is_same(const char *path, const struct answer_found *found)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	AUTO_FREE uint8_t *bytes = malloc(found->length + 1);

	return file && bytes &&
	       fread(bytes, 1, found->length + 1, file) == found->length &&
	       memcmp(bytes, found->bytes, found->length) == 0;
}

/* -ENOENT: it is not in this folder. */
static int rename_in(const char *folder, const char *file,
		     const struct answer_found *found, struct err *err)
{
	char name[NAME_SIZE];
	AUTO_FREE char *from = text_format("%s/%s", folder, file);
	AUTO_FREE char *to = NULL;

	done_name(name);
	to = text_format("%s/%s", folder, name);
	if (!from || !to)
		return err_nomem(err);
	if (!is_same(from, found))
		return err_set(err, -ENOENT, "'%s': not there any more", from);
	if (rename(from, to) < 0)
		return err_errno(err, errno, "'%s': renaming", from);
	printf("answer file renamed: %s\n", name);
	return 0;
}

/* It lies on one of the media; they were mounted for reading, if at all. */
static int rename_on_media(struct answer_found *found, struct err *err)
{
	struct media media;
	int r = -ENOENT;

	if (found->medium && found->place != ANSWER_BOOT &&
	    rename_in(found->medium, ANSWER_FILE, found, err) == 0)
		return 0;
	media_release(TAKE_PTR(found->medium));
	media_find("", &media);
	for (size_t i = 0; i < media.count && r < 0; i++) {
		char *folder = NULL;

		r = media_mount(media.devices[i], true, &folder, err);
		if (r == 0)
			r = rename_in(folder, ANSWER_FILE, found, err);
		media_release(folder);
	}
	return r;
}

static int rename_on_share(const struct answer_found *found,
			   const struct source_options *source, struct err *err)
{
	const char *file = found->name + strlen(found->address);
	const char *slash = strrchr(found->name, '/');
	char name[NAME_SIZE];
	int r;

	if (!store_is_elsewhere(found->name))
		return rename_in(found->address, file, found, err);
	done_name(name);
	r = store_rename(found->name, source, name, err);
	if (r == 0)
		printf("answer file renamed: %.*s%s\n", (int)(slash + 1 - found->name),
		       found->name, name);
	return r;
}

void answer_mark_done(struct answer_found *found, const struct source_options *source)
{
	struct err err = { 0 };
	int r = 0;

	switch (found->place) {
	case ANSWER_BOOT:
	case ANSWER_REMOVABLE:
	case ANSWER_MEDIUM:
		r = rename_on_media(found, &err);
		break;
	case ANSWER_SHARE:
		r = rename_on_share(found, source, &err);
		break;
	case ANSWER_NAMED: /* whoever named it can name another one */
	case ANSWER_KERNEL:
	case ANSWER_SERVER:
	case ANSWER_FIRMWARE:
		break;
	}
	if (r < 0)
		printf("the answer file stays as it is (%s); the disk's own record keeps "
		       "it from being\nrestored again\n",
		       err.text);
	fflush(stdout);
}
