/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Identity of disks. There is no udev in the environment, so model, serial and WWN come
 * from sysfs itself, each bus with its own attributes (kernel 6.1):
 *
 *	nvme    device/model, device/serial, wwid
 *	ata     device/vpd_pg89 (ATA IDENTIFY, SAT-4 12.4.2), device/vpd_pg80, device/wwid
 *	scsi    device/vendor, device/model, device/vpd_pg80 (SPC-4 7.8.14), device/wwid
 *	usb     the same; usb-storage reads no VPD pages: then the USB device's serial
 *	virtio  serial
 *	mmc     device/name, device/serial
 */
#include "disk-identity.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <base/text.h>

#include "sysfs.h"

#define SYSFS_SECTOR 512 /* the unit of "size", whatever the disk's sectors are */

/* -- bus ---- */

/* By what is in the path of the device, the first that is found. A USB disk is a SCSI
 * disk as well, and so is one behind ATA or virtio-scsi. */
static const struct bus_mark {
	const char *part, *bus;
} bus_marks[] = {
	{ "/usb", "usb" },  { "/nvme", "nvme" }, { "/mmc_host/", "mmc" },
	{ "/ata", "ata" },  { "/host", "scsi" }, { "/virtio", "virtio" },
	{ "/vbd-", "xen" },
};

static const char *bus_of(const char *folder)
{
	const char *device = strstr(folder, "/sys/devices/");

	for (size_t i = 0; device && i < ARRAY_SIZE(bus_marks); i++)
		if (strstr(device, bus_marks[i].part))
			return bus_marks[i].bus;
	return "other";
}

/* -- serial, WWN, model ---- */

/* Some devices say nothing in many digits. */
static bool says_something(const char *text)
{
	return text[strspn(text, "0 .-:?")] != '\0';
}

/* SPC-4 7.8.14: a header of four bytes, page code and length in it, then ASCII. */
static bool serial_from_page_80(const char *folder, char text[SYSFS_TEXT_SIZE])
{
	uint8_t page[SYSFS_TEXT_SIZE] = { 0 };
	size_t length = sysfs_bytes(folder, "device/vpd_pg80", page, sizeof(page));

	text[0] = '\0';
	if (length > 4 && page[1] == 0x80)
		sysfs_clean_text(page + 4, length - 4, text);
	return says_something(text);
}

/* SAT-4 12.4.2: the 512 bytes of IDENTIFY DEVICE at byte 60; its words hold text with the
 * bytes of each pair swapped. */
static bool ata_text(const char *folder, size_t first_word, size_t words,
		     char text[SYSFS_TEXT_SIZE])
{
	uint8_t page[60 + 512], bytes[SYSFS_TEXT_SIZE];
	size_t length = sysfs_bytes(folder, "device/vpd_pg89", page, sizeof(page));

	text[0] = '\0';
	if (length < sizeof(page) || page[1] != 0x89)
		return false;
	for (size_t i = 0; i < 2 * words; i++)
		bytes[i] = page[60 + 2 * first_word + (i ^ 1)];
	sysfs_clean_text(bytes, 2 * words, text);
	return says_something(text);
}

/* The nearest folder above the disk's that is a USB device has its serial. */
static bool serial_from_usb(const char *folder, char text[SYSFS_TEXT_SIZE])
{
	AUTO_FREE char *path = strdup(folder);
	char *slash;

	text[0] = '\0';
	while (path && (slash = strrchr(path, '/')) && strstr(path, "/usb")) {
		*slash = '\0';
		if (sysfs_text(path, "idVendor", text)) {
			sysfs_text(path, "serial", text);
			return says_something(text);
		}
	}
	return false;
}

static void find_serial(const char *folder, const char *bus, char text[SYSFS_TEXT_SIZE])
{
	bool usb = strcmp(bus, "usb") == 0;

	/* Words 10 to 19 of IDENTIFY DEVICE. */
	if (serial_from_page_80(folder, text) || ata_text(folder, 10, 10, text) ||
	    (sysfs_text(folder, "serial", text) && says_something(text)) ||
	    (sysfs_text(folder, "device/serial", text) && says_something(text)) ||
	    (usb && serial_from_usb(folder, text)))
		return;
	text[0] = '\0';
}

/* The kernel's wwid is only sometimes a world-wide name: "t10." and "nvme." are made of
 * model and serial, which we have. */
static void find_wwn(const char *folder, char text[SYSFS_TEXT_SIZE])
{
	static const char *const attributes[] = { "wwid", "device/wwid" };
	static const char *const prefixes[] = { "naa.", "eui.", "uuid." };

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!sysfs_text(folder, attributes[i], text))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(prefixes); j++) {
			size_t length = strlen(prefixes[j]);

			if (strncmp(text, prefixes[j], length) == 0 &&
			    says_something(text + length))
				return;
		}
	}
	text[0] = '\0';
}

