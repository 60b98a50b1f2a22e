/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A share as a tree: the one file that knows libsmbclient (measured with 4.17.12).
 *
 * - One context per process, in a process of its own: two threads with separate contexts
 *   crash, and closing a context whose server is frozen takes 20 s (the reader is
 * killed).
 * - Its settings come from a file in memory, so that neither a home nor /etc/samba is
 * needed; what the host's smb.conf says is overridden.
 * - SMBC_ENCRYPTLEVEL_REQUEST also makes it require signatures. REQUIRE is not enforced.
 * - It follows DFS links to other hosts: after each open all connections are compared
 * with the host that was asked for.
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
#include <base/tree-listing.h>
#include <net/smb.h>

#include "host.h"

#define SMB_PORT 445

#define DEFAULT_TIMEOUT_MS 20000 /* what libsmbclient takes itself */
#define PROBE_TIMEOUT_MS                                                                 \
	10000 /* for a host that does not answer: three SYNs are lost                    \
	       */

/* One call asks for at most this much: libsmbclient keeps all of it in memory at once. */
#define READ_MAX (8u << 20)

#define ATTRIBUTE_REPARSE_POINT 0x400 /* [MS-FSCC] 2.6; not in libsmbclient.h */

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

/* -- the context ------------------------------------------------------------------ */

/* Everything that is not set here has a default that needs nothing from outside. */
static const char settings[] =
	"[global]\n"
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
		return err_errno(err, errno,
				 "a file in memory for libsmbclient's settings");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (smbc_setConfiguration(context, path) < 0 ||
	    !smbc_setOptionProtocols(context, "SMB2_02", "SMB3_11"))
		return err_set(err, -EIO, "libsmbclient does not take its settings");
	return 0;
}

static void authenticate(SMBCCTX *context, const char *server, const char *share,
			 char *domain, int domain_size, char *user, int user_size,
			 char *password, int password_size)
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
	int r;

	/* libsmbclient would read $HOME/.smb/smb.conf. */
	unsetenv("HOME");
	smb->context = smbc_new_context();
	if (!smb->context)
		return err_errno(err, errno, "starting libsmbclient");
	smbc_setLogCallback(smb->context, NULL, pass_log);
	smbc_setDebug(smb->context, 0);
	r = configure(smb->context, err);
	if (r < 0)
		return r;
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

/* -- addresses -------------------------------------------------------------------- */

/* libsmbclient's own form: everything but letters, digits and a few is coded, which also
 * keeps its separators and options ('?') out of names. */
static void add_coded(struct text *url, const char *part, const char *also)
{
	for (const char *p = part; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			     (*p >= 'A' && *p <= 'Z') || strchr("-._", *p) ||
			     strchr(also, *p);

		text_add(url, plain ? "%c" : "%%%02X", (unsigned char)*p);
	}
}

static char *root_url(const struct smb_location *location)
{
	struct text url = { 0 };

	text_add(&url, "smb://");
	add_coded(&url, location->host, "");
	text_add(&url, ":%u/", location->port ? location->port : SMB_PORT);
	add_coded(&url, location->share, "");
	if (location->path[0])
		text_add(&url, "/");
	add_coded(&url, location->path, "/");
	return text_take(&url);
}

/* path below the root. */
static char *path_url(const struct tree_smb *smb, const char *path)
{
	struct text url = { 0 };

	text_add(&url, "%s", smb->url);
	if (path[0])
		text_add(&url, "/");
	add_coded(&url, path, "/");
	return text_take(&url);
}

/* -- errors ----------------------------------------------------------------------- */

/* The login as the user knows it. */
static void format_login(const struct tree_smb *smb, char *text, size_t size)
{
	const char *domain = smb->credentials.domain;

	snprintf(text, size, "%s%s%s", domain, domain[0] ? "\\" : "",
		 smb->credentials.user);
}

static bool is_refusal(int code)
{
	return code == EACCES || code == EPERM;
}

