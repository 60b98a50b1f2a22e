/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See smb-client.h. */
#include "smb-client.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

#include "smb-url.h"

#define PROGRAM "smbclient"

/* 512 previous versions with five lines each, and what a server adds to them. */
#define OUTPUT_MAX (1u << 20)

/* A file in memory that holds the login. */
static int write_login(const struct credentials *credentials, int *ret, struct err *err)
{
	AUTO_CLOSE int fd = memfd_create("smb.login", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return err_errno(err, errno, "a file in memory for %s's login", PROGRAM);
	r = credentials_write(fd, credentials->user, credentials->password,
			      credentials->domain, err);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "a file in memory for %s's login", PROGRAM);
	if (r == 0)
		*ret = TAKE_FD(fd);
	return r;
}

int smb_client_run(const struct smb_location *relayed,
		   const struct credentials *credentials, unsigned timeout_ms,
		   const char *command, char **ret_output, struct err *err)
{
	AUTO_FREE char *service = text_format("//%s/%s", relayed->host, relayed->share);
	AUTO_FREE char *folder = text_format("/%s", relayed->path);
	AUTO_CLOSE int login = -1;
	char port[16], timeout[16];
	const char *argv[] = {
		PROGRAM, service, "-p", port, "-D", folder, "-t", timeout,
		/* nothing of this machine's settings; the login is standard input */
		"-s", "/dev/null", "-A", "/proc/self/fd/0", "--use-kerberos=off",
		"--option=client min protocol=SMB2_02",
		"--option=client signing=required", "--option=client smb encrypt=desired",
		"--option=disable netbios=yes", "--option=name resolve order=host",
		"--option=unix charset=UTF-8", "--option=dos charset=ASCII", "-c",
		command, NULL
	};
	struct spawn spawn = { .argv = argv, .output_limit = OUTPUT_MAX };
	int r;

	if (!service || !folder)
		return err_nomem(err);
	snprintf(port, sizeof(port), "%u", relayed->port ? relayed->port : SMB_PORT);
	snprintf(timeout, sizeof(timeout), "%u", timeout_ms / 1000 + 1);
	r = write_login(credentials, &login, err);
	if (r < 0)
		return r;
	spawn.input_fd = login;
	return spawn_run(&spawn, ret_output, err);
}
