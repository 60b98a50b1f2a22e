/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See store.h. */
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <base/text.h>
#include <net/smb-store.h>

#include "media.h"

#define STICK "stick:"

static bool is_stick(const char *where)
{
	return strncasecmp(where, STICK, strlen(STICK)) == 0;
}

bool store_is_elsewhere(const char *where)
{
	return is_stick(where) || smb_is_location(where);
}

bool store_is_folder(const char *where)
{
	size_t length = strlen(where);

	return length > 0 && (where[length - 1] == '/' || where[length - 1] == '\\');
}

/* -- shares ---- */

struct share_file {
	struct smb_location location;
	struct credentials credentials;
	struct smb_store store;
};

static void share_file_clear(struct share_file *file)
{
	credentials_clear(&file->credentials);
	smb_location_clear(&file->location);
}

static int share_file_open(const char *where, const struct source_options *options,
			   struct share_file *file, struct err *err)
{
	const char *login = options->credentials;
	int r = smb_location_parse(where, &file->location, err);

	if (r == 0 && !login)
		r = err_set(err, -EACCES,
			    "'%s': a share needs a login: give a credentials file",
			    file->location.host);
	if (r == 0)
		r = credentials_read(login, &file->credentials, NULL, err);
	file->store = (struct smb_store){ &file->location, &file->credentials,
					  options->require_encryption };
	return r;
}

static int put_on_share(const char *where, const struct source_options *options,
			const void *bytes, size_t length, struct err *err)
{
	AUTO(share_file_clear) struct share_file file = { 0 };
	int r = share_file_open(where, options, &file, err);

	return r < 0 ? r : smb_store_put(&file.store, bytes, length, err);
}

int store_rename(const char *where, const struct source_options *options,
		 const char *name, struct err *err)
{
	AUTO(share_file_clear) struct share_file file = { 0 };
	int r = share_file_open(where, options, &file, err);

	return r < 0 ? r : smb_store_rename(&file.store, name, err);
}

/* -- removable media ---- */

static int write_file(const char *path, const void *bytes, size_t length, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool written;

	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", path);
	written = write(fd, bytes, length) == (ssize_t)length && fsync(fd) == 0;
	if (close(fd) < 0 || !written)
		return err_errno(err, errno, "'%s': writing", path);
	return 0;
}

/* Below a folder; a name cannot leave it. */
static int write_below(const char *folder, const char *name, const void *bytes,
		       size_t length, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, name);

	if (!path)
		return err_nomem(err);
	if (strstr(name, "..") || *name == '/')
		return err_set(err, -EINVAL, "'%s': must stay on the medium", name);
	for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_errno(err, errno, "'%s': creating the folder", path);
		*slash = '/';
	}
	return write_file(path, bytes, length, err);
}

static bool boots_openbmr(const char *folder)
{
	AUTO_FREE char *path = text_format("%s/EFI/openbmr", folder);

	return path && access(path, F_OK) == 0;
}

/* The boot medium, if one is there that can be written, else the only other one. */
static int mount_stick(char **ret_folder, struct err *err)
{
	struct media media;
	size_t others = 0;
	char *other = NULL;
	int r = -ENODEV;

	media_find("", &media);
	for (size_t i = 0; i < media.count; i++) {
		char *folder = NULL;

		r = media_mount(media.devices[i], true, &folder, err);
		if (r < 0)
			continue;
		if (boots_openbmr(folder)) {
			media_release(other);
			*ret_folder = folder;
			return 0;
		}
		others++;
		media_release(other);
		other = folder;
	}
	if (others == 1) {
		*ret_folder = other;
		return 0;
	}
	media_release(other);
	if (others > 1)
		return err_set(err, -EEXIST,
			       "%zu removable media, and the machine was started from "
			       "none of them: leave one plugged in",
			       others);
	return err_set(err, r,
		       "no removable medium with FAT or exFAT that can be written");
}

static int put_on_stick(const char *name, const void *bytes, size_t length,
			struct err *err)
{
	char *folder = NULL;
	int r = mount_stick(&folder, err);

	if (r < 0)
		return r;
	r = write_below(folder, name, bytes, length, err);
	media_release(folder);
	return r;
}

int store_put(const char *where, const struct source_options *options, const void *bytes,
	      size_t length, struct err *err)
{
	if (is_stick(where))
		return put_on_stick(where + strlen(STICK), bytes, length, err);
	return put_on_share(where, options, bytes, length, err);
}
