/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr restore: shows the plan and runs exactly it. */
#include <stdio.h>
#include <string.h>

#include "session-forecast.h"

static enum exit_status run_restore(int argc, char **argv)
{
	struct session_options options;
	struct session session;
	struct err err = { 0 };
	bool red;
	AUTO_FREE char *text = NULL;
	enum exit_status status = session_parse(&command_restore, argc, argv, &options);

	if (status != EXIT_DONE)
		return status;
	if (!options.confirm || strcmp(options.confirm, "erase") != 0)
		return command_usage(&command_restore,
				     "--confirm erase is missing: the disk's "
				     "old content will be gone; 'bmr plan' "
				     "shows what would happen");
	if (session_open(&options, &session, &err) < 0)
		return command_fail(&command_restore, &err);
	text = plan_set_text(&session.plans);
	if (text)
		fputs(text, stderr);
	session_tell_forecast(&session, &options, stderr, &red);
	status = session_restore(&command_restore, &session, &options);
	session_close(&session);
	return status;
}

const struct command command_restore = {
	.name = "restore",
	.group = "Restore",
	.usage = "restore --from SOURCE --disk WHICH --confirm erase [OPTION...]",
	.summary = "recreate the disk and write the volumes back, proved by reading back",
	.help = "The options of 'bmr plan', and:\n"
		"  --confirm erase       yes, the old content of the disk may go\n"
		"  --delta               compare the disk with the backup first and "
		"write only what\n"
		"                        differs; with a sidecar of 'bmr index' beside "
		"the images\n"
		"                        only that is read of the backup\n"
		"  --no-index            with --delta: do not look at a sidecar\n"
		"  --report FILE         save the report: in a folder as text and JSON, "
		"else as\n"
		"                        JSON, or as text if FILE ends in .txt\n"
		"  --journal-mirror DIR  keep a mirror of the disk's journal in this "
		"folder; "
		"'none':\n"
		"                        keep none; default: on the stick that the "
		"machine "
		"was\n"
		"                        started from\n"
		"  --qr                  show a summary of the result as a QR code\n"
		"  --firmware-entry      this machine is the one that is restored: write "
		"its\n"
		"                        firmware boot entry\n",
	.run = run_restore,
};
