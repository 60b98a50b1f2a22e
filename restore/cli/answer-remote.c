/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answer files that are fetched: see answer-search.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <net/http.h>
#include <net/smb.h>

#include "answer-network.h"
#include "answer-search.h"
#include "source.h"

#define ANSWER_FOLDER	 "openbmr" /* on a share, beside the backups */
#define SIGNATURE_MAX	 1024	   /* 64 bytes; more is refused by whoever checks it */
#define FETCH_TIMEOUT_MS 30000

static void need_network(struct answer_search *search,
			 const struct answer_network *network)
{
	if (search->wishes->environment && !search->network_up)
		answer_network_up(network, NULL);
	search->network_up = true;
}

/* -- whatever can be fetched ---- */

/* One origin of files: a web server's folder, or a share. */
struct file_origin {
	const char *name;      /* of the folder, with its '/' */
	struct reader *reader; /* of a share; NULL: http */
	const char *ca;	       /* PEM of who may vouch for https; NULL */
	const char *login;     /* that opened the share; NULL */
	const char *below;     /* path in the share's tree, with its '/' at the end; "" */
};

/* -ENOENT: it is not there. */
static int fetch(const struct file_origin *origin, const char *file, size_t limit,
		 uint8_t **ret, size_t *ret_length, struct err *err)
{
	AUTO_FREE char *path =
		text_format("%s%s", origin->reader ? origin->below : origin->name, file);
	int r;

	if (!path)
		return err_nomem(err);
	if (!origin->reader)
		return http_get(path, limit,
				&(struct http_options){ FETCH_TIMEOUT_MS, origin->ca },
				ret, ret_length, err);
	r = reader_read_file(origin->reader, READER_TREE, path, ret, ret_length, err);
	if (r == 0 && *ret_length > limit) {
		free(TAKE_PTR(*ret));
		return err_set(err, -EFBIG, "'%s': %zu bytes, must be at most %zu", path,
			       *ret_length, limit);
	}
	return r;
}

/* -ENOENT: it is not there. */
static int add_one(struct answer_search *search, enum answer_place place,
		   const struct file_origin *origin, const char *file, bool trusted,
		   struct err *err)
{
	struct answer_candidate candidate = { .place = place, .trusted = trusted };
	AUTO_FREE char *signature_name = text_format("%s.sig", file);
	AUTO_FREE uint8_t *signature = NULL;
	size_t signature_length = 0;
	int r = fetch(origin, file, ANSWER_MAX_BYTES, &candidate.bytes, &candidate.length,
		      err);

	if (r < 0)
		return r;
	candidate.name = text_format("%s%s", origin->name, file);
	candidate.address = strdup(origin->name);
	candidate.login = origin->login ? strdup(origin->login) : NULL;
	if (!trusted && search->wishes->signed_by && signature_name &&
	    fetch(origin, signature_name, SIGNATURE_MAX, &signature, &signature_length,
		  NULL) == 0)
		r = answer_keep_in_memory(signature, signature_length,
					  &candidate.signature, err);
	return r < 0 ? r : answer_add_bytes(search, &candidate, err);
}

/* The names that this machine has, the first that is there. */
static int add_names(struct answer_search *search, enum answer_place place,
		     const struct file_origin *origin, bool trusted, struct err *err)
{
	char file[ANSWER_NAME_MAX];
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && answer_name(search->machine, i, file); i++)
		if (file[0])
			r = add_one(search, place, origin, file, trusted, err);
	return r;
}

static bool ends_in_slash(const char *text)
{
	return *text && text[strlen(text) - 1] == '/';
}

/* An address that ends in '/' is a folder. *ret_folder and *ret_file: new strings. */
static int split(const char *address, char **ret_folder, char **ret_file, struct err *err)
{
	const char *slash = strrchr(address, '/');
	size_t length = slash ? (size_t)(slash + 1 - address) : 0;

	*ret_folder = strndup(address, length);
	*ret_file = strdup(address + length);
	return *ret_folder && *ret_file ? 0 : err_nomem(err);
}

/* -- references ---- */

/* Whoever is at the other end of https has shown a certificate that the caller's authorities
 * signed; of http nobody knows. */
static int add_web(struct answer_search *search, enum answer_place place,
		   const char *address, bool trusted, struct err *err)
{
	AUTO_FREE char *folder = NULL, *file = NULL;
	struct file_origin origin = { .below = "", .ca = search->wishes->ca };
	int r = split(address, &folder, &file, err);

	if (r < 0)
		return r;
	need_network(search, &(struct answer_network){ 0 });
	origin.name = folder;
	return ends_in_slash(address)
		       ? add_names(search, place, &origin, trusted, err)
		       : add_one(search, place, &origin, file, trusted, err);
}

