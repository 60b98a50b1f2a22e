/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See wholeness.h. */
#include "wholeness.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/boot-needs.h>
#include <base/cleanup.h>

#define PATH_SIZE 256
#define LINE_SIZE 256

/* Of one line "00100000-3fffffff : System RAM" of /proc/iomem; what is indented is part of it. */
static uint64_t ram_of_line(const char *line)
{
	uint64_t first, last;
	int end = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " : %n", &first, &last, &end) != 2 ||
	    !end || line[0] == ' ' || strcmp(line + end, "System RAM\n") != 0 ||
	    last < first)
		return 0;
	return last - first + 1;
}

/* What the firmware left to the kernel, bytes; 0: not known. */
static uint64_t memory_size(const char *root)
{
	char path[PATH_SIZE], line[LINE_SIZE];
	AUTO_FCLOSE FILE *file = NULL;
	uint64_t size = 0;

	snprintf(path, sizeof(path), "%s/proc/iomem", root);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		size += ram_of_line(line);
	return size;
}

int wholeness_check(const char *root, struct err *err)
{
	uint64_t memory_mib = memory_size(root) >> 20;
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s" INITRAMFS_END_PATH, root);
	if (access(path, F_OK) == 0)
		return 0;
	if (memory_mib && memory_mib + BOOT_MEMORY_SLACK_MIB < BOOT_MEMORY_LEAST_MIB)
		return err_set(err, -ENOMEM,
			       "this machine has %" PRIu64 " MiB of memory, the recovery "
			       "environment needs at least %d MiB",
			       memory_mib, BOOT_MEMORY_LEAST_MIB);
	return err_set(
		err, -EBADMSG,
		"the file 'initramfs.zst' is cut off or damaged: the kernel could not "
		"unpack all of it");
}

const char *wholeness_cure(int code)
{
	return code == -ENOMEM ? "give the machine more memory"
			       : "write the boot medium again, or start from another one";
}
