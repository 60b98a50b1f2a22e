/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds backup sets in a tree by what folders contain, at any depth and under any name: a
 * set is a folder with images of volumes, as a rule with the documents of the backup
 * beside them. Files are recognised by extension first and by their signature second, so
 * that no more than a few of a share's files are opened.
 */
#include <restore/backup.h>

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/log.h>
#include <restore/disk-tree.h>

#include "backup-image.h"
#include "backup-collect.h"
#include "formats/packed.h"
#include "image-name.h"
#include "previous.h"
#include "set-mixed.h"

/* Deeper than any path that Windows can make. */
#define MAX_DEPTH 64
/* A share with more is searched for hours: a folder nearer to the backup is the way. */
#define MAX_ENTRIES UINT64_C(20000000)
/* Names of folders that wait for their turn: they are kept in memory. */
#define MAX_PENDING 500000
/* One set has one image per volume and one document per writer. A folder with more holds
 * disks of users or virtual machines. */
#define MAX_IMAGES    1024
#define MAX_DOCUMENTS 1024
/* Without documents and without the backup's names, as many as a machine has drive letters
 * and some more. */
#define MAX_LOOSE_IMAGES 64
/* The smallest image of a volume is larger. */
#define MIN_IMAGE_SIZE 65536

struct scan {
	struct tree *tree;
	scan_report *report;
	void *context;
	struct backup *backup;
	struct scan_progress progress;
	uint64_t unreadable;	     /* folders */
	struct err why;		     /* of the first of them */
	uint64_t too_deep, too_full; /* folders that were passed over */
	uint64_t pending;	     /* folders */
	struct previous_seen seen;
	unsigned depth;
};

/* What a folder holds, as far as it matters. */
struct listing {
	struct scan *scan;
	struct set_files folders; /* names only */
	struct set_files images;  /* by extension */
	struct set_files others;  /* large files without a known extension */
	struct set_files documents;
	bool has_specs; /* a file named BackupSpecs.xml */
	bool has_names; /* names as the backup gives them to images */
};

static void files_clear(struct set_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->files[i].name);
	free(files->files);
	*files = (struct set_files){ 0 };
}

static void listing_clear(struct listing *listing)
{
	files_clear(&listing->folders);
	files_clear(&listing->images);
	files_clear(&listing->others);
	files_clear(&listing->documents);
}

static int files_add(struct set_files *files, const struct tree_entry *entry,
		     struct err *err)
{
	struct set_file *grown;

	/* doubling, at powers of two */
	if ((files->count & (files->count + 1)) == 0) {
		grown = reallocarray(files->files, 2 * files->count + 2, sizeof(*grown));
		if (!grown)
			return err_nomem(err);
		files->files = grown;
	}
	files->files[files->count] = (struct set_file){
		.name = strdup(entry->name),
		.size = entry->size,
		.mtime_s = entry->mtime_s,
	};
	if (!files->files[files->count].name)
		return err_nomem(err);
	files->count++;
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	const struct set_file *f = a, *g = b;

	return strcmp(f->name, g->name);
}

/* In the same order on every server. */
static void files_sort(struct set_files *files)
{
	if (files->count)
		qsort(files->files, files->count, sizeof(*files->files), compare_files);
}

/* -- one folder ---- */

/* What Windows keeps there is deleted, or not meant to be read. */
static bool is_skipped_folder(const char *name)
{
	return strcasecmp(name, "$RECYCLE.BIN") == 0 ||
	       strcasecmp(name, "System Volume Information") == 0;
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length >= end_length && strcasecmp(name + length - end_length, end) == 0;
}

static int take_file(struct listing *listing, const struct tree_entry *entry,
		     struct err *err)
{
	struct image_name name = image_name_read(entry->name);