static void find_model(const char *folder, char text[SYSFS_TEXT_SIZE])
{
	char vendor[SYSFS_TEXT_SIZE], model[SYSFS_TEXT_SIZE];

	/* Words 27 to 46; the SCSI model is cut at 16 characters. */
	if (ata_text(folder, 27, 20, text))
		return;
	if (!sysfs_text(folder, "device/model", model))
		sysfs_text(folder, "device/name", model);
	/* "ATA" is what libata says, a number stands for virtio. */
	if (!sysfs_text(folder, "device/vendor", vendor) || strcmp(vendor, "ATA") == 0 ||
	    strncmp(vendor, "0x", 2) == 0 || strncmp(model, vendor, strlen(vendor)) == 0)
		vendor[0] = '\0';
	snprintf(text, SYSFS_TEXT_SIZE, "%.100s%s%.140s", vendor,
		 vendor[0] && model[0] ? " " : "", model);
}

static bool is_removable(const char *folder, const char *bus)
{
	char type[SYSFS_TEXT_SIZE];

	if (sysfs_number(folder, "removable", 0) || strcmp(bus, "usb") == 0)
		return true;
	/* A card, not soldered memory. */
	return strcmp(bus, "mmc") == 0 && sysfs_text(folder, "device/type", type) &&
	       strcmp(type, "SD") == 0;
}

/* -- controller ---- */

/* "0000:00:1f.2": domains of five digits are those that Intel's VMD makes behind itself, and
 * other systems need a driver of VMD. */
static bool is_pci_device(const char *folder)
{
	const char *name = strrchr(folder, '/');

	return name && strlen(name) == strlen("/0000:00:00.0") && name[5] == ':' &&
	       name[8] == ':' && name[11] == '.';
}

/* The nearest folder above the disk's that is a PCI device or Hyper-V's; what lies between is
 * the controller's own affair. */
static void find_controller(const char *folder, const char *bus,
			    char text[SYSFS_TEXT_SIZE])
{
	AUTO_FREE char *path = strdup(folder);
	char *slash;

	while (path && strcmp(bus, "usb") != 0 && (slash = strrchr(path, '/')) &&
	       strstr(path, "/sys/devices/")) {
		if (sysfs_text(path, "modalias", text) &&
		    (strncmp(text, "vmbus:", strlen("vmbus:")) == 0 ||
		     (strncmp(text, "pci:", strlen("pci:")) == 0 && is_pci_device(path))))
			return;
		*slash = '\0';
	}
	text[0] = '\0';
}

static int find_texts(const char *folder, struct disk *disk, struct err *err)
{
	char serial[SYSFS_TEXT_SIZE], wwn[SYSFS_TEXT_SIZE], model[SYSFS_TEXT_SIZE];
	char controller[SYSFS_TEXT_SIZE];
	const char *bus = bus_of(folder);

	find_serial(folder, bus, serial);
	find_wwn(folder, wwn);
	find_model(folder, model);
	find_controller(folder, bus, controller);
	disk->controller = strdup(controller);
	disk->bus = strdup(bus);
	disk->serial = strdup(serial);
	disk->wwn = strdup(wwn);
	disk->model = strdup(model);
	return disk->bus && disk->serial && disk->wwn && disk->model && disk->controller
		       ? 0
		       : err_nomem(err);
}

int disk_identify(const char *folder, struct disk *disk, struct err *err)
{
	int r = find_texts(folder, disk, err);

	if (r < 0)
		return r;
	disk->exists = true;
	disk->size = sysfs_number(folder, "size", 0) * SYSFS_SECTOR;
	disk->sector_size =
		(uint32_t)sysfs_number(folder, "queue/logical_block_size", 512);
	disk->physical_sector_size = (uint32_t)sysfs_number(
		folder, "queue/physical_block_size", disk->sector_size);
	disk->rotational = sysfs_number(folder, "queue/rotational", 0) != 0;
	if (sysfs_number(folder, "ro", 0))
		r = disk_protect(disk, DISK_READ_ONLY, err, "it is read-only");
	if (r == 0 && !disk->serial[0] && !disk->wwn[0])
		r = disk_protect(
			disk, DISK_NO_IDENTITY, err,
			"it has neither serial nor WWN by which it could be told "
			"from others: only when it is named twice");
	if (r == 0 && is_removable(folder, disk->bus))
		r = disk_protect(disk, DISK_REMOVABLE, err,
				 "it is removable: only when it is named");
	return r;
}

