/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new boot store: see boot-store-new.h. */
#include "boot-store-new.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/text.h>
#include <base/utf.h>

#define OBJECT_MANAGER	  "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
#define OBJECT_FIRMWARE	  "{a5a30fa2-3d06-4e9f-b5f4-a01df9d1fcba}"
#define OBJECT_GLOBAL	  "{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}" /* settings of all */
#define OBJECT_LOADER_SET "{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}" /* of all loaders */

/* Description/Type: class, kind of image, kind of application. */
#define TYPE_FIRMWARE 0x10100001
#define TYPE_MANAGER  0x10100002
#define TYPE_LOADER   0x10200003

struct grow {
	const struct boot_store_new *wanted;
	struct hive_editor *editor;
	hive_node root, objects;
	char loader[GUID_TEXT_SIZE + 2]; /* name of Windows' object */
};

/* -- values ---- */

static int put(struct grow *grow, hive_node key, const struct hive_datum *datum,
	       struct err *err)
{
	return hive_editor_set(grow->editor, key, datum, err);
}

static int put_number(struct grow *grow, hive_node key, const char *name, uint32_t number,
		      struct err *err)
{
	le32 value = put_le32(number);

	return put(grow, key,
		   &(struct hive_datum){ name, HIVE_DWORD, &value, sizeof(value) }, err);
}

/* With its NUL, and for a list of one text a second one. */
static int put_text(struct grow *grow, hive_node key, const char *name,
		    enum hive_value_type type, const char *text, struct err *err)
{
	AUTO_FREE uint8_t *wide = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length, nuls = type == HIVE_MULTI_SZ ? 4 : 2;
	int r = utf8_to_utf16le(text, &wide, &length, err);

	if (r < 0)
		return r;
	bytes = calloc(1, length + nuls);
	if (!bytes)
		return err_nomem(err);
	memcpy(bytes, wide, length);
	return put(grow, key, &(struct hive_datum){ name, type, bytes, length + nuls },
		   err);
}

/* -- objects ---- */

struct object {
	struct grow *grow;
	hive_node elements;
};

static int open_object(struct grow *grow, const char *name, uint32_t type,
		       struct object *ret, struct err *err)
{
	hive_node object, description, elements;
	int r = hive_editor_add_key(grow->editor, grow->objects, name, &object, err);

	if (r == 0)
		r = hive_editor_add_key(grow->editor, object, "Description", &description,
					err);
	if (r == 0)
		r = put_number(grow, description, "Type", type, err);
	if (r == 0)
		r = hive_editor_add_key(grow->editor, object, "Elements", &elements, err);
	if (r == 0)
		*ret = (struct object){ grow, elements };
	return r;
}

static int element_key(struct object *object, const char *number, hive_node *ret,
		       struct err *err)
{
	return hive_editor_add_key(object->grow->editor, object->elements, number, ret,
				   err);
}

static int set_text(struct object *object, const char *number, enum hive_value_type type,
		    const char *text, struct err *err)
{
	hive_node key;
	int r = element_key(object, number, &key, err);

	return r < 0 ? r : put_text(object->grow, key, "Element", type, text, err);
}

static int set_device(struct object *object, const char *number,
		      const struct bcd_device *device, struct err *err)
{
	uint8_t bytes[BCD_PARTITION_SIZE];
	hive_node key;
	int r = element_key(object, number, &key, err);

	bcd_partition_encode(device, bytes);
	return r < 0 ? r
		     : put(object->grow, key,
			   &(struct hive_datum){ "Element", HIVE_BINARY, bytes,
						 sizeof(bytes) },
			   err);
}

static int set_integer(struct object *object, const char *number, uint64_t value,
		       struct err *err)
{
	le64 bytes = put_le64(value);
	hive_node key;
	int r = element_key(object, number, &key, err);

	return r < 0 ? r
		     : put(object->grow, key,
			   &(struct hive_datum){ "Element", HIVE_BINARY, &bytes,
						 sizeof(bytes) },
			   err);
}

/* What an object inherits from must be there. */
static int set_inherit(struct object *object, const char *from, struct err *err)
{
	struct hive *hive;
	int r = hive_editor_hive(object->grow->editor, &hive, err);

	if (r < 0 || !hive_find(hive, object->grow->objects, from))
		return r;
	return set_text(object, "14000006", HIVE_MULTI_SZ, from, err);
}

/* -- the store ---- */

struct text_element {
	const char *number;
	enum hive_value_type type;
	const char *text;
};

static int set_texts(struct object *object, const struct text_element *elements,
		     size_t count, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (elements[i].text)
			r = set_text(object, elements[i].number, elements[i].type,
				     elements[i].text, err);
	return r;
}

