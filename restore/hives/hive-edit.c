/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes to hives: see hive-edit.h. There are two copies, our bytes and libhivex's; one of
 * them is ahead at a time, and the other follows when it is needed.
 */
#include "hive-edit.h"

#include <base/checked.h>

#include "hive-check.h"
#include "hive-parts.h"

struct hive_editor {
	char *what;
	uint8_t *bytes; /* owned */
	size_t length;
	struct hive *hive; /* NULL: must be opened anew */
	bool library_is_ahead;
	bool bytes_are_ahead; /* by data of values only: cells are where they were */
	bool changed, failed;
};

int hive_editor_new(struct hive_image *image, const char *what, struct hive_editor **ret,
		    struct err *err)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = calloc(1, sizeof(*editor));

	if (!editor) {
		hive_image_clear(image);
		return err_nomem(err);
	}
	editor->bytes = TAKE_PTR(image->bytes);
	editor->length = image->length;
	hive_image_clear(image);
	editor->what = strdup(what);
	if (!editor->what)
		return err_nomem(err);
	*ret = TAKE_PTR(editor);
	return 0;
}

void hive_editor_free(struct hive_editor *editor)
{
	if (!editor)
		return;
	hive_close(editor->hive);
	free(editor->bytes);
	free(editor->what);
	free(editor);
}

bool hive_editor_has_changed(const struct hive_editor *editor)
{
	return editor->changed;
}

/* -- the two copies ---- */

/* Opens the library's copy, if it is not open. */
static int open_library(struct hive_editor *editor, struct err *err)
{
	const struct hive_file file = { editor->bytes, editor->length };

	if (editor->hive)
		return 0;
	editor->bytes_are_ahead = false;
	return hive_open_writable(&file, editor->what, &editor->hive, err);
}

static void drop_library(struct hive_editor *editor)
{
	hive_close(editor->hive);
	editor->hive = NULL;
}

static int update_library(struct hive_editor *editor, struct err *err)
{
	if (editor->bytes_are_ahead)
		drop_library(editor);
	return open_library(editor, err);
}

static int update_bytes(struct hive_editor *editor, struct err *err)
{
	uint8_t *bytes = NULL;
	size_t length = 0;
	int r;

	if (!editor->library_is_ahead)
		return 0;
	r = hive_bytes(editor->hive, &bytes, &length, err);
	if (r < 0)
		return r;
	free(editor->bytes);
	editor->bytes = bytes;
	editor->length = length;
	editor->library_is_ahead = false;
	return 0;
}

int hive_editor_hive(struct hive_editor *editor, struct hive **ret, struct err *err)
{
	int r = update_library(editor, err);

	if (r == 0)
		*ret = editor->hive;
	return r;
}

/* Before and after each change. */
static int change_begins(struct hive_editor *editor, struct err *err)
{
	if (editor->failed)
		return err_set(err, -EBADMSG, "'%s': an earlier change failed",
			       editor->what);
	return 0;
}

static int change_ends(struct hive_editor *editor, int r)
{
	editor->failed = r < 0;
	editor->changed |= r == 0;
	return r;
}

/* -- our bytes ---- */

/* length bytes at offset of the file. The hive was checked, so this holds. */
static uint8_t *bytes_at(const struct hive_editor *editor, uint64_t offset,
			 uint64_t length)
{
	return range_within(offset, length, editor->length) ? editor->bytes + offset
							    : NULL;
}

/* Contents of the cell at an offset of the file. */
static uint8_t *contents_at(const struct hive_editor *editor, uint64_t offset,
			    uint64_t length)
{
	return bytes_at(editor, offset + sizeof(le32), length);
}

static uint64_t file_offset(le32 cell)
{
	return HIVE_BASE_SIZE + (uint64_t)get_le32(cell);
}

