/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bmr resume: takes up a restore that stopped half-way. The journal on the disk tells how it was asked
 * for, so that naming the disk is enough.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/text.h>
#include <partition/boot-medium.h>
#include <restore/system-state.h>

#include "boot-stick.h"
#include "session-words.h"

static enum exit_status decide(struct session *session, struct session_options *options)
{
	enum restore_found_kind found = RESTORE_FOUND_NONE;
	enum exit_status status = session_look(&command_resume, session, options, &found);

	if (status != EXIT_DONE)
		return status;
	if (found == RESTORE_FOUND_WHOLE) {
		puts("already restored: nothing is left to do");
		return EXIT_DONE;
	}
	options->resume = true;
	return session_restore(&command_resume, session, options);
}

static enum exit_status carry_on(struct session_options *options)
{
	struct session session;
	struct err err = { 0 };
	enum exit_status status;

	if (session_open(options, &session, &err) < 0)
		return command_fail(&command_resume, &err);
	status = decide(&session, options);
	session_close(&session);
	return status;
}

/* -- from the journal ------------------------------------------------------------------ */

static const char *without_number(const char *which)
{
	size_t digits = strspn(which, "0123456789");

	return digits && which[digits] == '=' ? which + digits + 1 : which;
}

/* There is no journal; what else may have stopped on it. */
static int nothing_found(const struct disk *disk, const char *which, struct err *err)
{
	const struct disk_partition *partition = NULL;
	int r = state_find_half(disk, &partition, err);

	if (r < 0)
		return r;
	if (partition)
		return err_set(
			err, -ESTALE,
			"'%s': no restore stopped on it, but a change of the system "
			"state of partition %u: 'bmr restore-systemstate --disk %s "
			"--finish' brings it to its end",
			which, partition->slot, which);
	return err_set(err, -ESTALE,
		       "'%s': no restore can be resumed on it: it has no journal; "
		       "start again with 'bmr restore'",
		       which);
}

static int look_at_disk(const struct session_options *options, const char *mirror,
			struct restore_half *ret, struct err *err)
{
	AUTO(disk_list_clear) struct disk_list list = { 0 };
	AUTO_FREE char *boot_medium = boot_medium_read();
	struct disk_list_wishes wishes = { .boot_medium = boot_medium };
	const char *which = without_number(options->disks[0]);
	struct disk *disk = NULL;
	int r = disk_list_read(&wishes, &list, err);

	if (r == 0)
		r = disk_find(&list, which, options->sector_size, &disk, err);
	if (r == 0)
		r = restore_find(disk, mirror, ret, err);
	if (r < 0)
		return r;
	if (!ret->found)
		return nothing_found(disk, which, err);
	if (!ret->words)
		return err_set(
			err, -ENODATA,
			"'%s': its journal does not tell where the backup was; name "
			"it by --from",
			which);
	return 0;
}

static int find_half(const struct session_options *options, struct restore_half *ret,
		     struct err *err)
{
	const char *mirror = options->journal_mirror;
	char *stick = NULL;
	int r;

	if (mirror && strcmp(mirror, "none") == 0)
		mirror = NULL;
	else if (!mirror && boot_stick_mount(&stick, NULL) == 0)
		mirror = stick;
	r = look_at_disk(options, mirror, ret, err);
	boot_stick_release(stick);
	return r;
}

/* Words of the journal, and what was typed behind them; the disks are those of the journal. */
#define ARGUMENTS (2 * SESSION_DISKS + 256)

static enum exit_status parse_both(struct restore_half *half, int argc, char **argv,
				   struct session_options *ret)
{
	static char *both[ARGUMENTS + 1];
	struct err err = { 0 };
	size_t count = 0;

	both[count++] = argv[0];
	if (session_words_add(half->words, half->words_length, both, &count, ARGUMENTS,
			      &err) < 0)
		return command_fail(&command_resume, &err);
	for (int i = 1; i < argc && count < ARGUMENTS; i++) {
		if (strcmp(argv[i], "--disk") == 0)
			i++;
		else if (strncmp(argv[i], "--disk=", strlen("--disk=")) != 0)
			both[count++] = argv[i];
	}
	both[count] = NULL;
	return session_parse(&command_resume, (int)count, both, ret);
}

static enum exit_status from_journal(const struct session_options *typed, int argc,
				     char **argv)
{
	struct restore_half half = { 0 };
	struct session_options options;
	struct err err = { 0 };
	enum exit_status status;
	char written[TIME_TEXT_SIZE];

	if (find_half(typed, &half, &err) < 0)
		return command_fail(&command_resume, &err);
	status = parse_both(&half, argc, argv, &options);
	if (status == EXIT_DONE) {
		fprintf(stderr,
			"the journal tells of a restore of %s, %s, as of %s UTC\n",
			half.machine, half.version, time_format(half.written, written));
		status = carry_on(&options);
	}
	restore_half_clear(&half);
	return status;
}

/* -- the command ----------------------------------------------------------------------- */

static enum exit_status run_resume(int argc, char **argv)
{
	struct session_options options;
	enum exit_status status =
		session_parse_some(&command_resume, argc, argv, &options);

	if (status == EXIT_DONE && options.disk_count && !options.source.text)
		return from_journal(&options, argc, argv);
	if (status == EXIT_DONE)
		status = session_parse(&command_resume, argc, argv, &options);
	return status == EXIT_DONE ? carry_on(&options) : status;
}

const struct command command_resume = {
	.name = "resume",
	.group = "Restore",
	.usage = "resume --disk WHICH [--credentials FILE] [OPTION...]",
	.summary = "go on with a restore that stopped half-way",
	.help = "The journal on the disk tells how the restore that stopped was asked "
		"for, "
		"but for files\n"
		"with passwords and keys; with --from all options are given again. What "
		"it "
		"says is\n"
		"written is not written again, but it is read back and proved; the last "
		"GiB "
		"and one\n"
		"piece in a hundred are compared with the backup. A journal of another "
		"backup,\n"
		"version, plan or disk is refused with the reason.\n",
	.run = run_resume,
};
