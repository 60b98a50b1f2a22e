/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress of a restore on standard error: one line that is rewritten on a terminal, a line
 * every ten seconds and at every new phase elsewhere. */
#pragma once

#include <restore/restore.h>

struct progress_display {
	bool terminal;
	enum restore_phase phase;
	bool started;
	uint64_t last_line_ms;
	size_t width; /* of what stands in the line now */
};

void progress_init(struct progress_display *display);
/* A restore_report; context is the display. Cancels after SIGINT or SIGTERM. */
int progress_show(const struct restore_progress *progress, void *context);
/* Ends the line. */
void progress_end(struct progress_display *display);
