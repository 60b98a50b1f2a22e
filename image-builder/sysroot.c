/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the unpacked packages, opened with RESOLVE_IN_ROOT: see sysroot.h. */
#include "sysroot.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <base/text.h>

static int open_in_root(const struct sysroot *sysroot, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT,
	};

	return (int)syscall(SYS_openat2, sysroot->fd, path, &how, sizeof(how));
}

/* -- opening ------------------------------------------------------------------------- */

static void closedirp(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

/* Opens a folder for reading; *ret stays untouched on failure. */
static int open_folder(const struct sysroot *sysroot, const char *path, DIR **ret,
		       struct err *err)
{
	int fd = open_in_root(sysroot, path, O_RDONLY | O_DIRECTORY);
	DIR *folder;

	if (fd < 0)
		return err_errno(err, errno, "'%s%s': opening the folder", sysroot->path,
				 path);
	folder = fdopendir(fd);
	if (!folder) {
		int saved_errno = errno;

		close(fd);
		return err_errno(err, saved_errno, "'%s%s'", sysroot->path, path);
	}
	*ret = folder;
	return 0;
}

static int find_kernel(struct sysroot *sysroot, struct err *err)
{
	AUTO(closedirp) DIR *folder = NULL;
	int r = open_folder(sysroot, "/lib/modules", &folder, err);
	struct dirent *entry;

	if (r < 0)
		return err_add(err,
			       "no kernel package in the sysroot (linux-image-amd64)");
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		if (sysroot->kernel)
			return err_set(err, -EINVAL,
				       "'%s/lib/modules': two kernels, '%s' and '%s': "
				       "unpack one",
				       sysroot->path, sysroot->kernel, entry->d_name);
		sysroot->kernel = strdup(entry->d_name);
		if (!sysroot->kernel)
			return err_nomem(err);
	}
	if (!sysroot->kernel)
		return err_set(err, -ENOENT,
			       "'%s/lib/modules': no kernel: unpack linux-image-amd64",
			       sysroot->path);
	return 0;
}

int sysroot_open(const char *path, struct sysroot *ret, struct err *err)
{
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1, .path = strdup(path) };
	int r;

	if (!sysroot.path)
		return err_nomem(err);
	sysroot.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sysroot.fd < 0)
		return err_errno(err, errno, "'%s': opening the sysroot", path);
	r = find_kernel(&sysroot, err);
	if (r == 0)
		r = architecture_find(sysroot.kernel, &sysroot.architecture, err);
	if (r < 0)
		return r;
	*ret = sysroot;
	sysroot = (struct sysroot){ .fd = -1 };
	return 0;
}

void sysroot_clear(struct sysroot *sysroot)
{
	cleanup_close(&sysroot->fd);
	free(sysroot->path);
	free(sysroot->kernel);
	*sysroot = (struct sysroot){ .fd = -1 };
}

/* -- contents ------------------------------------------------------------------------ */

static int map_fd(int fd, const char *name, struct content *ret, unsigned *ret_mode,
		  struct err *err)
{
	struct content content = { .mapped = true };
	struct stat st;
	void *bytes;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "'%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "'%s': is not a regular file", name);
	content.length = (size_t)st.st_size;
	if (content.length == 0) {
		content.mapped = false;
	} else {
		bytes = mmap(NULL, content.length, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			return err_errno(err, errno, "'%s': mapping", name);
		content.bytes = bytes;
	}
	*ret = content;
	if (ret_mode)
		*ret_mode = st.st_mode & 0755;
	return 0;
}

int content_map(const char *path, struct content *ret, unsigned *ret_mode,
		struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "'%s': opening for reading", path);
	return map_fd(fd, path, ret, ret_mode, err);
}

/* Under the path where the file really lies: links in between belong to nobody. */
static int note_used(const struct sysroot *sysroot, int fd, struct err *err)
{
	char link[64], root[4096], file[4096];
	ssize_t root_length, length;

	if (!sysroot->used)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sysroot->fd);
	root_length = readlink(link, root, sizeof(root));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, file, sizeof(file));
	if (root_length < 0 || length < root_length || length == (ssize_t)sizeof(file))
		return err_errno(err, errno, "'%s'", link);
	text_add(sysroot->used, "%.*s\n", (int)(length - root_length),
		 file + root_length);
	return 0;
}

int sysroot_read(const struct sysroot *sysroot, const char *path, struct content *ret,
		 unsigned *ret_mode, struct err *err)
{
	AUTO_CLOSE int fd = open_in_root(sysroot, path, O_RDONLY | O_NONBLOCK);
	AUTO_FREE char *name = text_format("%s%s", sysroot->path, path);
	int r;

	if (fd < 0)
		return err_errno(err, errno, "'%s': not in the sysroot '%s'", path,
				 sysroot->path);
	if (!name)
		return err_nomem(err);
	r = note_used(sysroot, fd, err);
	return r < 0 ? r : map_fd(fd, name, ret, ret_mode, err);
}

int sysroot_file(const struct sysroot *sysroot, const char *path, const char *package,
		 char **ret, struct err *err)
{
	AUTO(content_clear) struct content content = { 0 };
	int r = sysroot_read(sysroot, path, &content, NULL, err);

	if (r < 0)
		return err_add(err, "of package %s", package);
	*ret = text_format("%s%s", sysroot->path, path);
	return *ret ? 0 : err_nomem(err);
}

bool sysroot_has(const struct sysroot *sysroot, const char *path)
{
	AUTO_CLOSE int fd = open_in_root(sysroot, path, O_PATH);

	return fd >= 0;
}

static int add_link(const struct sysroot *sysroot, const char *path,
		    struct root_tree *tree, struct err *err)
{
	AUTO_CLOSE int fd = open_in_root(sysroot, path, O_PATH | O_NOFOLLOW);
	char target[4096];
	ssize_t length = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);

	if (length < 0)
		return err_errno(err, errno, "'%s%s': reading the link", sysroot->path,
				 path);
	target[length] = '\0';
	return root_tree_add_link(tree, path, target, err);
}

static int add_entry(const struct sysroot *sysroot, const char *folder,
		     const struct dirent *entry, struct root_tree *tree, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, entry->d_name);

	if (!path)
		return err_nomem(err);
	if (entry->d_type == DT_LNK)
		return add_link(sysroot, path, tree, err);
	return sysroot_add(sysroot, path, tree, err);
}

int sysroot_add(const struct sysroot *sysroot, const char *path, struct root_tree *tree,
		struct err *err)
{
	AUTO(closedirp) DIR *folder = NULL;
	struct content content = { 0 };
	struct dirent *entry;
	unsigned mode = 0;
	int r;

	if (open_folder(sysroot, path, &folder, NULL) < 0 || !folder) {
		r = sysroot_read(sysroot, path, &content, &mode, err);
		return r < 0 ? r : root_tree_add_file(tree, path, mode, &content, err);
	}
	r = root_tree_add_folder(tree, path, 0755, err);
	while (r == 0 && (entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = add_entry(sysroot, path, entry, tree, err);
	return r;
}
