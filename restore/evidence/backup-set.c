/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One backup set: its documents, its images, then the merge of all evidence. */
#include "backup-set.h"

#include <string.h>
#include <strings.h>

#include <base/log.h>
#include <base/utf.h>

#include "backup-image.h"
#include "backup-parts.h"
#include "evidence.h"
#include "set-split.h"
#include "value.h"

/* The documents that count are below 1 MiB; the one of the System writer, which does not,
 * has some 5 MiB. */
#define DOCUMENT_MAX_SIZE (16u << 20)

struct set_documents {
	struct backup_specs *specs;
	struct asr_writer *writer;
	struct asrsif *asrsif;
};

static void documents_clear(struct set_documents *documents)
{
	backup_specs_free(documents->specs);
	asr_writer_free(documents->writer);
	asrsif_free(documents->asrsif);
}

void set_result_clear(struct set_result *result)
{
	backup_version_clear(&result->version);
	free(result->machine);
	result->machine = NULL;
}

/* -- documents ---- */

static int read_specs(const char *text, const char *what, struct set_documents *ret,
		      struct err *err)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	int r;

	if (ret->specs || !strstr(text, "<BackupSpecs"))
		return 0;
	r = xml_parse(text, strlen(text), what, &root, err);
	if (r < 0 || !backup_specs_matches(root))
		return r;
	return backup_specs_read(root, what, &ret->specs, err);
}

static int read_writer(const char *text, const char *what, struct set_documents *ret,
		       struct err *err)
{
	AUTO(xml_freep) struct xml_element *root = NULL;
	int r;

	if (ret->writer || !strstr(text, "<WRITER_METADATA") ||
	    !strcasestr(text, ASR_WRITER_ID))
		return 0;
	r = xml_parse(text, strlen(text), what, &root, err);
	if (r < 0 || !asr_writer_matches(root))
		return r;
	return asr_writer_read(root, what, &ret->writer, err);
}

static int read_asrsif(const char *text, const char *what, struct set_documents *ret,
		       struct err *err)
{
	AUTO_FREE char *found = NULL;
	int r;

	if (ret->asrsif)
		return 0;
	r = asrsif_find(text, &found, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_add(err, "'%s'", what), r;
	return asrsif_read(found, what, &ret->asrsif, err);
}

/* By content: each reader tells by itself whether the document is its own. */
static int read_document(struct tree *tree, const char *path, struct set_documents *ret,
			 struct err *err)
{
	static int (*const readers[])(const char *text, const char *what,
				      struct set_documents *ret, struct err *err) = {
		read_specs,
		read_writer,
		read_asrsif,
	};
	AUTO_FREE uint8_t *bytes = NULL;
	AUTO_FREE char *text = NULL;
	size_t length = 0;
	int r;

