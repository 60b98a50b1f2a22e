/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one file that knows libfuse3: a file system with one file, "volume". One thread answers
 * the kernel and waits for the end of the program that works on the file.
 *
 * The mount is made with mount(2), by root or in a user namespace, for the user that the
 * process will be; libfuse gets the descriptor. It ends with the mount namespace, which
 * belongs to this process and the program alone.
 */
#define FUSE_USE_VERSION 314

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/spawn.h>

#include "ntfs-view-fuse.h"

#define MOUNT_POINT "/mnt"
#define VOLUME_NODE 2 /* 1 is the root */

/* nobody, as whom reader_jail() lets a process of root go on */
#define NOBODY 65534

/* The end of the program: what fits into one write to a pipe, which is never torn. */
struct run_end {
	int code;
	char text[4000];
};
_Static_assert(sizeof(struct run_end) <= 4096, "PIPE_BUF");

struct view_server {
	struct fuse_session *session;
	struct fuse_buf buffer;
	int fd;
};

/* -- the mount ---- */

static int write_text(const char *path, const char *text, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_errno(err, errno, "'%s'", path);
	return 0;
}

/* In a user namespace: the user stays who it is. */
static int map_ids(uid_t uid, gid_t gid, struct err *err)
{
	char uids[32], gids[32];
	int r = write_text("/proc/self/setgroups", "deny", err);

	snprintf(uids, sizeof(uids), "%u %u 1", uid, uid);
	snprintf(gids, sizeof(gids), "%u %u 1", gid, gid);
	if (r == 0)
		r = write_text("/proc/self/uid_map", uids, err);
	return r < 0 ? r : write_text("/proc/self/gid_map", gids, err);
}

static int enter_namespaces(bool root, struct err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int flags = CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER);

	if (unshare(flags) < 0)
		return err_errno(err, errno, "a mount namespace cannot be made");
	if (!root && map_ids(uid, gid, err) < 0)
		return err_add(err, "a user namespace cannot be made");
	/* Nothing of it is seen outside. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(err, errno, "mounts cannot be made private");
	return 0;
}

/* The kernel loads the module for a mount, and only then there is a device. */
static int open_fuse(bool root)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || !root ||
	    mount("none", MOUNT_POINT, "fuse", 0, "") == 0)
		return fd;
	return open("/dev/fuse", O_RDWR | O_CLOEXEC);
}

int ntfs_view_mount(int *ret_fd, struct err *err)
{
	bool root = geteuid() == 0;
	AUTO_CLOSE int fd = -1;
	char options[128];
	int r = enter_namespaces(root, err);

	if (r < 0)
		return r;
	fd = open_fuse(root); /* in the namespace: the kernel compares who opened it */
	if (fd < 0)
		return err_set(err, -ENOTSUP,
			       "'/dev/fuse': %s; resizing a volume needs FUSE",
			       strerror(errno));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u",
		 fd, root ? NOBODY : geteuid(), root ? NOBODY : getegid());
	if (mount("bmr", MOUNT_POINT, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) <
	    0)
		return err_set(err, -ENOTSUP, "'%s': FUSE cannot be mounted: %s",
			       MOUNT_POINT, strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* -- answers to the kernel ---- */

static struct ntfs_view *request_view(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

static bool fill_stat(const struct ntfs_view *view, fuse_ino_t node, struct stat *st)
{
	*st = (struct stat){ .st_ino = node, .st_uid = geteuid(), .st_gid = getegid() };
	if (node == FUSE_ROOT_ID) {
		st->st_mode = S_IFDIR | 0500;
		st->st_nlink = 2;
		return true;
	}
	st->st_mode = S_IFREG | 0600;
	st->st_nlink = 1;
	st->st_size = (off_t)view_size(view);
	return node == VOLUME_NODE;
}

/* Nothing is cached: the size changes. */
static void answer_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = VOLUME_NODE };

	if (parent != FUSE_ROOT_ID || strcmp(name, "volume") != 0) {
		fuse_reply_err(request, ENOENT);
		return;
	}
	fill_stat(request_view(request), VOLUME_NODE, &entry.attr);
	fuse_reply_entry(request, &entry);
}

static void answer_getattr(fuse_req_t request, fuse_ino_t node,
			   struct fuse_file_info *info)
{
	struct stat st;

	if (fill_stat(request_view(request), node, &st))
		fuse_reply_attr(request, &st, 0);
	else
		fuse_reply_err(request, ENOENT);
}

static void answer_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
	info->direct_io = 1; /* every read and write of the program comes here as it is */
	fuse_reply_open(request, info);
}

static void answer_read(fuse_req_t request, fuse_ino_t node, size_t length, off_t offset,
			struct fuse_file_info *info)
{
	struct ntfs_view *view = request_view(request);
	AUTO_FREE void *buffer = NULL;
	uint64_t size = view_size(view);
	int r;

