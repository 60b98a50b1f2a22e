/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The destinations of 'bmr files get --to'. */
#pragma once

#include "files.h"

struct files_destination {
	struct file_target *target;
	char *mount_point; /* NULL: nothing was mounted; owned */
};

/* A folder, smb://…, or disk:WHICH/PARTITION[/FOLDER], which is mounted for that. Call it when the
 * reader runs: for a share this process gives up its rights. */
int files_destination_open(const struct files_cli *cli, struct files_destination *ret,
			   struct err *err) MUST_CHECK;
void files_destination_close(struct files_destination *destination);

/* files-share.c */
int files_share_open(const struct files_cli *cli, struct file_target **ret,
		     struct err *err) MUST_CHECK;