	r = tree_read_file(tree, path, DOCUMENT_MAX_SIZE, &bytes, &length, err);
	if (r == -EFBIG) {
		log_debug("%s, ignoring", err->text);
		return 0;
	}
	if (r == 0) {
		r = text_decode(bytes, length, &text, err);
		if (r < 0)
			return err_add(err, "'%s'", path), r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(readers) && r == 0; i++)
		r = readers[i](text, path, ret, err);
	return r;
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length >= end_length && strcasecmp(name + length - end_length, end) == 0;
}

/* Documents that have what we look for, if their names are the backup's own. */
static bool is_usual(const char *name)
{
	return strcasecmp(name, "BackupSpecs.xml") == 0 ||
	       ends_in(name, "_Components.xml") ||
	       ends_in(name, "_Writer" ASR_WRITER_ID ".xml");
}

static int read_documents(struct tree *tree, const struct set_folder *folder, bool usual,
			  struct set_documents *ret, struct backup_version *version,
			  struct err *err)
{
	for (size_t i = 0; i < folder->documents.count; i++) {
		const char *name = folder->documents.files[i].name;
		AUTO_FREE char *path = tree_path_join(folder->path, name);
		int r;

		if (!path)
			return err_nomem(err);
		if (is_usual(name) != usual)
			continue;
		r = read_document(tree, path, ret, err);
		if (error_ends_scan(r))
			return r;
		/* A document of ours that is cut or garbled: the set was half written. */
		if (r < 0)
			r = reason_add(version, HEALTH_DAMAGED, err, "%s", err->text);
		if (r < 0)
			return r;
	}
	return 0;
}

/* -- images ---- */

/* What the images tell; arrays parallel to the version's volumes. */
struct set_images {
	size_t count;
	struct image_name *names;
	struct image_finds *finds;
	struct mounted_devices *mounted; /* their devices are borrowed from finds */
};

static void set_images_clear(struct set_images *images)
{
	for (size_t i = 0; images->finds && i < images->count; i++)
		image_finds_clear(&images->finds[i]);
	free(images->names);
	free(images->finds);
	free(images->mounted);
}

static int set_images_new(size_t count, struct set_images *ret, struct err *err)
{
	*ret = (struct set_images){
		.count = count,
		.names = calloc(count + 1, sizeof(*ret->names)),
		.finds = calloc(count + 1, sizeof(*ret->finds)),
		.mounted = calloc(count + 1, sizeof(*ret->mounted)),
	};
	return ret->names && ret->finds && ret->mounted ? 0 : err_nomem(err);
}

static int look_at_images(struct tree *tree, const struct set_folder *folder,
			  struct set_images *images, struct set_result *ret,
			  struct err *err)
{
	struct backup_version *version = &ret->version;

	for (size_t i = 0; i < folder->images.count; i++) {
		const struct set_file *file = &folder->images.files[i];
		struct backup_volume *volume = &version->volumes[version->volume_count++];
		int r;

		images->names[i] = image_name_read(file->name);
		volume->image_path = tree_path_join(folder->path, file->name);
		if (!volume->image_path)
			return err_nomem(err);
		r = image_look(tree, volume, &images->finds[i], err);
		if (r < 0)
			return r;
		if (images->finds[i].mounted)
			images->mounted[i] = *images->finds[i].mounted;
		ret->opened |= volume->length != 0;
	}
	return 0;
}

/* Is the volume the image that another one of the set holds changes against? */
static bool is_parent(const struct backup_version *version, size_t index)
{
	const struct image_info *image = &version->volumes[index].image;

	for (size_t i = 0; i < version->volume_count; i++) {
		const struct guid *ids = version->volumes[i].image.parent_ids;

		for (size_t k = 0; k < 2; k++)
			if (i != index && !guid_is_zero(&ids[k]) &&
			    guid_equal(&ids[k], &image->unique_id))
				return true;
	}
	return false;
}

static void drop_volume(struct backup_version *version, struct set_images *images,
			size_t index)
{
	size_t behind = --version->volume_count - index;
	struct backup_volume *volume = &version->volumes[index];

	backup_volume_clear(volume);
	image_finds_clear(&images->finds[index]);
	memmove(volume, volume + 1, behind * sizeof(*volume));
	memmove(&images->names[index], &images->names[index + 1],
		behind * sizeof(*images->names));
	memmove(&images->finds[index], &images->finds[index + 1],
		behind * sizeof(*images->finds));
	memmove(&images->mounted[index], &images->mounted[index + 1],
		behind * sizeof(struct mounted_devices *));
	images->finds[version->volume_count] = (struct image_finds){ 0 };
}

/* A parent is read with its child; by itself it is an older state of the same volume. */
static int drop_parents(struct backup_version *version, struct set_images *images,
			struct err *err)
{
	size_t count = version->volume_count;
	AUTO_FREE bool *parents = calloc(count + 1, sizeof(*parents));

