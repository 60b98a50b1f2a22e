/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the reader process gives up before it looks at the first byte from outside: every
 * descriptor but its socket, the user root and all capabilities but (for local folders)
 * one, the way to get them back, core dumps and tracers, and all files, programs and system
 * calls that it does not need (base/sandbox.h). It dies with the engine.
 *
 * An engine that is not root has less to give up; the rest is the same.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "reader-protocol.h"

/* nobody and nogroup, the same number on every Linux: they own nothing. */
#define NOBODY 65534

static int become_nobody(bool keep_search, struct err *err)
{
	/* Else the kernel clears them all when the last user id of root goes. */
	if (keep_search && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno,
				 "the reader process cannot keep a capability");
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return err_errno(err, errno,
				 "the reader process cannot become user %d (nobody)",
				 NOBODY);
	return 0;
}

/* Plain system calls: two fields of a struct need no library. */
static int limit_capabilities(uint64_t keep, struct err *err)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return err_errno(err, errno,
				 "the reader process cannot read its capabilities");
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, data) < 0)
		return err_errno(err, errno,
				 "the reader process cannot give up capabilities");
	return 0;
}

/* After the change of user: that resets the first two of these. */
static int forbid_the_rest(pid_t engine, struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
		return err_errno(err, errno, "the reader process cannot be locked in");
	if (getppid() != engine)
		return err_set(err, -EOWNERDEAD, "the engine is gone");
	if (setresuid(0, 0, 0) == 0)
		return err_set(err, -EPERM, "the reader process can still become root");
	return 0;
}

/* Where the kernel or a container forbids it, the rest of the jail must do. */
static int leave_namespace(int which, const char *what, struct err *err)
{
	if (unshare(which) == 0 || errno == EPERM || errno == EINVAL || errno == ENOSPC)
		return 0;
	return err_errno(err, errno, "%s for the reader process", what);
}

int reader_isolate(struct err *err)
{
	int r;

	if (geteuid() != 0)
		return 0;
	r = leave_namespace(CLONE_NEWNET, "a network namespace", err);
	if (r == 0)
		r = leave_namespace(CLONE_NEWNS, "a mount namespace", err);
	if (r < 0)
		return r;
	/* What is unmounted outside must not stay in use here: a stick is to be pulled out. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 && errno != EPERM &&
	    errno != EINVAL)
		return err_errno(err, errno, "the mounts of the reader process");
	return 0;
}

/* What the process may allocate: a hive of 256 MiB and a copy of it is the most that is known.
 * Shared memory does not count. */
#define MEMORY_MAX (UINT64_C(1) << 30)

static int limit_memory(struct err *err)
{
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
	if (setrlimit(RLIMIT_DATA, &(struct rlimit){ MEMORY_MAX, MEMORY_MAX }) < 0)
		return err_errno(err, errno, "limiting the memory of the reader process");
#endif
	return 0;
}

int reader_jail(pid_t engine, bool keep_search, const struct sandbox *sandbox,
		struct err *err)
{
	int r = 0;

	if (geteuid() == 0)
		r = become_nobody(keep_search, err);
	if (r == 0)
		r = limit_capabilities(
			keep_search ? UINT64_C(1) << CAP_DAC_READ_SEARCH : 0, err);
	if (r == 0)
		r = forbid_the_rest(engine, err);
	if (r == 0)
		r = limit_memory(err);
	if (r == 0)
		r = sandbox_enter(sandbox, err);
	return r;
}
