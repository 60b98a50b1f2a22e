/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices of sysfs: see hw.h. What they say of themselves is text from outside. */
#include "hw.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#define ATTRIBUTE_MAX 4096 /* what sysfs gives at most */
#define CLASS_MAX     8	   /* "010802" */

static const char *const buses[] = { "pci", "usb", "virtio", "vmbus", "xen" };

/* The start of a PCI class code (PCI Code and ID Assignment) or of a USB class in an alias. */
static const struct kind {
	const char *bus, *code, *name;
	bool needed;
} kinds[] = {
	{ "pci", "01", "storage", true },
	{ "pci", "02", "network", true },
	{ "pci", "0c03", "USB controller", true },
	{ "pci", "0c04", "storage", true }, /* Fibre Channel */
	{ "pci", "0805", "storage", true }, /* SD host */
	{ "pci", "03", "display", false },
	{ "pci", "04", "sound", false },
	{ "pci", "06", "bridge", false },
	{ "usb", "ic08", "storage", true },
	{ "usb", "ic03", "keyboard or mouse", true },
	{ "usb", "ic02", "network", true },
	{ "usb", "ic09", "hub", false },
	{ "usb", "icFF", "vendor's own", true },
	{ "virtio", "00000001", "network", true },
	{ "virtio", "00000002", "storage", true },
	{ "virtio", "00000008", "storage", true },
	{ "vmbus", "635161f8", "network", true },
	{ "vmbus", "d96361ba", "storage", true },
	{ "vmbus", "6d2c0a28", "storage", true },
	{ "vmbus", "6dad12f9", "keyboard or mouse", true },
	{ "xen", "vif", "network", true },
	{ "xen", "vbd", "storage", true },
};

static void device_clear(struct hw_device *device)
{
	free(device->bus);
	free(device->name);
	free(device->alias);
	free(device->driver);
	free(device->firmware);
}

void hw_list_clear(struct hw_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		device_clear(&list->devices[i]);
	free(list->devices);
	*list = (struct hw_list){ 0 };
}

/* An attribute on one line, with '?' for what is not printable; NULL where there is none. */
static char *read_attribute(const char *folder, const char *name)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, name);
	AUTO_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char bytes[ATTRIBUTE_MAX];
	ssize_t length = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes) - 1);

	if (length < 0)
		return NULL;
	bytes[length] = '\0';
	bytes[strcspn(bytes, "\n")] = '\0';
	for (char *at = bytes; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	return strdup(bytes);
}

static char *read_driver(const char *folder)
{
	AUTO_FREE char *path = text_format("%s/driver", folder);
	char target[ATTRIBUTE_MAX];
	ssize_t length = path ? readlink(path, target, sizeof(target) - 1) : -1;
	const char *slash;

	if (length < 0)
		return NULL;
	target[length] = '\0';
	slash = strrchr(target, '/');
	return strdup(slash ? slash + 1 : target);
}

/* What the codes of a bus are compared with. */
static char *class_text(const char *folder, const struct hw_device *device)
{
	AUTO_FREE char *class = NULL;

	if (strcmp(device->bus, "pci") != 0) {
		const char *start = device->alias;

		if (strcmp(device->bus, "usb") == 0)
			start = strstr(start, "ic");
		else if (strchr(start, ':'))
			start = strchr(start, ':') + 1;
		/* "virtio:d00000001v00001AF4" */
		if (start && strcmp(device->bus, "virtio") == 0 && *start == 'd')
			start++;
		return strdup(start ? start : "");
	}
	class = read_attribute(folder, "class");
	return strdup(class && strncmp(class, "0x", 2) == 0 ? class + 2 : "");
}

static int set_kind(const char *folder, struct hw_device *device, struct err *err)
{
	AUTO_FREE char *class = class_text(folder, device);

	if (!class)
		return err_nomem(err);
	device->kind = "other";
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].bus, device->bus) == 0 &&
		    strncmp(class, kinds[i].code, strlen(kinds[i].code)) == 0) {
			device->kind = kinds[i].name;
			device->needed = kinds[i].needed;
			return 0;
		}
	return 0;
}

/* The last line counts: a driver may have tried several. */
static void set_firmware(const char *kernel_log, struct hw_device *device)
{
	for (const char *line = kernel_log; *line;) {
		size_t length = strcspn(line, "\n");
		AUTO_FREE char *text = strndup(line, length);
		AUTO_FREE char *name = NULL;
		AUTO_FREE char *firmware = NULL;

		line += length + (line[length] == '\n');
		if (!text || !hw_firmware_missing(text, &name, &firmware) ||
		    strcmp(name, device->name) != 0)
			continue;
		free(device->firmware);
		device->firmware = TAKE_PTR(firmware);
	}
}

/* Takes device over. */
static int keep_device(struct hw_list *list, struct hw_device *device, struct err *err)
{
	struct hw_device *devices =
		reallocarray(list->devices, list->count + 1, sizeof(*devices));

	if (!devices) {
		device_clear(device);
		return err_nomem(err);
	}
	list->devices = devices;
	devices[list->count++] = *device;
	return 0;
}

static int add_device(const char *bus, const char *folder, const char *name,
		      const char *kernel_log, struct hw_list *list, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, name);
	struct hw_device device = { .alias = path ? read_attribute(path, "modalias")
						  : NULL };
	int r;

	if (!path)
		return err_nomem(err);
	/* a USB device as a whole has no driver of its own; its interfaces have */
	if (!device.alias || (strcmp(bus, "usb") == 0 && !strchr(name, ':'))) {
		device_clear(&device);
		return 0;
	}
	device.bus = strdup(bus);
	device.name = strdup(name);
	device.driver = read_driver(path);
	r = device.bus && device.name ? set_kind(path, &device, err) : err_nomem(err);
	if (r < 0) {
		device_clear(&device);
		return r;
	}
	set_firmware(kernel_log, &device);
	return keep_device(list, &device, err);
}

static int is_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A bus that this machine does not have has no folder. */
static int add_bus(const char *root, const char *bus, const char *kernel_log,
		   struct hw_list *list, struct err *err)
{
	AUTO_FREE char *folder = text_format("%s/sys/bus/%s/devices", root, bus);
	struct dirent **entries = NULL;
	int count = folder ? scandir(folder, &entries, is_entry, alphasort) : 0;
	int r = folder ? 0 : err_nomem(err);

	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = add_device(bus, folder, entries[i]->d_name, kernel_log, list,
				       err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int hw_list_read(const char *root, const char *kernel_log, struct hw_list *ret,
		 struct err *err)
{
	struct hw_list list = { 0 };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(buses) && r == 0; i++)
		r = add_bus(root, buses[i], kernel_log, &list, err);
	if (r < 0) {
		hw_list_clear(&list);
		return r;
	}
	*ret = list;
	return 0;
}