	if (!parents)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		parents[i] = is_parent(version, i);
	for (size_t i = count; i-- > 0;)
		if (parents[i])
			drop_volume(version, images, i);
	return 0;
}

/* The first one; the system volume's store counts more than one that lies on the Windows
 * volume. */
static const struct bcd_store *choose_store(const struct backup_version *version,
					    const struct set_images *images, bool uefi)
{
	const struct bcd_store *found = NULL;

	for (size_t i = 0; i < version->volume_count; i++) {
		const struct image_finds *finds = &images->finds[i];

		if (uefi && finds->has_uefi)
			return &finds->uefi;
		if (uefi || !finds->has_bios)
			continue;
		if (version->volumes[i].role == ROLE_SYSTEM)
			return &finds->bios;
		if (!found)
			found = &finds->bios;
	}
	return found;
}

static int merge_all(const struct set_documents *documents,
		     const struct set_images *images, struct backup_version *version,
		     struct err *err)
{
	struct evidence evidence = {
		.asrsif = documents->asrsif,
		.writer = documents->writer,
		.specs = documents->specs,
		.uefi_store = choose_store(version, images, true),
		.bios_store = choose_store(version, images, false),
		.names = images->names,
		.mounted = images->mounted,
	};
	int r = 0;

	for (size_t i = 0; i < version->volume_count && r == 0; i++)
		if (images->finds[i].problem.code)
			r = note_add(version, err, "boot store or hive: %s",
				     images->finds[i].problem.text);
	return r < 0 ? r : evidence_merge(&evidence, version, err);
}

/* -- several sets in one folder ---- */

void set_groups_clear(struct set_groups *groups)
{
	free(groups->sets);
	free(groups->machine_of);
	*groups = (struct set_groups){ 0 };
}

struct guid_list {
	struct guid *guids; /* owned */
	size_t count;
};

static int add_guid(struct guid_list *list, bool has_guid, const struct guid *guid,
		    struct err *err)
{
	struct guid *grown;

	if (!has_guid)
		return 0;
	grown = reallocarray(list->guids, list->count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(err);
	list->guids = grown;
	grown[list->count++] = *guid;
	return 0;
}

/* On failure the list is freed. */
static int list_volumes(const struct set_documents *documents, struct guid_list *ret,
			struct err *err)
{
	const struct backup_specs *specs = documents->specs;
	const struct asr_writer *writer = documents->writer;
	const struct asrsif *asrsif = documents->asrsif;
	int r = 0;

	for (size_t i = 0; specs && i < specs->count && r == 0; i++)
		r = add_guid(ret, specs->volumes[i].has_guid, &specs->volumes[i].guid,
			     err);
	for (size_t i = 0; writer && i < writer->volume_count && r == 0; i++)
		r = add_guid(ret, true, &writer->volumes[i].guid, err);
	for (size_t i = 0; asrsif && i < asrsif->volume_count && r == 0; i++)
		r = add_guid(ret, true, &asrsif->volumes[i].guid, err);
	if (r < 0)
		free(ret->guids);
	return r;
}

int set_listed_volumes(struct tree *tree, const struct set_folder *folder,
		       struct guid **ret, size_t *ret_count, struct err *err)
{
	struct backup_version version = { 0 };
	struct set_documents documents = { 0 };
	struct guid_list list = { 0 };
	int r = read_documents(tree, folder, true, &documents, &version, err);

