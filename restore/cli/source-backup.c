/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source and one version out of it: see source-backup.h. */
#include "source-backup.h"

int source_backup_open(const struct source_options *source,
		       const struct source_choice *choice,
		       struct progress_display *display, struct source_backup *ret,
		       struct err *err)
{
	int r;

	*ret = (struct source_backup){ 0 };
	r = source_start(source, &ret->reader, err);
	if (r < 0)
		return r;
	progress_init(display, source_side(source), choice->progress_fd);
	display->reader = ret->reader;
	reader_on_wait(ret->reader, progress_wait, display);
	r = reader_scan(ret->reader, progress_scan, display, &ret->backup, err);
	progress_end(display);
	reader_on_wait(ret->reader, NULL, NULL);
	display->reader = NULL;
	if (r == 0)
		r = backup_choose(ret->backup, choice->machine, choice->version,
				  &ret->machine, &ret->version, err);
	return r;
}

void source_backup_clear(struct source_backup *open)
{
	backup_free(open->backup);
	reader_stop(open->reader);
	*open = (struct source_backup){ 0 };
}
