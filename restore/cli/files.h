/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of 'bmr files' share: options, the volume that files are taken from (files-place.c),
 * listings (files-list.c), destinations (files-target.c).
 */
#pragma once

#include <stdio.h>

#include <restore/files.h>

#include "command.h"
#include "progress.h"
#include "source.h"

#define FILES_PATHS_MAX 4096

struct files_cli {
	struct source_options source; /* text NULL: --disk */
	const char *machine, *version, *volume;
	const char *disk; /* --disk: volumes of a disk of this machine as it is */
	const char *to, *to_credentials;
	const char *since; /* of newer: a time; NULL: that of the backup */
	bool is_long, recursive, json, all;
	int progress_fd;
	size_t path_count;
	char **paths; /* borrowed */
};

/* A volume that files are taken from. */
struct files_place {
	struct reader *reader;
	struct backup *backup; /* NULL: of a disk */
	const struct backup_version *version;
	unsigned volume;
	bool open;
	char *name; /* of the volume, "C:", "partition 2" */
	struct progress_display display;
};

/* Scans, and opens nothing yet. */
int files_place_start(const struct files_cli *cli, struct files_place *ret,
		      struct err *err) MUST_CHECK;
/* Opens the volume of a path such as "C:\Users\x" or, without a letter, of --volume. *ret_path: what
 * lies in it, "Users/x", to be freed; *ret_stream: behind a ':', or "", points into it. */
int files_place_enter(const struct files_cli *cli, const char *path,
		      struct files_place *place, char **ret_path, const char **ret_stream,
		      struct err *err) MUST_CHECK;
void files_place_clear(struct files_place *place);

/* One line each, on standard output. */
void files_print_volumes(const struct files_place *place, bool json);
enum exit_status files_list(const struct command *command, const struct files_cli *cli,
			    struct files_place *place);

/* files_options.tell and .progress, with a files_place as context; then what it came to. */
void files_tell_event(enum files_event event, const char *path, const char *text,
		      void *context);
int files_show_progress(const char *path, const struct files_sum *sum, void *context);
void files_print_sum(const struct files_cli *cli, const struct files_sum *sum);

/* Text from outside for a terminal: control characters become '?'. */
void files_put(const char *text, FILE *stream);
