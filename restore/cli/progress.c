/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress on standard error: see progress.h. */
#include "progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/text.h>

#define LOG_INTERVAL_MS 10000
#define STALL_MS	30000 /* no byte for so long is worth a word (USERS.md section 2) */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	interrupted = 1;
}

void progress_init(struct progress_display *display)
{
	struct sigaction action = { .sa_handler = interrupt };

	*display = (struct progress_display){ .terminal = isatty(STDERR_FILENO) };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static char *format_line(const struct restore_progress *p)
{
	char done[SIZE_TEXT_SIZE], total[SIZE_TEXT_SIZE];
	char now[SIZE_TEXT_SIZE], average[SIZE_TEXT_SIZE];
	struct text line = { 0 };

	text_add(&line, "%s", restore_phase_text(p->phase));
	if (p->volume)
		text_add(&line, " %s", p->volume);
	if (p->bytes_total) {
		text_add(&line, ": %s of %s (%" PRIu64 " %%)",
			 size_format(p->bytes_done, done),
			 size_format(p->bytes_total, total),
			 (uint64_t)(100.0 * (double)p->bytes_done /
				    (double)p->bytes_total));
		text_add(&line, ", %s/s, average %s/s", size_format(p->rate_now, now),
			 size_format(p->rate_average, average));
	}
	if (p->bytes_total && p->eta_s != UINT64_MAX)
		text_add(&line, ", %" PRIu64 ":%02" PRIu64 " left", p->eta_s / 60,
			 p->eta_s % 60);
	if (p->idle_ms >= STALL_MS)
		text_add(&line, ", NO BYTE FOR %" PRIu64 " s", p->idle_ms / 1000);
	return text_take(&line);
}

static void show_on_terminal(struct progress_display *display, const char *line)
{
	size_t width = strlen(line);

	fprintf(stderr, "\r%s", line);
	for (size_t i = width; i < display->width; i++)
		fputc(' ', stderr);
	display->width = width;
}

int progress_show(const struct restore_progress *progress, void *context)
{
	struct progress_display *display = context;
	bool new_phase = !display->started || progress->phase != display->phase;
	uint64_t now = now_ms();
	AUTO_FREE char *line = NULL;

	if (interrupted)
		return 1;
	if (!display->terminal && !new_phase &&
	    now - display->last_line_ms < LOG_INTERVAL_MS)
		return 0;
	line = format_line(progress);
	if (line && display->terminal) {
		if (new_phase && display->started)
			fputc('\n', stderr);
		if (new_phase)
			display->width = 0;
		show_on_terminal(display, line);
	} else if (line) {
		fprintf(stderr, "%s\n", line);
	}
	display->started = true;
	display->phase = progress->phase;
	display->last_line_ms = now;
	return 0;
}

void progress_end(struct progress_display *display)
{
	if (display->terminal && display->started)
		fputc('\n', stderr);
	display->started = false;
}
