/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Judges candidates: see answer-search.h. */
#include "answer-search.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <base/block-source.h>
#include <restore/signature.h>

#include "media.h"

static const char *const place_texts[] = {
	[ANSWER_NAMED] = "command line",      [ANSWER_KERNEL] = "kernel argument",
	[ANSWER_BOOT] = "boot application",   [ANSWER_SERVER] = "boot server",
	[ANSWER_FIRMWARE] = "SMBIOS, fw_cfg", [ANSWER_REMOVABLE] = "removable medium",
	[ANSWER_MEDIUM] = "boot medium",      [ANSWER_SHARE] = "share",
};

static void digest(const uint8_t *bytes, size_t length, char text[65])
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, length, bytes);
	sha256_digest(&ctx, sizeof(hash), hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

/* Only media are let go: other folders are nobody's. */
static void candidate_clear(struct answer_candidate *candidate)
{
	media_release(candidate->medium);
	free(candidate->name);
	free(candidate->address);
	free(candidate->login);
	free(candidate->signature);
	free(candidate->bytes);
	*candidate = (struct answer_candidate){ 0 };
}

void answer_found_clear(struct answer_found *found)
{
	media_release(found->medium);
	free(found->name);
	free(found->address);
	free(found->login);
	free(found->bytes);
	answer_clear(&found->answer);
	*found = (struct answer_found){ 0 };
}

/* -- adding ---- */

int answer_add_bytes(struct answer_search *search, struct answer_candidate *candidate,
		     struct err *err)
{
	size_t at = search->count;

	if (!candidate->name || search->count == CANDIDATES_MAX) {
		bool full = candidate->name;

		candidate_clear(candidate);
		return full ? err_set(err, -E2BIG, "more than %d answer files",
				      CANDIDATES_MAX)
			    : err_nomem(err);
	}
	if (!search->login && candidate->login)
		search->login = strdup(candidate->login);
	for (; at > 0 && search->candidates[at - 1].place > candidate->place; at--)
		search->candidates[at] = search->candidates[at - 1];
	search->candidates[at] = *candidate;
	search->count++;
	*candidate = (struct answer_candidate){ 0 };
	return 0;
}

/* The path, if something is there; NULL. */
static char *beside(const char *folder, const char *name)
{
	char *path = text_format("%s/%s", folder, name);

	if (path && access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

int answer_keep_in_memory(const void *bytes, size_t length, char **ret, struct err *err)
{
	int fd = memfd_create("openbmr", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) < 0 || write(fd, bytes, length) != (ssize_t)length)
		return err_errno(err, errno, "a file in memory");
	*ret = text_format("/proc/self/fd/%d", fd);
	return *ret ? 0 : err_nomem(err);
}

int answer_take_login(struct answer_search *search, const char *folder, struct err *err)
{
	AUTO_FREE char *path = beside(folder, "openbmr.cred");
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r;

	if (search->login || !path)
		return 0;
	r = source_file_read_whole(path, "an answer file", ANSWER_MAX_BYTES, &bytes,
				   &length, err);
	if (r == 0)
		r = answer_keep_in_memory(bytes, length, &search->login, err);
	if (bytes)
		explicit_bzero(bytes, length);
	return r;
}

int answer_add_file(struct answer_search *search, enum answer_place place,
		    const char *folder, const char *file, struct err *err)
{
	AUTO_FREE char *signature = text_format("%s.sig", file);
	struct answer_candidate candidate = {
		.place = place,
		/* in the environment, whoever names one has read it */
		.trusted = place == ANSWER_NAMED ? search->wishes->environment
						 : place != ANSWER_SERVER,
		.name = beside(folder, file),
	};
	int r;

	if (!candidate.name)
		return 0;
	candidate.medium = strdup(folder);
	candidate.login = beside(folder, "openbmr.cred");
	candidate.signature = signature ? beside(folder, signature) : NULL;
	r = source_file_read_whole(candidate.name, "an answer file", ANSWER_MAX_BYTES,
				   &candidate.bytes, &candidate.length, err);
	if (r < 0) {
		candidate_clear(&candidate);
		return err_add(err, "%s", place_texts[place]);
	}
	return answer_add_bytes(search, &candidate, err);
}

/* -- judging ---- */

static int check_signature(const struct answer_search *search,
			   const struct answer_candidate *candidate, struct err *err)
{
	const struct signed_bytes what = { candidate->name, candidate->bytes,
					   candidate->length };
	AUTO_FREE char *missing = text_format("%s.sig", candidate->name);

	if (candidate->trusted || !search->wishes->signed_by)
		return 0;
	if (!candidate->signature && !missing)
		return err_nomem(err);
	return signature_check(&what,
			       candidate->signature ? candidate->signature : missing,
			       search->wishes->signed_by, err);
}

/* What is handed on: 1, passed over: 0. */
static int judge(struct answer_search *search, struct answer_candidate *candidate,
		 struct answer *ret, struct err *err)
{
	AUTO_FREE char *why = NULL;
	int r = check_signature(search, candidate, err);

	if (r == 0)
		r = answer_parse(candidate->bytes, candidate->length, candidate->name,
				 candidate->medium, ret, err);
	if (r < 0) {
		snprintf(candidate->verdict, sizeof(candidate->verdict),
			 "refused: see below");
		return r;
	}
	if (answer_matches(ret, search->machine, &why)) {
		snprintf(candidate->verdict, sizeof(candidate->verdict), "%s",
			 ret->leads_to_share ? "leads to its share" : "this one counts");
		return 1;
	}
	snprintf(candidate->verdict, sizeof(candidate->verdict), "passed over: %s",
		 why ? why : "");
	answer_clear(ret);
	return 0;
}

/* Of the same place. */
static int compare(const struct answer_candidate *a, struct answer_candidate *b,
		   struct err *err)
{
	bool same = a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;

	snprintf(b->verdict, sizeof(b->verdict), "%s",
		 same ? "the same, byte by byte" : "differs, and is as good");
	if (same)
		return 0;
	return err_set(err, -EINVAL,
		       "two answer files of the same place (%s) differ, and both are for "
		       "this machine: '%s' and '%s'; remove one",
		       place_texts[a->place], a->name, b->name);
}

/* The places are in order. From the from-th on. */
static int choose(struct answer_search *search, size_t from, struct answer_found *ret,
		  struct err *err)
{
	struct answer_candidate *winner = NULL;
	struct answer answer = { 0 };
	int r = 0;

	for (size_t i = from; i < search->count && r >= 0; i++) {
		struct answer_candidate *next = &search->candidates[i];
		struct answer other = { 0 };

		if (winner && next->place != winner->place) {
			snprintf(next->verdict, sizeof(next->verdict),
				 "not looked at: an earlier place has one");
			continue;
		}
		r = judge(search, next, winner ? &other : &answer, err);
		if (r > 0 && !winner)
			winner = next;
		else if (r > 0)
			r = compare(winner, next, err);
		answer_clear(&other);
	}
	if (r < 0 || !winner) {
		answer_clear(&answer);
		return r < 0 ? r
			     : err_set(err, -ENOENT,
				       "no answer file for this machine was found");
	}
	ret->place = winner->place;
	ret->answer = answer;
	ret->length = winner->length;
	ret->bytes = TAKE_PTR(winner->bytes);
	ret->name = strdup(winner->name);
	ret->medium = TAKE_PTR(winner->medium);
	ret->address = TAKE_PTR(winner->address);
	ret->login = TAKE_PTR(winner->login);
	digest(ret->bytes, ret->length, ret->hash);
	return ret->name ? 0 : err_nomem(err);
}

/* -- the whole ---- */

static char *list(struct answer_search *search, const struct answer_found *found)
{
	struct text text = { 0 };

	text_add(&text, "answer files considered:\n");
	for (size_t i = 0; i < search->count; i++) {
		const struct answer_candidate *candidate = &search->candidates[i];
		char hash[65];

		if (candidate->bytes)
			digest(candidate->bytes, candidate->length, hash);
		else
			snprintf(hash, sizeof(hash), "%s", found->hash);
		text_add(&text, "  %-16s %s\n    SHA-256 %s\n    %s\n",
			 place_texts[candidate->place], candidate->name, hash,
			 candidate->verdict[0] ? candidate->verdict : "not looked at");
	}
	if (!search->count)
		text_add(&text, "  none\n");
	if (search->notes.length)
		text_add(&text, "%s", search->notes.string);
	return text_take(&text);
}

static void search_clear(struct answer_search *search)
{
	for (size_t i = 0; i < search->count; i++)
		candidate_clear(&search->candidates[i]);
	free(search->login);
	text_clear(&search->notes);
}

static int collect(struct answer_search *search, struct err *err)
{
	const char *path = search->wishes->path;
	AUTO_FREE char *folder = NULL;
	char *slash;

	if (!path)
		return answer_places_collect(search, err);
	folder = strdup(path);
	if (!folder)
		return err_nomem(err);
	slash = strrchr(folder, '/');
	if (access(path, F_OK) < 0)
		return err_errno(err, errno, "'%s'", path);
	if (!slash)
		return answer_add_file(search, ANSWER_NAMED, ".", path, err);
	*slash = '\0';
	return answer_add_file(search, ANSWER_NAMED, folder, slash + 1, err);
}

/* A file that only names a share: what it says of the network counts for what is found there. */
static int follow_to_share(struct answer_search *search, struct answer_found *found,
			   struct err *err)
{
	struct answer_found other = { 0 };
	size_t before = search->count;
	int r = answer_add_share(search, found, err);

	if (r == 0)
		r = choose(search, before, &other, err);
	if (r == -ENOENT)
		return err_set(err, -EINVAL,
			       "'%s' names only the share '%s', and below openbmr/ there "
			       "is no answer file for this machine",
			       found->name, found->answer.source_url);
	if (r < 0)
		return r;
	if (other.answer.leads_to_share) {
		answer_found_clear(&other);
		return err_set(err, -EINVAL,
			       "'%s': an answer file on a share must name backup or "
			       "target, this one leads to a share again",
			       search->candidates[before].name);
	}
	if (!other.answer.credentials) {
		other.answer.credentials = TAKE_PTR(found->answer.credentials);
		other.answer.credentials_url = found->answer.credentials_url;
	}
	answer_found_clear(found);
	*found = other;
	return 0;
}

int answer_search(const struct answer_search_wishes *wishes,
		  const struct answer_machine *machine, struct answer_found *ret,
		  char **ret_log, struct err *err)
{
	struct answer_search search = { .wishes = wishes, .machine = machine };
	struct answer_found found = { 0 };
	int r = collect(&search, err);

	if (r == 0)
		r = choose(&search, 0, &found, err);
	if (r == 0 && found.answer.leads_to_share && !wishes->local_only)
		r = follow_to_share(&search, &found, err);
	if (r == -ENOENT && wishes->local_only && search.notes.length)
		r = 0; /* it is elsewhere */
	*ret_log = list(&search, &found);
	search_clear(&search);
	if (r < 0)
		answer_found_clear(&found);
	else
		*ret = found;
	return r;
}