int disk_protect(struct disk *disk, enum disk_protection bit, struct err *err,
		 const char *format, ...)
{
	struct text all = { 0 };
	char line[512];
	va_list arguments;
	char *text;

	if (disk->protection & bit)
		return 0;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (disk->protection_text && disk->protection_text[0])
		text_add(&all, "%s\n", disk->protection_text);
	text_add(&all, "%s", line);
	text = text_take(&all);
	if (!text)
		return err_nomem(err);
	free(disk->protection_text);
	disk->protection_text = text;
	disk->protection |= bit;
	return 0;
}

/* -- comparison ---- */

/* The digits of a WWN without what stands before them. */
static const char *wwn_digits(const char *text)
{
	static const char *const prefixes[] = { "wwn-0x", "naa.", "eui.", "uuid.", "0x" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncasecmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return text + strlen(prefixes[i]);
	return text;
}

bool disk_wwn_matches(const struct disk *disk, const char *text)
{
	return disk->wwn[0] && strcasecmp(wwn_digits(disk->wwn), wwn_digits(text)) == 0;
}

bool disk_serial_matches(const struct disk *disk, const char *text)
{
	return disk->serial[0] && strcasecmp(disk->serial, text) == 0;
}

bool disk_is_mistakable(const struct disk *a, const struct disk *b)
{
	if (a->wwn[0] && b->wwn[0])
		return disk_wwn_matches(a, b->wwn);
	return disk_serial_matches(a, b->serial);
}

char *disk_identity_text(const struct disk *disk)
{
	struct text text = { 0 };

	if (disk->is_file)
		text_add(&text, "file=%s ", disk->path);
	if (disk->wwn[0])
		text_add(&text, "wwn=%s ", disk->wwn);
	if (disk->serial[0])
		text_add(&text, "serial=%s ", disk->serial);
	text_add(&text, "size=%" PRIu64 " sector=%" PRIu32, disk->size,
		 disk->sector_size);
	return text_take(&text);
}

/* -- the open disk ---- */

static int check_text(const struct disk *disk, const char *what, const char *planned,
		      const char *now, struct err *err)
{
	if (strcmp(planned, now) == 0)
		return 0;
	return err_set(err, -ESTALE, "'%s': %s is '%s', '%s' was planned: another disk",
		       disk->path, what, now, planned);
}

static int check_number(const struct disk *disk, const char *what, uint64_t planned,
			uint64_t now, struct err *err)
{
	if (planned == now)
		return 0;
	return err_set(err, -ESTALE,
		       "'%s': %s is %" PRIu64 " bytes, %" PRIu64
		       " was planned: it changed",
		       disk->path, what, now, planned);
}

static int compare_identity(const struct disk *disk, const struct disk *now,
			    struct err *err)
{
	int r = check_text(disk, "WWN", disk->wwn, now->wwn, err);

	if (r == 0)
		r = check_text(disk, "serial", disk->serial, now->serial, err);
	if (r == 0)
		r = check_number(disk, "size", disk->size, now->size, err);
	if (r == 0)
		r = check_number(disk, "sector size", disk->sector_size, now->sector_size,
				 err);
	return r;
}

static int check_device(int fd, dev_t number, const struct disk *disk, struct err *err)
{
	AUTO(disk_clear) struct disk now = { 0 };
	AUTO_FREE char *folder = NULL;
	uint64_t size = 0;
	char link[64];
	int r;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(number),
		 minor(number));
	folder = realpath(link, NULL);
	if (!folder)
		return err_errno(err, errno, "'%s': '%s'", disk->path, link);
	r = disk_identify(folder, &now, err);
	if (r < 0)
		return r;
	if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return err_errno(err, errno, "'%s': size", disk->path);
	now.size = size;
	return compare_identity(disk, &now, err);
}

/* A file has no identity but its path: it must still be the one that the path names. */
static int check_file(const struct stat *st, const struct disk *disk, struct err *err)
{
	struct stat named;

	if (stat(disk->path, &named) < 0)
		return err_errno(err, errno, "'%s'", disk->path);
	if (named.st_dev != st->st_dev || named.st_ino != st->st_ino)
		return err_set(
			err, -ESTALE,
			"'%s': the file was replaced by another one of the same name",
			disk->path);
	return check_number(disk, "size", disk->size, (uint64_t)st->st_size, err);
}

int disk_identity_check(int fd, const struct disk *disk, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "'%s'", disk->path);
	if (disk->is_file ? !S_ISREG(st.st_mode) : !S_ISBLK(st.st_mode))
		return err_set(err, -ESTALE, "'%s': is no %s any more", disk->path,
			       disk->is_file ? "plain file" : "disk");
	return disk->is_file ? check_file(&st, disk, err)
			     : check_device(fd, st.st_rdev, disk, err);
}
