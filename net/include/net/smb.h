/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shares: an SMB location, credentials, and a share as a tree (libsmbclient, all of it in
 * smb.c). One context per process: two threads with separate contexts crash (BOOT.md).
 */
#pragma once

#include <base/tree.h>

/* smb://[DOMAIN;]user@host[:port]/share/path or \\host\share\path. No password in it: one
 * that is written there is refused. */
struct smb_location {
	char *host;
	unsigned port; /* 0: 445 */
	char *share;
	char *path;   /* below the share, '/'-separated, no leading '/'; "" is its root */
	char *domain; /* NULL if not given */
	char *user;   /* NULL if not given */
};

/* Does text look like a share (smb:// or two backslashes), as opposed to a folder? */
bool smb_is_location(const char *text);
int smb_location_parse(const char *text, struct smb_location *ret, struct err *err) MUST_CHECK;
/* A server, or a place on it: as above, but the share may be missing (then it is ""), and so may
 * smb://. */
int smb_server_parse(const char *text, struct smb_location *ret, struct err *err) MUST_CHECK;
void smb_location_clear(struct smb_location *location);
/* Without secrets, as smb://…, for messages. NULL: no memory. */
char *smb_location_text(const struct smb_location *location);

/* The one owner of a password; wiped with explicit_bzero by credentials_clear(). Login names
 * are taken as DOMAIN\user, user@realm or user (USERS.md section 2, row 9). */
struct credentials {
	char *user;
	char *domain; /* "" if none */
	char *password;
};

/* A credentials file: lines "username = …", "password = …", "domain = …" (as mount.cifs and
 * smbclient read), UTF-8 or UTF-16LE, with or without byte-order mark, LF or CRLF. Everything
 * after "= " up to the line's end is the value, blanks at its end too for the password.
 * -EINVAL with the line for anything else. Warns (ret_notes, may be NULL) when the file is
 * readable by others. */
int credentials_read(const char *path, struct credentials *ret, char **ret_notes,
		     struct err *err) MUST_CHECK;
/* Asks on the terminal without echo. -ENOTTY where there is none. */
int credentials_prompt(const struct smb_location *location, struct credentials *ret,
		       struct err *err) MUST_CHECK;
/* Such a file, for a program that reads one; domain may be NULL. */
int credentials_write(int fd, const char *user, const char *password, const char *domain,
		      struct err *err) MUST_CHECK;
void credentials_clear(struct credentials *credentials);

struct smb_relay; /* net/smb-relay.h */

struct smb_options {
	unsigned timeout_ms; /* of one request; 0: 20 s */
	struct smb_relay *relay; /* that this process listens for; borrowed */
};

/* Connects and opens the share as a tree rooted at location->path; without a share the tree has
 * one level, the shares of the server as folders. No fallback to anonymous
 * or guest, signing required, SMB2 at least. Errors tell the stages apart: dialect, login refused
 * (-EACCES), share not found, path not found; each with the next step. -EREMOTE: a DFS link to
 * another host, which is not followed. -EPROTO: the relay cut the connection; its text.
 *
 * For a process of its own: it takes SIGALRM and the timer, and forgets HOME. After a lost
 * connection all calls on the tree fail at once with that error; there is no second try. */
int smb_tree_open(const struct smb_location *location, const struct credentials *credentials,
		  const struct smb_options *options, struct tree **ret,
		  struct err *err) MUST_CHECK;

/* -- writing: files that are new, through the tree of smb_tree_open() ---------------------- */

struct smb_file;

/* It may be there already, as a folder. */
int smb_make_folder(struct tree *tree, const char *path, struct err *err) MUST_CHECK;
/* A new file of size bytes that reads as zeros. -EEXIST; -EACCES: the user may not write there. */
int smb_create(struct tree *tree, const char *path, uint64_t size, struct smb_file **ret,
	       struct err *err) MUST_CHECK;
int smb_write(struct smb_file *file, const void *bytes, uint64_t offset, size_t length,
	      struct err *err) MUST_CHECK;
/* Closes and frees it, on failure too; times in seconds since 1970, NULL: those of now. */
struct smb_times {
	int64_t accessed_s, modified_s;
};
int smb_finish(struct smb_file *file, const struct smb_times *times, struct err *err) MUST_CHECK;
/* Removes and frees it. */
void smb_abandon(struct smb_file *file);
