/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The NTFS and exFAT volumes of disks, and shadow copies, as a tree: see restore/disk-tree.h. */
#include <restore/disk-tree.h>

#include <string.h>

#include <base/checked.h>
#include <base/log.h>
#include <base/text.h>
#include <base/tree-listing.h>
#include <partition/layout.h>
#include <restore/volume.h>

#include "bitlocker.h"
#include "file-system.h"
#include "shadow-copies.h"

#define SHADOW_MARK ", shadow copy of "
/* The same for the names of volumes. */
#define PARTITION_MARK " partition "
#define VOLUME_MARK    " volume"

/* More than any machine has partitions and shadow copies that are kept by default. */
#define FOLDERS_MAX 4096

/* One folder below the root. */
struct folder {
	char *name; /* owned */
	const struct file_system_ops *kind;
	struct block_source *volume;  /* borrowed from volumes */
	struct shadow_copies *copies; /* borrowed from volumes; NULL: the volume itself */
	unsigned copy;		      /* index in copies */
	/* while it is mounted */
	struct block_source *shadow; /* owned */
	void *fs;		     /* owned: of kind */
	unsigned files;		     /* that are open */
};

struct disk_volume {
	const struct file_system_ops *kind;
	struct block_source *encrypted; /* below source; owned; NULL: it is not */
	struct block_source *source;	/* owned */
	struct shadow_copies *copies;	/* owned */
};

/* Lives until it is closed and the last file is. */
struct disk_tree {
	struct tree tree;
	unsigned users;
	size_t disk_count, volume_count, folder_count;
	struct block_source **disks; /* owned */
	struct disk_volume *volumes; /* owned */
	struct folder *folders;	     /* owned */
	struct text
		found; /* what there is that is neither NTFS nor exFAT, for the error */
	struct text closed;		/* the BitLocker volumes among them */
	const struct unlock_keys *keys; /* borrowed while disks are looked at */
	int locked; /* what kept a BitLocker volume closed: -ENOKEY or -EKEYREJECTED; or 0 */
	size_t unlocked; /* volumes */
};

/* -- mounting ---- */

static void folder_unmount(struct folder *folder)
{
	if (folder->fs)
		folder->kind->close(folder->fs);
	source_close(folder->shadow);
	folder->fs = NULL;
	folder->shadow = NULL;
}

static void disk_tree_unref(struct disk_tree *tree)
{
	if (--tree->users)
		return;
	for (size_t i = 0; i < tree->folder_count; i++) {
		folder_unmount(&tree->folders[i]);
		free(tree->folders[i].name);
	}
	for (size_t i = 0; i < tree->volume_count; i++) {
		shadow_copies_close(tree->volumes[i].copies);
		source_close(tree->volumes[i].source);
		source_close(tree->volumes[i].encrypted);
	}
	for (size_t i = 0; i < tree->disk_count; i++)
		source_close(tree->disks[i]);
	free(tree->folders);
	free(tree->volumes);
	free(tree->disks);
	text_clear(&tree->found);
	text_clear(&tree->closed);
	free(tree->tree.name);
	free(tree);
}
DEFINE_FREEP(struct disk_tree, disk_tree, disk_tree_unref)

/* Shadow copies and their tables need memory: those that nothing is open of give way. */
static int folder_mount(struct disk_tree *tree, struct folder *folder, struct err *err)
{
	AUTO_FREE char *name = NULL;
	int r = 0;

	if (folder->fs)
		return 0;
	for (size_t i = 0; i < tree->folder_count; i++)
		if (!tree->folders[i].files)
			folder_unmount(&tree->folders[i]);
	name = text_format("%s: %s", tree->tree.name, folder->name);
	if (!name)
		return err_nomem(err);
	if (folder->copies)
		r = shadow_copies_source(folder->copies, folder->copy, name,
					 &folder->shadow, err);
	if (r == 0)
		r = folder->kind->open(folder->copies ? folder->shadow : folder->volume,
				       &folder->fs, err);
	if (r < 0)
		folder_unmount(folder);
	return r;
}

/* The folder of a path, mounted, and what of the path lies in it. */
static int find_folder(struct disk_tree *tree, const char *path, struct folder **ret,
		       const char **ret_rest, struct err *err)
{
	size_t length = strcspn(path, "/");

	for (size_t i = 0; i < tree->folder_count; i++) {
		struct folder *folder = &tree->folders[i];

		if (strlen(folder->name) != length ||
		    strncmp(folder->name, path, length) != 0)
			continue;
		*ret = folder;
		*ret_rest = path + length + (path[length] == '/');
		return folder_mount(tree, folder, err);
	}
	return err_set(err, -ENOENT, "'%s': no volume '%.*s'", tree->tree.name,
		       (int)length, path);
}