static void free_cell(struct hive_editor *editor, le32 cell)
{
	uint8_t *bytes = bytes_at(editor, file_offset(cell), sizeof(le32));
	le32 size;

	if (!bytes || get_le32(cell) == HIVE_NONE)
		return;
	memcpy(&size, bytes, sizeof(size));
	if (get_le32(size) & 0x80000000) /* in use: negative */
		size = put_le32(0 - get_le32(size));
	memcpy(bytes, &size, sizeof(size));
}

static int lost_place(const struct hive_editor *editor, struct err *err)
{
	return err_set(err, -EBADMSG, "'%s': no such key or value any more",
		       editor->what);
}

/* -- values ---- */

int hive_editor_set(struct hive_editor *editor, hive_node key,
		    const struct hive_datum *datum, struct err *err)
{
	struct hive_value_place place;
	uint8_t *bytes = NULL;
	int r = change_begins(editor, err);

	if (r == 0 && datum->length > HIVE_SEGMENT_SIZE)
		r = err_set(err, -ENOTSUP, "'%s': value '%s' of %zu bytes, limit %u",
			    editor->what, datum->name, datum->length, HIVE_SEGMENT_SIZE);
	if (r == 0)
		r = open_library(editor, err);
	if (r == 0)
		r = update_bytes(editor, err);
	if (r < 0)
		return r;
	if (hive_value_find(editor->hive, key, datum->name, &place) == 0 && place.data &&
	    place.length == datum->length && place.type == (uint32_t)datum->type)
		bytes = bytes_at(editor, place.data, datum->length);
	if (!bytes) {
		r = update_library(editor, err);
		if (r == 0)
			r = hive_put_value(editor->hive, key, datum, err);
		editor->library_is_ahead = r == 0;
		return change_ends(editor, r);
	}
	if (memcmp(bytes, datum->bytes, datum->length) == 0)
		return 0;
	memcpy(bytes, datum->bytes, datum->length);
	editor->bytes_are_ahead = true;
	return change_ends(editor, 0);
}

/* Takes a value out of its key's list. Data in segments stay as cells without an owner. */
static int remove_value(struct hive_editor *editor, hive_node node, size_t value_at,
			struct err *err)
{
	struct hive_key_disk key;
	struct hive_value_disk value;
	uint8_t *key_bytes = contents_at(editor, node, sizeof(key)), *list;
	uint8_t *value_bytes = contents_at(editor, value_at, sizeof(value));
	le32 cell = put_le32((uint32_t)(value_at - HIVE_BASE_SIZE));
	uint32_t count, i = 0;

	if (!key_bytes || !value_bytes)
		return lost_place(editor, err);
	memcpy(&key, key_bytes, sizeof(key));
	memcpy(&value, value_bytes, sizeof(value));
	count = get_le32(key.value_count);
	list = contents_at(editor, file_offset(key.values), count * 4ull);
	while (list && i < count && memcmp(list + i * 4ull, cell.b, sizeof(cell)) != 0)
		i++;
	if (!list || i == count)
		return lost_place(editor, err);
	memmove(list + i * 4ull, list + (i + 1) * 4ull, (count - i - 1) * 4ull);
	key.value_count = put_le32(count - 1);
	if (count == 1) {
		free_cell(editor, key.values);
		key.values = put_le32(HIVE_NONE);
	}
	memcpy(key_bytes, &key, sizeof(key));
	if (get_le32(value.length) && !(get_le32(value.length) & HIVE_VALUE_INLINE))
		free_cell(editor, value.data);
	free_cell(editor, cell);
	return 0;
}

int hive_editor_delete_value(struct hive_editor *editor, hive_node key, const char *name,
			     struct err *err)
{
	struct hive_value_place place;
	int r = change_begins(editor, err);

	if (r == 0)
		r = open_library(editor, err);
	if (r == 0)
		r = update_bytes(editor, err);
	if (r < 0 || hive_value_find(editor->hive, key, name, &place) < 0)
		return r;
	r = remove_value(editor, key, place.value, err);
	drop_library(editor);
	return change_ends(editor, r);
}

/* -- keys ---- */

