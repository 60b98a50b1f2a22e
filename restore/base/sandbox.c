/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Landlock and seccomp: see base/sandbox.h. Landlock has no library: plain system calls. */
#include <base/sandbox.h>

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <base/cleanup.h>
#include <base/log.h>

/* -- Landlock --------------------------------------------------------------------- */

#define READ_FILE   LANDLOCK_ACCESS_FS_READ_FILE
#define READ_FOLDER (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUN	    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE)
#define WRITE	    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/* All rights of the first version (Linux 5.13): from EXECUTE to MAKE_SYM. */
#define RIGHTS_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
/* Of the third (6.2); not in Debian 12's header. The second only adds renames between folders,
 * which are refused unless they are allowed. */
#define RIGHT_TRUNCATE (UINT64_C(1) << 14)

struct place {
	const char *path;
	uint64_t rights;
};

/* What a program needs to start: libraries, name service, characters, time. Of /etc single
 * files only: a process that may read what belongs to others must not see the rest. /proc is
 * guarded by the right to trace; "/proc/self" would be this process, not its children. */
static const struct place program_places[] = {
	{ "/usr/lib", READ_FOLDER },
	{ "/usr/lib64", READ_FOLDER },
	{ "/usr/share", READ_FOLDER },
	{ "/lib", READ_FOLDER },
	{ "/lib64", READ_FOLDER },
	{ "/lib64/ld-linux-x86-64.so.2", RUN },
	{ "/lib/ld-linux-aarch64.so.1", RUN },
	{ "/etc/ld.so.cache", READ_FILE },
	{ "/etc/passwd", READ_FILE },
	{ "/etc/group", READ_FILE },
	{ "/etc/hosts", READ_FILE },
	{ "/etc/host.conf", READ_FILE },
	{ "/etc/gai.conf", READ_FILE },
	{ "/etc/services", READ_FILE },
	{ "/etc/nsswitch.conf", READ_FILE },
	{ "/etc/localtime", READ_FILE },
	{ "/etc/mtools.conf", READ_FILE },
	{ "/proc", READ_FOLDER },
	{ "/dev/null", WRITE },
	{ "/dev/urandom", READ_FILE },
};

struct ruleset {
	int fd;
	uint64_t handled; /* rights that this kernel knows */
};

static int add_rule(const struct ruleset *ruleset,
		    const struct landlock_path_beneath_attr *rule)
{
	return (int)syscall(SYS_landlock_add_rule, ruleset->fd,
			    LANDLOCK_RULE_PATH_BENEATH, rule, 0);
}

static int add_place(const struct ruleset *ruleset, const struct place *place,
		     struct err *err)
{
	AUTO_CLOSE int fd = open(place->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = place->rights & ruleset->handled,
		.parent_fd = fd,
	};

	/* What cannot be opened here cannot be opened later either. */
	if (fd < 0 || add_rule(ruleset, &rule) == 0)
		return 0;
	/* Files have no entries. Nothing asks what it is: the place may be a FUSE mount that
	 * this very process will serve. */
	rule.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
	if (errno != EINVAL || add_rule(ruleset, &rule) < 0)
		return err_errno(err, errno, "'%s': allowing it in the sandbox",
				 place->path);
	return 0;
}

static int add_list(const struct ruleset *ruleset, const char *const *paths,
		    uint64_t rights, struct err *err)
{
	int r = 0;

	for (; r == 0 && paths && *paths; paths++)
		r = add_place(ruleset, &(struct place){ *paths, rights }, err);
	return r;
}

static int add_places(const struct ruleset *ruleset, const struct sandbox *sandbox,
		      struct err *err)
{
	int r = add_list(ruleset, sandbox->readable, READ_FOLDER, err);

	if (r == 0)
		r = add_list(ruleset, sandbox->writable,
			     READ_FOLDER | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE,
			     err);
	if (r == 0)
		r = add_list(ruleset, sandbox->programs, RUN, err);
	for (size_t i = 0; r == 0 && sandbox->programs && i < ARRAY_SIZE(program_places);
	     i++)
		r = add_place(ruleset, &program_places[i], err);
	return r;
}