/* -- the tree's calls ---- */

static int list_root(struct disk_tree *tree, struct tree_listing *listing,
		     struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < tree->folder_count && r == 0; i++) {
		struct tree_entry entry = { .name = tree->folders[i].name,
					    .is_folder = true };

		r = tree_listing_add(listing, &entry, err);
	}
	return r;
}

static int disk_tree_list(struct tree *base, const char *path, tree_visit *visit,
			  void *context, struct err *err)
{
	struct disk_tree *tree = (struct disk_tree *)base;
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	struct folder *folder = NULL;
	const char *rest = "";
	int r;

	if (path[0] == '\0') {
		r = list_root(tree, &listing, err);
	} else {
		r = find_folder(tree, path, &folder, &rest, err);
		if (r == 0 && folder)
			r = folder->kind->list(folder->fs, rest, &listing, err);
	}
	return r < 0 ? r : tree_listing_visit(&listing, visit, context, err);
}

struct file_source {
	struct block_source source;
	struct disk_tree *tree; /* a reference */
	struct folder *folder;
	void *file; /* owned: of folder's kind */
};

static int file_read_at(struct block_source *source, void *buffer, uint64_t offset,
			size_t length, struct err *err)
{
	struct file_source *file = (struct file_source *)source;

	return file->folder->kind->read_file(file->file, offset, buffer, length, err);
}

static void file_close(struct block_source *source)
{
	struct file_source *file = (struct file_source *)source;

	file->folder->kind->close_file(file->file);
	file->folder->files--;
	disk_tree_unref(file->tree);
	free(source->name);
	free(file);
}

static const struct block_source_ops file_ops = {
	.read_at = file_read_at,
	.close = file_close,
};

static int disk_tree_open(struct tree *base, const char *path, struct block_source **ret,
			  struct err *err)
{
	struct disk_tree *tree = (struct disk_tree *)base;
	AUTO_FREE char *name = tree_path_join(base->name, path);
	AUTO_FREE struct file_source *file = calloc(1, sizeof(*file));
	struct folder *folder = NULL;
	const char *rest = "";
	void *opened = NULL;
	int r;

	if (!name || !file)
		return err_nomem(err);
	r = find_folder(tree, path, &folder, &rest, err);
	if (r == 0 && folder)
		r = folder->kind->open_file(folder->fs, rest, &opened, err);
	if (r < 0 || !folder || !opened)
		return r;
	file->source = (struct block_source){
		.ops = &file_ops,
		.size = folder->kind->file_size(opened),
		.max_parallel = 1, /* neither kind is made for more */
		.name = TAKE_PTR(name),
	};
	file->tree = tree;
	file->folder = folder;
	file->file = opened;
	tree->users++;
	folder->files++;
	*ret = &TAKE_PTR(file)->source;
	return 0;
}

static void disk_tree_close(struct tree *base)
{
	disk_tree_unref((struct disk_tree *)base);
}

static const struct tree_ops disk_tree_ops = {
	.list = disk_tree_list,
	.open = disk_tree_open,
	.close = disk_tree_close,
};

/* -- finding volumes ---- */

static int add_folder(struct disk_tree *tree, const struct disk_volume *volume,
		      struct folder folder, struct err *err)
{
	struct folder *grown;

	if (!folder.name)
		return err_nomem(err);
	grown = reallocarray(tree->folders, tree->folder_count + 1, sizeof(*grown));
	if (!grown || tree->folder_count == FOLDERS_MAX) {
		free(folder.name);
		tree->folders = grown ? grown : tree->folders;
		return grown ? err_set(err, -E2BIG,
				       "more than %d volumes and shadow copies",
				       FOLDERS_MAX)
			     : err_nomem(err);
	}
	folder.volume = volume->source;
	folder.kind = volume->kind;
	tree->folders = grown;
	grown[tree->folder_count++] = folder;
	return 0;
}

/* Is the name taken? Two copies can be made in one second. */
static bool has_folder(const struct disk_tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->folder_count; i++)
		if (strcmp(tree->folders[i].name, name) == 0)
			return true;
	return false;
}

static int add_copy(struct disk_tree *tree, const struct disk_volume *volume,
		    const char *name, unsigned copy, struct err *err)
{
	struct folder folder = { .copies = volume->copies, .copy = copy };
	char when[TIME_TEXT_SIZE];
	int64_t time = 0;
	int r = shadow_copies_time(volume->copies, copy, &time, err);

	if (r == -ENOTSUP || r == -EBADMSG) {
		log_debug("%s, ignoring", err->text);
		return 0;
	}
	if (r < 0)
		return r;
	folder.name = text_format("%s" SHADOW_MARK "%s", name, time_format(time, when));
	if (folder.name && has_folder(tree, folder.name)) {
		free(folder.name);
		folder.name =
			text_format("%s" SHADOW_MARK "%s (%u)", name, when, copy + 1);
	}
	return add_folder(tree, volume, folder, err);
}

