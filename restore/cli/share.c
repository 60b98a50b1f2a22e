/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shares: see share.h. */
#include "share.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <base/cleanup.h>
#include <base/log.h>

/* -- the login -------------------------------------------------------------------- */

int source_keep_secrets(struct err *err)
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

int share_log_in(const struct source_options *options, struct share *share,
		 struct err *err)
{
	AUTO_FREE char *notes = NULL;
	int r = source_keep_secrets(err);

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

int share_make_relay(const struct source_options *options, struct share *share,
		     struct err *err)
{
	share->require_encryption = options->require_encryption;
	return smb_relay_new(&share->relay, err);
}

int share_start_relay(const struct source_options *options, struct share *share,
		      struct err *err)
{
	int r = share_make_relay(options, share, err);

	return r < 0 ? r : share_connect(share, err);
}

void share_clear(struct share *share)
{
	credentials_clear(&share->credentials);
	smb_location_clear(&share->location);
	smb_relay_free(share->relay);
}

/* -- in the reader process -------------------------------------------------------- */

int share_connect(void *context, struct err *err)
{
	struct share *share = context;

	return smb_relay_connect(share->relay, &share->location,
				 share->require_encryption, &share->credentials, err);
}

int share_listen(void *context, struct err *err)
{
	struct share *share = context;

	return smb_relay_listen(share->relay, err);
}

int share_open(void *context, struct tree **ret, struct err *err)
{
	struct share *share = context;
	struct smb_options options = { .relay = share->relay };

	/* The credentials stay: the helpers of a scan open the share again. */
	return smb_tree_open(&share->location, &share->credentials, &options, ret, err);
}

struct visit {
	struct share *share;
	share_visitor *visit;
	void *context;
};

static int listen_to_visit(void *context, struct err *err)
{
	const struct visit *visit = context;

	return share_listen(visit->share, err);
}

static int open_and_visit(void *context, struct tree **ret, struct err *err)
{
	AUTO(tree_freep) struct tree *tree = NULL;
	const struct visit *visit = context;
	int r = share_open(visit->share, &tree, err);

	if (r == 0)
		r = visit->visit(tree, visit->context, err);
	if (r == 0)
		*ret = TAKE_PTR(tree);
	return r;
}

/* -- in this process -------------------------------------------------------------- */

int share_visit(struct share *share, share_visitor *visitor, void *context,
		struct err *err)
{
	struct visit visit = { share, visitor, context };
	struct reader_options options = { .prepare = listen_to_visit,
					  .open_tree = open_and_visit,
					  .context = &visit,
					  .slots = 1 };
	AUTO(reader_freep) struct reader *reader = NULL;

	fflush(NULL);
	return reader_start(&options, &reader, err);
}

void *share_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void share_memory_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}
