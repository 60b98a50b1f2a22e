/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bmr net probe: the way to a share stage by stage, each with its fact and its time. The first
 * stages need no login and run in a process of their own (net/smb-hello.h); the others run in
 * the reader's jail, which writes what it finds into shared memory.
 */
#include "net.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/text.h>
#include <net/nt-status.h>
#include <net/smb-hello.h>

#include "clock.h"
#include "share.h"

enum stage {
	STAGE_NAME,
	STAGE_TCP,
	STAGE_DIALECT,
	STAGE_PROTECTION,
	STAGE_LOGIN,
	STAGE_SHARE,
	STAGE_PATH,
	STAGE_READ,
	STAGES,
};

static const char *const stage_names[STAGES] = {
	"name", "TCP", "dialect", "protection", "login", "share", "path", "first read",
};

#define FACT_SIZE 512

/* Shared with the jail. */
struct findings {
	_Atomic int stage;		       /* that was reached */
	_Atomic int64_t start_ns[STAGES + 1];  /* of it; the next one's is its end */
	char path[FACT_SIZE], read[FACT_SIZE]; /* facts */
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void print_stage(enum stage stage, bool passed, int64_t ms, const char *fact)
{
	printf("%-10s  %-6s %6lld ms  %s\n", stage_names[stage], passed ? "ok" : "FAILED",
	       (long long)ms, fact);
	fflush(stdout);
}

/* -- before the login ------------------------------------------------------------- */

static void report_hello(enum smb_hello_stage stage, unsigned ms, const char *fact,
			 void *context)
{
	print_stage((enum stage)stage, true, ms, fact);
}

static void tell_clock(int64_t server_s)
{
	int64_t own_s = time(NULL);
	char span[CLOCK_SPAN_SIZE];

	if (clock_judge(own_s, server_s) == CLOCK_DIFFERS)
		printf("%-10s  the server's clock is %s %s this machine's\n", "",
		       clock_span(llabs(own_s - server_s), span),
		       server_s > own_s ? "ahead of" : "behind");
}

static int probe_protection(const struct net_options *options, const struct share *share,
			    const struct smb_offer *offer, struct err *err)
{
	AUTO_FREE char *fact =
		text_format("signing %s; encryption %s%s%s",
			    offer->signing_required ? "demanded" : "offered",
			    offer->encryption ? "offered" : "not offered",
			    offer->encryption ? ", " : "",
			    offer->encryption ? smb_cipher_text(offer) : "");

	if (!fact)
		return err_nomem(err);
	if (!options->source.require_encryption || offer->encryption) {
		print_stage(STAGE_PROTECTION, true, 0, fact);
		return 0;
	}
	print_stage(STAGE_PROTECTION, false, 0, fact);
	return err_set(err, -EPROTO,
		       "'%s': the server offers no encryption, and it is required: use "
		       "encrypt = if-offered, or turn encryption on there (SMB 3)",
		       share->location.host);
}

static int probe_hello(const struct net_options *options, const struct share *share,
		       struct smb_offer *offer, struct err *err)
{
	enum smb_hello_stage stage = SMB_HELLO_NAME;
	unsigned ms = 0;
	int r = smb_hello(&share->location, report_hello, NULL, offer, &stage, &ms, err);

