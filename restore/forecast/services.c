/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services of a SYSTEM hive: see services.h. */
#include "services.h"

#include <string.h>

#include <base/bytes.h>
#include <base/text.h>
#include <base/utf.h>

#include "hives/hive.h"

#define SERVICES_MAX 16384 /* a server with years of drivers has some 1,500 */

void service_list_clear(struct service_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->services[i].name);
		free(list->services[i].image);
	}
	free(list->services);
	free(list->product);
	*list = (struct service_list){ 0 };
}

/* What is not there, or is no number: otherwise. */
static uint32_t number_of(struct hive *hive, hive_node node, const char *name,
			  uint32_t otherwise)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	le32 value;

	if (!node || hive_value(hive, node, name, &bytes, &length, NULL) < 0 ||
	    length != sizeof(value))
		return otherwise;
	memcpy(&value, bytes, sizeof(value));
	return get_le32(value);
}

static char *text_of(struct hive *hive, hive_node node, const char *name)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;
	char *text = NULL;

	if (!node || hive_value(hive, node, name, &bytes, &length, NULL) < 0 ||
	    utf16le_to_utf8(bytes, length, &text, NULL) < 0)
		return NULL;
	return text;
}

struct walk {
	struct hive *hive;
	struct service_list list;
	size_t room;
};

static int add_service(hive_node node, const char *name, void *context, struct err *err)
{
	struct walk *walk = context;
	struct service *service;

	if (walk->list.count == SERVICES_MAX)
		return err_set(err, -E2BIG, "more than %d services", SERVICES_MAX);
	if (walk->list.count == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 256;
		struct service *services =
			reallocarray(walk->list.services, room, sizeof(*services));

		if (!services)
			return err_nomem(err);
		walk->list.services = services;
		walk->room = room;
	}
	service = &walk->list.services[walk->list.count];
	*service = (struct service){
		.name = strdup(name),
		.start = number_of(walk->hive, node, "Start", UINT32_MAX),
		.type = number_of(walk->hive, node, "Type", 0),
		.error_control = number_of(walk->hive, node, "ErrorControl", 0),
		.image = text_of(walk->hive, node, "ImagePath"),
	};
	walk->list.count++;
	return service->name ? 0 : err_nomem(err);
}

static int read_services(struct walk *walk, struct err *err)
{
	hive_node select = hive_find(walk->hive, 0, "Select"), services;
	uint32_t current = number_of(walk->hive, select, "Current", 0);
	AUTO_FREE char *set = text_format("ControlSet%03u", current);
	hive_node root = set ? hive_find(walk->hive, 0, set) : 0;

	if (!set)
		return err_nomem(err);
	services = root ? hive_find(walk->hive, root, "Services") : 0;
	if (!services)
		return err_set(err, -EBADMSG,
			       "no services in its current control set, %s", set);
	walk->list.product =
		text_of(walk->hive, hive_find(walk->hive, root, "Control/ProductOptions"),
			"ProductType");
	walk->list.bitlocker =
		number_of(walk->hive,
			  hive_find(walk->hive, root, "Control/BitLockerStatus"),
			  "BootStatus", 0) != 0;
	return hive_children(walk->hive, services, add_service, walk, err);
}

int service_list_read(const struct hive_image *system, struct service_list *ret,
		      struct err *err)
{
	AUTO(hive_freep) struct hive *hive = NULL;
	struct walk walk = { 0 };
	int r = hive_open(system->bytes, system->length, "SYSTEM", &hive, err);

	if (r < 0)
		return r;
	walk.hive = hive;
	r = read_services(&walk, err);
	if (r < 0)
		service_list_clear(&walk.list);
	else
		*ret = walk.list;
	return r;
}

/* How Windows writes the folder that it lies in. */
static const struct prefix {
	const char *text, *means;
} prefixes[] = {
	{ "\\SystemRoot\\", "Windows/" },
	{ "%SystemRoot%\\", "Windows/" },
	{ "System32\\", "Windows/System32/" },
	{ "\\??\\C:\\", "" },
	{ "C:\\", "" },
};

char *service_path(const struct service *service)
{
	const char *image = service->image;
	char *path = NULL;

	if (!image || !*image)
		return text_format("Windows/System32/drivers/%s.sys", service->name);
	for (size_t i = 0; !path && i < ARRAY_SIZE(prefixes); i++)
		if (strncasecmp(image, prefixes[i].text, strlen(prefixes[i].text)) == 0)
			path = text_format("%s%s", prefixes[i].means,
					   image + strlen(prefixes[i].text));
	for (char *c = path; c && *c; c++)
		if (*c == '\\')
			*c = '/';
	return path;
}
