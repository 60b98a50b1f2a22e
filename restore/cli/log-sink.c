/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See log-sink.h. The file is opened for each line: processes that were forked share nothing. */
#include "log-sink.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <base/cleanup.h>
#include <base/text.h>

/* It lies in memory. What the commands show starts it anew at 8 MiB. */
#define LOG_SIZE_MAX (16 << 20)

#define TIME_FORMAT "%Y-%m-%d %H:%M:%SZ "
#define TIME_SHAPE  "dddd-dd-dd dd:dd:ddZ " /* d: a digit */
#define TIME_LENGTH (sizeof(TIME_SHAPE) - 1)

static const char *log_path;
static enum log_level shown_level = LOG_LEVEL_WARNING, stored_level = LOG_LEVEL_INFO;

bool log_level_parse(const char *text, enum log_level *ret)
{
	for (enum log_level level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		if (strcmp(text, log_level_text(level)) != 0)
			continue;
		*ret = level;
		return true;
	}
	return false;
}

void log_sink_store(enum log_level level, const char *text)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *line = NULL;
	char when[TIME_LENGTH + 1] = "";
	time_t now = time(NULL);
	struct stat st;
	struct tm utc;

	if (!log_path || level > stored_level)
		return;
	fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > LOG_SIZE_MAX)
		return;
	if (gmtime_r(&now, &utc))
		strftime(when, sizeof(when), TIME_FORMAT, &utc);
	line = text_format("%s%s: %s\n", when, log_level_text(level), text);
	if (line)
		(void)!write(fd, line, strlen(line));
}

static void take_line(enum log_level level, const char *text, void *context)
{
	if (level <= shown_level)
		fprintf(stderr, "bmr: %s: %s\n", log_level_text(level), text);
	log_sink_store(level, text);
}

void log_sink_open(const char *path, enum log_level shown, enum log_level stored)
{
	log_path = path;
	shown_level = shown;
	stored_level = stored;
	log_set_level(path && stored > shown ? stored : shown);
	log_set_sink(take_line, NULL);
}

static bool has_time(const char *line)
{
	for (size_t i = 0; i < TIME_LENGTH; i++)
		if (TIME_SHAPE[i] == 'd' ? !isdigit((unsigned char)line[i])
					 : line[i] != TIME_SHAPE[i])
			return false;
	return true;
}

bool log_line_has(const char *line, enum log_level level)
{
	if (!has_time(line))
		return false;
	line += TIME_LENGTH;
	for (enum log_level l = LOG_LEVEL_ERROR; l <= level; l++) {
		size_t length = strlen(log_level_text(l));

		if (strncmp(line, log_level_text(l), length) == 0 && line[length] == ':')
			return true;
	}
	return false;
}