	if (offset < 0 || (uint64_t)offset >= size) {
		fuse_reply_buf(request, NULL, 0);
		return;
	}
	length = (size_t)min_u64(length, size - (uint64_t)offset);
	buffer = malloc(length);
	r = buffer ? view_read(view, buffer, (uint64_t)offset, length) : -ENOMEM;
	if (r < 0)
		fuse_reply_err(request, EIO);
	else
		fuse_reply_buf(request, buffer, length);
}

static void answer_write(fuse_req_t request, fuse_ino_t node, const char *bytes,
			 size_t length, off_t offset, struct fuse_file_info *info)
{
	struct ntfs_view *view = request_view(request);

	if (offset < 0 || !range_within((uint64_t)offset, length, view_size(view)))
		fuse_reply_err(request, ENOSPC);
	else if (view_write(view, bytes, (uint64_t)offset, length) < 0)
		fuse_reply_err(request, EIO);
	else
		fuse_reply_write(request, length);
}

static void answer_fsync(fuse_req_t request, fuse_ino_t node, int data_only,
			 struct fuse_file_info *info)
{
	fuse_reply_err(request, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = answer_lookup,
	.getattr = answer_getattr,
	.open = answer_open,
	.read = answer_read,
	.write = answer_write,
	.fsync = answer_fsync,
};

/* The library logs on standard error unless told otherwise; libraries here never print. */
static void say_nothing(enum fuse_log_level level, const char *format, va_list arguments)
{
}

int view_server_new(struct ntfs_view *view, int fd, struct view_server **ret,
		    struct err *err)
{
	char program[] = "bmr", point[32];
	char *argv[] = { program, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct view_server *server = calloc(1, sizeof(*server));

	if (!server) {
		close(fd);
		return err_nomem(err);
	}
	fuse_set_log_func(say_nothing);
	server->fd = fd;
	server->session = fuse_session_new(&args, &operations, sizeof(operations), view);
	fuse_opt_free_args(&args); /* it was copied */
	snprintf(point, sizeof(point), "/dev/fd/%d", fd);
	if (!server->session || fuse_session_mount(server->session, point) < 0) {
		view_server_free(server);
		return err_set(err, -EIO, "libfuse3 does not start");
	}
	*ret = server;
	return 0;
}

void view_server_free(struct view_server *server)
{
	if (!server)
		return;
	if (server->session)
		fuse_session_destroy(server->session); /* closes fd, once mounted */
	free(server->buffer.mem);
	free(server);
}

/* -- the program ---- */

static __attribute__((noreturn)) void run_program(const char *const *argv, int out)
{
	struct spawn spawn = { .argv = argv };
	struct run_end end = { 0 };
	struct err fault = { 0 };
	AUTO_FREE char *output = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	end.code = spawn_run(&spawn, &output, &fault);
	snprintf(end.text, sizeof(end.text), "%s", end.code < 0 ? fault.text : output);
	_exit(write(out, &end, sizeof(end)) != sizeof(end));
}

static int answer_kernel(struct view_server *server, struct err *err)
{
	int r = fuse_session_receive_buf(server->session, &server->buffer);

	if (r == -EINTR || r == -EAGAIN)
		return 0;
	if (r <= 0)
		return err_set(err, -EIO, "FUSE: the kernel ended the connection");
	fuse_session_process_buf(server->session, &server->buffer);
	return 0;
}

static int serve(struct view_server *server, int in, struct run_end *ret_end,
		 struct err *err)
{
	struct pollfd fds[] = { { .fd = fuse_session_fd(server->session),
				  .events = POLLIN },
				{ .fd = in, .events = POLLIN } };
	int r = 0;

	while (r == 0) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return err_errno(err, errno, "poll");
		if (fds[0].revents)
			r = answer_kernel(server, err);
		else if (fds[1].revents)
			break;
	}
	if (r == 0 && read(in, ret_end, sizeof(*ret_end)) != sizeof(*ret_end))
		r = err_set(err, -EPIPE, "the process that runs a program is gone");
	return r;
}

int view_server_run(struct view_server *server, const char *const *argv,
		    char **ret_output, struct err *err)
{
	struct run_end end = { 0 };
	AUTO_CLOSE int in = -1;
	int pipe_fds[2], r;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	in = pipe_fds[0];
	pid = fork();
	if (pid == 0)
		run_program(argv, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid < 0)
		return err_errno(err, errno, "fork");
	r = serve(server, in, &end, err);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	end.text[sizeof(end.text) - 1] = '\0';
	if (r == 0 && end.code < 0)
		r = err_set(err, end.code, "%s", end.text);
	if (r == 0 && ret_output) {
		*ret_output = strdup(end.text);
		if (!*ret_output)
			r = err_nomem(err);
	}
	return r;
}