/* The volume and its copies, newest first. */
static int add_folders(struct disk_tree *tree, const struct disk_volume *volume,
		       const char *name, struct err *err)
{
	struct folder folder = { .name = strdup(name) };
	int r = add_folder(tree, volume, folder, err);

	for (unsigned i = volume->copies ? shadow_copies_count(volume->copies) : 0;
	     r == 0 && i-- > 0;)
		r = add_copy(tree, volume, name, i, err);
	return r;
}

/* Takes volume's sources over. */
static int add_volume(struct disk_tree *tree, struct disk_volume volume, const char *name,
		      struct err *err)
{
	struct disk_volume *grown =
		reallocarray(tree->volumes, tree->volume_count + 1, sizeof(*grown));
	struct disk_volume *added;
	int r = 0;

	if (!grown) {
		source_close(volume.source);
		source_close(volume.encrypted);
		return err_nomem(err);
	}
	tree->volumes = grown;
	added = &grown[tree->volume_count++];
	*added = volume;
	if (volume.kind->fs == FS_NTFS)
		r = shadow_copies_open(volume.source, &added->copies, err);
	if (r == -EBADMSG) {
		log_debug("%s, ignoring", err->text);
		r = 0;
	}
	return r < 0 ? r : add_folders(tree, added, name, err);
}

/* What a place of a disk turned out to be. */
enum look { LOOK_OTHER, LOOK_DAMAGED, LOOK_VOLUME };

/* Adds what lies in a volume if its files can be read. Takes volume and encrypted over. */
static int look_inside(struct disk_tree *tree, struct block_source *volume,
		       struct block_source *encrypted, const char *name,
		       enum look *ret_look, struct err *err)
{
	AUTO(source_freep) struct block_source *below = encrypted;
	AUTO(source_freep) struct block_source *owned = volume;
	uint8_t boot[4096] = { 0 };
	struct volume_info info = { 0 };
	const struct file_system_ops *kind;
	int r = source_read(volume, boot, 0, (size_t)min_u64(sizeof(boot), volume->size),
			    err);

	if (r < 0)
		return r;
	r = volume_identify(boot, volume->size, &info, err);
	if (r < 0) {
		text_add(&tree->found, "; %s: damaged: %s", name, err->text);
		*ret_look = below ? LOOK_VOLUME : LOOK_DAMAGED;
		return 0;
	}
	kind = file_system_find(info.fs);
	if (!kind) {
		text_add(&tree->found, "; %s: %s", name, file_system_text(info.fs));
		return 0;
	}
	*ret_look = LOOK_VOLUME;
	return add_volume(tree,
			  (struct disk_volume){ .kind = kind,
						.encrypted = TAKE_PTR(below),
						.source = TAKE_PTR(owned) },
			  name, err);
}

static int note_closed(struct disk_tree *tree, const char *name, int r, struct err *err)
{
	if (r != -ENOKEY && r != -EKEYREJECTED && r != -EBADMSG && r != -ENOTSUP)
		return r;
	if (r == -ENOKEY || r == -EKEYREJECTED)
		tree->locked = r;
	text_add(&tree->found, "; %s: %s", name, err->text);
	text_add(&tree->closed, "%s%s: %s", tree->closed.length ? "; " : "", name,
		 err->text);
	return 0;
}

/* What lies there, be it a partition or a whole disk. Takes volume over. */
static int look_at_volume(struct disk_tree *tree, struct block_source *volume,
			  const char *name, enum look *ret_look, struct err *err)
{
	AUTO(source_freep) struct block_source *owned = volume;
	struct block_source *plain = NULL;
	int r = bitlocker_open(volume, tree->keys, &plain, err);

	*ret_look = r == -ENOEXEC ? LOOK_OTHER : LOOK_VOLUME;
	if (r == -ENOEXEC)
		return look_inside(tree, TAKE_PTR(owned), NULL, name, ret_look, err);
	if (r < 0)
		return note_closed(tree, name, r, err);
	tree->unlocked++;
	return look_inside(tree, plain, TAKE_PTR(owned), name, ret_look, err);
}

static int look_at_slice(struct disk_tree *tree, struct block_source *disk,
			 uint64_t offset, uint64_t length, const char *name,
			 enum look *ret_look, struct err *err)
{
	AUTO_FREE char *full = text_format("%s: %s", tree->tree.name, name);
	struct block_source *slice = NULL;
	int r;

