/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A folder of this machine as destination. Each name is opened below the folder that it is in, by
 * openat2(), which follows no link and leaves no folder upwards: whatever somebody else does there
 * meanwhile.
 */
#include <restore/files.h>

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <base/text.h>

#define NTFS3_MAGIC 0x7366746e
#define EXFAT_MAGIC 0x2011bab0
#define CIFS_MAGIC  0xff534d42
#define SMB2_MAGIC  0xfe534d42

struct target_folder {
	struct file_target target;
	int root;
};

/* A file that is being written. */
struct target_file {
	int fd, folder; /* folder: of its own, for its removal */
	char *name;
};

/* Kinds that Windows reads: its rules of names are theirs. FUSE: ntfs-3g, exFAT. */
static bool has_windows_names(int fd)
{
	static const uint32_t kinds[] = {
		MSDOS_SUPER_MAGIC, EXFAT_MAGIC, NTFS3_MAGIC,
		CIFS_MAGIC,	   SMB2_MAGIC,	FUSE_SUPER_MAGIC
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((uint32_t)fs.f_type == kinds[i])
			return true;
	return false;
}

static int open_below(int folder, const char *name, uint64_t flags, uint64_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
}

static int failed(const struct file_target *target, const char *name, const char *what,
		  struct err *err)
{
	return err_errno(err, errno, "'%s': %s '%s'", target->name, what, name);
}

/* -- folders ---------------------------------------------------------------------- */

struct entered {
	int fd;
};

static int folder_fd(const struct file_target *target, const void *folder)
{
	return folder ? ((const struct entered *)folder)->fd
		      : ((const struct target_folder *)target)->root;
}

static int folder_enter(struct file_target *target, void *folder, const char *name,
			void **ret, struct err *err)
{
	int above = folder_fd(target, folder);
	AUTO_FREE struct entered *entered = malloc(sizeof(*entered));

	if (!entered)
		return err_nomem(err);
	if (mkdirat(above, name, 0777) < 0 && errno != EEXIST)
		return failed(target, name, "making the folder", err);
	entered->fd = open_below(above, name, O_RDONLY | O_DIRECTORY, 0);
	if (entered->fd < 0)
		return failed(target, name, "opening the folder", err);
	*ret = TAKE_PTR(entered);
	return 0;
}

static struct timespec time_of(int64_t ticks)
{
	int64_t seconds = ticks / 10000000, rest = ticks % 10000000;

	if (ticks == ITEM_NO_TIME)
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (rest < 0) {
		rest += 10000000;
		seconds--;
	}
	return (struct timespec){ .tv_sec = seconds, .tv_nsec = (long)rest * 100 };
}

static int set_times(int fd, const struct file_times *times)
{
	const struct timespec both[2] = { time_of(times->accessed),
					  time_of(times->modified) };

	return futimens(fd, both);
}

static int folder_leave(struct file_target *target, void *folder,
			const struct file_times *times, struct err *err)
{
	struct entered *entered = folder;
	int r = 0;

	if (!entered)
		return 0;
	if (times && set_times(entered->fd, times) < 0)
		r = failed(target, "", "setting the times of a folder", err);
	close(entered->fd);
	free(entered);
	return r;
}

/* -- files ------------------------------------------------------------------------ */

static void file_free(struct target_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->folder >= 0)
		close(file->folder);
	free(file->name);
	free(file);
}

static void folder_abandon(struct file_target *target, void *opened)
{
	struct target_file *file = opened;

	unlinkat(file->folder, file->name, 0);
	file_free(file);
}

static int folder_create(struct file_target *target, void *folder, const char *name,
			 uint64_t size, void **ret, struct err *err)
{
	struct target_file *file = calloc(1, sizeof(*file));
	int above = folder_fd(target, folder), r;

	if (!file)
		return err_nomem(err);
	file->folder = fcntl(above, F_DUPFD_CLOEXEC, 0);
	file->name = strdup(name);
	file->fd = file->name && file->folder >= 0
			   ? open_below(above, name, O_RDWR | O_CREAT | O_EXCL, 0666)
			   : -1;
	if (file->fd < 0) {
		r = errno == EEXIST
			    ? err_set(err, -EEXIST,
				      "'%s' is there already and is not overwritten",
				      name)
			    : failed(target, name, "making the file", err);
		file_free(file);
		return r;
	}
	if (size && ftruncate(file->fd, (off_t)size) < 0) {
		r = err_errno(err, errno, "'%s': a file of %" PRIu64 " bytes", name,
			      size);
		folder_abandon(target, file);
		return r;
	}
	*ret = file;
	return 0;
}

