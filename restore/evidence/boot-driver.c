/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drivers of storage controllers in a SYSTEM hive: see boot-driver.h. */
#include "boot-driver.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "hives/hive-values.h"

static hive_node find(struct hive *hive, const char *format, ...) PRINTF(2, 3);

static hive_node find(struct hive *hive, const char *format, ...)
{
	AUTO_FREE char *path = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&path, format, args);
	va_end(args);
	if (length < 0) {
		path = NULL;
		return 0;
	}
	return hive_find(hive, 0, path);
}

void control_set_name(struct hive *hive, char name[CONTROL_SET_SIZE])
{
	uint32_t current = hive_number(hive, hive_find(hive, 0, "Select"), "Current", 1);

	snprintf(name, CONTROL_SET_SIZE, "ControlSet%03u", current % 1000);
}

/* -- one service ---- */

static int see_override(const char *name, const uint8_t *bytes, size_t length,
			void *context, struct err *err)
{
	bool *overridden = context;

	for (size_t i = 0; i < length; i++)
		*overridden |= bytes[i] != 0;
	return 0;
}

/* "System32\drivers\x.sys", "\SystemRoot\System32\drivers\x.sys"; as a path in the volume. */
static void take_image_path(const char *image, struct boot_service *service)
{
	static const char *const roots[] = { "\\SystemRoot\\", "%SystemRoot%\\" };

	for (size_t i = 0; image && i < ARRAY_SIZE(roots); i++)
		if (strncasecmp(image, roots[i], strlen(roots[i])) == 0)
			image += strlen(roots[i]);
	if (image)
		snprintf(service->file, sizeof(service->file), "Windows/%s", image);
	else
		snprintf(service->file, sizeof(service->file),
			 "Windows/System32/drivers/%s.sys", service->name);
	for (char *c = service->file; *c; c++)
		if (*c == '\\')
			*c = '/';
}

/* False: the hive has no such service. */
static bool read_service(struct hive *hive, const char *name, struct boot_service *ret)
{
	struct boot_service service = { 0 };
	AUTO_FREE char *image = NULL;
	char set[CONTROL_SET_SIZE];
	hive_node key, override;

	control_set_name(hive, set);
	key = find(hive, "%s/Services/%s", set, name);
	if (!key || strlen(name) >= sizeof(service.name))
		return false;
	snprintf(service.name, sizeof(service.name), "%s", name);
	service.start = hive_number(hive, key, "Start", 3);
	override = hive_find(hive, key, "StartOverride");
	if (override &&
	    hive_values(hive, override, see_override, &service.overridden, NULL) < 0)
		service.overridden = true;
	image = hive_text(hive, key, "ImagePath");
	take_image_path(image, &service);
	*ret = service;
	return true;
}

bool boot_service_starts(const struct boot_service *service)
{
	return service->start == 0 && !service->overridden;
}

/* -- from id to service ---- */

struct search {
	struct hive *hive;
	const char *id; /* "PCI/CC_010601" */
	char *service;	/* found; owned */
};

/* An INF that names the id: its package says under which configuration, and that which service
 * it installs. */
static int see_inf(const char *inf, const uint8_t *bytes, size_t length, void *context,
		   struct err *err)
{
	struct search *search = context;
	struct hive *hive = search->hive;
	hive_node files = find(hive, "DriverDatabase/DriverInfFiles/%s", inf);
	AUTO_FREE char *package = hive_text(hive, files, "Active");
	AUTO_FREE char *configuration = NULL;

	if (search->service)
		return 0;
	if (!package)
		package = hive_text(hive, files, "");
	if (!package)
		return 0;
	configuration =
		hive_text(hive,
			  find(hive, "DriverDatabase/DriverPackages/%s/Descriptors/%s",
			       package, search->id),
			  "Configuration");
	if (!configuration)
		return 0;
	search->service =
		hive_text(hive,
			  find(hive, "DriverDatabase/DriverPackages/%s/Configurations/%s",
			       package, configuration),
			  "Service");
	return 0;
}

static void search_driver_database(struct search *search)
{
	hive_node ids = find(search->hive, "DriverDatabase/DeviceIds/%s", search->id);

	/* what cannot be read is not found */
	if (ids && hive_values(search->hive, ids, see_inf, search, NULL) < 0)
		return;
}

/* "pci#ven_8086&dev_2922": hive_find() knows no case. */
static void search_critical_devices(struct search *search)
{
	AUTO_FREE char *id = strdup(search->id);
	char set[CONTROL_SET_SIZE];
	char *slash = id ? strchr(id, '/') : NULL;

	if (!slash)
		return;
	*slash = '#';
	control_set_name(search->hive, set);
	search->service = hive_text(
		search->hive,
		find(search->hive, "%s/Control/CriticalDeviceDatabase/%s", set, id),
		"Service");
}

static int see_instance(hive_node node, const char *name, void *context, struct err *err)
{
	struct search *search = context;

	if (!search->service)
		search->service = hive_text(search->hive, node, "Service");
	return 0;
}

/* "VEN_15AD&DEV_07C0&SUBSYS_07C015AD&REV_02", of which the id has the first part. */
static int see_device(hive_node node, const char *name, void *context, struct err *err)
{
	struct search *search = context;
	const char *id = strchr(search->id, '/') + 1;
	size_t length = strlen(id);

	if (search->service || strncasecmp(name, id, length) != 0 ||
	    (name[length] && name[length] != '&'))
		return 0;
	return hive_children(search->hive, node, see_instance, search, err);
}

/* Devices that this Windows has met. */
static void search_seen_devices(struct search *search)
{
	const char *slash = strchr(search->id, '/');
	char set[CONTROL_SET_SIZE];
	hive_node bus;

	control_set_name(search->hive, set);
	bus = slash ? find(search->hive, "%s/Enum/%.*s", set, (int)(slash - search->id),
			   search->id)
		    : 0;
	/* what cannot be read is not found */
	if (bus && hive_children(search->hive, bus, see_device, search, NULL) < 0)
		return;
}

static char *find_service(struct hive *hive, const struct controller *controller)
{
	static void (*const searches[])(struct search *) = { search_driver_database,
							     search_critical_devices,
							     search_seen_devices };

	for (size_t s = 0; s < ARRAY_SIZE(searches); s++)
		for (size_t i = 0; i < controller->id_count; i++) {
			struct search search = { hive, controller->ids[i], NULL };

			searches[s](&search);
			if (search.service)
				return search.service;
		}
	return controller->driver ? strdup(controller->driver) : NULL;
}

/* Drivers that do their work through a second one. */
static const struct companion {
	const char *service, *needs;
} companions[] = {
	{ "intelide", "atapi" },
	{ "pciide", "atapi" },
	{ "storvsc", "vmbus" },
};

int boot_services_find(struct hive *hive, const struct controller *controller,
		       struct boot_services *ret, struct err *err)
{
	AUTO_FREE char *name = find_service(hive, controller);
	struct boot_services found = { 0 };

	if (name && read_service(hive, name, &found.services[0]))
		found.count = 1;
	for (size_t i = 0; found.count && i < ARRAY_SIZE(companions); i++)
		if (strcasecmp(companions[i].service, name) == 0 &&
		    found.count < BOOT_SERVICES &&
		    read_service(hive, companions[i].needs, &found.services[found.count]))
			found.count++;
	*ret = found;
	return 0;
}
