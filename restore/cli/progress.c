/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress for people and machines: see progress.h. */
#include "progress.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <base/log.h>
#include <base/text.h>

#define LOG_INTERVAL_MS	     10000
#define TERMINAL_INTERVAL_MS 100
#define TERMINAL_WIDTH	     80
#define BAR_WIDTH	     10

/* Each folder of a search is told of; the phases of a restore take their time themselves. */
#define SCAN_INTERVAL_MS 200

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	interrupted = 1;
}

void progress_init(struct progress_display *display, const char *source, int json_fd)
{
	struct sigaction action = { .sa_handler = interrupt };

	*display = (struct progress_display){ .terminal = isatty(STDERR_FILENO),
					      .source = source,
					      .json_fd = json_fd };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (json_fd)
		signal(SIGPIPE, SIG_IGN);
}

bool progress_take_fd(const char *text, int *ret)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || fd <= 0 || fd > INT_MAX ||
	    fcntl((int)fd, F_GETFD) < 0)
		return false;
	*ret = (int)fd;
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* -- words ---- */

static const char *side_name(const struct progress_display *display,
			     enum restore_side side)
{
	return side == SIDE_SOURCE ? display->source : "disk";
}

static char *time_text(uint64_t seconds, char text[24])
{
	if (seconds >= 3600)
		snprintf(text, 24, "%" PRIu64 ":%02u:%02u", seconds / 3600,
			 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	else
		snprintf(text, 24, "%u:%02u", (unsigned)(seconds / 60),
			 (unsigned)(seconds % 60));
	return text;
}

/* A line in which what matters most comes first: what has no room is left out. */
struct line {
	struct text text;
	size_t width; /* SIZE_MAX: no limit */
};

static void add(struct line *line, const char *format, ...) PRINTF(2, 3);
static void add(struct line *line, const char *format, ...)
{
	AUTO_FREE char *piece = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&piece, format, args);
	va_end(args);
	if (length < 0)
		piece = NULL;
	else if (line->text.length + (size_t)length < line->width)
		text_add(&line->text, "%s", piece);
}

static unsigned percent_done(const struct restore_progress *p)
{
	double share = (double)p->bytes_done / (double)p->bytes_total;

	return share >= 1 ? 100 : (unsigned)(share * 100);
}

/* What follows belongs to it; a drive letter brings its own colon. */
static void add_colon(struct line *line)
{
	size_t length = line->text.length;

	if (length && line->text.string[length - 1] != ':')
		add(line, ":");
}

static void add_bar(struct line *line, const struct restore_progress *p)
{
	char bar[BAR_WIDTH + 1];
	unsigned full = percent_done(p) * BAR_WIDTH / 100;

	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	add(line, " [%s]", bar);
}

static void add_stall(struct line *line, const struct progress_display *display,
		      const struct restore_progress *p)
{
	add(line, ", NO BYTE FOR %" PRIu64 " s", p->idle_ms / 1000);
	for (enum restore_side side = 0; side < RESTORE_SIDES; side++)
		if (p->waits[side])
			add(line, ": the %s does not answer", side_name(display, side));
}

/* Without a connection, and what is done about it. */
static void add_outage(struct line *line, const struct restore_progress *p)
{
	add(line, ", WAITING FOR THE SERVER, %" PRIu64 " s", p->server.lost_ms / 1000);
	add(line, ", try %u", p->server.tries);
	add(line, ", last byte %" PRIu64 " s ago", p->idle_ms / 1000);
}

static void add_sides(struct line *line, const struct progress_display *display,
		      const struct restore_progress *p)
{
	bool disk_first = p->busy[SIDE_SOURCE] == PROGRESS_UNKNOWN ||
			  (p->busy[SIDE_DISK] != PROGRESS_UNKNOWN &&
			   p->busy[SIDE_DISK] > p->busy[SIDE_SOURCE]);

	/* what is the limit has room before what is not */
	for (unsigned i = 0; i < RESTORE_SIDES; i++) {
		enum restore_side side = (i == 0) == disk_first ? SIDE_DISK : SIDE_SOURCE;

		if (p->busy[side] != PROGRESS_UNKNOWN)
			add(line, ", %s %u %%", side_name(display, side), p->busy[side]);
	}
}

