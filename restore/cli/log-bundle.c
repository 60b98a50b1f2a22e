/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bundle: see log-bundle.h. tar and gzip are those of the system. */
#include "log-bundle.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

#include "hw.h"
#include "store.h"

#ifndef OPENBMR_VERSION /* the linters do not go through the Makefile */
#define OPENBMR_VERSION "unknown"
#endif

#define PROGRAM	   "/proc/self/exe"
#define OUTPUT_MAX (8u << 20)  /* of one command: a list of thousands of devices */
#define FILE_MAX   (16u << 20) /* of the log, which starts anew at 8 MiB */
#define BUNDLE_MAX (64u << 20)

/* What commands of this program tell. */
static const struct part {
	const char *name;
	const char *argv[5];
} parts[] = {
	{ "disks.json", { PROGRAM, "disks", "--json" } },
	{ "disks.txt", { PROGRAM, "disks" } },
	{ "devices.txt", { PROGRAM, "hw" } },
	{ "network.txt", { PROGRAM, "net", "show" } },
};

/* -- files ----------------------------------------------------------------------------- */

static int write_file(const char *path, const char *text, struct err *err)
{
	AUTO_FCLOSE FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fflush(file) != 0)
		return err_errno(err, errno, "'%s': writing", path);
	return 0;
}

static int put(const char *folder, const char *name, const char *text, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, name);

	return path ? write_file(path, text, err) : err_nomem(err);
}

static int read_file(const char *path, size_t max, uint8_t **ret, size_t *ret_length,
		     struct err *err)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	AUTO_FREE uint8_t *bytes = NULL;
	struct stat st;
	size_t length;

	if (!file || fstat(fileno(file), &st) < 0)
		return err_errno(err, errno, "'%s': reading", path);
	if ((uint64_t)st.st_size > max)
		return err_set(err, -EFBIG, "'%s': %lld bytes, at most %zu", path,
			       (long long)st.st_size, max);
	length = (size_t)st.st_size;
	bytes = malloc(length + 1);
	if (!bytes)
		return err_nomem(err);
	*ret_length = fread(bytes, 1, length, file);
	bytes[*ret_length] = 0;
	*ret = TAKE_PTR(bytes);
	return 0;
}

/* What is not there is left out. */
static int copy(const char *from, const char *folder, const char *name, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;

	if (access(from, R_OK) < 0)
		return 0;
	if (read_file(from, FILE_MAX, &bytes, &length, err) < 0)
		return put(folder, name, err ? err->text : "", err);
	return put(folder, name, (char *)bytes, err);
}

static int remove_entry(const char *path, const struct stat *st, int kind,
			struct FTW *place)
{
	return remove(path);
}

static void remove_folder(char **folder)
{
	if (*folder)
		nftw(*folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(*folder);
}

/* -- parts ----------------------------------------------------------------------------- */

/* A command that fails tells why, in its place. */
static int add_command(const char *folder, const struct part *part, struct err *err)
{
	const struct spawn spawn = { .argv = part->argv, .output_limit = OUTPUT_MAX };
	AUTO_FREE char *output = NULL;
	struct err why = { 0 };

	if (spawn_run(&spawn, &output, &why) < 0)
		return put(folder, part->name, why.text, err);
	return put(folder, part->name, output, err);
}

static int add_versions(const char *folder, struct err *err)
{
	struct utsname system;
	AUTO_FREE char *text = NULL;

	if (uname(&system) < 0)
		return err_errno(err, errno, "the system's name");
	text = text_format("openbmr %s\n%s %s %s %s\n", OPENBMR_VERSION, system.sysname,
			   system.release, system.version, system.machine);
	return text ? put(folder, "versions.txt", text, err) : err_nomem(err);
}

static int add_parts(const char *folder, const char *log, struct err *err)
{
	AUTO_FREE char *old = text_format("%s.old", log);
	AUTO_FREE char *kernel = hw_kernel_log();
	int r = old && kernel ? add_versions(folder, err) : err_nomem(err);

	if (r == 0)
		r = put(folder, "kernel.txt", kernel, err);
	if (r == 0)
		r = copy(log, folder, "log.txt", err);
	if (r == 0)
		r = copy(old, folder, "log.old.txt", err);
	if (r == 0)
		r = copy(REPORT_TEXT, folder, "report.txt", err);
	if (r == 0)
		r = copy(REPORT_JSON, folder, "report.json", err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = add_command(folder, &parts[i], err);
	return r;
}

/* A compressed tar archive; log: path of the log. *ret: the caller frees. */
static int log_bundle_make(const char *log, uint8_t **ret, size_t *ret_length,
			   struct err *err)
{
	AUTO(remove_folder) char *folder = strdup("/tmp/openbmr-bundle-XXXXXX");
	AUTO_FREE char *content = NULL, *archive = NULL;
	int r;

	if (!folder)
		return err_nomem(err);
	if (!mkdtemp(folder)) {
		r = err_errno(err, errno, "'%s': making it", folder);
		free(TAKE_PTR(folder));
		return r;
	}
	content = text_format("%s/openbmr-log", folder);
	archive = text_format("%s/openbmr-log.tar.gz", folder);
	if (!content || !archive)
		return err_nomem(err);
	if (mkdir(content, 0700) < 0)
		return err_errno(err, errno, "'%s': making it", content);
	r = add_parts(content, log, err);
	if (r == 0) {
		const char *const argv[] = { "tar",  "-czf",	    archive, "-C",
					     folder, "openbmr-log", NULL };

		r = spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
	}
	return r < 0 ? r : read_file(archive, BUNDLE_MAX, ret, ret_length, err);
}

static int write_here(const char *path, const uint8_t *bytes, size_t length,
		      struct err *err)
{
	AUTO_CLOSE int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", path);
	if (write(fd, bytes, length) != (ssize_t)length || fsync(fd) < 0)
		return err_errno(err, errno, "'%s': writing", path);
	return 0;
}

int log_bundle_save(const char *log, const char *where,
		    const struct source_options *login, size_t *ret_length,
		    struct err *err)
{
	AUTO_FREE uint8_t *bundle = NULL;
	size_t length = 0;
	int r = log_bundle_make(log, &bundle, &length, err);

	if (r == 0 && store_is_elsewhere(where))
		r = store_put(where, login, bundle, length, err);
	else if (r == 0)
		r = write_here(where, bundle, length, err);
	if (r == 0)
		*ret_length = length;
	return r;
}

void log_keep_report(const char *text, const char *json)
{
	if (access(LOG_FOLDER, W_OK) < 0)
		return;
	(void)!write_file(REPORT_TEXT, text, NULL);
	(void)!write_file(REPORT_JSON, json, NULL);
}
