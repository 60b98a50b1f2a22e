/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A share as a tree: the one file that knows libsmbclient (measured with 4.17.12).
 *
 * - One context per process, in a process of its own: two threads with separate contexts
 *   crash, and closing a context whose server is frozen takes 20 s (the reader is killed).
 * - Its settings come from a file in memory, so that neither a home nor /etc/samba is needed;
 *   what the host's smb.conf says is overridden.
 * - SMBC_ENCRYPTLEVEL_REQUEST also makes it require signatures. REQUIRE is not enforced.
 * - It follows DFS links to other hosts: after each open all connections are compared with
 *   the host that was asked for.
 * - A file that was truncated on the server looks like a normal end of file.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <libsmbclient.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <base/checked.h>
#include <base/log.h>
#include <base/text.h>
#include <net/smb.h>

#include "host.h"

#define SMB_PORT 445

#define DEFAULT_TIMEOUT_MS 20000 /* what libsmbclient takes itself */
#define PROBE_TIMEOUT_MS   10000 /* for a host that does not answer: three SYNs are lost */

/* One call asks for at most this much: libsmbclient keeps all of it in memory at once. */
#define READ_MAX (8u << 20)

/* How many shares an error lists. */
#define LISTED_SHARES 12

struct tree_smb {
	struct tree tree;
	SMBCCTX *context;
	char *url; /* of the root; path is appended */
	struct smb_location location;
	struct credentials credentials;
	struct host host;
};

struct source_smb {
	struct block_source source;
	struct tree_smb *tree;
	SMBCFILE *file;
};

/* -- the context -- */

/* Everything that is not set here has a default that needs nothing from outside. */
static const char settings[] = "[global]\n"
			       "workgroup = WORKGROUP\n"
			       "netbios name = OPENBMR\n"
			       "client min protocol = SMB2_02\n"
			       "client max protocol = SMB3_11\n"
			       "client ipc min protocol = SMB2_02\n"
			       "client ipc max protocol = SMB3_11\n"
			       "client signing = required\n"
			       "client ipc signing = required\n"
			       "client use kerberos = off\n"
			       "name resolve order = host\n"
			       "disable netbios = yes\n"
			       "unix charset = UTF-8\n"
			       "dos charset = ASCII\n" /* others need glibc's gconv modules */
			       "log level = 0\n";

static void pass_log(void *context, int level, const char *message)
{
	log_debug("libsmbclient: %s", message);
}

/* Writes the settings into a file in memory and has it read. */
static int configure(SMBCCTX *context, struct err *err)
{
	AUTO_CLOSE int fd = memfd_create("smb.conf", MFD_CLOEXEC);
	char path[32];

	if (fd < 0 || write(fd, settings, strlen(settings)) != (ssize_t)strlen(settings))
		return err_errno(err, errno, "a file in memory for libsmbclient's settings");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (smbc_setConfiguration(context, path) < 0 ||
	    !smbc_setOptionProtocols(context, "SMB2_02", "SMB3_11"))
		return err_set(err, -EIO, "libsmbclient does not take its settings");
	return 0;
}

static void authenticate(SMBCCTX *context, const char *server, const char *share, char *domain,
			 int domain_size, char *user, int user_size, char *password,
			 int password_size)
{
	const struct tree_smb *smb = smbc_getOptionUserData(context);

	/* A server could send us elsewhere, and have us log in there. */
	if (strcasecmp(server, smb->location.host) != 0)
		return;
	snprintf(domain, (size_t)domain_size, "%s", smb->credentials.domain);
	snprintf(user, (size_t)user_size, "%s", smb->credentials.user);
	snprintf(password, (size_t)password_size, "%s", smb->credentials.password);
}

static int make_context(struct tree_smb *smb, unsigned timeout_ms, struct err *err)
{
	/* libsmbclient would read $HOME/.smb/smb.conf. */
	unsetenv("HOME");
	smb->context = smbc_new_context();
	if (!smb->context)
		return err_errno(err, errno, "starting libsmbclient");
	smbc_setLogCallback(smb->context, NULL, pass_log);
	smbc_setDebug(smb->context, 0);
	if (configure(smb->context, err) < 0)
		return err->code;
	smbc_setTimeout(smb->context, (int)timeout_ms);
	smbc_setOptionUserData(smb->context, smb);
	smbc_setFunctionAuthDataWithContext(smb->context, authenticate);
	smbc_setOptionNoAutoAnonymousLogin(smb->context, 1);
	smbc_setOptionUseKerberos(smb->context, 0);
	smbc_setOptionFallbackAfterKerberos(smb->context, 0);
	smbc_setOptionUseCCache(smb->context, 0);
	smbc_setOptionSmbEncryptionLevel(smb->context, SMBC_ENCRYPTLEVEL_REQUEST);
	smbc_setOptionOneSharePerServer(smb->context, 0);
	if (!smbc_init_context(smb->context))
		return err_errno(err, errno, "starting libsmbclient");
	return 0;
}
