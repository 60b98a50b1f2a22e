/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of keys of a hive: see hive-check.h. */
#include "hive-check.h"

#include <base/checked.h>
#include <base/cleanup.h>

#include "hive-cells.h"

struct key_place {
	uint32_t offset, parent;
	unsigned depth;
};

static int damaged(const struct hive_cells *cells, const struct hive_cell *cell,
		   const char *fact, struct err *err)
{
	return err_set(err, -EBADMSG, "'%s': cell at 0x%x: %s", cells->what, cell->offset,
		       fact);
}

static bool has_magic(const struct hive_cell *cell, const char magic[2], size_t least)
{
	return cell->length >= least && memcmp(cell->bytes, magic, 2) == 0;
}

static uint32_t list_item(const struct hive_cell *cell, size_t at)
{
	le32 item;

	memcpy(&item, cell->bytes + at, sizeof(item));
	return get_le32(item);
}

/* -- values ---- */

static int check_segments(struct hive_cells *cells, const struct hive_cell *head,
			  uint32_t length, struct err *err)
{
	struct hive_segments_disk disk;
	struct hive_cell list, segment;
	uint32_t count;
	int r;

	if (!has_magic(head, "db", sizeof(disk)))
		return damaged(cells, head, "no record of segments", err);
	memcpy(&disk, head->bytes, sizeof(disk));
	count = get_le16(disk.count);
	if (count != (length + HIVE_SEGMENT_SIZE - 1) / HIVE_SEGMENT_SIZE)
		return damaged(cells, head, "wrong number of segments", err);
	r = hive_cell_claim(cells, get_le32(disk.list), "list of segments", &list, err);
	if (r < 0)
		return r;
	if (list.length / 4 < count)
		return damaged(cells, &list, "list of segments beyond its cell", err);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t part = (uint32_t)min_u64(length, HIVE_SEGMENT_SIZE);

		r = hive_cell_claim(cells, list_item(&list, i * 4), "segment of data",
				    &segment, err);
		if (r < 0)
			return r;
		if (segment.length < part)
			return damaged(cells, &segment, "data beyond their cell", err);
		length -= part;
	}
	return 0;
}

static int check_data(struct hive_cells *cells, const struct hive_value_disk *value,
		      const struct hive_cell *of, struct err *err)
{
	uint32_t length = get_le32(value->length);
	struct hive_cell data;
	int r;

	if (length & HIVE_VALUE_INLINE) {
		if ((length & ~HIVE_VALUE_INLINE) > sizeof(value->data))
			return damaged(cells, of, "value of more data than it holds",
				       err);
		return 0;
	}
	if (!length)
		return 0; /* the field has no meaning */
	r = hive_cell_claim(cells, get_le32(value->data), "value's data", &data, err);
	if (r < 0 || data.length >= length)
		return r;
	if (length <= HIVE_SEGMENT_SIZE)
		return damaged(cells, &data, "data beyond their cell", err);
	return check_segments(cells, &data, length, err);
}

static int check_value(struct hive_cells *cells, uint32_t offset, struct err *err)
{
	struct hive_value_disk value;
	struct hive_cell cell;
	int r = hive_cell_claim(cells, offset, "value", &cell, err);

	if (r < 0)
		return r;
	if (!has_magic(&cell, "vk", sizeof(value)))
		return damaged(cells, &cell, "no value", err);
	memcpy(&value, cell.bytes, sizeof(value));
	if (get_le16(value.name_length) > cell.length - sizeof(value))
		return damaged(cells, &cell, "value's name beyond its cell", err);
	return check_data(cells, &value, &cell, err);
}

static int check_values(struct hive_cells *cells, const struct hive_key_disk *key,
			struct err *err)
{
	uint32_t count = get_le32(key->value_count);
	struct hive_cell list;
	int r = 0;

	if (!count)
		return 0;
	r = hive_cell_claim(cells, get_le32(key->values), "list of values", &list, err);
	if (r == 0 && list.length / 4 < count)
		r = damaged(cells, &list, "list of values beyond its cell", err);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = check_value(cells, list_item(&list, i * 4), err);
	return r;
}

/* -- security descriptors ---- */

/* They form a ring, which the root's descriptor leads into; claimed here, so that a key must
 * refer to one of them. */
static int check_security(struct hive_cells *cells, uint32_t first, struct err *err)
{
	uint32_t previous = 0, at = first, back = first;
	struct hive_security_disk disk;
	struct hive_cell cell;

	do {
		int r = hive_cell_claim(cells, at, "security descriptor", &cell, err);

		if (r < 0)
			return r;
		if (!has_magic(&cell, "sk", sizeof(disk)))
			return damaged(cells, &cell, "no security descriptor", err);
		memcpy(&disk, cell.bytes, sizeof(disk));
		if (get_le32(disk.length) > cell.length - sizeof(disk))
			return damaged(cells, &cell, "descriptor beyond its cell", err);
		if (at == first)
			back = get_le32(disk.previous);
		else if (get_le32(disk.previous) != previous)
			return damaged(cells, &cell, "ring of descriptors broken", err);
		previous = at;
		at = get_le32(disk.next);
	} while (at != first);
	return back == previous
		       ? 0
		       : damaged(cells, &cell, "ring of descriptors broken", err);
}

