/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walls around a process that handles bytes from outside. Landlock: what it may read, and
 * run; everything else, and all writing, is refused. seccomp: the system calls that it needs;
 * no ptrace, mount, bpf, io_uring, keyring, namespace, no socket but TCP, UDP, local ones
 * and the one that tells addresses.
 * sandbox.c is the only file that knows libseccomp.
 *
 * Entered last and once, for good; children inherit it. Where the kernel lacks one of the two a
 * line of the log says so and the other stands alone.
 */
#pragma once

#include <base/err.h>

struct sandbox {
	const char *const *readable; /* files and folders with all below them, NULL-terminated;
					NULL: none. Those that are not there are left out */
	const char *const *writable; /* the same, and may be written, not made or removed */
	const char *const *programs; /* that it may run; then it may read libraries and some of
					/etc, /proc and /dev as well; NULL: none */
};

/* From here on, for this process and its children. Errors are those of the system; the process is
 * to end then, for it may stand behind half of the walls. */
int sandbox_enter(const struct sandbox *sandbox, struct err *err) MUST_CHECK;
