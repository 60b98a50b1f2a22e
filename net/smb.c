/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A share as a tree. This file and smb-write.c know libsmbclient (measured with 4.17.12).
 *
 * - One context per process, in a process of its own: two threads with separate contexts
 *   crash, and closing a context whose server is frozen takes 20 s (the reader is
 * killed).
 * - Its settings come from a file in memory, so that neither a home nor /etc/samba is
 * needed; what the host's smb.conf says is overridden.
 * - SMBC_ENCRYPTLEVEL_REQUEST also makes it require signatures. REQUIRE is not enforced.
 * - It follows DFS links to other hosts: after each open all connections are compared
 * with the relay's, and only the relay reaches the network (net/smb-relay.h).
 * - A password that is wrong and a share that refuses the user are both EACCES, and an account
 *   that is locked EINVAL.
 * - A file that was truncated on the server looks like a normal end of file.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <base/checked.h>
#include <base/log.h>
#include <base/text.h>
#include <base/tree-listing.h>
#include <net/smb-relay.h>

#include "smb-error.h"
#include "smb-internal.h"
#include "smb-previous.h"
#include "smb-settings.h"
#include "smb-url.h"
#include "watchdog.h"

#define DEFAULT_TIMEOUT_MS 20000 /* what libsmbclient takes itself */

#define RELAY_HOST "127.0.0.1" /* what the library takes for the server */

/* One call asks for at most this much: libsmbclient keeps all of it in memory at once. */
#define READ_MAX (32u << 20)

#define ATTRIBUTE_REPARSE_POINT 0x400 /* [MS-FSCC] 2.6; not in libsmbclient.h */

#define LISTED_SHARES 12 /* in one error */

struct source_smb {
	struct block_source source;
	struct tree_smb *tree;
	SMBCFILE *file;
};

/* -- the context ------------------------------------------------------------------ */

/* libsmbclient has one errno for "password wrong" and "share not for you". Its log at level 4
 * tells them apart; a second attempt would, too, but count towards the lock-out of an account. */
static void take_log(void *context, int level, const char *message)
{
	struct tree_smb *smb = context;
	char address[64];

	if (strstr(message, "session setup ok"))
		smb->logged_in = true;
	if (sscanf(message, "Connecting to %63[0-9a-fA-F.:]", address) == 1 &&
	    strcmp(address, RELAY_HOST) != 0)
		snprintf(smb->link, sizeof(smb->link), "%s", address);
	if (level <= 1)
		log_debug("libsmbclient: %s", message);
}

/* Writes the settings into a file in memory and has it read. */
static int configure(SMBCCTX *context, struct err *err)
{
	AUTO_CLOSE int fd = memfd_create("smb.conf", MFD_CLOEXEC);
	char path[32];

	if (fd < 0 || write(fd, smb_settings, strlen(smb_settings)) !=
			      (ssize_t)strlen(smb_settings))
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
	if (strcasecmp(server, RELAY_HOST) != 0)
		return;
	snprintf(domain, (size_t)domain_size, "%s", smb->credentials.domain);
	snprintf(user, (size_t)user_size, "%s", smb->credentials.user);
	snprintf(password, (size_t)password_size, "%s", smb->credentials.password);
}