/* Did the connection break, as opposed to: the server said no? */
static bool is_connection_loss(int code)
{
	switch (code) {
	case ECONNABORTED:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOTCONN:
	case EPIPE:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

static int connection_lost(const struct tree_smb *smb, int code, const char *what,
			   struct err *err)
{
	return err_set(
		err, -code,
		"%s: the connection to '%s' was lost (%s): check the server and the "
		"network, then start again",
		what, smb->location.host,
		code == ETIMEDOUT ? "no answer in time" : strerror(code));
}

/* What to do with the names of the shares of the host: true where it told them. */
static bool list_shares(struct tree_smb *smb, struct text *names)
{
	const struct smb_location *location = &smb->location;
	AUTO_FREE char *url = NULL;
	struct smbc_dirent *entry;
	struct text text = { 0 };
	unsigned count = 0;
	SMBCFILE *host;

	text_add(&text, "smb://");
	add_coded(&text, location->host, "");
	text_add(&text, ":%u/", location->port ? location->port : SMB_PORT);
	url = text_take(&text);
	host = url ? smbc_getFunctionOpendir(smb->context)(smb->context, url) : NULL;
	if (!host)
		return false;
	while ((entry = smbc_getFunctionReaddir(smb->context)(smb->context, host))) {
		if (entry->smbc_type != SMBC_FILE_SHARE || count > LISTED_SHARES)
			continue;
		if (count++ == LISTED_SHARES)
			text_add(names, ", …");
		else
			text_add(names, "%s'%s'", names->length ? ", " : "", entry->name);
	}
	smbc_getFunctionClosedir(smb->context)(smb->context, host);
	return true;
}

/* A share that does not open: the login, the share, or what it may do? The list of shares
 * needs a login, too, and so tells them apart. */
static int share_refused(struct tree_smb *smb, int code, struct err *err)
{
	AUTO(text_clear) struct text names = { 0 };
	const char *host = smb->location.host, *share = smb->location.share;
	char login[600];
	bool listed;

	format_login(smb, login, sizeof(login));
	listed = list_shares(smb, &names);
	if (is_refusal(code) && listed)
		return err_set(
			err, -EACCES,
			"'%s': login as '%s' is good, but share '%s' refuses it: give "
			"this user the right to read there",
			host, login, share);
	if (is_refusal(code))
		return err_set(
			err, -EACCES,
			"'%s': login refused for '%s': check name, domain and password, "
			"and whether the account is locked or expired",
			host, login);
	return err_set(err, -ENOENT, "'%s': no share '%s'%s%s", host, share,
		       names.length ? ", there are " : ": check its name at the server",
		       names.length ? names.string : "");
}

static int explain_connect(struct tree_smb *smb, int code, struct err *err)
{
	const char *host = smb->location.host;

	if (is_refusal(code) || code == ENOENT || code == ENODEV)
		return share_refused(smb, code, err);
	if (is_connection_loss(code))
		return err_set(err, -code,
			       "'%s': the server ends the talk about protocol and login "
			       "(%s): it "
			       "must speak SMB 2 or later and sign its messages",
			       host,
			       code == ETIMEDOUT ? "no answer in time" : strerror(code));
	return err_set(err, -code, "'%s': connecting to share '%s' fails (%s)", host,
		       smb->location.share, strerror(code));
}

/* what: "opening", "listing the folder". */
static int explain_path(const struct tree_smb *smb, const char *name, const char *what,
			int code, struct err *err)
{
	if (is_connection_loss(code)) {
		AUTO_FREE char *text = text_format("'%s'", name);

		return connection_lost(smb, code, text ? text : what, err);
	}
	if (is_refusal(code))
		return err_set(err, -EACCES, "'%s': %s: not allowed for '%s'", name, what,
			       smb->credentials.user);
	/* What is left in errno where libsmbclient could not follow a DFS link. */
	if (code == 0 || code == EINPROGRESS)
		return err_set(err, -EREMOTE,
			       "'%s': %s fails, perhaps a DFS link to another host: name "
			       "that host and its share instead",
			       name, what);
	return err_errno(err, code, "'%s': %s", name, what);
}

/* -- files ------------------------------------------------------------------------ */

static int smb_read_at(struct block_source *source, void *buffer, uint64_t offset,
		       size_t length, struct err *err)
{
	struct source_smb *own = (struct source_smb *)source;
	SMBCCTX *context = own->tree->context;
	uint8_t *to = buffer;

	if (smbc_getFunctionLseek(context)(context, own->file, (off_t)offset, SEEK_SET) <
	    0)
		return err_errno(err, errno, "'%s': seeking to %" PRIu64, source->name,
				 offset);
	while (length) {
		size_t part = min_u64(length, READ_MAX);
		ssize_t n;

		errno = 0;
		n = smbc_getFunctionRead(context)(context, own->file, to, part);
		if (n < 0)
			return explain_path(own->tree, source->name, "reading",
					    errno ? errno : EIO, err);
		if (n == 0 || (size_t)n > part)
			return err_set(err, -EIO,
				       "'%s': file ended at %" PRIu64
				       ", expected %" PRIu64,
				       source->name, offset, source->size);
		to += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static void smb_close_file(struct block_source *source)
{
	struct source_smb *own = (struct source_smb *)source;

	smbc_getFunctionClose(own->tree->context)(own->tree->context, own->file);
	free(source->name);
	free(own);
}

static const struct block_source_ops source_ops = {
	.read_at = smb_read_at,
	.close = smb_close_file,
};

/* Takes file over on success. */
static int make_source(struct tree_smb *smb, SMBCFILE *file, const char *name,
		       struct block_source **ret, struct err *err)
{
	AUTO_FREE struct source_smb *own = calloc(1, sizeof(*own));
	struct stat st = { 0 };

	if (!own)
		return err_nomem(err);
	if (smbc_getFunctionFstat(smb->context)(smb->context, file, &st) < 0)
		return explain_path(smb, name, "its size", errno, err);
	if (!S_ISREG(st.st_mode) || st.st_size < 0)
		return err_set(err, -EINVAL, "'%s': not a file", name);
	*own = (struct source_smb){
		.source = {
			.ops = &source_ops,
			.size = (uint64_t)st.st_size,
			.max_parallel = 1,
			.name = strdup(name),
		},
		.tree = smb,
		.file = file,
	};
	if (!own->source.name)
		return err_nomem(err);
	*ret = &TAKE_PTR(own)->source;
	return 0;
}

static int smb_open(struct tree *tree, const char *path, struct block_source **ret,
		    struct err *err)
{
	struct tree_smb *smb = (struct tree_smb *)tree;
	AUTO_FREE char *name = tree_path_join(tree->name, path);
	AUTO_FREE char *url = path_url(smb, path);
	SMBCFILE *file;
	int r;

	if (!name || !url)
		return err_nomem(err);
	file = smbc_getFunctionOpen(smb->context)(smb->context, url, O_RDONLY, 0);
	if (!file)
		return explain_path(smb, name, "opening for reading", errno, err);
	r = host_check_peers(&smb->host, err);
	if (r == 0)
		r = make_source(smb, file, name, ret, err);
	if (r < 0)
		smbc_getFunctionClose(smb->context)(smb->context, file);
	return r;
}

/* -- folders ---------------------------------------------------------------------- */

static int listing_read(struct tree_smb *smb, SMBCFILE *folder,
			struct tree_listing *listing, struct err *err)
{
	const struct libsmb_file_info *info;

	while (!tree_listing_is_full(listing) &&
	       (info = smbc_getFunctionReaddirPlus(smb->context)(smb->context, folder))) {
		bool is_folder = info->attrs & SMBC_DOS_MODE_DIRECTORY;
		int r;

		if (strcmp(info->name, ".") == 0 || strcmp(info->name, "..") == 0)
			continue;
		/* Junctions lead anywhere, and round in circles; files with this mark are
		 * deduplicated ones. */
		if (is_folder && (info->attrs & ATTRIBUTE_REPARSE_POINT)) {
			log_debug("'%s': folder '%s' is a link, ignoring", smb->tree.name,
				  info->name);
			continue;
		}
		r = tree_listing_add(listing,
				     &(struct tree_entry){
					     .name = info->name,
					     .is_folder = is_folder,
					     .size = is_folder ? 0 : info->size,
					     .mtime_s = info->mtime_ts.tv_sec,
				     },
				     err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int smb_list(struct tree *tree, const char *path, tree_visit *visit, void *context,
		    struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct tree_smb *smb = (struct tree_smb *)tree;
	AUTO_FREE char *name = tree_path_join(tree->name, path);
	AUTO_FREE char *url = path_url(smb, path);
	SMBCFILE *folder;
	int r;

	if (!name || !url)
		return err_nomem(err);
	folder = smbc_getFunctionOpendir(smb->context)(smb->context, url);
	if (!folder)
		return explain_path(smb, name, "listing the folder", errno, err);
	r = host_check_peers(&smb->host, err);
	if (r == 0)
		r = listing_read(smb, folder, &listing, err);
	smbc_getFunctionClosedir(smb->context)(smb->context, folder);
	if (r < 0)
		return r;
	return tree_listing_visit(&listing, visit, context, err);
}

/* -- the tree --------------------------------------------------------------------- */

static void smb_close(struct tree *tree)
{
	struct tree_smb *smb = (struct tree_smb *)tree;

	if (smb->context)
		smbc_free_context(smb->context, 1);
	credentials_clear(&smb->credentials);
	smb_location_clear(&smb->location);
	free(smb->url);
	free(tree->name);
	free(smb);
}

static const struct tree_ops tree_ops = {
	.list = smb_list,
	.open = smb_open,
	.close = smb_close,
};

/* Copies of what the caller keeps. */
static int make_tree(const struct smb_location *location,
		     const struct credentials *credentials, struct tree_smb **ret,
		     struct err *err)
{
	struct tree_smb *smb = calloc(1, sizeof(*smb));

	if (!smb)
		return err_nomem(err);
	*smb = (struct tree_smb){
		.tree = { .ops = &tree_ops, .name = smb_location_text(location) },
		.url = root_url(location),
		.location = {
			.host = strdup(location->host),
			.port = location->port,
			.share = strdup(location->share),
			.path = strdup(location->path),
		},
		.credentials = {
			.user = strdup(credentials->user),
			.domain = strdup(credentials->domain),
			.password = strdup(credentials->password),
		},
	};
	if (smb->tree.name && smb->url && smb->location.host && smb->location.share &&
	    smb->location.path && smb->credentials.user && smb->credentials.domain &&
	    smb->credentials.password) {
		*ret = smb;
		return 0;
	}
	smb_close(&smb->tree);
	return err_nomem(err);
}

/* The share first, since its errors are others than those of a path in it. */
static int open_root(struct tree_smb *smb, struct err *err)
{
	struct smb_location share = smb->location;
	AUTO_FREE char *url = NULL;
	SMBCFILE *folder;

	share.path = (char *)"";
	url = root_url(&share);
	if (!url)
		return err_nomem(err);
	folder = smbc_getFunctionOpendir(smb->context)(smb->context, url);
	if (!folder)
		return explain_connect(smb, errno, err);
	smbc_getFunctionClosedir(smb->context)(smb->context, folder);
	if (!smb->location.path[0])
		return 0;
	folder = smbc_getFunctionOpendir(smb->context)(smb->context, smb->url);
	if (!folder && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, -ENOENT, "'%s': share '%s' has no folder '%s'",
			       smb->location.host, smb->location.share,
			       smb->location.path);
	if (!folder)
		return explain_path(smb, smb->tree.name, "opening the folder", errno,
				    err);
	smbc_getFunctionClosedir(smb->context)(smb->context, folder);
	return 0;
}

int smb_tree_open(const struct smb_location *location,
		  const struct credentials *credentials,
		  const struct smb_options *options, struct tree **ret, struct err *err)
{
	unsigned timeout_ms =
		options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	struct tree_smb *smb = NULL;
	int r;

	if (options->require_encryption)
		return err_set(
			err, -ENOTSUP,
			"'%s': encryption cannot be required in this version, the SMB "
			"library does not enforce it: use encrypt = if-offered",
			location->host);
	r = make_tree(location, credentials, &smb, err);
	if (r < 0)
		return r;
	r = host_resolve(smb->location.host, location->port ? location->port : SMB_PORT,
			 &smb->host, err);
	if (r == 0)
		r = host_probe(&smb->host, PROBE_TIMEOUT_MS, err);
	if (r == 0)
		r = make_context(smb, timeout_ms, err);
	if (r == 0)
		r = open_root(smb, err);
	if (r == 0)
		r = host_check_peers(&smb->host, err);
	if (r < 0) {
		smb_close(&smb->tree);
		return r;
	}
	*ret = &smb->tree;
	return 0;
}