	if (r == 0)
		r = read_documents(tree, folder, false, &documents, &version, err);
	if (r == 0)
		r = list_volumes(&documents, &list, err);
	documents_clear(&documents);
	backup_version_clear(&version);
	if (r < 0)
		return r;
	*ret = list.guids;
	*ret_count = list.count;
	return 0;
}

static bool is_listed(const struct guid_list *list, const struct image_name *name)
{
	for (size_t i = 0; i < list->count; i++)
		if ((name->kind == IMAGE_NAME_GUID || name->kind == IMAGE_NAME_MBR) &&
		    guid_equal(&list->guids[i], &name->guid))
			return true;
	return false;
}

/* The file of a volume; parents of others have none. */
static size_t file_of(const struct set_folder *folder, const struct backup_volume *volume)
{
	const char *slash = strrchr(volume->image_path, '/');
	const char *name = slash ? slash + 1 : volume->image_path;
	size_t i = 0;

	while (i < folder->images.count &&
	       strcmp(folder->images.files[i].name, name) != 0)
		i++;
	return i;
}

static int split_volumes(const struct set_folder *folder, const struct split_image *split,
			 size_t count, struct set_groups *ret, struct err *err)
{
	AUTO_FREE unsigned *sets = calloc(count + 1, sizeof(*sets));
	struct split_result result;
	int r;

	ret->sets = calloc(folder->images.count + 1, sizeof(*ret->sets));
	ret->machine_of = calloc(count + 1, sizeof(*ret->machine_of));
	if (!sets || !ret->sets || !ret->machine_of)
		return err_nomem(err);
	r = set_split(split, count, sets, ret->machine_of, &result, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		ret->sets[file_of(folder, split[i].volume)] = sets[i];
	ret->count = result.count;
	ret->machines = result.machines;
	ret->by_time = result.by_time;
	return 0;
}

static int find_groups(const struct set_folder *folder,
		       const struct set_documents *documents,
		       const struct set_images *images,
		       const struct backup_version *version, struct set_groups *ret,
		       struct err *err)
{
	size_t count = version->volume_count;
	AUTO_FREE struct split_image *split = calloc(count + 1, sizeof(*split));
	struct guid_list list = { 0 };
	int r;

	if (!split)
		return err_nomem(err);
	r = list_volumes(documents, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		const struct backup_volume *volume = &version->volumes[i];
		size_t file = file_of(folder, volume);

		split[i] = (struct split_image){
			.volume = volume,
			.name = &images->names[i],
			.finds = &images->finds[i],
			.mtime_s = folder->images.files[file].mtime_s,
			.is_listed = is_listed(&list, &images->names[i]),
		};
	}
	r = split_volumes(folder, split, count, ret, err);
	free(list.guids);
	return r;
}

/* The writers' documents are large, and only bmr restore-systemstate wants to know them. */
static int keep_names(const struct set_folder *folder, struct backup_version *version,
		      struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < folder->documents.count && r == 0; i++)
		if (strcasestr(folder->documents.files[i].name, "_Writer"))
			r = document_add(version, folder->documents.files[i].name, err);
	return r;
}

static int read_parts(struct tree *tree, const struct set_folder *folder,
		      struct set_documents *documents, struct set_groups *ret_groups,
		      struct set_result *ret, struct err *err)
{
	size_t count = folder->images.count;
	AUTO(set_images_clear) struct set_images images = { 0 };
	struct backup_version *version = &ret->version;
	int r;

	version->path = strdup(folder->path);
	version->volumes = calloc(count + 1, sizeof(*version->volumes));
	if (!version->path || !version->volumes)
		return err_nomem(err);
	r = set_images_new(count, &images, err);
	if (r == 0)
		r = keep_names(folder, version, err);
	if (r == 0)
		r = read_documents(tree, folder, true, documents, version, err);
	/* The others count only where something is missing: each costs a round trip. */
	if (r == 0 && !(documents->specs && documents->writer && documents->asrsif))
		r = read_documents(tree, folder, false, documents, version, err);
	if (r == 0)
		r = look_at_images(tree, folder, &images, ret, err);
	if (r == 0)
		r = drop_parents(version, &images, err);
	if (r == 0 && ret_groups)
		r = find_groups(folder, documents, &images, version, ret_groups, err);
	if (r == 0)
		r = merge_all(documents, &images, version, err);
	return r;
}

int set_read(struct tree *tree, const struct set_folder *folder,
	     struct set_groups *ret_groups, struct set_result *ret, struct err *err)
{
	struct set_documents documents = { 0 };
	struct set_result result = { 0 };
	int r = read_parts(tree, folder, &documents, ret_groups, &result, err);

	if (r == 0) {
		result.has_documents =
			documents.specs || documents.writer || documents.asrsif;
		if (documents.asrsif && documents.asrsif->machine) {
			result.machine = strdup(documents.asrsif->machine);
			r = result.machine ? 0 : err_nomem(err);
		}
	}
	documents_clear(&documents);
	if (r < 0) {
		set_result_clear(&result);
		return r;
	}
	*ret = result;
	return 0;
}
