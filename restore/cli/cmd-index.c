/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr index: writes the sidecar of block hashes that makes delta restores cheap. */
#include <stdio.h>

#include <base/text.h>
#include <restore/index.h>

#include "backup-print.h"
#include "source-backup.h"

static int make(const struct backup_options *options, struct progress_display *display,
		struct index_result *ret, struct err *err)
{
	const struct index_options index = { .report = progress_show,
					     .context = display };
	const struct source_choice choice = { options->machine, options->version,
					      options->progress_fd };
	AUTO(source_backup_clear) struct source_backup open = { 0 };
	int r = source_backup_open(&options->source, &choice, display, &open, err);

	return r < 0 ? r
		     : index_make(open.reader, open.version, options->output, &index, ret,
				  err);
}

static enum exit_status run_index(int argc, char **argv)
{
	struct backup_options options = { 0 };
	struct progress_display display = { 0 };
	char bytes[SIZE_TEXT_SIZE], stored[SIZE_TEXT_SIZE];
	struct index_result result;
	struct err err = { 0 };
	enum exit_status status =
		backup_options_parse(&command_index, true, argc, argv, &options);
	int r;

	if (status != EXIT_DONE)
		return status;
	if (!options.output)
		return command_usage(&command_index, "--output FILE is missing");
	r = make(&options, &display, &result, &err);
	progress_end(&display);
	if (r < 0)
		return command_fail(&command_index, &err);
	printf("%s: hashes of %s in %zu images, %s, %.0f s\n", options.output,
	       size_format(result.bytes, bytes), result.images,
	       size_format(result.stored, stored), result.seconds);
	return EXIT_DONE;
}

const struct command command_index = {
	.name = "index",
	.group = "Images",
	.usage = "index SOURCE --output FILE [--machine NAME] [--version WHEN] "
		 "[OPTION...]",
	.summary = "write block hashes of a backup, for 'bmr restore --delta'",
	.help = "FILE must not exist. A restore finds it under the name " INDEX_FILE_NAME
		" in the\n"
		"folder of the images. It is bound to them: once one is written to it is "
		"refused.\n"
		"\n"
		"  --output FILE         the file to write\n"
		"  --machine NAME, --version WHEN, --credentials FILE, --encrypt WHEN,\n"
		"  --progress-fd N       as 'bmr show' has them\n",
	.run = run_index,
};
