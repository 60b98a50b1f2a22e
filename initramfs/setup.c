/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of what is mounted and linked: see setup.h. */
#include "setup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <base/cleanup.h>

static const struct mount_point {
	const char *path;
	const char *type;
	const char *options;
	unsigned long flags;
	long magic; /* statfs f_type of what belongs there */
	bool essential;
} mount_points[] = {
	{ "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, PROC_SUPER_MAGIC,
	  true },
	{ "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, SYSFS_MAGIC, false },
	/* a devtmpfs reports itself as tmpfs */
	{ "/dev", "devtmpfs", "mode=0755", MS_NOSUID, TMPFS_MAGIC, true },
	{ "/dev/pts", "devpts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC,
	  DEVPTS_SUPER_MAGIC, false },
	{ "/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, TMPFS_MAGIC, false },
	{ "/run", "tmpfs", "mode=0755", MS_NOSUID | MS_NODEV, TMPFS_MAGIC, true },
	{ "/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, TMPFS_MAGIC, false },
};

static const struct mount_point firmware_variables = {
	"/sys/firmware/efi/efivars",	  "efivarfs",	  NULL,
	MS_NOSUID | MS_NODEV | MS_NOEXEC, EFIVARFS_MAGIC, false,
};

static const struct {
	const char *path, *target;
} links[] = {
	{ "/dev/fd", "/proc/self/fd" },	      { "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" },
	{ "/etc/mtab", "/proc/self/mounts" },
};

/* What GRUB hands over ends in zeros: image-builder/padded-file.h says why. */
static const struct {
	const char *padded, *path;
} handed_over[] = {
	{ "/openbmr/openbmr.ini.padded", "/openbmr/openbmr.ini" },
	{ "/openbmr/openbmr.cred.padded", "/openbmr/openbmr.cred" },
	{ "/openbmr/network/openbmr.ini.padded", "/openbmr/network/openbmr.ini" },
	{ "/openbmr/network/openbmr.cred.padded", "/openbmr/network/openbmr.cred" },
};

static const char *const folders[] = { "/run/openbmr", "/run/lock" };

static int mount_one(const struct mount_point *point, struct err *err)
{
	struct statfs there;

	if (mkdir(point->path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "'%s': creating the folder", point->path);
	if (statfs(point->path, &there) == 0 && there.f_type == point->magic) {
		struct stat here, above;
		AUTO_FREE char *parent = NULL;

		/* a folder of a tmpfs is not a mount of its own */
		if (asprintf(&parent, "%s/..", point->path) < 0) {
			parent = NULL;
			return err_nomem(err);
		}
		if (stat(point->path, &here) == 0 && stat(parent, &above) == 0 &&
		    here.st_dev != above.st_dev)
			return 0;
	}
	if (mount(point->type, point->path, point->type, point->flags, point->options) <
	    0)
		return err_errno(err, errno, "'%s': mounting %s", point->path,
				 point->type);
	return 0;
}

static int loopback_up(struct err *err)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return err_errno(err, errno, "network interface 'lo'");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_errno(err, errno, "network interface 'lo': setting it up");
	return 0;
}

/* Where the text ends at the first zero of fd; -1: there is none, or it cannot be read. */
static off_t text_end(int fd)
{
	char bytes[4096], *zero;
	off_t end = 0;
	ssize_t length;

	while ((length = read(fd, bytes, sizeof(bytes))) > 0) {
		zero = memchr(bytes, 0, (size_t)length);
		if (zero)
			return end + (zero - bytes);
		end += length;
	}
	return -1;
}

/* A file without zeros was longer than what fits, and half of it is not to be obeyed. */
static int take_over(const char *padded, const char *path, struct err *err)
{
	AUTO_CLOSE int fd = open(padded, O_RDWR | O_CLOEXEC);
	off_t end;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "'%s'", padded);
	end = text_end(fd);
	if (end < 0) {
		(void)unlink(padded);
		return err_set(
			err, -EFBIG,
			"'%s': longer than the boot loader can hand over, ignoring",
			path);
	}
	if (ftruncate(fd, end) < 0 || rename(padded, path) < 0)
		return err_errno(err, errno, "'%s': moving to '%s'", padded, path);
	return 0;
}

int setup_system(void (*complain)(const char *line), struct err *err)
{
	static const char host_name[] = "openbmr";
	struct err minor;
	int result = 0;

	umask(022);
	/* what a process knows must not outlive it in a file */
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0 &&
	    err_errno(&minor, errno, "forbidding core dumps") < 0)
		complain(minor.text);
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++) {
		int r = mount_one(&mount_points[i], &minor);

		if (r < 0)
			complain(minor.text);
		if (r < 0 && mount_points[i].essential && result == 0)
			result = err_set(err, r, "%s", minor.text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (mkdir(folders[i], 0755) < 0 && errno != EEXIST &&
		    err_errno(&minor, errno, "'%s': creating the folder", folders[i]) < 0)
			complain(minor.text);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i].target, links[i].path) < 0 && errno != EEXIST &&
		    err_errno(&minor, errno, "'%s': creating the link", links[i].path) <
			    0)
			complain(minor.text);
	for (size_t i = 0; i < ARRAY_SIZE(handed_over); i++)
		if (take_over(handed_over[i].padded, handed_over[i].path, &minor) < 0)
			complain(minor.text);
	if (sethostname(host_name, strlen(host_name)) < 0 &&
	    err_errno(&minor, errno, "setting the host name") < 0)
		complain(minor.text);
	if (loopback_up(&minor) < 0)
		complain(minor.text);
	return result;
}

int setup_firmware_variables(struct err *err)
{
	if (access("/sys/firmware/efi", F_OK) < 0)
		return err_set(err, -ENODEV, "this machine was not started by UEFI");
	return mount_one(&firmware_variables, err);
}

/* -- the end ------------------------------------------------------------------------- */

static bool is_ours(const char *path)
{
	if (strcmp(path, "/") == 0 || strcmp(path, firmware_variables.path) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++)
		if (strcmp(path, mount_points[i].path) == 0)
			return true;
	return false;
}

/* One mount that is not ours, the newest; false: there is none, or it stays. */
static bool unmount_last(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	char path[4096] = "";

	if (!mounts)
		return false;
	while ((entry = getmntent(mounts)))
		if (!is_ours(entry->mnt_dir))
			snprintf(path, sizeof(path), "%s", entry->mnt_dir);
	endmntent(mounts);
	return path[0] && umount2(path, 0) == 0;
}

void setup_undo(void)
{
	sync();
	while (unmount_last())
		;
	sync();
}
