/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Progress on standard error: one line with a bar that is rewritten on a terminal; elsewhere a
 * line at every new phase, every ten seconds, and one that sums a phase up. Beside that, where
 * wanted, a line of JSON for each report on another descriptor, for machines: a reader of it
 * that does not keep up loses lines, and never holds up a restore.
 */
#pragma once

#include <restore/restore.h>

struct progress_display {
	bool terminal;
	int json_fd;	    /* 0: none */
	const char *source; /* what the source is called: "network", "source" */
	const struct reader
		*reader; /* whose connection progress_wait() tells of; NULL: none */
	bool started;
	bool quiet; /* nothing of this phase was printed so far */
	struct restore_progress last;
	uint64_t last_report_ms, last_line_ms, last_json_ms;
};

/* From now on SIGINT and SIGTERM cancel. source: a constant text. */
void progress_init(struct progress_display *display, const char *source, int json_fd);

/* A restore_report; context is the display. */
int progress_show(const struct restore_progress *progress, void *context);
/* The same for what cannot be counted. volume: NULL or text that stays. */
int progress_phase(struct progress_display *display, enum restore_phase phase,
		   const char *volume);
/* A scan_report. */
int progress_scan(const struct scan_progress *progress, void *context);
/* Files that are taken out; path may hold anything. Non-zero: cancelled. */
int progress_files(struct progress_display *display, const char *path, uint64_t files,
		   uint64_t folders, uint64_t bytes);
/* A reader_tick, for the time before a restore: what was shown last takes longer. */
int progress_wait(void *context, struct err *err);

/* Ends the line. More may be shown later. */
void progress_end(struct progress_display *display);

/* --progress-fd N: an open descriptor of this process, not standard input. */
bool progress_take_fd(const char *text, int *ret);
#define PROGRESS_FD_HELP                                                                 \
	"  --progress-fd N       a line of JSON some times a second on this "            \
	"descriptor\n"