static int folder_write(struct file_target *target, void *opened, const void *bytes,
			uint64_t offset, size_t length, struct err *err)
{
	const struct target_file *file = opened;
	const uint8_t *from = bytes;

	while (length) {
		ssize_t n = pwrite(file->fd, from, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, n < 0 ? errno : EIO, "'%s': writing '%s'",
					 target->name, file->name);
		from += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static int folder_finish(struct file_target *target, void *opened,
			 const struct file_times *times, struct err *err)
{
	struct target_file *file = opened;
	int r = 0;

	if (set_times(file->fd, times) < 0)
		r = failed(target, file->name, "setting the times of", err);
	if (close(TAKE_FD(file->fd)) < 0 && r == 0)
		r = failed(target, file->name, "closing", err);
	file_free(file);
	return r;
}

/* -- streams and links ------------------------------------------------------------ */

/* "user.NAME", as attributes of files are called on Linux. */
static int folder_set_stream(struct file_target *target, void *opened, const char *name,
			     const void *bytes, size_t length, struct err *err)
{
	const struct target_file *file = opened;
	AUTO_FREE char *attribute = text_format("user.%s", name);

	if (!attribute)
		return err_nomem(err);
	if (fsetxattr(file->fd, attribute, bytes, length, XATTR_CREATE) == 0)
		return 0;
	if (errno == ENOTSUP || errno == E2BIG || errno == ENOSPC || errno == ERANGE ||
	    errno == EPERM || errno == EINVAL)
		return -ENOTSUP;
	return failed(target, name, "the attribute", err);
}

static int folder_link(struct file_target *target, const char *path, void *folder,
		       const char *name, struct err *err)
{
	const struct target_folder *own = (const struct target_folder *)target;
	AUTO_CLOSE int fd = open_below(own->root, path, O_PATH, 0);
	char self[32];

	if (fd < 0)
		return -ENOTSUP;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, folder_fd(target, folder), name, AT_SYMLINK_FOLLOW) ==
	    0)
		return 0;
	if (errno == EEXIST)
		return err_set(err, -EEXIST,
			       "'%s' is there already and is not overwritten", name);
	return -ENOTSUP;
}

/* -- the destination -------------------------------------------------------------- */

static int folder_flush(struct file_target *target, struct err *err)
{
	const struct target_folder *own = (const struct target_folder *)target;

	if (syncfs(own->root) < 0)
		return err_errno(err, errno,
				 "'%s': what was written is not all on the "
				 "disk",
				 target->name);
	return 0;
}

static void folder_close(struct file_target *target)
{
	struct target_folder *own = (struct target_folder *)target;

	close(own->root);
	free(target->name);
	free(own);
}

static const struct file_target_ops folder_ops = {
	.enter = folder_enter,
	.leave = folder_leave,
	.create = folder_create,
	.write = folder_write,
	.finish = folder_finish,
	.abandon = folder_abandon,
	.set_stream = folder_set_stream,
	.link = folder_link,
	.flush = folder_flush,
	.close = folder_close,
};

int file_target_folder(const char *path, struct file_target **ret, struct err *err)
{
	AUTO_FREE struct target_folder *own = calloc(1, sizeof(*own));
	AUTO_CLOSE int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *name = strdup(path);

	if (!own || !name)
		return err_nomem(err);
	if (root < 0)
		return err_errno(err, errno, "'%s': opening the destination", path);
	own->target = (struct file_target){ .ops = &folder_ops,
					    .windows_names = has_windows_names(root),
					    .name = TAKE_PTR(name) };
	own->root = TAKE_FD(root);
	*ret = &TAKE_PTR(own)->target;
	return 0;
}

void file_target_close(struct file_target *target)
{
	if (target)
		target->ops->close(target);
}
