/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services of a SYSTEM hive: see services.h. */
#include "services.h"

#include <string.h>

#include <base/text.h>

#include "hives/hive-values.h"

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
		.start = hive_number(walk->hive, node, "Start", UINT32_MAX),
		.type = hive_number(walk->hive, node, "Type", 0),
		.error_control = hive_number(walk->hive, node, "ErrorControl", 0),
		.image = hive_text(walk->hive, node, "ImagePath"),
	};
	walk->list.count++;
	return service->name ? 0 : err_nomem(err);
}

static int read_services(struct walk *walk, struct err *err)
{
	hive_node select = hive_find(walk->hive, 0, "Select"), services;
	uint32_t current = hive_number(walk->hive, select, "Current", 0);
	AUTO_FREE char *set = text_format("ControlSet%03u", current);
	hive_node root = set ? hive_find(walk->hive, 0, set) : 0;

	if (!set)
		return err_nomem(err);
	services = root ? hive_find(walk->hive, root, "Services") : 0;
	if (!services)
		return err_set(err, -EBADMSG,
			       "no services in its current control set, %s", set);
	walk->list.product = hive_text(
		walk->hive, hive_find(walk->hive, root, "Control/ProductOptions"),
		"ProductType");
	walk->list.bitlocker =
		hive_number(walk->hive,
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