	if (!full)
		return err_nomem(err);
	r = source_slice_new(disk, false, offset, length, full, &slice, err);
	return r < 0 ? r : look_at_volume(tree, slice, name, ret_look, err);
}

static int look_at_partitions(struct disk_tree *tree, struct block_source *disk,
			      const char *label, struct err *err)
{
	AUTO(layout_freep) struct disk_layout *layout = NULL;
	int r = layout_read(disk, disk->sector_size, &layout, NULL, err);

	for (size_t i = 0; r == 0 && i < layout->count; i++) {
		const struct disk_partition *partition = &layout->partitions[i];
		AUTO_FREE char *name =
			text_format("%s" PARTITION_MARK "%u", label, partition->slot);
		enum look look;

		if (!name)
			return err_nomem(err);
		if (layout->style == TABLE_MBR && partition->mbr_kind == MBR_EXTENDED)
			continue;
		r = look_at_slice(tree, disk, partition->offset, partition->length, name,
				  &look, err);
	}
	return r;
}

/* A boot sector of NTFS ends like an MBR: it is looked for first. */
static int look_at_disk(struct disk_tree *tree, struct block_source *disk,
			const char *label, struct err *err)
{
	AUTO_FREE char *name = text_format("%s" VOLUME_MARK, label);
	size_t before = tree->found.length;
	enum look look = LOOK_OTHER;
	int r;

	if (!name)
		return err_nomem(err);
	r = look_at_slice(tree, disk, 0, disk->size, name, &look, err);
	if (r < 0 || look == LOOK_VOLUME)
		return r;
	/* what is no volume is a disk with a table, or nothing that we know */
	if (tree->found.string && look == LOOK_OTHER) {
		tree->found.string[before] = '\0';
		tree->found.length = before;
	}
	return look_at_partitions(tree, disk, label, err);
}

static int nothing_found(struct disk_tree *tree, struct err *err)
{
	AUTO_FREE char *found = text_take(&tree->found);

	if (!found)
		return err_nomem(err);
	return err_set(err, tree->locked ? tree->locked : -ENOENT,
		       "'%s': no NTFS or exFAT volume to read a backup from%s%s",
		       tree->tree.name, found,
		       tree->locked ? "; give a key by --unlock" : "");
}

/* Keys that open nothing are a mistake, even if other volumes can be read. */
static int check_found(struct disk_tree *tree, struct err *err)
{
	if (!tree->folder_count || (tree->locked == -EKEYREJECTED && !tree->unlocked))
		return nothing_found(tree, err);
	if (tree->closed.length)
		log_warning("'%s': %s, ignoring", tree->tree.name, tree->closed.string);
	return 0;
}

int disk_tree_new(const struct disk_tree_disk *disks, size_t count,
		  const struct unlock_keys *keys, const char *name, struct tree **ret,
		  struct err *err)
{
	AUTO(disk_tree_freep) struct disk_tree *tree = calloc(1, sizeof(*tree));
	int r = 0;

	if (tree) {
		tree->users = 1;
		tree->keys = keys;
		tree->tree.ops = &disk_tree_ops;
		tree->tree.name = strdup(name);
		tree->disks = calloc(count + 1, sizeof(struct block_source *));
	}
	if (!tree || !tree->disks || !tree->tree.name) {
		for (size_t i = 0; i < count; i++)
			source_close(disks[i].disk);
		return err_nomem(err);
	}
	for (size_t i = 0; i < count; i++)
		tree->disks[tree->disk_count++] = disks[i].disk;
	for (size_t i = 0; i < count && r != -ENOMEM; i++) {
		r = look_at_disk(tree, disks[i].disk, disks[i].label, err);
		if (r < 0 && r != -ENOMEM)
			text_add(&tree->found, "; %s: %s", disks[i].label, err->text);
	}
	if (r == -ENOMEM || (r < 0 && count == 1))
		return r;
	tree->keys = NULL;
	r = check_found(tree, err);
	if (r < 0)
		return r;
	*ret = &TAKE_PTR(tree)->tree;
	return 0;
}

/* -- what paths say ---- */

bool disk_tree_is_shadow(const char *path)
{
	size_t length = strcspn(path, "/");

	return memmem(path, length, SHADOW_MARK, strlen(SHADOW_MARK)) != NULL;
}

char *disk_tree_label(const char *path)
{
	size_t length = strcspn(path, "/");
	const char *mark = memmem(path, length, PARTITION_MARK, strlen(PARTITION_MARK));

	if (!mark)
		mark = memmem(path, length, VOLUME_MARK, strlen(VOLUME_MARK));
	return mark ? strndup(path, (size_t)(mark - path)) : NULL;
}
