/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two clocks: see clock.h. */
#include "clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <net/smb-hello.h>

enum clock_verdict clock_judge(int64_t own_s, int64_t server_s)
{
	if (server_s < CLOCK_EARLIEST_S)
		return CLOCK_UNKNOWN;
	if (own_s < CLOCK_EARLIEST_S || llabs(own_s - server_s) > CLOCK_MAX_DIFFERENCE_S)
		return CLOCK_DIFFERS;
	return CLOCK_AGREES;
}

const char *clock_span(int64_t seconds, char text[CLOCK_SPAN_SIZE])
{
	if (seconds < 60)
		snprintf(text, CLOCK_SPAN_SIZE, "%" PRId64 " s", seconds);
	else if (seconds < 3600)
		snprintf(text, CLOCK_SPAN_SIZE, "%" PRId64 " min", seconds / 60);
	else if (seconds < 86400)
		snprintf(text, CLOCK_SPAN_SIZE, "%" PRId64 " h %" PRId64 " min",
			 seconds / 3600, seconds / 60 % 60);
	else
		snprintf(text, CLOCK_SPAN_SIZE, "%" PRId64 " days", seconds / 86400);
	return text;
}

bool clock_is_locked(const char *lock)
{
	AUTO_CLOSE int fd = lock ? open(lock, O_RDWR | O_CLOEXEC) : -1;

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* Behind what is told of a clock that was set. */
#define SET_TO_THAT "set to that"

bool clock_note(const char *output, char *to, size_t size)
{
	const char *line = output ? strstr(output, "\nclock ") : NULL;
	size_t length;

	if (!line)
		return false;
	line += strlen("\nclock");
	line += strspn(line, " ");
	length = strcspn(line, "\n");
	if (!memmem(line, length, ": " SET_TO_THAT, strlen(": " SET_TO_THAT)))
		return false;
	snprintf(to, size, "%.*s", (int)length, line);
	return true;
}

static int set_clock(int64_t seconds, struct err *err)
{
	struct timespec time = { .tv_sec = seconds };

	if (clock_settime(CLOCK_REALTIME, &time) < 0)
		return err_errno(err, errno, "setting this machine's clock");
	return 0;
}

static char *differing(int64_t own_s, int64_t server_s, const char *host,
		       const char *what)
{
	char own[TIME_TEXT_SIZE], server[TIME_TEXT_SIZE], span[CLOCK_SPAN_SIZE];

	return text_format("%s UTC here, %s UTC at '%s', %s %s: %s",
			   time_format(own_s, own), time_format(server_s, server), host,
			   clock_span(llabs(own_s - server_s), span),
			   own_s < server_s ? "later" : "earlier", what);
}

int clock_compare(const struct smb_location *location, bool set, char **ret_text,
		  struct err *err)
{
	struct smb_offer offer = { 0 };
	char own[TIME_TEXT_SIZE], span[CLOCK_SPAN_SIZE];
	const char *what = "differs too much";
	int r = smb_hello(location, NULL, NULL, &offer, NULL, NULL, err);
	int64_t own_s = time(NULL);

	if (r < 0)
		return r;
	switch (clock_judge(own_s, offer.time_s)) {
	case CLOCK_AGREES:
		*ret_text = text_format("%s UTC, '%s' agrees (%s apart)",
					time_format(own_s, own), location->host,
					clock_span(llabs(own_s - offer.time_s), span));
		break;
	case CLOCK_UNKNOWN:
		*ret_text = text_format("%s UTC, '%s' tells no time that can be right",
					time_format(own_s, own), location->host);
		break;
	case CLOCK_DIFFERS:
		if (set) {
			r = set_clock(offer.time_s, err);
			what = SET_TO_THAT "; the hardware clock is left alone, Windows "
					   "keeps "
					   "local time in it";
		}
		*ret_text = differing(own_s, offer.time_s, location->host, what);
		break;
	}
	if (r == 0 && !*ret_text)
		return err_nomem(err);
	return r;
}
