/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens a folder or a share in a reader process: see source.h. */
#include "source.h"

#include <linux/magic.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#include <base/log.h>
#include <net/smb.h>

struct share {
	struct smb_location location;
	struct credentials credentials;
	bool require_encryption;
};

bool source_is_local(const struct source_options *options)
{
	return !smb_is_location(options->text);
}

/* -- the login -------------------------------------------------------------------- */

/* A password in a core file or a debugger would outlive us. */
static int keep_secrets(struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
		return err_errno(err, errno,
				 "forbidding core dumps before a password is read");
	return 0;
}

/* Where address and file both name the user they must mean the same one. */
static int check_same_user(const struct source_options *options,
			   const struct share *share, struct err *err)
{
	const struct smb_location *location = &share->location;
	const struct credentials *credentials = &share->credentials;

	if (location->user && strcasecmp(location->user, credentials->user) != 0)
		return err_set(err, -EINVAL,
			       "user '%s' in the address and '%s' in '%s' disagree",
			       location->user, credentials->user, options->credentials);
	if (location->domain && credentials->domain[0] &&
	    strcasecmp(location->domain, credentials->domain) != 0)
		return err_set(err, -EINVAL,
			       "domain '%s' in the address and '%s' in '%s' disagree",
			       location->domain, credentials->domain,
			       options->credentials);
	return 0;
}

/* The address may say the domain alone. */
static int adopt_domain(struct share *share, struct err *err)
{
	char *domain;

	if (!share->location.domain || share->credentials.domain[0])
		return 0;
	domain = strdup(share->location.domain);
	if (!domain)
		return err_nomem(err);
	free(share->credentials.domain);
	share->credentials.domain = domain;
	return 0;
}

static int get_login(const struct source_options *options, struct share *share,
		     struct err *err)
{
	AUTO_FREE char *notes = NULL;
	int r = keep_secrets(err);

	if (r < 0)
		return r;
	if (!options->credentials && !options->may_prompt)
		return err_set(err, -EACCES,
			       "'%s': a share needs a login: give a credentials file",
			       share->location.host);
	if (!options->credentials)
		return credentials_prompt(&share->location, &share->credentials, err);
	r = credentials_read(options->credentials, &share->credentials, &notes, err);
	if (r < 0)
		return r;
	if (notes)
		log_warning("%s", notes);
	r = check_same_user(options, share, err);
	if (r < 0)
		return r;
	return adopt_domain(share, err);
}

/* -- in the reader process -------------------------------------------------------- */

static int open_folder(void *context, struct tree **ret, struct err *err)
{
	return tree_local_open(context, ret, err);
}

static int open_share(void *context, struct tree **ret, struct err *err)
{
	struct share *share = context;
	struct smb_options options = { .require_encryption = share->require_encryption };
	int r = smb_tree_open(&share->location, &share->credentials, &options, ret, err);

	credentials_clear(&share->credentials); /* the tree has its own */
	return r;
}

/* -- in this process -------------------------------------------------------------- */

/* FUSE lets nobody but the user who mounted it look into a mount, root and all
 * capabilities included. */
static int explain_local(const char *path, int r, struct err *err)
{
	struct statfs fs;

	if (r != -EACCES || statfs(path, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC)
		return r;
	return err_set(
		err, -EACCES,
		"'%s': a FUSE mount that only its owner may read, and the reader process "
		"is nobody: mount it with the option allow_other",
		path);
}

static int start_local(const struct source_options *options, struct reader **ret,
		       struct err *err)
{
	struct reader_options reader = {
		.open_tree = open_folder,
		.context = (void *)options->text,
		.local = true,
	};
	int r = reader_start(&reader, ret, err);

	return r < 0 ? explain_local(options->text, r, err) : 0;
}

static void share_clear(struct share *share)
{
	credentials_clear(&share->credentials);
	smb_location_clear(&share->location);
}

static int start_share(const struct source_options *options, struct reader **ret,
		       struct err *err)
{
	AUTO(share_clear)
	struct share share = {
		.require_encryption = options->require_encryption,
	};
	struct reader_options reader = { .open_tree = open_share, .context = &share };
	int r;

	/* The text itself is not repeated: somebody may have written a password into it.
	 */
	r = smb_location_parse(options->text, &share.location, err);
	if (r == 0)
		r = get_login(options, &share, err);
	if (r == 0)
		r = reader_start(&reader, ret, err);
	return r;
}

int source_start(const struct source_options *options, struct reader **ret,
		 struct err *err)
{
	if (source_is_local(options))
		return start_local(options, ret, err);
	return start_share(options, ret, err);
}