static int check_key_security(struct hive_cells *cells, const struct hive_key_disk *key,
			      const struct hive_cell *cell, struct err *err)
{
	uint32_t offset = get_le32(key->security);
	struct hive_cell security;
	int r = hive_cell_at(cells, offset, "security descriptor", &security, err);

	if (r < 0)
		return r;
	if (!has_magic(&security, "sk", sizeof(struct hive_security_disk)) ||
	    !hive_cell_is_claimed(cells, offset))
		return damaged(cells, cell, "key without a security descriptor", err);
	return 0;
}

/* -- keys ---- */

static int check_key(struct hive_cells *cells, const struct key_place *place,
		     struct err *err);

/* Bytes of an item of a list of keys; 0: no such list. */
static size_t item_size(const struct hive_cell *list)
{
	if (has_magic(list, "lf", 4) || has_magic(list, "lh", 4))
		return sizeof(struct hive_hint_disk);
	return has_magic(list, "li", 4) || has_magic(list, "ri", 4) ? sizeof(le32) : 0;
}

static int claim_list(struct hive_cells *cells, uint32_t offset, struct hive_cell *ret,
		      size_t *ret_item, uint32_t *ret_count, struct err *err)
{
	struct hive_list_disk disk;
	int r = hive_cell_claim(cells, offset, "list of keys", ret, err);

	if (r < 0)
		return r;
	*ret_item = item_size(ret);
	if (!*ret_item)
		return damaged(cells, ret, "no list of keys", err);
	memcpy(&disk, ret->bytes, sizeof(disk));
	*ret_count = get_le16(disk.count);
	if ((ret->length - sizeof(disk)) / *ret_item < *ret_count)
		return damaged(cells, ret, "list of keys beyond its cell", err);
	return 0;
}

/* All keys of one key. */
struct key_walk {
	const struct key_place *of;
	uint32_t keys; /* seen so far */
};

static int check_list(struct hive_cells *cells, uint32_t offset, struct key_walk *walk,
		      bool nested, struct err *err)
{
	struct hive_cell list;
	uint32_t count = 0;
	size_t size = 0;
	int r = claim_list(cells, offset, &list, &size, &count, err);
	bool leads = r == 0 && has_magic(&list, "ri", 4);

	if (leads && nested)
		return damaged(cells, &list, "list of lists in another one", err);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		uint32_t item =
			list_item(&list, sizeof(struct hive_list_disk) + i * size);
		struct key_place place = { item, walk->of->offset, walk->of->depth + 1 };

		walk->keys += !leads;
		r = leads ? check_list(cells, item, walk, true, err)
			  : check_key(cells, &place, err);
	}
	return r;
}

static int check_subkeys(struct hive_cells *cells, const struct hive_key_disk *key,
			 const struct hive_cell *cell, const struct key_place *place,
			 struct err *err)
{
	uint32_t count = get_le32(key->subkey_count);
	struct key_walk walk = { .of = place };
	int r;

	if (!count)
		return 0;
	if (place->depth == HIVE_MAX_DEPTH)
		return damaged(cells, cell, "more keys in each other than can be", err);
	r = check_list(cells, get_le32(key->subkeys), &walk, false, err);
	if (r == 0 && walk.keys != count)
		return damaged(cells, cell, "wrong number of keys", err);
	return r;
}

static int check_class(struct hive_cells *cells, const struct hive_key_disk *key,
		       struct err *err)
{
	struct hive_cell class;
	int r;

	if (get_le32(key->class_name) == HIVE_NONE || !get_le16(key->class_length))
		return 0;
	r = hive_cell_claim(cells, get_le32(key->class_name), "class name", &class, err);
	if (r == 0 && class.length < get_le16(key->class_length))
		return damaged(cells, &class, "class name beyond its cell", err);
	return r;
}

static int check_key(struct hive_cells *cells, const struct key_place *place,
		     struct err *err)
{
	struct hive_key_disk key;
	struct hive_cell cell;
	int r = hive_cell_claim(cells, place->offset, "key", &cell, err);

	if (r < 0)
		return r;
	if (!has_magic(&cell, "nk", sizeof(key)))
		return damaged(cells, &cell, "no key", err);
	memcpy(&key, cell.bytes, sizeof(key));
	if (get_le16(key.name_length) > cell.length - sizeof(key))
		return damaged(cells, &cell, "key's name beyond its cell", err);
	if (place->depth == 0)
		r = check_security(cells, get_le32(key.security), err);
	else if (get_le32(key.parent) != place->parent)
		return damaged(cells, &cell, "key with another parent", err);
	if (r == 0)
		r = check_key_security(cells, &key, &cell, err);
	if (r == 0)
		r = check_class(cells, &key, err);
	if (r == 0)
		r = check_values(cells, &key, err);
	if (r == 0)
		r = check_subkeys(cells, &key, &cell, place, err);
	return r;
}

int hive_check(const struct hive_file *file, const char *what, struct err *err)
{
	struct hive_cells cells = { 0 };
	struct hive_base_disk base;
	struct key_place root = { 0 };
	int r = hive_cells_read(file, what, &cells, err);

	if (r < 0)
		return r;
	memcpy(&base, file->bytes, sizeof(base));
	root.offset = get_le32(base.root);
	r = check_key(&cells, &root, err);
	hive_cells_clear(&cells);
	return r;
}
