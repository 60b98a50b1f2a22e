/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Owns libkmod: see coldplug.h. The socket for uevents is open before sysfs is walked, so
 * that a device is seen either there or as a message. A driver makes new devices (a host
 * adapter its disks, a disk its partitions), which come as messages too.
 */
#include "coldplug.h"

#include <dirent.h>
#include <fcntl.h>
#include <libkmod.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "job.h"
#include "uevent.h"

#define QUIET_MS	1200  /* usb-storage waits 1 s before it looks at a disk */
#define READY_WITHIN_MS 30000 /* a device that comes later is not waited for */
#define WAIT_MS		(READY_WITHIN_MS + 5000)
#define WAIT_STEP_MS	50
#define MESSAGE_SIZE	8192 /* the kernel's own limit is 2048 and some headers */
#define RECEIVE_BUFFER	(8 * 1024 * 1024) /* a thousand devices at once */
#define SYSFS_DEPTH_MAX 32
/* bmr hw --load makes it where it finds the boot medium */
#define BROUGHT_ALONG "/run/openbmr/drivers"

struct coldplug {
	struct kmod_ctx *kmod;
	struct alias_set seen;
	int socket;
	bool partition_came; /* since somebody set it to false */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* -- loading ------------------------------------------------------------------------- */

/* No driver, or one that finds no device: nothing that anybody could do about it here;
 * the kernel's log has the reason. */
static void load(struct coldplug *coldplug, const char *alias)
{
	struct kmod_list *list = NULL, *item;

	if (!alias_set_add(&coldplug->seen, alias) ||
	    kmod_module_new_from_lookup(coldplug->kmod, alias, &list) < 0)
		return;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);

		kmod_module_probe_insert_module(module, KMOD_PROBE_APPLY_BLACKLIST, NULL,
						NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
}

static void load_from_file(struct coldplug *coldplug, int folder_fd, const char *name)
{
	AUTO_CLOSE int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
	char alias[4096]; /* what sysfs gives at most */
	ssize_t length = fd < 0 ? -1 : read(fd, alias, sizeof(alias) - 1);

	if (length <= 0)
		return;
	alias[length] = '\0';
	alias[strcspn(alias, "\n")] = '\0';
	if (alias[0])
		load(coldplug, alias);
}

/* Takes fd over. */
static void walk(struct coldplug *coldplug, int fd, unsigned depth)
{
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		cleanup_close(&fd);
		return;
	}
	while ((entry = readdir(folder))) {
		if (entry->d_type == DT_REG && strcmp(entry->d_name, "modalias") == 0)
			load_from_file(coldplug, dirfd(folder), entry->d_name);
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    depth < SYSFS_DEPTH_MAX)
			walk(coldplug,
			     openat(dirfd(folder), entry->d_name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			     depth + 1);
	}
	closedir(folder);
}

static void walk_devices(struct coldplug *coldplug)
{
	walk(coldplug, open("/sys/devices", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
}

/* -- listening ----------------------------------------------------------------------- */

static int open_socket(int *ret, struct err *err)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK,
				       .nl_groups = 1 /* kernel */ };
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   NETLINK_KOBJECT_UEVENT);
	int size = RECEIVE_BUFFER;

	if (fd < 0)
		return err_errno(err, errno, "socket for uevents");
	/* without it messages may be lost, which shows as ENOBUFS: see receive() */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(err, errno, "socket for uevents: binding");
	*ret = TAKE_FD(fd);
	return 0;
}

/* Deals with all messages that are there. */
static void receive(struct coldplug *coldplug)
{
	char message[MESSAGE_SIZE];

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_length = sizeof(from);
		ssize_t length = recvfrom(coldplug->socket, message, sizeof(message), 0,
					  (struct sockaddr *)&from, &from_length);
		const char *alias;

		if (length < 0 && errno == ENOBUFS) {
			walk_devices(coldplug);
			continue;
		}
		if (length < 0)
			return;
		/* only the kernel (port 0) is believed */
		if (from.nl_pid != 0)
			continue;
		if (uevent_is_new_partition(message, (size_t)length))
			coldplug->partition_came = true;
		alias = uevent_modalias(message, (size_t)length);
		if (alias)
			load(coldplug, alias);
	}
}

/* False: nothing came in time; without limit (-1) that is an error. */
static bool wait_for_message(const struct coldplug *coldplug, int timeout_ms)
{
	struct pollfd fd = { .fd = coldplug->socket, .events = POLLIN };
	int count;

	do
		count = poll(&fd, 1, timeout_ms);
	while (count < 0 && errno == EINTR);
	return count > 0;
}

int coldplug_mark_ready(struct err *err)
{
	int fd = open(DEVICES_READY_PATH, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", DEVICES_READY_PATH);
	close(fd);
	return 0;
}

static int open_kmod(struct kmod_ctx **ret, struct err *err)
{
	struct utsname system;
	AUTO_FREE char *softdeps = NULL;
	const char *configuration[] = { "/etc/modprobe.d", NULL, NULL };
	struct kmod_ctx *kmod;

	uname(&system);
	softdeps = text_format("/lib/modules/%s/modules.softdep", system.release);
	if (!softdeps)
		return err_nomem(err);
	configuration[1] = softdeps;
	kmod = kmod_new(NULL, configuration);
	if (!kmod)
		return err_nomem(err);
	if (kmod_load_resources(kmod) < 0) {
		kmod_unref(kmod);
		return err_set(err, -ENOENT,
			       "'/lib/modules/%s': no index of kernel modules: the image "
			       "was made for another kernel",
			       system.release);
	}
	*ret = kmod;
	return 0;
}

/* Until no new device has shown up for a moment. */
static void settle(struct coldplug *coldplug, int64_t limit)
{
	while (now_ms() < limit && wait_for_message(coldplug, QUIET_MS))
		receive(coldplug);
}

/* Drivers that somebody put on the boot medium, which is there by now. A process of its own
 * reads them; what it says is in the log. */
static void load_brought_along(void)
{
	static const char *const argv[] = { "/usr/bin/bmr", "hw", "--load", NULL };
	struct job job = { .argv = argv };
	struct err err;
	int status;

	if (job_run(&job, &status, &err) < 0)
		return; /* then there are none */
}

int coldplug_run(struct err *err)
{
	struct coldplug coldplug = { .socket = -1 };
	int64_t limit = now_ms() + READY_WITHIN_MS;
	int r = open_kmod(&coldplug.kmod, err);

	if (r == 0)
		r = open_socket(&coldplug.socket, err);
	if (r < 0) {
		kmod_unref(coldplug.kmod);
		return r;
	}
	walk_devices(&coldplug);
	settle(&coldplug, limit);
	load_brought_along();
	settle(&coldplug, limit);
	r = coldplug_mark_ready(err);
	/* a stick may need longer than anybody waits for it */
	while (r == 0) {
		if (coldplug.partition_came && access(BROUGHT_ALONG, F_OK) < 0)
			load_brought_along();
		coldplug.partition_came = false;
		if (!wait_for_message(&coldplug, -1))
			break;
		receive(&coldplug);
	}
	alias_set_clear(&coldplug.seen);
	cleanup_close(&coldplug.socket);
	kmod_unref(coldplug.kmod);
	return r < 0 ? r : err_set(err, -EIO, "waiting for uevents ended");
}

void coldplug_wait(void)
{
	for (unsigned waited = 0; waited < WAIT_MS; waited += WAIT_STEP_MS) {
		if (access(DEVICES_READY_PATH, F_OK) == 0)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = WAIT_STEP_MS * 1000000L }, NULL);
	}
}
