/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Previous versions of a share through the program smbclient: see smb-previous.h. It runs in the
 * jail of the process that reads the share, reaches the relay and nothing else, and logs in with
 * what has logged in there before. Measured with 4.17.12: "allinfo" prints the names that the
 * server enumerates ([MS-SMB2] 2.2.32.2), each with times of the folder in that version, and none
 * where the server has none; without -D it cannot take every path, since it splits its command
 * at each ';'.
 */
#include "smb-previous.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <base/spawn.h>
#include <base/text.h>

#include "smb-url.h"

#define PROGRAM "smbclient"

/* 512 versions with five lines each, and what a server adds to them. */
#define OUTPUT_MAX (1u << 20)

static int add_name(const char *name, struct tree_listing *listing, struct err *err)
{
	char copy[TREE_PREVIOUS_LENGTH + 1];

	snprintf(copy, sizeof(copy), "%s", name);
	for (size_t i = 0; i < listing->count; i++)
		if (strcmp(listing->entries[i].name, copy) == 0)
			return 0;
	return tree_listing_add(
		listing, &(struct tree_entry){ .name = copy, .is_folder = true }, err);
}

int smb_previous_parse(const char *output, struct tree_listing *ret, struct err *err)
{
	int r = 0;

	/* It ends with status 0 all the same. */
	if (strncmp(output, "NT_STATUS_", strlen("NT_STATUS_")) == 0)
		return err_set(err, -EIO, PROGRAM ": %.*s", (int)strcspn(output, "\r\n"),
			       output);
	while (r == 0 && *output && ret->count <= TREE_MAX_PREVIOUS) {
		size_t length = strcspn(output, "\r\n");

		if (tree_is_previous_name(output, length))
			r = add_name(output, ret, err);
		output += length + strspn(output + length, "\r\n");
	}
	return r;
}

/* A file in memory that holds the login. */
static int write_login(const struct credentials *credentials, int *ret, struct err *err)
{
	int fd = memfd_create("smb.login", MFD_CLOEXEC);

	if (fd < 0 ||
	    dprintf(fd, "username = %s\npassword = %s\ndomain = %s\n", credentials->user,
		    credentials->password, credentials->domain) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		if (fd >= 0)
			close(fd);
		return err_errno(err, errno, "a file in memory for %s's login", PROGRAM);
	}
	*ret = fd;
	return 0;
}

int smb_previous_list(const struct smb_location *relayed,
		      const struct credentials *credentials, unsigned timeout_ms,
		      struct tree_listing *ret, struct err *err)
{
	AUTO_FREE char *service = text_format("//%s/%s", relayed->host, relayed->share);
	AUTO_FREE char *folder = text_format("/%s", relayed->path);
	AUTO_FREE char *output = NULL;
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
		"allinfo \"\"", NULL
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
	r = spawn_run(&spawn, &output, err);
	return r < 0 ? r : smb_previous_parse(output, ret, err);
}