	if (ends_in(entry->name, ".xml")) {
		listing->has_specs |= strcasecmp(entry->name, "BackupSpecs.xml") == 0;
		return listing->documents.count < MAX_DOCUMENTS
			       ? files_add(&listing->documents, entry, err)
			       : 0;
	}
	if (name.has_extension) {
		listing->has_names |= name.kind != IMAGE_NAME_OTHER;
		return listing->images.count <= MAX_IMAGES
			       ? files_add(&listing->images, entry, err)
			       : 0;
	}
	if (entry->size < MIN_IMAGE_SIZE || listing->others.count >= MAX_IMAGES)
		return 0;
	listing->has_names |= name.kind != IMAGE_NAME_OTHER;
	return files_add(&listing->others, entry, err);
}

static int too_many(const struct scan *scan, uint64_t limit, const char *what,
		    struct err *err)
{
	return err_set(err, -E2BIG,
		       "'%s': more than %" PRIu64
		       " %s; choose a folder nearer to the backup",
		       scan->tree->name, limit, what);
}

static int visit_entry(const struct tree_entry *entry, void *context, struct err *err)
{
	struct listing *listing = context;
	struct scan *scan = listing->scan;

	if (scan->progress.files + scan->progress.folders >= MAX_ENTRIES)
		return too_many(scan, MAX_ENTRIES, "files and folders", err);
	if (!entry->is_folder) {
		scan->progress.files++;
		return take_file(listing, entry, err);
	}
	if (is_skipped_folder(entry->name))
		return 0;
	if (++scan->pending > MAX_PENDING)
		return too_many(scan, MAX_PENDING, "folders beside each other", err);
	return files_add(&listing->folders, entry, err);
}

static bool has_name(const struct set_file *files, size_t count, const char *name,
		     size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(files[i].name) == length &&
		    strncasecmp(files[i].name, name, length) == 0)
			return true;
	return false;
}

/* An image that was packed and left in its place is one image, not two of one volume. The
 * files are sorted: it comes before its packed copy. */
static void drop_packed_copies(struct set_files *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->count; i++) {
		char *name = files->files[i].name;
		size_t length = packed_name_length(name);

		if (name[length] && has_name(files->files, kept, name, length)) {
			log_debug("'%s': the image itself lies beside it, ignoring",
				  name);
			free(name);
		} else {
			files->files[kept++] = files->files[i];
		}
	}
	files->count = kept;
}

static int list_folder(struct scan *scan, const char *path, struct listing *listing,
		       struct err *err)
{
	int r = tree_list(scan->tree, path, visit_entry, listing, err);

	if (r < 0)
		return r;
	files_sort(&listing->folders);
	files_sort(&listing->images);
	drop_packed_copies(&listing->images);
	files_sort(&listing->others);
	files_sort(&listing->documents);
	return 0;
}

/* -- files without an extension that tells ---- */

/* The signatures of VHDX (at the start), and of dynamic and fixed VHD (at the start, in
 * the last sector). */
static int has_signature(struct block_source *file, bool *ret, struct err *err)
{
	char start[8] = { 0 }, end[8] = { 0 };
	int r;

	*ret = false;
	if (file->size < MIN_IMAGE_SIZE)
		return 0;
	r = source_read(file, start, 0, sizeof(start), err);
	if (r == 0)
		r = source_read(file, end, file->size - 512, sizeof(end), err);
	if (r < 0)
		return r;
	*ret = memcmp(start, "vhdxfile", 8) == 0 || memcmp(start, "conectix", 8) == 0 ||
	       memcmp(end, "conectix", 8) == 0;
	return 0;
}

static int probe_file(struct scan *scan, const char *folder, struct set_file *file,
		      struct set_files *images, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	AUTO_FREE char *path = tree_path_join(folder, file->name);
	struct tree_entry entry = { .name = file->name,
				    .size = file->size,
				    .mtime_s = file->mtime_s };
	bool is_image = false;
	int r;

	if (!path)
		return err_nomem(err);
	r = tree_open(scan->tree, path, &source, err);
	if (r == 0)
		r = has_signature(source, &is_image, err);
	if (r < 0 && !error_ends_scan(r)) {
		log_debug("%s, ignoring", err->text);
		return 0;
	}
	return is_image ? files_add(images, &entry, err) : r;
}

static int probe_others(struct scan *scan, const char *path, struct listing *listing,
			struct err *err)
{
	int r = 0;

