/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How commands tell that they failed or were called wrong: see command.h. */
#include "command.h"

#include <stdio.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "log-sink.h"

enum exit_status command_fail(const struct command *command, const struct err *err)
{
	AUTO_FREE char *text = text_format("bmr %s: %s", command->name, err->text);

	fprintf(stderr, "%s\n", text ? text : err->text);
	log_sink_store(LOG_LEVEL_ERROR, text ? text : err->text);
	return err->code == -ECANCELED ? EXIT_CANCELLED : EXIT_FAILED;
}

enum exit_status command_usage(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "bmr %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nusage: bmr %s\n", command->usage);
	return EXIT_USAGE;
}
