/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a folder of drivers, as bytes that nobody here understands. */
#include <restore/boot-driver.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/block-source.h>
#include <base/checked.h>
#include <base/text.h>

/* A driver's package has some files; a whole collection is not what is meant. */
#define FILES_MAX 64
#define FILE_MAX  (16 * MiB)
#define TOTAL_MAX (64 * MiB)

static bool is_wanted(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && (strcasecmp(name + length - 4, ".inf") == 0 ||
			      strcasecmp(name + length - 4, ".sys") == 0);
}

static int add_file(const char *folder, const char *name, struct driver_folder *to,
		    uint64_t *total, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, name);
	AUTO(source_freep) struct block_source *source = NULL;
	struct driver_file *grown;
	int r = path ? source_file_open(path, &source, err) : err_nomem(err);

	if (r < 0)
		return r;
	*total += source->size;
	if (to->count == FILES_MAX || source->size > FILE_MAX || *total > TOTAL_MAX)
		return err_set(err, -E2BIG,
			       "'%s': more than %d files, %" PRIu64
			       " MiB in one or %" PRIu64 " in all; "
			       "give the folder of one driver",
			       path, FILES_MAX, FILE_MAX / MiB, TOTAL_MAX / MiB);
	grown = reallocarray(to->files, to->count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	to->files = grown;
	grown += to->count++;
	*grown = (struct driver_file){ strdup(name), malloc(source->size + 1),
				       source->size };
	if (!grown->name || !grown->bytes)
		return err_nomem(err);
	return source_read(source, grown->bytes, 0, source->size, err);
}

static int compare_names(const void *a, const void *b)
{
	const struct driver_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool has_inf(const struct driver_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		if (strcasestr(folder->files[i].name, ".inf"))
			return true;
	return false;
}

int driver_folder_load(const char *path, struct driver_folder *ret, struct err *err)
{
	struct driver_folder folder = { 0 };
	DIR *directory = opendir(path);
	struct dirent *entry;
	uint64_t total = 0;
	int r = 0;

	if (!directory)
		return err_errno(err, errno, "'%s': folder of drivers", path);
	while (r == 0 && (entry = readdir(directory)))
		if (is_wanted(entry->d_name))
			r = add_file(path, entry->d_name, &folder, &total, err);
	closedir(directory);
	if (r == 0 && !has_inf(&folder))
		r = err_set(err, -ENOENT, "'%s': no INF file in it", path);
	if (r < 0) {
		driver_folder_clear(&folder);
		return r;
	}
	qsort(folder.files, folder.count, sizeof(*folder.files), compare_names);
	*ret = folder;
	return 0;
}

void driver_folder_clear(struct driver_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++) {
		free(folder->files[i].name);
		free(folder->files[i].bytes);
	}
	free(folder->files);
	*folder = (struct driver_folder){ 0 };
}
