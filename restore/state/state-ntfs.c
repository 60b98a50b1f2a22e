/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An NTFS volume whose files get another content: see state-volume.h. */
#include "state-volume.h"

#include "volumes/ntfs-swap.h"

struct ntfs_volume {
	struct state_volume volume;
	struct ntfs *ntfs;
	int64_t time;
};

static struct ntfs_volume *ntfs_of(struct state_volume *volume)
{
	return (struct ntfs_volume *)volume;
}

static int take(struct ntfs *ntfs, int64_t time, struct state_volume **ret,
		struct err *err)
{
	struct ntfs_volume *opened = malloc(sizeof(*opened));

	if (!opened) {
		ntfs_close(ntfs);
		return err_nomem(err);
	}
	*opened = (struct ntfs_volume){ { &state_ntfs }, ntfs, time };
	*ret = &opened->volume;
	return 0;
}

static int open_overlay(struct overlay *overlay, int64_t time, struct state_volume **ret,
			struct err *err)
{
	struct ntfs *ntfs = NULL;
	int r = ntfs_open_overlay(overlay, &ntfs, err);

	return r < 0 ? r : take(ntfs, time, ret, err);
}

static int open_reading(struct block_source *source, struct state_volume **ret,
			struct err *err)
{
	struct ntfs *ntfs = NULL;
	int r = ntfs_open(source, &ntfs, err);

	return r < 0 ? r : take(ntfs, 0, ret, err);
}

static int close_volume(struct state_volume **volume, struct err *err)
{
	struct ntfs_volume *closing = ntfs_of(TAKE_PTR(*volume));
	int r = ntfs_edit_close(&closing->ntfs, err);

	free(closing);
	return r;
}

static int look(struct state_volume *volume, const char *path, struct state_look *ret,
		struct err *err)
{
	struct ntfs_look found = { 0 };
	int r = ntfs_look_at(ntfs_of(volume)->ntfs, path, &found, err);

	if (r == 0)
		*ret = (struct state_look){ found.is_folder, found.replaceable,
					    found.size, found.facts.attributes,
					    found.names };
	return r;
}

static int equals(struct state_volume *volume, const char *path,
		  struct block_source *content, bool *ret, struct err *err)
{
	return ntfs_content_equals(ntfs_of(volume)->ntfs, path, content, ret, err);
}

static int make_folder(struct state_volume *volume, const char *folder, const char *name,
		       struct err *err)
{
	struct ntfs_volume *of = ntfs_of(volume);

	return ntfs_create_folder(of->ntfs, folder, name, of->time, err);
}

static int keep(struct state_volume *volume, const char *path, const char *folder,
		struct err *err)
{
	struct ntfs_volume *of = ntfs_of(volume);

	return ntfs_copy_file(of->ntfs, path, folder, of->time, err);
}

static int add(struct state_volume *volume, const char *folder, const char *name,
	       struct err *err)
{
	struct ntfs_volume *of = ntfs_of(volume);

	return ntfs_create_file(of->ntfs, folder, name, "", 0, of->time, err);
}

static int fill(struct state_volume *volume, const char *path,
		struct block_source *content, const struct item *facts, struct err *err)
{
	return ntfs_fill_file(ntfs_of(volume)->ntfs, path, content, facts, err);
}

static const enum file_system kinds[] = { FS_NTFS, FS_UNKNOWN };

const struct state_volume_ops state_ntfs = {
	.kinds = kinds,
	.added = "; its security descriptor is inherited",
	.open = open_overlay,
	.open_reading = open_reading,
	.close = close_volume,
	.look = look,
	.equals = equals,
	.make_folder = make_folder,
	.keep = keep,
	.add = add,
	.fill = fill,
};
