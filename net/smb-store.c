/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See smb-store.h. */
#include <net/smb-store.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <net/nt-status.h>
#include <net/smb-relay.h>

#include "smb-client.h"

#define NOBODY	   65534 /* the same number on every Linux: owns nothing */
#define TIMEOUT_MS 20000

/* What Windows has in no name ([MS-FSCC] 2.1.5), and what smbclient would take for a command. */
static int check_name(const char *name, struct err *err)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || strchr("\";:*?<>|%", *c))
			return err_set(err, -EINVAL,
				       "'%s': a name on a share has no '%c'", name, *c);
	return *name && name[strlen(name) - 1] != '/'
		       ? 0
		       : err_set(err, -EINVAL, "'%s': names no file", name);
}

/* mkdir "a"; mkdir "a/b"; those that are there are no error, the command behind them counts. */
static void add_folders(struct text *command, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
		text_add(command, "mkdir \"%.*s\"; ", (int)(slash - path), path);
}

/* -- in the process of its own ---- */

struct job {
	const struct smb_store *store;
	struct smb_relay *relay;
	const char *command;
};

static int become_nobody(struct err *err)
{
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return err_errno(err, errno, "becoming nobody");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_errno(err, errno, "giving up rights");
	return 0;
}

/* What else is meant where something is written than where it is read: the folders were to be made. */
static const struct {
	const char *name;
	int code;
	const char *words;
} of_writing[] = {
	{ "NT_STATUS_ACCESS_DENIED", -EACCES, "access is denied" },
	{ "NT_STATUS_OBJECT_PATH_NOT_FOUND", -EIO,
	  "the folder is not there and could not be made" },
};

/* The last line that tells of a failure. */
static int explain(const char *output, struct err *err)
{
	const struct nt_status *status;
	const char *line = NULL;
	int length;

	for (const char *at = strstr(output, "NT_STATUS_"); at;
	     at = strstr(at + 1, "NT_STATUS_"))
		if (strncmp(at, "NT_STATUS_OBJECT_NAME_COLLISION",
			    strlen("NT_STATUS_OBJECT_NAME_COLLISION")) != 0)
			line = at;
	if (!line)
		return 0;
	length = (int)strcspn(line, " \r\n");
	for (size_t i = 0; i < ARRAY_SIZE(of_writing); i++)
		if (strncmp(line, of_writing[i].name, (size_t)length) == 0)
			return err_set(
				err, of_writing[i].code,
				"%s (%.*s): give this user the right to write there, "
				"in the share's permissions and in the folder's",
				of_writing[i].words, length, line);
	status = nt_status_named(line, (size_t)length);
	return err_set(err, -EIO, "%s (%.*s)%s%s",
		       status ? status->words : "the server refuses", length, line,
		       status ? ": " : "", status ? status->cure : "");
}

static int work(const struct job *job, struct err *err)
{
	struct smb_location relayed = {
		.host = (char *)"127.0.0.1",
		.share = job->store->location->share,
		.path = (char *)"",
	};
	AUTO_FREE char *output = NULL;
	struct err failed = { 0 };
	int r = smb_relay_listen(job->relay, err);

	if (r == 0)
		r = become_nobody(err);
	if (r < 0)
		return r;
	relayed.port = smb_relay_port(job->relay);
	r = smb_client_run(&relayed, job->store->credentials, TIMEOUT_MS, job->command,
			   &output, &failed);
	if (smb_relay_verdict(job->relay, err))
		return -EPROTO;
	if (explain(r < 0 ? failed.text : output, err) < 0)
		return err->code;
	return r < 0 ? err_set(err, r, "%s", failed.text) : 0;
}

/* -- in this one ---- */

static int wait_for(pid_t pid, const struct err *shared, struct err *err)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "waiting for a process");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!WIFEXITED(status) || shared->code >= 0)
		return err_set(err, -EIO, "the process that writes to the share crashed");
	return err_set(err, shared->code, "%.*s", (int)sizeof(shared->text) - 1,
		       shared->text);
}

static int run(const struct smb_store *store, const char *command, struct err *err)
{
	AUTO(smb_relay_freep) struct smb_relay *relay = NULL;
	AUTO_FREE char *name = smb_location_text(store->location);
	struct job job = { .store = store, .command = command };
	struct err *shared;
	pid_t pid;
	int r = smb_relay_start(store->location, store->require_encryption,
				store->credentials, &relay, err);

	if (r < 0)
		return r;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return err_nomem(err);
	job.relay = relay;
	pid = fork();
	if (pid == 0)
		_exit(work(&job, shared) < 0);
	r = pid < 0 ? err_errno(err, errno, "a process that writes to the share")
		    : wait_for(pid, shared, err);
	munmap(shared, sizeof(*shared));
	return r < 0 ? err_add(err, "'%s'", name ? name : "share") : 0;
}

/* Where the process that becomes nobody finds the bytes: they are no secret. */
static int make_local(const void *bytes, size_t length, char path[32], struct err *err)
{
	AUTO_CLOSE int fd = -1;

	snprintf(path, 32, "/tmp/openbmr-put-XXXXXX");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", path);
	if (fchmod(fd, 0644) == 0 && write(fd, bytes, length) == (ssize_t)length)
		return 0;
	(void)unlink(path);
	return err_errno(err, errno, "'%s': writing", path);
}

int smb_store_put(const struct smb_store *store, const void *bytes, size_t length,
		  struct err *err)
{
	AUTO(text_clear) struct text command = { 0 };
	const char *path = store->location->path;
	char local[32];
	int r = check_name(path, err);

	if (r == 0)
		r = make_local(bytes, length, local, err);
	if (r < 0)
		return r;
	add_folders(&command, path);
	text_add(&command, "put \"%s\" \"%s\"", local, path);
	r = command.failed ? err_nomem(err) : run(store, command.string, err);
	(void)unlink(local);
	return r;
}

int smb_store_rename(const struct smb_store *store, const char *name, struct err *err)
{
	const char *path = store->location->path, *slash = strrchr(path, '/');
	AUTO_FREE char *command = NULL;
	int r = check_name(path, err);

	if (r == 0)
		r = check_name(name, err);
	if (r < 0)
		return r;
	command = text_format("rename \"%s\" \"%.*s%s\"", path,
			      slash ? (int)(slash + 1 - path) : 0, path, name);
	return command ? run(store, command, err) : err_nomem(err);
}
