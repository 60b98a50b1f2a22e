/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Places of answer files; see answer.h. */
#include "answer.h"

#include <string.h>

#include "console.h"
#include "network.h"

#define NAME_SIZE (OPTION_SIZE + 8)

typedef EFI_STATUS read_file(const struct medium *medium, const char *name, size_t limit,
			     struct medium_file *ret, struct err *err);

struct search {
	const struct medium *medium;
	read_file *read;
	struct answer *answer;
};

static void answer_clear(struct answer *answer)
{
	struct medium_file *const files[] = { &answer->file, &answer->credentials,
					      &answer->signature };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i]->content.data)
			BS->FreePool((void *)files[i]->content.data);
		*files[i] = (struct medium_file){ 0 };
	}
}

/* Too big or unreadable is no answer file: a restore that runs by itself must be sure of
 * what it was told. False: that was shown; *ret stays empty where there is no such file. */
static bool read_one(const struct search *search, const char *name, size_t limit,
		     struct medium_file *ret)
{
	EFI_STATUS status;
	struct err err;

	*ret = (struct medium_file){ 0 };
	status = search->read(search->medium, name, limit, ret, &err);
	if (!EFI_ERROR(status))
		return true;
	*ret = (struct medium_file){ 0 };
	if (status == EFI_NOT_FOUND)
		return true;
	console_error(&err, "correct the file where this program came from; until then a "
			    "restore is possible by hand.");
	return false;
}

static bool read_named(const struct search *search, const char *stem, const char *suffix,
		       size_t limit, struct medium_file *ret)
{
	char name[NAME_SIZE];
	struct text text = text_start(name, sizeof(name));

	text_add(&text, "%s%s", stem, suffix);
	return read_one(search, name, limit, ret);
}

/* What belongs to the answer file of this stem. */
static bool read_beside(const struct search *search, const char *stem)
{
	struct answer *answer = search->answer;

	if (!read_named(search, stem, ".cred", CREDENTIALS_MAX_SIZE,
			&answer->credentials) ||
	    (!answer->credentials.content.data &&
	     !read_one(search, "openbmr.cred", CREDENTIALS_MAX_SIZE,
		       &answer->credentials))) {
		answer->state = "not usable without its credentials";
		return false;
	}
	if (!answer->from_network ||
	    read_named(search, stem, ".ini.sig", SIGNATURE_MAX_SIZE, &answer->signature))
		return true;
	answer->state = "not usable without its signature";
	return false;
}

/* Reads stem.ini and what lies beside it; nothing is kept unless all is usable. */
static void read_stem(const struct search *search, const char *stem)
{
	struct answer *answer = search->answer;

	if (!read_named(search, stem, ".ini", ANSWER_MAX_SIZE, &answer->file)) {
		answer->state = "not usable";
		return;
	}
	if (answer->file.content.data && !read_beside(search, stem))
		answer_clear(answer);
}

/* Paths of the firmware have '\\' and none in front (medium_read_either puts it there). */
static void option_stem(const struct load_options *options, bool is_url,
			char ret[OPTION_SIZE])
{
	static const char ending[] = ".ini";
	const char *from = options->answer;
	size_t length;

	while (*from == '/' || *from == '\\')
		from++;
	length = strlen(from);
	memcpy(ret, from, length + 1);
	for (size_t i = 0; !is_url && i < length; i++)
		if (ret[i] == '/')
			ret[i] = '\\';
	if (length > strlen(ending) &&
	    !strncmp(ret + length - strlen(ending), ending, strlen(ending)))
		ret[length - strlen(ending)] = '\0';
}

/* What was named must be there. */
static void read_option(const struct search *search, const struct load_options *options)
{
	struct answer *answer = search->answer;
	char stem[OPTION_SIZE];
	struct err err;

	option_stem(options, !search->medium->root, stem);
	read_stem(search, stem);
	if (answer->file.content.data || answer->state)
		return;
	err_fact(&err, EFI_NOT_FOUND, "'%s': named by openbmr.answer=, and not there",
		 options->answer);
	console_error(&err, "correct the boot entry or put the file there; until then a "
			    "restore is possible by hand.");
	answer->state = "not there";
}

void answer_find(const struct medium *medium, const struct load_options *options,
		 const struct machine_ids *ids, struct answer *ret)
{
	const bool by_server = medium->network.present && !medium->root;
	struct search search = { .medium = medium,
				 .read = by_server ? network_read : medium_read_either,
				 .answer = ret };
	char name[ANSWER_NAME_SIZE];

	*ret = (struct answer){ .from_network = medium->network.present };
	if (options->answer[0]) {
		read_option(&search, options);
		return;
	}
	if (!by_server)
		read_stem(&search, "openbmr");
	for (unsigned int place = 0;
	     by_server && place < ANSWER_PLACES && !ret->file.content.data && !ret->state;
	     place++)
		if (answer_place_name(ids, place, name))
			read_stem(&search, name);
	if (!ret->file.content.data && !ret->state)
		ret->state = medium->network.present ? "none on the server"
						     : "none on the boot medium";
}
