/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A restore by hand: questions in lines, and bmr's own commands between them. What is
 * typed is handed to bmr as it is: bmr judges it. The password goes to bmr in a file,
 * which lies in memory and is removed at the end; it is never an argument.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "coldplug.h"
#include "console.h"
#include "job.h"
#include "session.h"

#define CREDENTIALS_PATH "/run/openbmr/by-hand.cred"
#define ANSWER_SIZE	 1024
#define ARGUMENTS_MAX	 20

struct wishes {
	char source[ANSWER_SIZE];
	char machine[ANSWER_SIZE];
	char version[ANSWER_SIZE];
	char disk[ANSWER_SIZE];
	bool credentials; /* CREDENTIALS_PATH is there */
};

struct arguments {
	const char *words[ARGUMENTS_MAX];
	size_t count;
};

static void add(struct arguments *arguments, const char *option, const char *value)
{
	if (value && !value[0])
		return;
	if (option)
		arguments->words[arguments->count++] = option;
	if (value)
		arguments->words[arguments->count++] = value;
}

/* *ret_status 0: go on; else the command's, and the caller ends. */
static int run(const struct arguments *arguments, int *ret_status, struct err *err)
{
	struct job job = { .argv = arguments->words,
			   .outputs = { STDOUT_FILENO },
			   .output_count = 1 };

	return job_run(&job, ret_status, err);
}

static struct arguments command(const char *name, const struct wishes *wishes)
{
	struct arguments arguments = { .words = { "/usr/bin/bmr", name }, .count = 2 };

	if (wishes->credentials)
		add(&arguments, "--credentials", CREDENTIALS_PATH);
	return arguments;
}

static struct arguments command_with_backup(const char *name, const struct wishes *wishes)
{
	struct arguments arguments = command(name, wishes);

	add(&arguments, "--from", wishes->source);
	add(&arguments, "--machine", wishes->machine);
	add(&arguments, "--version", wishes->version);
	add(&arguments, "--disk", wishes->disk);
	return arguments;
}

static bool is_share(const char *source)
{
	return strncmp(source, "smb:", 4) == 0 || strncmp(source, "\\\\", 2) == 0;
}

static int write_credentials(const char *user, const char *password, struct err *err)
{
	int fd = open(CREDENTIALS_PATH, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", CREDENTIALS_PATH);
	dprintf(fd, "username = %s\npassword = %s\n", user, password);
	close(fd);
	return 0;
}

static int ask_credentials(struct wishes *wishes, struct err *err)
{
	char user[ANSWER_SIZE], password[ANSWER_SIZE];
	int r = console_ask("User name (DOMAIN\\user or user@realm; empty: bmr asks)",
			    false, user, sizeof(user));

	if (r < 0 || !user[0])
		return r;
	r = console_ask("Password", true, password, sizeof(password));
	if (r == 0)
		r = write_credentials(user, password, err);
	explicit_bzero(password, sizeof(password));
	wishes->credentials = r == 0;
	return r;
}

static int find_backups(struct wishes *wishes, int *ret_status, struct err *err)
{
	struct arguments scan;
	int r = console_ask(
		"Where is the backup? \\\\server\\share\\folder, smb://server/share, "
		"disk:auto (NTFS disks of this machine) or a folder; empty: back",
		false, wishes->source, sizeof(wishes->source));

	if (r == 0 && !wishes->source[0])
		r = -ECANCELED;
	if (r == 0 && is_share(wishes->source)) {
		struct arguments network = { .words = { "/usr/bin/bmr", "net", "up" } };

		r = ask_credentials(wishes, err);
		if (r == 0)
			r = run(&network, ret_status, err);
		if (r < 0 || *ret_status != 0)
			return r;
	}
	if (r < 0)
		return r;
	scan = command("scan", wishes);
	add(&scan, wishes->source, NULL);
	return run(&scan, ret_status, err);
}

static int choose(struct wishes *wishes, int *ret_status, struct err *err)
{
	struct arguments disks = { .words = { "/usr/bin/bmr", "disks" } };
	struct arguments plan;
	int r = console_ask("Machine (empty: the only one)", false, wishes->machine,
			    sizeof(wishes->machine));

	if (r == 0)
		r = console_ask("Version (empty: the latest)", false, wishes->version,
				sizeof(wishes->version));
	if (r == 0)
		r = run(&disks, ret_status, err);
	if (r < 0 || *ret_status != 0)
		return r;
	r = console_ask("Disk to restore to (serial:... or wwn:...; empty: back)", false,
			wishes->disk, sizeof(wishes->disk));
	if (r == 0 && !wishes->disk[0])
		r = -ECANCELED;
	if (r < 0)
		return r;
	plan = command_with_backup("plan", wishes);
	return run(&plan, ret_status, err);
}

static int confirm_and_restore(const struct wishes *wishes, int *ret_status,
			       struct err *err)
{
	struct arguments restore = command_with_backup("restore", wishes);
	AUTO_CLOSE int lock = -1;
	char answer[ANSWER_SIZE];
	int r;

	printf("\nEverything on disk '%s' will be lost.\n", wishes->disk);
	r = console_ask("Type erase to start, anything else to go back", false, answer,
			sizeof(answer));
	if (r == 0 && strcmp(answer, "erase") != 0)
		r = -ECANCELED;
	add(&restore, "--qr", NULL);
	if (r == 0)
		r = restore_lock(&lock, err);
	if (r < 0)
		return r;
	add(&restore, "--confirm", "erase");
	add(&restore, "--firmware-entry", NULL);
	return run(&restore, ret_status, err);
}

int restore_by_hand(int *ret_status, struct err *err)
{
	struct wishes wishes = { 0 };
	int r;

	err_set(err, -ECANCELED, "left");
	*ret_status = 0;
	coldplug_wait();
	r = find_backups(&wishes, ret_status, err);
	if (r == 0 && *ret_status == 0)
		r = choose(&wishes, ret_status, err);
	if (r == 0 && *ret_status == 0)
		r = confirm_and_restore(&wishes, ret_status, err);
	unlink(CREDENTIALS_PATH);
	return r;
}