	if (!listing->has_specs && !listing->has_names)
		return 0;
	for (size_t i = 0; i < listing->others.count && r == 0; i++)
		r = probe_file(scan, path, &listing->others.files[i], &listing->images,
			       err);
	files_sort(&listing->images);
	return r;
}

/* -- the walk ---- */

static int report(struct scan *scan, const char *folder, const char *found,
		  struct err *err)
{
	scan->progress.folder = folder;
	scan->progress.found = found;
	if (scan->report && scan->report(&scan->progress, scan->context) != 0)
		return err_set(err, -ECANCELED, "cancelled");
	return 0;
}

/* Images without any document may be anything, a virtual machine's disks for example:
 * they are a set if they are named as the backup names images, or if one of them holds
 * one volume as images of backups do. */
static bool is_set(const struct listing *listing, const struct set_result *result)
{
	return result->has_documents || listing->has_names || result->opened;
}

/* May it be a set, as far as names and numbers of files tell? */
static bool may_be_set(const struct listing *listing)
{
	bool named = listing->has_names || listing->has_specs || listing->documents.count;

	if (!listing->images.count)
		return listing->has_specs;
	return listing->images.count <= (named ? MAX_IMAGES : MAX_LOOSE_IMAGES);
}

struct found_set {
	struct scan *scan;
	const char *path;
	const struct listing *listing;
};

static int take_set(const struct set_files *images, struct set_result *result,
		    void *context, struct err *err)
{
	const struct found_set *found = context;
	struct scan *scan = found->scan;
	AUTO_FREE char *text = NULL;
	int r;

	if (!is_set(found->listing, result))
		return 0;
	r = collect_set(scan->tree, images, result, scan->backup, &text, err);
	return r < 0 ? r : report(scan, found->path, text, err);
}

static int read_set(struct scan *scan, const char *path, struct listing *listing,
		    struct err *err)
{
	struct set_folder folder = { .path = path,
				     .images = listing->images,
				     .documents = listing->documents };
	struct found_set found = { scan, path, listing };
	AUTO(set_result_clearp) struct set_result result = { 0 };
	AUTO(set_groups_clear) struct set_groups groups = { 0 };
	bool known = false;
	int r = previous_see(&scan->seen, &folder, &known, err);

	/* The same files in an older state of a share: only what differs is read again. */
	if (r < 0 || (known && previous_is(path) && !disk_tree_is_shadow(path)))
		return r;
	r = set_read(scan->tree, &folder, &groups, &result, err);
	if (r < 0)
		return r;
	if (groups.count > 1)
		return set_read_mixed(scan->tree, &folder, &groups, take_set, &found,
				      err);
	return take_set(&listing->images, &result, &found, err);
}

static int scan_folder(struct scan *scan, const char *path, struct err *err);

static int expect_folders(struct scan *scan, const char *path,
			  const struct set_files *folders, struct err *err)
{
	for (size_t i = folders->count; i-- > 0;) {
		AUTO_FREE char *below = tree_path_join(path, folders->files[i].name);

		if (!below)
			return err_nomem(err);
		tree_expect(scan->tree, below);
	}
	return 0;
}

static int scan_folders(struct scan *scan, const char *path,
			const struct set_files *folders, struct err *err)
{
	int r = 0;

	if (++scan->depth > MAX_DEPTH) {
		log_debug("'%s': deeper than %d folders, ignoring", path, MAX_DEPTH);
		scan->too_deep += folders->count;
		scan->depth--;
		return 0;
	}
	for (size_t i = 0; i < folders->count && r == 0; i++) {
		AUTO_FREE char *below = tree_path_join(path, folders->files[i].name);

		r = below ? scan_folder(scan, below, err) : err_nomem(err);
	}
	scan->depth--;
	return r;
}

/* The listing is given back before the walk goes deeper, apart from the names of folders.
 */
static int scan_listing(struct scan *scan, const char *path, struct listing *listing,
			struct err *err)
{
	int r = list_folder(scan, path, listing, err);

