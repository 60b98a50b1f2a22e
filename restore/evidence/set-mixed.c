/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sets of one folder, with their documents: see set-mixed.h. */
#include "set-mixed.h"

#include <string.h>
#include <strings.h>

#include "image-name.h"
#include "value.h"

/* The files of folder in parts; names are borrowed. */
struct mixed {
	struct tree *tree;
	const struct set_folder *folder;
	const struct set_groups *groups;
	struct set_folder *parts; /* one for each set */
};

static void mixed_clear(struct mixed *mixed)
{
	for (unsigned i = 0; mixed->parts && i < mixed->groups->count; i++) {
		free(mixed->parts[i].images.files);
		free(mixed->parts[i].documents.files);
	}
	free(mixed->parts);
}

static int add_file(struct set_files *files, const struct set_file *file, struct err *err)
{
	struct set_file *grown =
		reallocarray(files->files, files->count + 1, sizeof(*grown));

	if (!grown)
		return err_nomem(err);
	files->files = grown;
	grown[files->count++] = *file;
	return 0;
}

static int deal_images(struct mixed *mixed, struct err *err)
{
	const struct set_files *images = &mixed->folder->images;
	int r = 0;

	mixed->parts = calloc(mixed->groups->count, sizeof(*mixed->parts));
	if (!mixed->parts)
		return err_nomem(err);
	for (unsigned i = 0; i < mixed->groups->count; i++)
		mixed->parts[i].path = mixed->folder->path;
	for (size_t i = 0; i < images->count && r == 0; i++)
		r = add_file(&mixed->parts[mixed->groups->sets[i]].images,
			     &images->files[i], err);
	return r;
}

/* -- documents -------------------------------------------------------------------- */

/* Of one set, if their names begin with the same id. */
static bool same_run(const char *a, const char *b)
{
	size_t length = strcspn(a, "_");

	return strcmp(a, b) == 0 ||
	       (a[length] == '_' && strncasecmp(a, b, length + 1) == 0);
}

/* Is there one of the same run before it? */
static bool is_told(const struct set_files *documents, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_run(documents->files[i].name, documents->files[index].name))
			return true;
	return false;
}

static size_t count_listed(const struct set_files *images, const struct guid *guids,
			   size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < images->count; i++) {
		struct image_name name = image_name_read(images->files[i].name);

		for (size_t j = 0; j < count && name.kind != IMAGE_NAME_OTHER; j++) {
			if (!guid_equal(&guids[j], &name.guid))
				continue;
			found++;
			break;
		}
	}
	return found;
}

/* Between the document and the nearest image in time. */
static int64_t distance(const struct set_files *images, int64_t time)
{
	int64_t best = INT64_MAX;

	for (size_t i = 0; i < images->count; i++) {
		int64_t mtime = images->files[i].mtime_s;
		int64_t between = mtime > time ? mtime - time : time - mtime;

		if (between < best)
			best = between;
	}
	return best;
}

/* The set most of whose volumes they list; of several such the nearest in time. */
static unsigned choose_part(const struct mixed *mixed, const struct guid *guids,
			    size_t count, int64_t time)
{
	unsigned best = 0;

	for (unsigned i = 1; i < mixed->groups->count; i++) {
		const struct set_files *images = &mixed->parts[i].images;
		const struct set_files *other = &mixed->parts[best].images;
		size_t listed = count_listed(images, guids, count);
		size_t other_listed = count_listed(other, guids, count);

		if (listed > other_listed ||
		    (listed == other_listed &&
		     distance(images, time) < distance(other, time)))
			best = i;
	}
	return best;
}

/* The documents that begin with this one's id. */
static int deal_run(struct mixed *mixed, size_t first, struct err *err)
{
	const struct set_files *documents = &mixed->folder->documents;
	struct set_folder run = { .path = mixed->folder->path };
	AUTO_FREE struct guid *guids = NULL;
	size_t count = 0;
	unsigned part;
	int r = 0;

	for (size_t i = first; i < documents->count && r == 0; i++)
		if (same_run(documents->files[first].name, documents->files[i].name))
			r = add_file(&run.documents, &documents->files[i], err);
	if (r == 0)
		r = set_listed_volumes(mixed->tree, &run, &guids, &count, err);
	part = choose_part(mixed, guids, count, documents->files[first].mtime_s);
	for (size_t i = 0; i < run.documents.count && r == 0; i++)
		r = add_file(&mixed->parts[part].documents, &run.documents.files[i], err);
	free(run.documents.files);
	return r;
}

static int deal_documents(struct mixed *mixed, struct err *err)
{
	const struct set_files *documents = &mixed->folder->documents;
	int r = 0;

	for (size_t i = 0; i < documents->count && r == 0; i++)
		if (!is_told(documents, i))
			r = deal_run(mixed, i, err);
	return r;
}

/* -- sets ------------------------------------------------------------------------- */

static int read_part(struct mixed *mixed, unsigned index, set_take *take, void *context,
		     struct err *err)
{
	AUTO(set_result_clearp) struct set_result result = { 0 };
	const struct set_groups *groups = mixed->groups;
	int r = set_read(mixed->tree, &mixed->parts[index], NULL, &result, err);

	if (r < 0)
		return r;
	result.is_split = true;
	result.machine_number = groups->machine_of[index];
	r = note_add(
		&result.version, err,
		"%u sets of %u machine%s lie in this folder; told apart by what their "
		"images and documents say%s",
		groups->count, groups->machines, groups->machines == 1 ? "" : "s",
		groups->by_time ? ", and by the times of the files" : "");
	return r < 0 ? r : take(&mixed->parts[index].images, &result, context, err);
}

int set_read_mixed(struct tree *tree, const struct set_folder *folder,
		   const struct set_groups *groups, set_take *take, void *context,
		   struct err *err)
{
	AUTO(mixed_clear)
	struct mixed mixed = { .tree = tree, .folder = folder, .groups = groups };
	int r = deal_images(&mixed, err);

	if (r == 0)
		r = deal_documents(&mixed, err);
	for (unsigned i = 0; i < groups->count && r == 0; i++)
		r = read_part(&mixed, i, take, context, err);
	return r;
}