static int add_http(struct answer_search *search, enum answer_place place,
		    const char *address, struct err *err)
{
	return add_web(search, place, address, false, err);
}

static int add_https(struct answer_search *search, enum answer_place place,
		     const char *address, struct err *err)
{
	return add_web(search, place, address, true, err);
}

/* Opens the share. *ret_encrypted: what comes from it is what the server sent. */
static int open_share(const char *address, const char *login, bool require_encryption,
		      struct reader **ret, bool *ret_encrypted, struct err *err)
{
	const char *protection = NULL;
	struct source_options options = {
		.text = address,
		.credentials = login,
		.require_encryption = require_encryption,
		.ret_protection = &protection,
	};
	int r = source_start(&options, ret, err);

	/* a folder of this machine is no network */
	*ret_encrypted = !protection || strcmp(protection, "encrypted") == 0;
	return r;
}

static int add_smb(struct answer_search *search, enum answer_place place,
		   const char *address, struct err *err)
{
	AUTO(reader_freep) struct reader *reader = NULL;
	AUTO_FREE char *folder = NULL, *file = NULL;
	struct file_origin origin = { .below = "" };
	bool encrypted = false;
	int r = split(address, &folder, &file, err);

	if (r < 0)
		return r;
	need_network(search, &(struct answer_network){ 0 });
	r = open_share(folder, search->login, false, &reader, &encrypted, err);
	if (r < 0)
		return r;
	origin.name = folder;
	origin.reader = reader;
	origin.login = search->login;
	return ends_in_slash(address)
		       ? add_names(search, place, &origin, encrypted, err)
		       : add_one(search, place, &origin, file, encrypted, err);
}

static int add_path(struct answer_search *search, enum answer_place place,
		    const char *path, struct err *err)
{
	AUTO_FREE char *whole =
		text_format("%s/%s", search->wishes->root, path + strspn(path, "/"));
	AUTO_FREE char *folder = NULL, *file = NULL;
	size_t before = search->count;
	int r = whole ? split(whole, &folder, &file, err) : err_nomem(err);

	if (r == 0) {
		folder[strlen(folder) - 1] = '\0';
		r = answer_add_file(search, place, folder, file, err);
	}
	if (r == 0 && search->count == before)
		return err_set(err, -ENOENT, "'%s': not there", path);
	return r;
}

int answer_add_reference(struct answer_search *search, enum answer_place place,
			 const char *reference, struct err *err)
{
	static const struct {
		const char *scheme;
		size_t skip; /* of it, before what is meant */
		bool fetched;
		int (*add)(struct answer_search *, enum answer_place, const char *,
			   struct err *);
	} kinds[] = {
		{ "file:", 5, false, add_path },
		{ "http://", 0, true, add_http },
		{ "https://", 0, true, add_https },
		{ "smb://", 0, true, add_smb },
	};
	AUTO_FREE char *expanded = NULL;
	int r = answer_expand(reference, search->machine, &expanded, err);

	if (r < 0)
		return err_add(err, "openbmr.answer=");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strncasecmp(expanded, kinds[i].scheme, strlen(kinds[i].scheme)) != 0)
			continue;
		if (kinds[i].fetched && search->wishes->local_only) {
			text_add(&search->notes, "  %s: not fetched\n", expanded);
			return 0;
		}
		r = kinds[i].add(search, place, expanded + kinds[i].skip, err);
		return r < 0 ? err_add(err, "openbmr.answer=") : 0;
	}
	return err_set(
		err, -EINVAL,
		"openbmr.answer=%s: must begin with file:, http://, https:// or smb://",
		expanded);
}

/* -- the share of another file ---- */

int answer_add_share(struct answer_search *search, const struct answer_found *found,
		     struct err *err)
{
	const struct answer *answer = &found->answer;
	const char *login = answer->credentials ? answer->credentials : found->login;
	AUTO(reader_freep) struct reader *reader = NULL;
	AUTO_FREE char *address = NULL, *folder = NULL;
	struct file_origin origin = { .below = ANSWER_FOLDER "/" };
	bool encrypted = false;
	int r = answer_expand(answer->source_url, search->machine, &address, err);

	if (r < 0)
		return r;
	folder = text_format("%s%s" ANSWER_FOLDER "/", address,
			     ends_in_slash(address) ? "" : "/");
	if (!folder)
		return err_nomem(err);
	need_network(search, &answer->network);
	r = open_share(address, login, answer->require_encryption, &reader, &encrypted,
		       err);
	if (r < 0)
		return r;
	origin.name = folder;
	origin.reader = reader;
	origin.login = login;
	r = add_names(search, ANSWER_SHARE, &origin, encrypted, err);
	return r == -ENOENT ? 0 : r;
}