	if (r < 0) {
		print_stage((enum stage)stage, false, ms, "");
		return r;
	}
	tell_clock(offer->time_s);
	return probe_protection(options, share, offer, err);
}

/* -- in the jail ------------------------------------------------------------------ */

#define READ_SIZE   (1 << 20) /* as the restore reads at least */
#define FOLDERS_MAX 64	      /* in which a file is looked for */

struct look {
	uint32_t folders, files;
	char *folder, *file; /* the first of each */
};

static int look_at(const struct tree_entry *entry, void *context, struct err *err)
{
	struct look *look = context;
	char **first = entry->is_folder ? &look->folder : &look->file;

	if (entry->is_folder)
		look->folders++;
	else
		look->files++;
	if (!*first)
		*first = strdup(entry->name);
	return *first ? 0 : err_nomem(err);
}

static void look_clear(struct look *look)
{
	free(look->folder);
	free(look->file);
}

static void begin(struct findings *findings, enum stage stage)
{
	findings->start_ns[stage] = now_ns();
	findings->stage = (int)stage;
}

static int read_first(struct tree *tree, const char *path, struct findings *findings,
		      struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	AUTO_FREE uint8_t *bytes = malloc(READ_SIZE);
	char size[SIZE_TEXT_SIZE];
	size_t length;
	int r;

	if (!bytes)
		return err_nomem(err);
	r = tree_open(tree, path, &file, err);
	if (r < 0)
		return r;
	length = (size_t)min_u64(file->size, READ_SIZE);
	r = source_read(file, bytes, 0, length, err);
	if (r == 0)
		snprintf(findings->read, sizeof(findings->read), "%s of '%.400s'",
			 size_format(length, size), path);
	return r;
}

/* Down the first folders until there is a file. */
static int find_and_read(struct tree *tree, const struct look *root,
			 struct findings *findings, struct err *err)
{
	AUTO_FREE char *path = strdup(root->file     ? root->file
				      : root->folder ? root->folder
						     : "");
	bool is_file = root->file;

	for (unsigned i = 0; path && path[0] && !is_file && i < FOLDERS_MAX; i++) {
		AUTO(look_clear) struct look look = { 0 };
		const char *name;
		char *next;
		int r = tree_list(tree, path, look_at, &look, err);

		if (r < 0)
			return r;
		is_file = look.file;
		name = is_file ? look.file : look.folder;
		next = name ? tree_path_join(path, name) : strdup("");
		free(path);
		path = next;
	}
	if (!path)
		return err_nomem(err);
	if (is_file)
		return read_first(tree, path, findings, err);
	snprintf(findings->read, sizeof(findings->read), "no file was found to read");
	return 0;
}

struct probe {
	struct share *share;
	char *path; /* below the share; the tree is opened at its root */
	struct findings *findings;
};

/* The tree is there: login and share are good. */
static int look_around(struct tree *tree, void *context, struct err *err)
{
	const struct probe *probe = context;
	AUTO(look_clear) struct look look = { 0 };
	int r;

	begin(probe->findings, STAGE_PATH);
	r = tree_list(tree, probe->path, look_at, &look, err);
	if (r < 0)
		return r;
	snprintf(probe->findings->path, sizeof(probe->findings->path),
		 "'%.400s': %u folders, %u files", probe->path[0] ? probe->path : "/",
		 look.folders, look.files);
	begin(probe->findings, STAGE_READ);
	if (probe->path[0]) {
		char **first = look.file ? &look.file : &look.folder;
		char *joined = *first ? tree_path_join(probe->path, *first) : NULL;

		if (*first && !joined)
			return err_nomem(err);
		free(*first);
		*first = joined;
	}
	r = find_and_read(tree, &look, probe->findings, err);
	probe->findings->start_ns[STAGES] = now_ns();
	if (r == 0)
		probe->findings->stage = STAGES;
	return r;
}

/* -- after it --------------------------------------------------------------------- */

static const char *name_form(const struct credentials *credentials)
{
	if (strchr(credentials->user, '@'))
		return "user@realm";
	if (strcmp(credentials->domain, ".") == 0)
		return ".\\user, a local account of the server";
	return credentials->domain[0] ? "DOMAIN\\user" : "user";
}

static const char *logins_text(const struct smb_offer *offer)
{
	if (offer->kerberos)
		return offer->ntlm ? "Kerberos and NTLM" : "Kerberos";
	return offer->ntlm ? "NTLM" : "no kind by name";
}

static char *login_fact(const struct share *share, const struct smb_offer *offer)
{
	const struct credentials *credentials = &share->credentials;

	return text_format("NTLMv2 as '%s%s%s' (form %s); the server offers %s",
			   credentials->domain, credentials->domain[0] ? "\\" : "",
			   credentials->user, name_form(credentials), logins_text(offer));
}

/* Where it ended, which the relay knows better than the jail for the first two. */
static enum stage stage_reached(const struct share *share,
				const struct findings *findings)
{
	int stage = findings->stage;

	if (stage >= STAGE_PATH && stage <= STAGES)
		return (enum stage)stage;
	return smb_relay_login_ns(share->relay) ? STAGE_SHARE : STAGE_LOGIN;
}

/* A failed stage is shown with what the server answered, where that could be seen. */
static void print_failure(const struct share *share, enum stage stage, int64_t ms)
{
	static const enum smb_matter matters[STAGES] = {
		[STAGE_LOGIN] = SMB_MATTER_LOGIN,
		[STAGE_SHARE] = SMB_MATTER_SHARE,
		[STAGE_PATH] = SMB_MATTER_FILE,
		[STAGE_READ] = SMB_MATTER_FILE,
	};
	uint32_t code = smb_relay_refusal(share->relay, matters[stage]);
	const struct nt_status *status = nt_status_find(code);
	char name[NT_STATUS_TEXT_SIZE];
	AUTO_FREE char *text =
		code ? text_format("%s: %s", nt_status_name(code, name),
				   status ? status->words : "look it up in [MS-ERREF]")
		     : NULL;

	print_stage(stage, false, ms, text ? text : "");
	if (status)
		printf("%-10s  usual cure: %s\n", "", status->cure);
}

static void print_findings(const struct share *share, const struct smb_offer *offer,
			   struct findings *findings, int64_t end_ns)
{
	int64_t login_ns = smb_relay_login_ns(share->relay);
	enum stage reached = stage_reached(share, findings);
	AUTO_FREE char *login = login_fact(share, offer);
	AUTO_FREE char *opened =
		text_format("'%s' opened; the connection is %s", share->location.share,
			    smb_protection_text(smb_relay_protection(share->relay)));
	const char *facts[STAGES] = { [STAGE_LOGIN] = login,
				      [STAGE_SHARE] = opened,
				      [STAGE_PATH] = findings->path,
				      [STAGE_READ] = findings->read };

