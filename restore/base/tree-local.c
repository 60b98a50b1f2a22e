/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A local folder as a tree. Each part of a path is opened in the folder before it and
 * never through a symbolic link, so that nothing outside of the root can be reached.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/cleanup.h>
#include <base/tree-listing.h>

struct tree_local {
	struct tree tree;
	int root_fd;
};

/* -- opening ---------------------------------------------------------------------- */

static int open_failed(int parent_fd, const char *part, const struct tree *tree,
		       const char *path, struct err *err)
{
	int saved_errno = errno;
	struct stat st;

	if (fstatat(parent_fd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		return err_set(err, -ELOOP,
			       "'%s/%s': '%s' is a symbolic link, not followed",
			       tree->name, path, part);
	return err_errno(err, saved_errno, "'%s/%s': opening for reading", tree->name,
			 path);
}

/* Opens path with flags; the root itself for "". Always read-only. */
static int open_beneath(struct tree_local *local, const char *path, int flags,
			int *ret_fd, struct err *err)
{
	AUTO_FREE char *parts = strdup(path[0] ? path : ".");
	AUTO_CLOSE int folder = -1;
	char *rest = parts;

	if (!parts)
		return err_nomem(err);
	for (;;) {
		char *part = strsep(&rest, "/");
		int how = rest ? O_PATH | O_DIRECTORY
			       : O_RDONLY | O_NOCTTY | O_NONBLOCK | flags;
		int parent = folder >= 0 ? folder : local->root_fd;
		int fd = openat(parent, part, how | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return open_failed(parent, part, &local->tree, path, err);
		if (!rest) {
			*ret_fd = fd;
			return 0;
		}
		cleanup_close(&folder);
		folder = fd;
	}
}

static int local_open(struct tree *tree, const char *path, struct block_source **ret,
		      struct err *err)
{
	AUTO_FREE char *name = tree_path_join(tree->name, path);
	int fd = -1, r;

	if (!name)
		return err_nomem(err);
	r = open_beneath((struct tree_local *)tree, path, 0, &fd, err);
	if (r < 0)
		return r;
	return source_file_from_fd(fd, name, ret, err);
}

/* -- listing ---------------------------------------------------------------------- */

static int listing_read(struct tree_listing *listing, DIR *folder, const char *name,
			struct err *err)
{
	while (!tree_listing_is_full(listing)) {
		struct dirent *entry;
		struct stat st;
		int r;

		errno = 0;
		entry = readdir(folder);
		if (!entry && errno)
			return err_errno(err, errno, "'%s': listing the folder", name);
		if (!entry)
			return 0;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		/* Gone since it was read: not there. */
		if (fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
			continue;
		r = tree_listing_add(
			listing,
			&(struct tree_entry){
				.name = entry->d_name,
				.is_folder = S_ISDIR(st.st_mode),
				.size = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size,
				.mtime_s = st.st_mtime,
			},
			err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int listing_load(struct tree_listing *listing, int fd, const char *name,
			struct err *err)
{
	DIR *folder = fdopendir(fd);
	int r;

	if (!folder) {
		r = err_errno(err, errno, "'%s': listing the folder", name);
		close(fd);
		return r;
	}
	r = listing_read(listing, folder, name, err);
	closedir(folder);
	return r;
}

static int local_list(struct tree *tree, const char *path, tree_visit *visit,
		      void *context, struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	AUTO_FREE char *name = tree_path_join(tree->name, path);
	int fd = -1, r;

	if (!name)
		return err_nomem(err);
	r = open_beneath((struct tree_local *)tree, path, O_DIRECTORY, &fd, err);
	if (r < 0)
		return r;
	r = listing_load(&listing, fd, name, err);
	if (r < 0)
		return r;
	return tree_listing_visit(&listing, visit, context, err);
}

static void local_close(struct tree *tree)
{
	struct tree_local *local = (struct tree_local *)tree;

	close(local->root_fd);
	free(tree->name);
	free(local);
}

static const struct tree_ops local_ops = {
	.list = local_list,
	.open = local_open,
	.close = local_close,
};

int tree_local_open(const char *path, struct tree **ret, struct err *err)
{
	AUTO_FREE struct tree_local *local = malloc(sizeof(*local));
	AUTO_FREE char *name = strdup(path);
	int fd;

	if (!local || !name)
		return err_nomem(err);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "'%s': opening the folder", path);
	*local = (struct tree_local){
		.tree = { .ops = &local_ops, .name = TAKE_PTR(name) },
		.root_fd = fd,
	};
	*ret = (struct tree *)TAKE_PTR(local);
	return 0;
}