/* "12.0/29.0 GiB" */
static void add_amount(struct line *line, const struct restore_progress *p)
{
	char done[SIZE_TEXT_SIZE], total[SIZE_TEXT_SIZE];
	const char *unit, *other;

	size_format(p->bytes_done, done);
	size_format(p->bytes_total, total);
	unit = strchr(done, ' ');
	other = strchr(total, ' ');
	if (unit && other && strcmp(unit, other) == 0)
		add(line, ", %.*s/%s", (int)(unit - done), done, total);
	else
		add(line, ", %s of %s", done, total);
}

static void add_bytes(struct line *line, const struct progress_display *display,
		      const struct restore_progress *p)
{
	char left[24], now[SIZE_TEXT_SIZE], average[SIZE_TEXT_SIZE];
	bool moves = p->idle_ms < PROGRESS_STALL_MS && !p->server.lost;

	if (display->terminal)
		add_bar(line, p);
	else
		add_colon(line);
	add(line, " %u %%", percent_done(p));
	if (p->server.lost)
		add_outage(line, p);
	else if (p->idle_ms >= PROGRESS_STALL_MS)
		add_stall(line, display, p);
	add_amount(line, p);
	if (moves)
		add(line, ", %s/s", size_format(p->rate_now, now));
	if (moves && p->eta_s != UINT64_MAX)
		add(line, ", %s left", time_text(p->eta_s, left));
	add_sides(line, display, p);
	add(line, ", average %s/s", size_format(p->rate_average, average));
}

static char *format_line(const struct progress_display *display,
			 const struct restore_progress *p, size_t width)
{
	struct line line = { .width = width };
	char elapsed[24], bytes[SIZE_TEXT_SIZE];

	add(&line, "%s", restore_phase_text(p->phase));
	if (p->phase == PHASE_SCAN)
		add(&line, ": %" PRIu64 " folders, %" PRIu64 " files", p->folders,
		    p->files);
	if (p->phase == PHASE_FILES)
		add(&line, ": %" PRIu64 " files, %s", p->files,
		    size_format(p->bytes_done, bytes));
	if (p->volume)
		add(&line, " %s", p->volume);
	if (p->step) {
		add_colon(&line);
		add(&line, " %s", p->step);
	}
	if (p->bytes_total)
		add_bytes(&line, display, p);
	else if (p->server.lost)
		add_outage(&line, p);
	else if (p->idle_ms >= PROGRESS_STALL_MS)
		add(&line, ", %s", time_text(p->elapsed_ms / 1000, elapsed));
	if (p->retries)
		add(&line, ", begun again %u times", p->retries);
	if (p->server.times)
		add(&line, ", connected again: %u", p->server.times);
	return text_take(&line.text);
}

/* -- on a terminal, in a log ---- */

static size_t terminal_width(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		return TERMINAL_WIDTH;
	return size.ws_col;
}

static void show_on_terminal(struct progress_display *display,
			     const struct restore_progress *p)
{
	AUTO_FREE char *line = format_line(display, p, terminal_width());

	if (line)
		fprintf(stderr, "\r%s\033[K", line);
	display->quiet = false;
}

/* Searching is worth a word only where it takes its time. */
static bool is_quiet_phase(enum restore_phase phase)
{
	return phase == PHASE_SCAN || phase == PHASE_MEASURE || phase == PHASE_FILES;
}

static void show_in_log(struct progress_display *display,
			const struct restore_progress *p)
{
	AUTO_FREE char *line = format_line(display, p, SIZE_MAX);

	if (line)
		fprintf(stderr, "%s\n", line);
	display->quiet = false;
}

/* A phase in which bytes went: what it came to. */
static void sum_up(const struct progress_display *display)
{
	const struct restore_progress *p = &display->last;
	char done[SIZE_TEXT_SIZE], average[SIZE_TEXT_SIZE], elapsed[24];
	struct line line = { .width = SIZE_MAX };
	AUTO_FREE char *text = NULL;

	if (!p->bytes_done || p->phase == PHASE_FILES)
		return;
	add(&line, "%s: %s in %s, average %s/s", restore_phase_text(p->phase),
	    size_format(p->bytes_done, done), time_text(p->elapsed_ms / 1000, elapsed),
	    size_format(p->rate_average, average));
	add_sides(&line, display, p);
	text = text_take(&line.text);
	if (text)
		fprintf(stderr, "%s\n", text);
}