	if (r < 0 && !error_ends_scan(r) && r != -E2BIG && path[0] != '\0') {
		log_debug("%s, ignoring", err->text);
		if (r != -ENOENT && !scan->unreadable++) /* gone, or not yet there */
			scan->why = *err;
		return 0;
	}
	if (r == 0 && scan->depth < MAX_DEPTH)
		r = expect_folders(scan, path, &listing->folders, err);
	if (r == 0)
		r = probe_others(scan, path, listing, err);
	scan->too_full += r == 0 && listing->images.count > MAX_IMAGES;
	if (r == 0 && may_be_set(listing))
		r = read_set(scan, path, listing, err);
	return r;
}

static int scan_folder(struct scan *scan, const char *path, struct err *err)
{
	struct listing listing = { .scan = scan };
	struct set_files folders;
	int r;

	scan->progress.folders++;
	r = report(scan, path, NULL, err);
	if (r < 0)
		return r;
	r = scan_listing(scan, path, &listing, err);
	folders = listing.folders;
	listing.folders = (struct set_files){ 0 };
	listing_clear(&listing);
	if (r == 0)
		r = scan_folders(scan, path, &folders, err);
	scan->pending -= folders.count;
	files_clear(&folders);
	return r;
}

/* -- older states ---- */

static int take_name(const struct tree_entry *entry, void *context, struct err *err)
{
	return files_add(context, entry, err);
}

static int scan_places(struct scan *scan, const char *version,
		       const struct previous_places *places, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < places->count && r == 0; i++) {
		const char *place = places->paths[i];
		AUTO_FREE char *path =
			place[0] ? tree_path_join(version, place) : strdup(version);

		r = path ? scan_folder(scan, path, err) : err_nomem(err);
	}
	return r;
}

/* The newest first, after what lies in the tree itself. */
static int scan_previous(struct scan *scan, struct err *err)
{
	AUTO(previous_places_clear) struct previous_places places = { 0 };
	AUTO(files_clear) struct set_files versions = { 0 };
	int r = tree_list_previous(scan->tree, take_name, &versions, err);

	if (r == 0 && versions.count)
		r = previous_places(scan->backup, &places, err);
	files_sort(&versions);
	for (size_t i = versions.count; i-- > 0 && r == 0;)
		r = scan_places(scan, versions.files[i].name, &places, err);
	return r;
}

static int nothing_found(const struct scan *scan, struct err *err)
{
	char passed_over[160] = "";

	if (scan->unreadable)
		snprintf(passed_over, sizeof(passed_over),
			 " (%" PRIu64 " could not be read)", scan->unreadable);
	else if (scan->too_deep)
		snprintf(passed_over, sizeof(passed_over),
			 " (%" PRIu64 " more lie below %d others and were not looked at)",
			 scan->too_deep, MAX_DEPTH);
	else if (scan->too_full)
		snprintf(passed_over, sizeof(passed_over),
			 " (%" PRIu64 " with more than %d images: no set has so many)",
			 scan->too_full, MAX_IMAGES);
	return err_set(
		err, -ENOENT,
		"'%s': no backup in %" PRIu64 " folders%s with %" PRIu64
		" files; choose the folder that holds WindowsImageBackup or a folder "
		"above it%s%s",
		scan->tree->name, scan->progress.folders, passed_over,
		scan->progress.files,
		scan->unreadable ? "; why the first was not read: " : "",
		scan->unreadable ? scan->why.text : "");
}

int backup_scan(struct tree *tree, scan_report *report_to, void *context,
		struct backup **ret, struct err *err)
{
	AUTO(backup_freep) struct backup *backup = calloc(1, sizeof(*backup));
	struct scan scan = {
		.tree = tree, .report = report_to, .context = context, .backup = backup
	};
	int r;

	if (!backup)
		return err_nomem(err);
	backup->source = strdup(tree->name);
	if (!backup->source)
		return err_nomem(err);
	r = scan_folder(&scan, "", err);
	if (r == 0)
		r = scan_previous(&scan, err);
	previous_seen_clear(&scan.seen);
	if (r < 0)
		return r;
	if (!backup->machine_count)
		return nothing_found(&scan, err);
	collect_sort(backup);
	*ret = TAKE_PTR(backup);
	return 0;
}
