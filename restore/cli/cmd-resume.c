/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr resume: takes up a restore that stopped half-way. */
#include <stdio.h>

#include "session.h"

static enum exit_status decide(struct session *session, struct session_options *options)
{
	enum restore_found_kind found = RESTORE_FOUND_NONE;
	enum exit_status status = session_look(&command_resume, session, &found);

	if (status != EXIT_DONE)
		return status;
	if (found == RESTORE_FOUND_WHOLE) {
		puts("already restored: nothing is left to do");
		return EXIT_DONE;
	}
	options->resume = true;
	return session_restore(&command_resume, session, options);
}

static enum exit_status run_resume(int argc, char **argv)
{
	struct session_options options;
	struct session session;
	struct err err = { 0 };
	enum exit_status status = session_parse(&command_resume, argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
	if (session_open(&options, &session, &err) < 0)
		return command_fail(&command_resume, &err);
	status = decide(&session, &options);
	session_close(&session);
	return status;
}

const struct command command_resume = {
	.name = "resume",
	.group = "Restore",
	.usage = "resume --from SOURCE --disk WHICH [OPTION...]",
	.summary = "go on with a restore that stopped half-way",
	.help = "The options of the 'bmr restore' that stopped. What the journal on the "
		"disk "
		"says is\n"
		"written is not written again, but it is read back and proved; the last "
		"GiB "
		"and one\n"
		"piece in a hundred are compared with the backup. A journal of another "
		"backup,\n"
		"version, plan or disk is refused with the reason.\n",
	.run = run_resume,
};
