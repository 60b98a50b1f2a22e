/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a FAT volume sound enough to be changed? fsck.fat looks at the copy in memory and changes
 * nothing. What it finds odd and harmless is passed over: a dirty bit, a wrong count of free
 * clusters, a copy of the boot sector that differs.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <base/spawn.h>
#include <base/text.h>

#include "fat-scratch.h"

/* What it says of chains that cross, loop, end early or lead nowhere. */
static const char *const damages[] = {
	"cluster chain length is",
	"share clusters",
	"Circular cluster chain",
	"Contains a free cluster",
	"out of range",
	"Internal error",
	"beyond limit",
	"Bad ",
};

/* Much more than all of its sentences about a volume with damage in every file. */
#define OUTPUT_MAX (256u << 10)

static int find_damage(const struct block_source *volume, char *output, struct err *err)
{
	char *rest = output;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		for (size_t i = 0; i < ARRAY_SIZE(damages); i++)
			if (strstr(line, damages[i]))
				return err_set(
					err, -EBADMSG,
					"'%s': FAT is damaged: fsck.fat says '%.200s'; "
					"it is not changed",
					volume->name, line + strspn(line, " "));
	return 0;
}

static int read_output(int fd, char **ret, struct err *err)
{
	AUTO_FREE char *text = calloc(1, OUTPUT_MAX + 1);

	if (!text)
		return err_nomem(err);
	if (pread(fd, text, OUTPUT_MAX, 0) < 0)
		return err_errno(err, errno, "reading what fsck.fat says");
	*ret = TAKE_PTR(text);
	return 0;
}

int fat_check(const struct block_source *volume, int fd, struct err *err)
{
	const char *const argv[] = { "fsck.fat", "-n", FAT_VOLUME_PATH, NULL };
	struct spawn spawn = { .argv = argv, .input_fd = fd };
	AUTO_FREE char *output = NULL;
	AUTO_CLOSE int output_fd = -1;
	struct err fault = { 0 };
	int failed, r = fat_memory_file("output", 0, &output_fd, err);

	if (r < 0)
		return r;
	spawn.output_fd = output_fd;
	failed = spawn_run(&spawn, NULL, &fault);
	r = read_output(output_fd, &output, err);
	if (r < 0)
		return r;
	/* A program that did not even begin, or was ended. */
	if (failed < 0 && (failed != -EIO || !output[0]))
		return err_set(err, failed, "'%s': %s", volume->name, fault.text);
	return find_damage(volume, output, err);
}
