/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Storage controllers and their ids: see controller.h. */
#include "controller.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/cleanup.h>
#include <base/text.h>

struct pci_ids {
	unsigned vendor, device, subvendor, subdevice, class; /* class: 0x010601 */
};

/* -- which driver ---- */

#define ANY 0xffffffffu

/* Drivers by device and class, the first that fits. Devices: pci.ids of the PCI ID project and
 * the VIRTIO specification 1.2, 4.1.2; classes: PCI Code and ID Assignment, base class 01;
 * drivers: the services that Windows' inbox and the makers' packages install under these
 * names. The image itself knows better (boot-driver.h); this is what to look for where it knows
 * nothing. */
static const struct usual_driver {
	unsigned vendor, device, class, class_mask;
	const char *driver;
} usual_drivers[] = {
	{ 0x1af4, 0x1001, 0, 0, "viostor" },
	{ 0x1af4, 0x1042, 0, 0, "viostor" },
	{ 0x1af4, 0x1004, 0, 0, "vioscsi" },
	{ 0x1af4, 0x1048, 0, 0, "vioscsi" },
	{ 0x15ad, 0x07c0, 0, 0, "pvscsi" },
	{ 0x5853, ANY, 0, 0, "xenvbd" },
	{ 0x8086, ANY, 0x010400, 0xffff00, "iaStorVD" },
	{ 0x1022, ANY, 0x010400, 0xffff00, "rcraid" },
	{ 0x1000, ANY, 0x010400, 0xffff00, "megasas2i" },
	{ 0x1000, ANY, 0x010000, 0xff0000, "LSI_SAS" },
	{ 0x9005, ANY, 0x010000, 0xff0000, "SmartPqi" },
	{ 0x103c, ANY, 0x010400, 0xffff00, "HpSAMD" },
	{ ANY, ANY, 0x010601, 0xffffff, "storahci" },
	{ ANY, ANY, 0x010802, 0xffffff, "stornvme" },
	{ ANY, ANY, 0x010100, 0xffff00, "intelide" },
};

static const char *usual_driver(const struct pci_ids *ids)
{
	for (size_t i = 0; i < ARRAY_SIZE(usual_drivers); i++) {
		const struct usual_driver *usual = &usual_drivers[i];

		if ((usual->vendor == ANY || usual->vendor == ids->vendor) &&
		    (usual->device == ANY || usual->device == ids->device) &&
		    (ids->class & usual->class_mask) == usual->class)
			return usual->driver;
	}
	return NULL;
}

/* -- ids ---- */

static void add_id(struct controller *controller, const char *format, ...) PRINTF(2, 3);

static void add_id(struct controller *controller, const char *format, ...)
{
	va_list args;

	if (controller->id_count == CONTROLLER_IDS)
		return;
	va_start(args, format);
	vsnprintf(controller->ids[controller->id_count++], CONTROLLER_ID_SIZE, format,
		  args);
	va_end(args);
}

/* "Identifiers for PCI Devices" of Windows' driver documentation: hardware ids, then
 * compatible ones. */
static void add_pci(struct controller *controller, const struct pci_ids *p)
{
	unsigned class = p->class, short_class = p->class >> 8;

	add_id(controller, "PCI/VEN_%04X&DEV_%04X&SUBSYS_%04X%04X", p->vendor, p->device,
	       p->subdevice, p->subvendor);
	add_id(controller, "PCI/VEN_%04X&DEV_%04X", p->vendor, p->device);
	add_id(controller, "PCI/VEN_%04X&DEV_%04X&CC_%06X", p->vendor, p->device, class);
	add_id(controller, "PCI/VEN_%04X&DEV_%04X&CC_%04X", p->vendor, p->device,
	       short_class);
	add_id(controller, "PCI/VEN_%04X&CC_%06X", p->vendor, class);
	add_id(controller, "PCI/VEN_%04X&CC_%04X", p->vendor, short_class);
	add_id(controller, "PCI/CC_%06X", class);
	add_id(controller, "PCI/CC_%04X", short_class);
}

