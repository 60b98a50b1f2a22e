/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people see of progress: a line that fits on a terminal, lines in a log, and JSON on a
 * descriptor whose reader may be slow or gone. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "progress.h"

static const struct restore_progress copying = {
	.phase = PHASE_COPY,
	.volume = "C:",
	.bytes_done = UINT64_C(12) << 30,
	.bytes_total = UINT64_C(29) << 30,
	.rate_now = 812 << 20,
	.rate_average = 790 << 20,
	.eta_s = 21,
	.elapsed_ms = 16000,
	.busy = { 98, 41 },
};

/* Standard error goes to a pipe or to a terminal of this width; show() is called, and what came
 * out is put into text. */
static void capture(unsigned width, void (*show)(struct progress_display *), char *text,
		    size_t size)
{
	struct winsize window = { .ws_row = 24, .ws_col = (unsigned short)width };
	int saved = dup(STDERR_FILENO), ends[2];
	struct progress_display display;
	ssize_t n;

	fflush(stderr);
	if (width)
		assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, &window), 0);
	else
		assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	progress_init(&display, "network", 0);
	show(&display);
	fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(ends[0], text, size - 1);
	assert_true(n > 0);
	text[n] = '\0';
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

static void show_once(struct progress_display *display)
{
	assert_int_equal(progress_show(&copying, display), 0);
}

static void show_stall(struct progress_display *display)
{
	struct restore_progress stalled = copying;

	stalled.idle_ms = 42000;
	stalled.waits[SIDE_SOURCE] = true;
	stalled.retries = 2;
	assert_int_equal(progress_show(&stalled, display), 0);
}

static void show_outage(struct progress_display *display)
{
	struct restore_progress waiting = copying;

	waiting.idle_ms = 14000;
	waiting.waits[SIDE_SOURCE] = true;
	waiting.server = (struct reader_trouble){
		.lost = true, .lost_ms = 12400, .tries = 4, .times = 1
	};
	assert_int_equal(progress_show(&waiting, display), 0);
}

static void show_two_phases(struct progress_display *display)
{
	struct restore_progress later = copying;

	assert_int_equal(progress_show(&copying, display), 0);
	later.bytes_done = later.bytes_total;
	assert_int_equal(progress_show(&later, display), 0);
	later = (struct restore_progress){ .phase = PHASE_COMMIT,
					   .step = "table",
					   .busy = { PROGRESS_UNKNOWN,
						     PROGRESS_UNKNOWN } };
	assert_int_equal(progress_show(&later, display), 0);
	progress_end(display);
}

static void show_scan(struct progress_display *display)
{
	const struct scan_progress progress = { .folder = "a", .folders = 3, .files = 8 };

	assert_int_equal(progress_scan(&progress, display), 0);
	/* as if it had taken long */
	display->last_line_ms -= 11000;
	assert_int_equal(progress_scan(&progress, display), 0);
	progress_end(display);
}

static void a_terminal_gets_a_bar_and_what_its_width_has_room_for(void **state)
{
	char text[512];

	capture(160, show_once, text, sizeof(text));
	assert_string_equal(text, "\rwriting C: [####......] 41 %, 12.0/29.0 GiB, "
				  "812 MiB/s, 0:21 left, network 98 %, disk 41 %, "
				  "average 790 MiB/s\033[K");
	capture(80, show_once, text, sizeof(text));
	assert_string_equal(text, "\rwriting C: [####......] 41 %, 12.0/29.0 GiB, "
				  "812 MiB/s, 0:21 left, network 98 %\033[K");
	capture(30, show_once, text, sizeof(text));
	assert_string_equal(text, "\rwriting C: [####......] 41 %\033[K");
}

static void a_log_gets_whole_lines_and_what_a_phase_came_to(void **state)
{
	char text[1024];

	capture(0, show_two_phases, text, sizeof(text));
	assert_string_equal(
		text,
		"writing C: 41 %, 12.0/29.0 GiB, 812 MiB/s, 0:21 "
		"left, network 98 %, disk 41 %, average 790 MiB/s\n"
		"writing: 29.0 GiB in 0:16, average 790 MiB/s, network 98 %, disk 41 %\n"
		"writing boot sectors and table: table\n");
	capture(0, show_scan, text, sizeof(text));
	assert_string_equal(text, "searching: 3 folders, 8 files\n");
}

static void waiting_for_the_server_is_told_with_tries_and_the_last_byte(void **state)
{
	char text[512];

	capture(160, show_outage, text, sizeof(text));
	assert_string_equal(text,
			    "\rwriting C: [####......] 41 %, WAITING FOR THE SERVER, "
			    "12 s, try 4, last byte 14 s ago, 12.0/29.0 GiB, network "
			    "98 %, disk 41 %, average 790 MiB/s\033[K");
}

static void a_stall_is_named_with_the_side_that_does_not_answer(void **state)
{
	char text[512];

	capture(0, show_stall, text, sizeof(text));
	assert_string_equal(text,
			    "writing C: 41 %, NO BYTE FOR 42 s: the network does not "
			    "answer, 12.0/29.0 GiB, network 98 %, disk 41 %, "
			    "average 790 MiB/s, begun again 2 times\n");
}

static void json_goes_to_a_descriptor_and_never_waits_for_its_reader(void **state)
{
	struct progress_display display;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), saved = dup(STDERR_FILENO);
	char line[1024];
	int ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(null, STDERR_FILENO) >= 0);
	progress_init(&display, "network", ends[1]);
	assert_int_equal(progress_show(&copying, &display), 0);
	n = read(ends[0], line, sizeof(line) - 1);
	assert_true(n > 0 && line[0] == '{' && line[n - 1] == '\n');
	for (unsigned i = 0; i < 1000; i++) /* much more than a pipe holds */
		assert_int_equal(progress_show(&copying, &display), 0);
	close(ends[0]);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(progress_show(&copying, &display), 0);
	assert_int_equal(display.json_fd, 0);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(ends[1]);
	close(saved);
	close(null);
}

static void a_descriptor_must_be_open_and_not_standard_input(void **state)
{
	int fd = 0;

	assert_false(progress_take_fd("0", &fd));
	assert_false(progress_take_fd("x", &fd));
	assert_false(progress_take_fd("", &fd));
	assert_false(progress_take_fd("-1", &fd));
	assert_false(progress_take_fd("999", &fd));
	assert_true(progress_take_fd("2", &fd));
	assert_int_equal(fd, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_gets_a_bar_and_what_its_width_has_room_for),
		cmocka_unit_test(a_log_gets_whole_lines_and_what_a_phase_came_to),
		cmocka_unit_test(
			waiting_for_the_server_is_told_with_tries_and_the_last_byte),
		cmocka_unit_test(a_stall_is_named_with_the_side_that_does_not_answer),
		cmocka_unit_test(
			json_goes_to_a_descriptor_and_never_waits_for_its_reader),
		cmocka_unit_test(a_descriptor_must_be_open_and_not_standard_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