static void end_phase(struct progress_display *display)
{
	if (!display->started)
		return;
	if (!display->terminal)
		sum_up(display);
	else if (is_quiet_phase(display->last.phase))
		fputs("\r\033[K", stderr);
	else if (!display->quiet)
		fputc('\n', stderr);
	display->started = false;
}

/* A reader that is slow, or gone, is none of the restore's business. A line is shorter than
 * PIPE_BUF: it comes whole or not at all. */
static void write_json(struct progress_display *display, const struct restore_progress *p)
{
	struct pollfd writable = { .fd = display->json_fd, .events = POLLOUT };
	AUTO_FREE char *json = NULL;
	AUTO_FREE char *line = NULL;

	if (!display->json_fd || poll(&writable, 1, 0) != 1)
		return;
	json = restore_progress_json(p);
	line = json ? text_format("%s\n", json) : NULL;
	if (line && write(display->json_fd, line, strlen(line)) < 0)
		display->json_fd = 0;
}

int progress_show(const struct restore_progress *progress, void *context)
{
	struct progress_display *display = context;
	bool new_phase = !display->started || progress->phase != display->last.phase;
	uint64_t now = now_ms(), interval;

	if (interrupted)
		return 1;
	if (new_phase || progress->phase != PHASE_SCAN || progress->found ||
	    now - display->last_json_ms >= SCAN_INTERVAL_MS) {
		write_json(display, progress);
		display->last_json_ms = now;
	}
	if (new_phase)
		end_phase(display);
	display->started = true;
	display->quiet = display->quiet || new_phase;
	display->last = *progress;
	display->last.found = NULL; /* lives during the call only */
	if (progress->phase == PHASE_FILES)
		display->last.step = NULL; /* so does that */
	display->last_report_ms = now;
	if (new_phase && !display->terminal && is_quiet_phase(progress->phase))
		display->last_line_ms = now;
	interval = display->terminal ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
	if ((!new_phase || is_quiet_phase(progress->phase)) &&
	    now - display->last_line_ms < interval)
		return 0;
	display->last_line_ms = now;
	if (display->terminal)
		show_on_terminal(display, progress);
	else
		show_in_log(display, progress);
	return 0;
}

static struct restore_progress uncounted(enum restore_phase phase)
{
	return (struct restore_progress){ .phase = phase,
					  .eta_s = UINT64_MAX,
					  .busy = { PROGRESS_UNKNOWN,
						    PROGRESS_UNKNOWN } };
}

int progress_phase(struct progress_display *display, enum restore_phase phase,
		   const char *volume)
{
	struct restore_progress shown = uncounted(phase);

	shown.volume = volume;
	return progress_show(&shown, display);
}

int progress_scan(const struct scan_progress *progress, void *context)
{
	struct restore_progress shown = uncounted(PHASE_SCAN);

	shown.folders = progress->folders;
	shown.files = progress->files;
	shown.found = progress->found;
	if (progress->found)
		log_debug("found %s in '%s'", progress->found, progress->folder);
	else
		log_debug("searching '%s'", progress->folder);
	return progress_show(&shown, context);
}

int progress_files(struct progress_display *display, const char *path, uint64_t files,
		   uint64_t folders, uint64_t bytes)
{
	struct restore_progress shown = uncounted(PHASE_FILES);
	AUTO_FREE char *plain = strdup(path);

	for (char *p = plain; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	shown.files = files;
	shown.folders = folders;
	shown.bytes_done = bytes;
	shown.step = plain;
	return progress_show(&shown, display);
}

int progress_wait(void *context, struct err *err)
{
	struct progress_display *display = context;
	struct restore_progress later = display->last;
	uint64_t passed = now_ms() - display->last_report_ms;

	if (display->started) {
		later.idle_ms += passed;
		later.elapsed_ms += passed;
	}
	later.waits[SIDE_SOURCE] = true;
	if (display->reader)
		reader_trouble(display->reader, &later.server);
	if (interrupted || (display->started && progress_show(&later, display) != 0))
		return err_set(err, -ECANCELED, "cancelled");
	return 0;
}

void progress_end(struct progress_display *display)
{
	end_phase(display);
}