static int add_manager(struct grow *grow, struct err *err)
{
	const struct boot_store_new *wanted = grow->wanted;
	const struct text_element texts[] = {
		{ "12000002", HIVE_SZ,
		  wanted->uefi ? "\\EFI\\Microsoft\\Boot\\bootmgfw.efi" : NULL },
		{ "12000004", HIVE_SZ, "Windows Boot Manager" },
		{ "12000005", HIVE_SZ, wanted->locale },
		{ "23000003", HIVE_SZ, grow->loader },	     /* default */
		{ "24000001", HIVE_MULTI_SZ, grow->loader }, /* order of the menu */
	};
	struct object object = { .grow = grow };
	int r = open_object(grow, OBJECT_MANAGER, TYPE_MANAGER, &object, err);

	if (r == 0)
		r = set_device(&object, "11000001", &wanted->system, err);
	if (r == 0)
		r = set_texts(&object, texts, ARRAY_SIZE(texts), err);
	if (r == 0)
		r = set_inherit(&object, OBJECT_GLOBAL, err);
	return r < 0 ? r : set_integer(&object, "25000004", 30, err); /* seconds */
}

static int add_firmware(struct grow *grow, struct err *err)
{
	struct object object = { .grow = grow };
	int r;

	if (!grow->wanted->uefi)
		return 0;
	r = open_object(grow, OBJECT_FIRMWARE, TYPE_FIRMWARE, &object, err);
	return r < 0 ? r
		     : set_text(&object, "24000001", HIVE_MULTI_SZ, OBJECT_MANAGER, err);
}

static int add_loader(struct grow *grow, struct err *err)
{
	const struct boot_store_new *wanted = grow->wanted;
	const struct text_element texts[] = {
		{ "12000002", HIVE_SZ,
		  wanted->uefi ? "\\Windows\\system32\\winload.efi"
			       : "\\Windows\\system32\\winload.exe" },
		{ "12000004", HIVE_SZ, "Windows" },
		{ "12000005", HIVE_SZ, wanted->locale },
		{ "22000002", HIVE_SZ, "\\Windows" },
	};
	struct object object = { .grow = grow };
	int r = open_object(grow, grow->loader, TYPE_LOADER, &object, err);

	if (r == 0)
		r = set_device(&object, "11000001", &wanted->windows, err);
	if (r == 0)
		r = set_device(&object, "21000001", &wanted->windows, err);
	if (r == 0)
		r = set_texts(&object, texts, ARRAY_SIZE(texts), err);
	return r < 0 ? r : set_inherit(&object, OBJECT_LOADER_SET, err);
}

static int describe_store(struct grow *grow, struct err *err)
{
	hive_node description;
	int r = hive_editor_add_key(grow->editor, grow->root, "Description", &description,
				    err);

	if (r == 0)
		r = put_text(grow, description, "KeyName", HIVE_SZ, "BCD00000000", err);
	if (r == 0)
		r = put_number(grow, description, "System", 1, err);
	return r < 0 ? r : put_number(grow, description, "TreatAsSystem", 1, err);
}

/* It follows from the partition, so that equal input gives equal bytes. */
static void name_loader(struct grow *grow)
{
	static const uint8_t tag[8] = { 'o', 'p', 'e', 'n', 'b', 'm', 'r', '1' };
	const struct bcd_device *windows = &grow->wanted->windows;
	struct guid id = windows->partition_id;
	char text[GUID_TEXT_SIZE];

	if (windows->kind == BCD_DEVICE_MBR) {
		memcpy(id.b, &windows->mbr_signature, sizeof(windows->mbr_signature));
		memcpy(id.b + 4, &windows->offset, sizeof(windows->offset));
	}
	for (size_t i = 0; i < sizeof(tag); i++)
		id.b[i] ^= tag[i];
	id.b[7] = (uint8_t)((id.b[7] & 0x0f) | 0x80); /* RFC 9562: version 8 */
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	snprintf(grow->loader, sizeof(grow->loader), "{%s}", guid_format(&id, text));
}

int boot_store_grow(const struct boot_store_new *wanted, struct hive_editor *editor,
		    struct err *err)
{
	struct grow grow = { .wanted = wanted, .editor = editor };
	struct hive *hive;
	int r = hive_editor_hive(editor, &hive, err);

	if (r < 0)
		return r;
	grow.root = hive_find(hive, 0, "");
	grow.objects = hive_find(hive, 0, "Objects");
	if (!grow.objects)
		return err_set(err, -EBADMSG,
			       "'" BCD_TEMPLATE_PATH "': a hive without 'Objects' is not "
			       "a boot store");
	name_loader(&grow);
	r = describe_store(&grow, err);
	if (r == 0)
		r = add_manager(&grow, err);
	if (r == 0)
		r = add_firmware(&grow, err);
	return r < 0 ? r : add_loader(&grow, err);
}