static int enter_landlock(const struct sandbox *sandbox, struct err *err)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr rules = { .handled_access_fs = RIGHTS_1 };
	AUTO_CLOSE int ruleset = -1;
	int r;

	if (version < 1) {
		log_warning("this kernel has no Landlock: process %d could open files",
			    (int)getpid());
		return 0;
	}
	if (version >= 3)
		rules.handled_access_fs |= RIGHT_TRUNCATE;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (ruleset < 0)
		return err_errno(err, errno, "a Landlock ruleset");
	r = add_places(&(struct ruleset){ ruleset, rules.handled_access_fs }, sandbox,
		       err);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		r = err_errno(err, errno, "entering the Landlock ruleset");
	return r;
}

/* -- seccomp ---------------------------------------------------------------------- */

/* What glibc, libsmbclient, libhivex, libntfs-3g and mtools use, and what belongs to it on other
 * versions of glibc. Names that this machine does not know are left out. */
static const char *const allowed[] = {
	/* files: which ones, Landlock says */
	"open",
	"openat",
	"close",
	"close_range",
	"read",
	"readv",
	"pread64",
	"preadv",
	"write",
	"writev",
	"pwrite64",
	"pwritev",
	"lseek",
	"stat",
	"lstat",
	"fstat",
	"newfstatat",
	"statx",
	"statfs",
	"fstatfs",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents",
	"getdents64",
	"getcwd",
	"fcntl",
	"flock",
	"ftruncate",
	"fallocate",
	"fsync",
	"fdatasync",
	"fadvise64",
	"sync",
	"dup",
	"dup2",
	"dup3",
	"pipe",
	"pipe2",
	"splice",
	"vmsplice",
	"ioctl",
	"umask",
	"memfd_create",
	/* memory */
	"brk",
	"mmap",
	"munmap",
	"mremap",
	"mprotect",
	"madvise",
	"mincore",
	"msync",
	/* sockets and waiting; socket() itself below */
	"socketpair",
	"bind",
	"connect",
	"listen",
	"accept",
	"accept4",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"shutdown",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"eventfd2",
	/* time */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"times",
	"alarm",
	"setitimer",
	"getitimer",
	/* processes and signals; clone() below */
	"vfork",
	"fork",
	"execve",
	"exit",
	"exit_group",
	"wait4",
	"waitid",
	"pidfd_open",
	"kill",
	"tgkill",
	"getpid",
	"getppid",
	"gettid",
	"getpgrp",
	"getpgid",
	"setpgid",
	"setsid",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigpending",
	"rt_sigtimedwait",
	"rt_sigsuspend",
	"sigaltstack",
	"restart_syscall",
	"pause",
	"futex",
	"set_robust_list",
	"get_robust_list",
	"set_tid_address",
	"rseq",
	"membarrier",
	"sched_yield",
	"sched_getaffinity",
	"arch_prctl",
	"prctl",
	/* who and where we are; nothing can be gained by setting it */
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"capget",
	"capset",
	"uname",
	"sysinfo",
	"getrusage",
	"getrlimit",
	"setrlimit",
	"prlimit64",
	"getrandom",
	"getpriority",
};

/* Would lead to a namespace in which the process is root again. */
#define NAMESPACES                                                                       \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC |      \
	 CLONE_NEWUTS | CLONE_NEWCGROUP)

static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };

/* 0 or a negative errno. */
static int add_rules(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				 SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACES, 0));

	/* Its flags lie in memory: glibc takes clone() where there is no clone3(). */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* libsmbclient asks for this machine's addresses, and gives up without. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				     SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				     SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, (uint64_t)families[i]));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++) {
		int number = seccomp_syscall_resolve_name(allowed[i]);

		if (number != __NR_SCMP_ERROR)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	return r;
}

static int enter_seccomp(struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return err_nomem(err);
	r = add_rules(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	if (r == -EINVAL || r == -ENOSYS || r == -ECANCELED) {
		log_warning("this kernel has no seccomp filters: process %d could make "
			    "any system call",
			    (int)getpid());
		return 0;
	}
	if (r < 0)
		return err_errno(err, -r, "entering the seccomp filter");
	return 0;
}

int sandbox_enter(const struct sandbox *sandbox, struct err *err)
{
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "forbidding new privileges");
	r = enter_landlock(sandbox, err);
	if (r == 0)
		r = enter_seccomp(err);
	return r;
}