static int make_context(struct tree_smb *smb, struct err *err)
{
	int r;

	/* libsmbclient would read $HOME/.smb/smb.conf. */
	unsetenv("HOME");
	smb->context = smbc_new_context();
	if (!smb->context)
		return err_errno(err, errno, "starting libsmbclient");
	smbc_setLogCallback(smb->context, smb, take_log);
	smbc_setDebug(smb->context, 4);
	r = configure(smb->context, err);
	if (r < 0)
		return r;
	smbc_setTimeout(smb->context, (int)smb->timeout_ms);
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

/* -- calls with a time limit ------------------------------------------------------ */

/* Takes the timeout's place in errno where the watchdog ended the call. */
static SMBCFILE *end_call(struct tree_smb *smb, SMBCFILE *opened)
{
	if (!watchdog_stop())
		return opened;
	smb->tree.lost = ETIMEDOUT;
	errno = ETIMEDOUT;
	return NULL;
}

static SMBCFILE *call_opendir(struct tree_smb *smb, const char *url)
{
	errno = 0;
	watchdog_start(smb->timeout_ms + GRACE_MS);
	return end_call(smb, smbc_getFunctionOpendir(smb->context)(smb->context, url));
}

static SMBCFILE *call_open(struct tree_smb *smb, const char *url)
{
	errno = 0;
	watchdog_start(smb->timeout_ms + GRACE_MS);
	return end_call(
		smb, smbc_getFunctionOpen(smb->context)(smb->context, url, O_RDONLY, 0));
}

static void call_close(struct tree_smb *smb, SMBCFILE *opened)
{
	if (smb->tree.lost)
		return;
	watchdog_start(smb->timeout_ms + GRACE_MS);
	smbc_getFunctionClose(smb->context)(smb->context, opened);
	if (watchdog_stop())
		smb->tree.lost = ETIMEDOUT;
}

/* -- errors ----------------------------------------------------------------------- */

/* "'a', 'b'", or nothing where the host does not tell. */
static void list_shares(struct tree_smb *smb, struct text *names)
{
	AUTO_FREE char *url = smb_url_host(&smb->relayed);
	SMBCFILE *host = url ? call_opendir(smb, url) : NULL;
	struct smbc_dirent *entry;
	unsigned count = 0;

	if (!host)
		return;
	while ((entry = smbc_getFunctionReaddir(smb->context)(smb->context, host))) {
		if (entry->smbc_type != SMBC_FILE_SHARE || count > LISTED_SHARES)
			continue;
		if (count++ == LISTED_SHARES)
			text_add(names, ", …");
		else
			text_add(names, "%s'%s'", names->length ? ", " : "", entry->name);
	}
	call_close(smb, host);
}

/* What the library does not know: the relay cut the connection, or it was sent to a host that
 * it cannot reach. 0: neither. */
static int explain_policy(struct tree_smb *smb, int code, struct err *err)
{
	if (smb_relay_verdict(smb->relay, err)) {
		smb->tree.lost = ECONNABORTED;
		return err_add(err, "connection cut");
	}
	if (!smb->link[0] || (code != ECONNREFUSED && code != ENETUNREACH &&
			      code != EHOSTUNREACH && code != ETIMEDOUT))
		return 0;
	return host_refuse_link(smb->location.host, smb->link, err);
}

static int explain_connect(struct tree_smb *smb, int code, struct err *err)
{
	AUTO(text_clear) struct text shares = { 0 };
	int r = explain_policy(smb, code, err);

	if (r < 0)
		return r;
	if (smb_error_is_loss(code))
		smb->tree.lost = code;
	if (!smb->logged_in && !smb_error_is_loss(code) && smb_relay_login_ns(smb->relay))
		return smb_error_guest(&smb->location, &smb->credentials, err);
	if (!smb->logged_in)
		return smb_error_login(&smb->location, &smb->credentials, code,
				       smb_relay_refusal(smb->relay, SMB_MATTER_LOGIN),
				       err);
	if (code == ENOENT || code == ENODEV)
		list_shares(smb, &shares);
	return smb_error_share(&smb->location, &smb->credentials, code,
			       shares.string ? shares.string : "", err);
}

int smb_explain_path(struct tree_smb *smb, const char *name, const char *what, int code,
		     struct err *err)
{
	int r = explain_policy(smb, code, err);

	if (r < 0)
		return r;
	if (smb_error_is_loss(code))
		smb->tree.lost = code;
	return smb_error_path(&smb->location, &smb->credentials, name, what, code, err);
}

/* -- files ------------------------------------------------------------------------ */

/* Who may open a file may read it: what the library says of an answer with a wrong signature
 * (measured with 4.17.12) is that it is not allowed. */
static int explain_read(struct tree_smb *smb, const char *name, int code, struct err *err)
{
	if (code != EACCES)
		return smb_explain_path(smb, name, "reading", code, err);
	smb->tree.lost = ECONNABORTED;
	return err_set(err, -ECONNABORTED,
		       "'%s': an answer of '%s' has a wrong signature: it was damaged or "
		       "changed on the way",
		       name, smb->location.host);
}

static int smb_read_at(struct block_source *source, void *buffer, uint64_t offset,
		       size_t length, struct err *err)
{
	struct source_smb *own = (struct source_smb *)source;
	SMBCCTX *context = own->tree->context;
	uint8_t *to = buffer;

	if (own->tree->tree.lost)
		return smb_explain_path(own->tree, source->name, "reading",
					own->tree->tree.lost, err);
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
			return explain_read(own->tree, source->name, errno ? errno : EIO,
					    err);
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

	call_close(own->tree, own->file);
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
		return smb_explain_path(smb, name, "its size", errno, err);
	if (!S_ISREG(st.st_mode) || st.st_size < 0)
		return err_set(err, -EINVAL, "'%s': not a file", name);
	*own = (struct source_smb){
		.source = {
			.ops = &source_ops,
			.size = (uint64_t)st.st_size,
			.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
				    st.st_mtim.tv_nsec,
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

/* Measured with smbd 4.17.12: a folder of a previous version is listed, but a file in it is not
 * opened where the folder is no longer there. */
static int explain_open(struct tree_smb *smb, const char *path, const char *name,
			int code, struct err *err)
{
	if (code == ENOENT && tree_is_previous_name(path, strcspn(path, "/")))
		return err_set(err, -ENOENT,
			       "'%s': the server does not open it in a previous version; "
			       "some versions of Samba do once an empty folder of that "
			       "name and place is there again",
			       name);
	return smb_explain_path(smb, name, "opening for reading", code, err);
}

static int smb_open(struct tree *tree, const char *path, struct block_source **ret,
		    struct err *err)
{
	struct tree_smb *smb = (struct tree_smb *)tree;
	AUTO_FREE char *name = tree_path_join(tree->name, path);
	AUTO_FREE char *url = smb_url_path(&smb->relayed, path);
	SMBCFILE *file;
	int r;

	if (!name || !url)
		return err_nomem(err);
	if (smb->tree.lost)
		return smb_explain_path(smb, name, "opening for reading", smb->tree.lost,
					err);
	file = call_open(smb, url);
	if (!file)
		return explain_open(smb, path, name, errno, err);
	r = host_check_peers(&smb->host, smb->location.host, err);
	if (r == 0)
		r = make_source(smb, file, name, ret, err);
	if (r < 0)
		call_close(smb, file);
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

/* The shares of the server as folders; printers and pipes are none. */
static int shares_read(struct tree_smb *smb, SMBCFILE *host, struct tree_listing *listing,
		       struct err *err)
{
	const struct smbc_dirent *entry;
	int r = 0;

	while (r == 0 && !tree_listing_is_full(listing) &&
	       (entry = smbc_getFunctionReaddir(smb->context)(smb->context, host)))
		if (entry->smbc_type == SMBC_FILE_SHARE)
			r = tree_listing_add(listing,
					     &(struct tree_entry){ .name = entry->name,
								   .is_folder = true },
					     err);
	return r;
}

static int smb_list(struct tree *tree, const char *path, tree_visit *visit, void *context,
		    struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct tree_smb *smb = (struct tree_smb *)tree;
	AUTO_FREE char *name =
		path[0] ? tree_path_join(tree->name, path) : strdup(tree->name);
	bool shares = !smb->location.share[0];
	AUTO_FREE char *url =
		shares ? smb_url_host(&smb->relayed) : smb_url_path(&smb->relayed, path);
	SMBCFILE *folder;
	int r;

	if (!name || !url)
		return err_nomem(err);
	if (smb->tree.lost)
		return smb_explain_path(smb, name, "listing the folder", smb->tree.lost,
					err);
	folder = call_opendir(smb, url);
	if (!folder)
		return smb_explain_path(smb, name, "listing the folder", errno, err);
	r = host_check_peers(&smb->host, smb->location.host, err);
	if (r == 0)
		r = shares ? shares_read(smb, folder, &listing, err)
			   : listing_read(smb, folder, &listing, err);
	call_close(smb, folder);
	if (r < 0)
		return r;
	return tree_listing_visit(&listing, visit, context, err);
}

/* What cannot be listed is no reason to give up what lies on the share. */
static int smb_previous(struct tree *tree, tree_visit *visit, void *context,
			struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct tree_smb *smb = (struct tree_smb *)tree;
	int r = 0;

	if (!smb->tree.lost)
		r = smb_previous_list(&smb->relayed, &smb->credentials, smb->timeout_ms,
				      &listing, err);
	if (r < 0) {
		log_warning("'%s': previous versions cannot be listed: %s, ignoring",
			    tree->name, err->text);
		return 0;
	}
	return tree_listing_visit(&listing, visit, context, err);
}

/* -- the tree --------------------------------------------------------------------- */

static void smb_close(struct tree *tree)
{
	struct tree_smb *smb = (struct tree_smb *)tree;

	if (smb->context && !smb->tree.lost) {
		watchdog_start(smb->timeout_ms + GRACE_MS);
		smbc_free_context(smb->context, 1);
		watchdog_stop();
	}
	credentials_clear(&smb->credentials);
	smb_location_clear(&smb->location);
	free(smb->relayed.host);
	free(tree->name);
	free(smb);
}

static const struct tree_ops tree_ops = {
	.list = smb_list,
	.open = smb_open,
	.previous = smb_previous,
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
	if (smb->tree.name && smb->location.host && smb->location.share &&
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
	AUTO_FREE char *share = smb->location.share[0] ? smb_url_share(&smb->relayed)
						       : smb_url_host(&smb->relayed);
	AUTO_FREE char *path = smb_url_path(&smb->relayed, "");
	SMBCFILE *folder;

	if (!share || !path)
		return err_nomem(err);
	folder = call_opendir(smb, share);
	if (!folder)
		return explain_connect(smb, errno, err);
	smbc_setDebug(smb->context, 0);
	call_close(smb, folder);
	if (!smb->location.path[0])
		return 0;
	folder = call_opendir(smb, path);
	if (!folder && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, -ENOENT, "'%s': share '%s' has no folder '%s'",
			       smb->location.host, smb->location.share,
			       smb->location.path);
	if (!folder)
		return smb_explain_path(smb, smb->tree.name, "opening the folder", errno,
					err);
	call_close(smb, folder);
	return 0;
}

/* The library's view of the location: only the relay. */
static int take_relay(struct tree_smb *smb, struct smb_relay *relay, struct err *err)
{
	smb->relay = relay;
	smb->relayed = (struct smb_location){
		.host = strdup(RELAY_HOST),
		.port = smb_relay_port(relay),
		.share = smb->location.share,
		.path = smb->location.path,
	};
	if (!smb->relayed.host)
		return err_nomem(err);
	return host_resolve(smb->relayed.host, smb->relayed.port, &smb->host, err);
}

int smb_tree_open(const struct smb_location *location,
		  const struct credentials *credentials,
		  const struct smb_options *options, struct tree **ret, struct err *err)
{
	struct tree_smb *smb = NULL;
	int r = make_tree(location, credentials, &smb, err);

	if (r < 0)
		return r;
	smb->timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	r = take_relay(smb, options->relay, err);
	if (r == 0)
		r = make_context(smb, err);
	if (r == 0)
		r = open_root(smb, err);
	if (r == 0)
		r = host_check_peers(&smb->host, smb->location.host, err);
	if (r < 0) {
		smb_close(&smb->tree);
		return r;
	}
	*ret = &smb->tree;
	return 0;
}
