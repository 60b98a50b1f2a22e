/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's log: see hw.h. */
#include "hw.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#define RECORD_MAX 8192 /* of /dev/kmsg: the kernel's own limit */

/* A record is "6,339,5140900,-;message" and lines about it, each behind a blank. */
static void add_record(char *record, struct text *text)
{
	const char *message = strchr(record, ';');

	record[strcspn(record, "\n")] = '\0';
	if (message)
		text_add(text, "%s\n", message + 1);
}

char *hw_kernel_log(void)
{
	AUTO_CLOSE int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[RECORD_MAX + 1];
	struct text text = { 0 };

	while (fd >= 0) {
		ssize_t length = read(fd, record, RECORD_MAX);

		/* EPIPE: old ones were lost meanwhile; the next read goes on */
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			break;
		record[length] = '\0';
		add_record(record, &text);
	}
	return text_take(&text);
}

/* As Debian's kernels say it, and as others do. */
static const char *const markers[] = { "firmware: failed to load ",
				       "Direct firmware load for " };

/* "r8169 0000:03:00.0: " in front of the marker: the last word before the colon. */
static char *device_before(const char *line, const char *marker)
{
	const char *end = marker, *start;

	while (end > line && (end[-1] == ' ' || end[-1] == ':'))
		end--;
	start = end;
	while (start > line && start[-1] != ' ')
		start--;
	return end > start ? strndup(start, (size_t)(end - start)) : NULL;
}

bool hw_firmware_missing(const char *line, char **ret_device, char **ret_firmware)
{
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
		const char *marker = strstr(line, markers[i]);
		const char *name = marker ? marker + strlen(markers[i]) : NULL;
		AUTO_FREE char *device = marker ? device_before(line, marker) : NULL;
		AUTO_FREE char *firmware =
			name ? strndup(name, strcspn(name, " ")) : NULL;

		if (!device || !firmware || !firmware[0])
			continue;
		*ret_device = TAKE_PTR(device);
		*ret_firmware = TAKE_PTR(firmware);
		return true;
	}
	return false;
}
