/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BCD stores: see bcd.h. */
#include "bcd.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <base/utf.h>

#include "hives/hive-values.h"

/* Elements, as the names of their keys. */
#define ELEMENT_DEVICE	  "11000001" /* of the application */
#define ELEMENT_PATH	  "12000002"
#define ELEMENT_OS_DEVICE "21000001" /* that Windows lies on */
#define ELEMENT_DEFAULT	  "23000003" /* of the boot manager: its default loader */
#define ELEMENT_SDI	  "31000003" /* device of a ramdisk's description */

#define OBJECT_BOOT_MANAGER "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"

/* Description/Type: class, kind of image, kind of application. */
#define TYPE_WINDOWS_LOADER 0x10200003
#define TYPE_DEVICE	    0x30000000

struct store_walk {
	struct hive *hive;
	const char *what;
	struct bcd_store *store;
	char *default_loader; /* name of its object, or NULL */
	bool default_seen;
};

/* The bytes of an element, or none: *ret NULL. Only lack of memory is an error. */
static int read_element(struct store_walk *walk, hive_node object, const char *element,
			uint8_t **ret, size_t *ret_length, struct err *err)
{
	char path[32];
	hive_node node;
	int r;

	*ret = NULL;
	snprintf(path, sizeof(path), "Elements/%s", element);
	node = hive_find(walk->hive, object, path);
	if (!node)
		return 0;
	r = hive_value(walk->hive, node, "Element", ret, ret_length, err);
	return r == -ENOENT ? 0 : r;
}

/* A device element; BCD_DEVICE_OTHER where there is none. */
static int read_device(struct store_walk *walk, hive_node object, const char *element,
		       struct bcd_device *ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r;

	*ret = (struct bcd_device){ 0 };
	r = read_element(walk, object, element, &bytes, &length, err);
	if (r < 0 || !bytes)
		return r;
	r = bcd_device_decode(bytes, length, ret, err);
	return r < 0 ? (err_add(err, "'%s'", walk->what), r) : 0;
}

/* A text element, or NULL. */
static int read_text(struct store_walk *walk, hive_node object, const char *element,
		     char **ret, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	int r;

	*ret = NULL;
	r = read_element(walk, object, element, &bytes, &length, err);
	if (r < 0 || !bytes)
		return r;
	r = utf16le_to_utf8(bytes, length, ret, err);
	return r == -EBADMSG ? 0 : r; /* an unreadable text is as good as none */
}

static uint32_t object_type(struct store_walk *walk, hive_node object)
{
	return hive_number(walk->hive, hive_find(walk->hive, object, "Description"),
			   "Type", 0);
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

static int take_loader(struct store_walk *walk, hive_node object,
		       const struct bcd_device *device, struct err *err)
{
	AUTO_FREE char *path = NULL;
	int r = read_text(walk, object, ELEMENT_PATH, &path, err);

	if (r < 0)
		return r;
	walk->store->windows = *device;
	walk->store->has_loader = true;
	walk->store->uefi = path && ends_in(path, ".efi");
	return 0;
}

/* A loader of Windows on a partition. The one of the recovery environment is of the same
 * type, but starts from a ramdisk. */
static int read_loader(struct store_walk *walk, hive_node object, const char *name,
		       struct err *err)
{
	bool is_default =
		walk->default_loader && strcasecmp(walk->default_loader, name) == 0;
	struct bcd_device device = { 0 };
	int r;

	r = read_device(walk, object, ELEMENT_OS_DEVICE, &device, err);
	if (r == 0 && device.kind == BCD_DEVICE_OTHER)
		r = read_device(walk, object, ELEMENT_DEVICE, &device, err);
	if (r < 0 || device.kind == BCD_DEVICE_OTHER)
		return r;
	if (walk->default_seen || (walk->store->has_loader && !is_default))
		return 0;
	walk->default_seen = is_default;
	return take_loader(walk, object, &device, err);
}

static int visit_object(hive_node object, const char *name, void *context,
			struct err *err)
{
	struct store_walk *walk = context;
	struct bcd_device device;
	int r;

	if (strcasecmp(name, OBJECT_BOOT_MANAGER) == 0)
		return read_device(walk, object, ELEMENT_DEVICE,
				   &walk->store->boot_manager, err);
	switch (object_type(walk, object)) {
	case TYPE_WINDOWS_LOADER:
		return read_loader(walk, object, name, err);
	case TYPE_DEVICE:
		r = read_device(walk, object, ELEMENT_SDI, &device, err);
		if (r == 0 && walk->store->recovery.kind == BCD_DEVICE_OTHER)
			walk->store->recovery = device;
		return r;
	default:
		return 0;
	}
}

int bcd_store_read(const void *bytes, size_t length, const char *what,
		   struct bcd_store *ret, struct err *err)
{
	AUTO(hive_freep) struct hive *hive = NULL;
	AUTO_FREE char *default_loader = NULL;
	struct bcd_store store = { 0 };
	struct store_walk walk = { .what = what, .store = &store };
	hive_node objects, manager;
	int r;

	r = hive_open(bytes, length, what, &hive, err);
	if (r < 0)
		return r;
	walk.hive = hive;
	store.dirty = hive_is_dirty(hive);
	objects = hive_find(hive, 0, "Objects");
	if (!objects)
		return err_set(err, -EBADMSG,
			       "'%s': a hive without 'Objects' is not a BCD store", what);
	manager = hive_find(hive, objects, OBJECT_BOOT_MANAGER);
	if (manager) {
		r = read_text(&walk, manager, ELEMENT_DEFAULT, &default_loader, err);
		if (r < 0)
			return r;
		walk.default_loader = default_loader;
	}
	r = hive_children(hive, objects, visit_object, &walk, err);
	if (r < 0)
		return r;
	*ret = store;
	return 0;
}
