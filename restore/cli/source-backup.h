/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source that is opened and scanned, and one version of the backups in it. */
#pragma once

#include <restore/backup.h>

#include "progress.h"
#include "source.h"

struct source_backup {
	struct reader *reader;
	struct backup *backup;
	const struct backup_machine *machine; /* of backup, as the version is */
	const struct backup_version *version;
};

/* What --machine and --version say; each may be NULL, as backup_choose() takes them. */
struct source_choice {
	const char *machine, *version;
	int progress_fd; /* 0: none */
};

/* Shows on *display, which it begins, how the scan goes on. On failure, too, *ret is what is to be
 * cleared. */
int source_backup_open(const struct source_options *source,
		       const struct source_choice *choice,
		       struct progress_display *display, struct source_backup *ret,
		       struct err *err) MUST_CHECK;
void source_backup_clear(struct source_backup *open);