	findings->path[FACT_SIZE - 1] = findings->read[FACT_SIZE - 1] = '\0';
	if (login_ns)
		findings->start_ns[STAGE_SHARE] = login_ns;
	for (enum stage stage = STAGE_LOGIN; stage < STAGES; stage++) {
		int64_t start = findings->start_ns[stage];
		int64_t end = stage < reached ? findings->start_ns[stage + 1] : end_ns;

		if (stage < reached)
			print_stage(stage, true, (end - start) / 1000000,
				    facts[stage] ? facts[stage] : "");
		else if (stage == reached)
			print_failure(share, stage, (end - start) / 1000000);
	}
}

static int probe_share(const struct net_options *options, struct share *share,
		       const struct smb_offer *offer, struct err *err)
{
	AUTO_FREE char *path = share->location.path;
	struct findings *findings = share_memory(sizeof(*findings));
	struct probe probe = { .share = share, .path = path, .findings = findings };
	int r;

	share->location.path = strdup("");
	if (!share->location.path || !findings)
		r = err_nomem(err);
	else
		r = share_start_relay(&options->source, share, err);
	if (r == 0) {
		findings->start_ns[STAGE_LOGIN] = now_ns();
		r = share_visit(share, look_around, &probe, err);
		print_findings(share, offer, findings, now_ns());
	}
	share_memory_free(findings, sizeof(*findings));
	return r;
}

int net_probe(const struct net_options *options, struct err *err)
{
	AUTO(share_clear) struct share share = { 0 };
	struct smb_offer offer = { 0 };
	int r = smb_location_parse(options->source.text, &share.location, err);

	/* A person is asked before the times are taken. */
	if (r == 0)
		r = share_log_in(&options->source, &share, err);
	if (r == 0)
		r = probe_hello(options, &share, &offer, err);
	if (r == 0)
		r = probe_share(options, &share, &offer, err);
	if (r == 0)
		puts("all stages passed");
	return r;
}