static bool read_pci(const char *modalias, struct controller *ret)
{
	unsigned base, sub, interface;
	struct pci_ids p;

	if (sscanf(modalias, "pci:v%8xd%8xsv%8xsd%8xbc%2xsc%2xi%2x", &p.vendor, &p.device,
		   &p.subvendor, &p.subdevice, &base, &sub, &interface) != 7)
		return false;
	p.vendor &= 0xffff;
	p.device &= 0xffff;
	p.subvendor &= 0xffff;
	p.subdevice &= 0xffff;
	p.class = base << 16 | sub << 8 | interface;
	snprintf(ret->name, sizeof(ret->name), "PCI %04x:%04x, class %06x", p.vendor,
		 p.device, p.class);
	ret->driver = usual_driver(&p);
	add_pci(ret, &p);
	return true;
}

/* "vmbus:" and the 32 digits of the class GUID, in the order of its bytes. */
static bool read_vmbus(const char *modalias, struct controller *ret)
{
	static const unsigned char order[] = { 3, 2, 1,	 0,  5,	 4,  7,	 6,
					       8, 9, 10, 11, 12, 13, 14, 15 };
	static const char storage[] = "d96361baa104294db60572e2ffb1dc7f";
	const char *digits = modalias + strlen("vmbus:");
	char id[40] = "";
	size_t at = 0;

	if (strncmp(modalias, "vmbus:", 6) != 0 ||
	    strspn(digits, "0123456789abcdef") != 32)
		return false;
	for (size_t i = 0; i < sizeof(order); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[at++] = '-';
		id[at++] = digits[2 * order[i]];
		id[at++] = digits[2 * order[i] + 1];
	}
	snprintf(ret->name, sizeof(ret->name), "Hyper-V, {%.36s}", id);
	add_id(ret, "VMBUS/{%.36s}", id);
	if (strncmp(digits, storage, 32) == 0)
		ret->driver = "storvsc";
	return true;
}

/* -- names ---- */

/* Controllers of virtual machines, and what all makers have in common. Two devices of one name
 * are the two generations of virtio. */
static const struct named_controller {
	const char *name;
	const char *devices[2];
} named[] = {
	{ "ahci", { "pci:v00008086d00002922sv00000000sd00000000bc01sc06i01" } },
	{ "nvme", { "pci:v00001B36d00000010sv00000000sd00000000bc01sc08i02" } },
	{ "ide", { "pci:v00008086d00007010sv00000000sd00000000bc01sc01i80" } },
	{ "hyper-v", { "vmbus:d96361baa104294db60572e2ffb1dc7f" } },
	{ "virtio-blk",
	  { "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00",
	    "pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00" } },
	{ "virtio-scsi",
	  { "pci:v00001AF4d00001048sv00001AF4sd00001100bc01sc00i00",
	    "pci:v00001AF4d00001004sv00001AF4sd00000008bc01sc00i00" } },
	{ "pvscsi", { "pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc07i00" } },
	{ "lsi-sas", { "pci:v00001000d00000054sv000015ADsd00001976bc01sc07i00" } },
	{ "megasas", { "pci:v00001000d00000060sv00001000sd00001013bc01sc04i00" } },
};

char *controller_names(void)
{
	struct text text = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		text_add(&text, "%s%s", i ? ", " : "", named[i].name);
	return text_take(&text);
}

static bool read_one(const char *modalias, struct controller *ret)
{
	return read_pci(modalias, ret) || read_vmbus(modalias, ret);
}

static bool read_named(const char *name, struct controller *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		if (strcasecmp(named[i].name, name) != 0)
			continue;
		for (size_t d = 0; d < 2 && named[i].devices[d]; d++)
			if (!read_one(named[i].devices[d], ret))
				return false;
		snprintf(ret->name, sizeof(ret->name), "%s", named[i].name);
		return true;
	}
	return false;
}

int controller_from_text(const char *text, struct controller *ret, struct err *err)
{
	struct controller controller = { 0 };
	AUTO_FREE char *names = NULL;

	if (read_named(text, &controller) || read_one(text, &controller)) {
		*ret = controller;
		return 0;
	}
	names = controller_names();
	return names ? err_set(err, -EINVAL,
			       "'%s': no storage controller; possible are %s, or a "
			       "modalias of the kernel ('pci:v00008086d…')",
			       text, names)
		     : err_nomem(err);
}