static uint32_t minor_version(const struct hive_editor *editor)
{
	struct hive_base_disk base;

	memcpy(&base, editor->bytes, sizeof(base));
	return get_le32(base.minor);
}

/* libhivex makes the first list of a key with hashes, which versions before 1.5 (boot stores)
 * do not know: they have the first four characters there. */
static int list_without_hash(struct hive_editor *editor, hive_node node, const char *name,
			     struct err *err)
{
	struct hive_key_disk key;
	uint8_t *bytes, hint[4] = { 0 };
	int r = minor_version(editor) < 5 ? update_bytes(editor, err) : 1;

	if (r != 0)
		return r < 0 ? r : 0;
	bytes = contents_at(editor, node, sizeof(key));
	if (!bytes)
		return lost_place(editor, err);
	memcpy(&key, bytes, sizeof(key));
	bytes = contents_at(editor, file_offset(key.subkeys), 12);
	if (!bytes || memcmp(bytes, "lh\x01\0", 4) != 0)
		return 0;
	memcpy(hint, name, strnlen(name, sizeof(hint)));
	memcpy(bytes, "lf", 2);
	memcpy(bytes + 8, hint, sizeof(hint));
	drop_library(editor);
	return 0;
}

int hive_editor_add_key(struct hive_editor *editor, hive_node parent, const char *name,
			hive_node *ret, struct err *err)
{
	hive_node node = 0;
	int r = change_begins(editor, err);

	if (r == 0)
		r = update_library(editor, err);
	if (r < 0)
		return r;
	node = hive_find(editor->hive, parent, name);
	if (node) {
		*ret = node;
		return 0;
	}
	r = hive_put_key(editor->hive, parent, name, &node, err);
	editor->library_is_ahead = r == 0;
	if (r == 0)
		r = list_without_hash(editor, parent, name, err);
	if (r == 0)
		*ret = node;
	return change_ends(editor, r);
}

/* libhivex leaves a list without keys. */
static int drop_empty_list(struct hive_editor *editor, hive_node node, struct err *err)
{
	struct hive_key_disk key;
	uint8_t *bytes;
	int r = update_bytes(editor, err);

	if (r < 0)
		return r;
	bytes = contents_at(editor, node, sizeof(key));
	if (!bytes)
		return lost_place(editor, err);
	memcpy(&key, bytes, sizeof(key));
	if (get_le32(key.subkey_count) || get_le32(key.subkeys) == HIVE_NONE)
		return 0;
	free_cell(editor, key.subkeys);
	key.subkeys = put_le32(HIVE_NONE);
	memcpy(bytes, &key, sizeof(key));
	drop_library(editor);
	return 0;
}

int hive_editor_delete_key(struct hive_editor *editor, hive_node key, struct err *err)
{
	hive_node parent;
	int r = change_begins(editor, err);

	if (r == 0)
		r = update_library(editor, err);
	if (r < 0)
		return r;
	parent = hive_parent(editor->hive, key);
	if (!parent)
		return lost_place(editor, err);
	r = hive_remove_key(editor->hive, key, err);
	editor->library_is_ahead = r == 0;
	if (r == 0)
		r = drop_empty_list(editor, parent, err);
	return change_ends(editor, r);
}

/* -- the end ---- */

int hive_editor_commit(struct hive_editor *editor, uint8_t **ret, size_t *ret_length,
		       struct err *err)
{
	struct hive_base_disk base;
	struct hive_file file;
	int r = change_begins(editor, err);

	if (r == 0)
		r = update_bytes(editor, err);
	if (r < 0)
		return r;
	if (editor->changed) {
		memcpy(&base, editor->bytes, sizeof(base));
		hive_base_seal(editor->bytes, get_le32(base.sequence1) + 1);
	}
	file = (struct hive_file){ editor->bytes, editor->length };
	r = hive_check(&file, editor->what, err);
	if (r < 0)
		return err_add(err, "after it was changed");
	*ret = TAKE_PTR(editor->bytes);
	*ret_length = editor->length;
	editor->failed = true; /* its bytes are gone */
	return 0;
}
