/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table: see media.h. Names are what firmware, shim and GRUB look for. */
#include "media.h"

#include <sys/stat.h>

#include <base/spawn.h>

#include "disk-image.h"
#include "iso-image.h"

enum medium {
	STICK = 1,
	ISO_BOOT = 2, /* the small FAT image from which firmware starts */
	ISO_FILES = 4,
	NETWORK = 8,
};

#define EVERYWHERE_LOCAL (STICK | ISO_BOOT | ISO_FILES)

static const struct place {
	enum media_part part;
	unsigned media;
	const char *name;
	const char *name_arm64; /* NULL: the same */
} places[] = {
	{ PART_SHIM, STICK | ISO_BOOT, "EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/BOOTAA64.EFI" },
	{ PART_GRUB, STICK | ISO_BOOT, "EFI/BOOT/grubx64.efi", "EFI/BOOT/grubaa64.efi" },
	{ PART_MOK_MANAGER, STICK | ISO_BOOT, "EFI/BOOT/mmx64.efi",
	  "EFI/BOOT/mmaa64.efi" },
	/* GRUB started from a CD sees the ISO 9660 file system only */
	{ PART_CONFIG, EVERYWHERE_LOCAL, "EFI/debian/grub.cfg" },
	/* Debian's GRUB looks beside itself where the other one is missing */
	{ PART_CONFIG, EVERYWHERE_LOCAL, "EFI/BOOT/grub.cfg" },
	{ PART_EFI, STICK | ISO_FILES, "EFI/openbmr/openbmr.efi" },
	{ PART_KERNEL, STICK | ISO_FILES, "EFI/openbmr/vmlinuz" },
	{ PART_INITRAMFS, STICK | ISO_FILES, "EFI/openbmr/initramfs.zst" },
	{ PART_ANSWER_HEAD, STICK | ISO_FILES, "EFI/openbmr/answer.head" },
	{ PART_CREDENTIALS_HEAD, STICK | ISO_FILES, "EFI/openbmr/credentials.head" },
	{ PART_PADDING, STICK | ISO_FILES, "EFI/openbmr/padding" },
	{ PART_ANSWER, EVERYWHERE_LOCAL, "openbmr.ini" },
	{ PART_CREDENTIALS, EVERYWHERE_LOCAL, "openbmr.cred" },
	{ PART_CERTIFICATE, STICK | ISO_BOOT, "openbmr.cer" },

	{ PART_EFI, NETWORK, "openbmr.efi" },
	{ PART_KERNEL, NETWORK, "vmlinuz" },
	{ PART_INITRAMFS, NETWORK, "initramfs.zst" },
	{ PART_SHIM, NETWORK, "shimx64.efi", "shimaa64.efi" },
	{ PART_GRUB_NETWORK, NETWORK, "grubx64.efi", "grubaa64.efi" },
	{ PART_MOK_MANAGER, NETWORK, "mmx64.efi", "mmaa64.efi" },
	{ PART_CONFIG_NETWORK, NETWORK, "grub/grub.cfg" },
	{ PART_IPXE, NETWORK, "openbmr.ipxe" },
	{ PART_NETWORK_ANSWER_HEAD, NETWORK, "answer.head" },
	{ PART_NETWORK_SIGNATURE_HEAD, NETWORK, "signature.head" },
	{ PART_NETWORK_CREDENTIALS_HEAD, NETWORK, "credentials.head" },
	{ PART_PADDING, NETWORK, "padding" },
	{ PART_DNSMASQ_DHCP, NETWORK, "dnsmasq-dhcp.conf" },
	{ PART_DNSMASQ_PROXY, NETWORK, "dnsmasq-proxydhcp.conf" },
	{ PART_DNSMASQ_HTTP, NETWORK, "dnsmasq-http.conf" },
	{ PART_CERTIFICATE, NETWORK, "openbmr.cer" },
};

static const char *name_on(const struct media *media, const struct place *place)
{
	bool arm64 = media->sysroot->architecture->number == ARM64;

	return arm64 && place->name_arm64 ? place->name_arm64 : place->name;
}

/* Returns how many files the medium has. */
static size_t choose(const struct media *media, enum medium medium,
		     struct image_file ret[ARRAY_SIZE(places)])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if ((places[i].media & medium) && media->parts[places[i].part])
			ret[count++] = (struct image_file){
				.source = media->parts[places[i].part],
				.name = name_on(media, &places[i]),
			};
	return count;
}

int media_write_stick(const struct media *media, const char *output, struct err *err)
{
	AUTO(bios_start_clear) struct bios_start bios = { 0 };
	struct image_file files[ARRAY_SIZE(places)];
	struct disk_image image = { .files = files,
				    .count = choose(media, STICK, files),
				    .mtime_s = media->mtime_s };
	int r = 0;

	if (media->sysroot->architecture->bios) {
		image.bios = &bios;
		r = bios_start_make(media->sysroot, media->bios_commands, media->scratch,
				    &bios, err);
	}
	return r < 0 ? r : disk_image_write(&image, output, err);
}

int media_write_iso(const struct media *media, const char *output, struct err *err)
{
	struct image_file boot_files[ARRAY_SIZE(places)], files[ARRAY_SIZE(places)];
	struct iso_image image = { .boot_files = boot_files,
				   .boot_count = choose(media, ISO_BOOT, boot_files),
				   .files = files,
				   .count = choose(media, ISO_FILES, files),
				   .scratch = media->scratch,
				   .mtime_s = media->mtime_s };

	return iso_image_write(&image, output, err);
}

static int copy_out(const struct image_file *file, const char *folder, struct err *err)
{
	AUTO_FREE char *target = text_format("%s/%s", folder, file->name);
	const char *argv[] = { "install", "-D",		"-m",	"0644",
			       "--",	  file->source, target, NULL };

	if (!target)
		return err_nomem(err);
	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

int media_write_network(const struct media *media, const char *output, struct err *err)
{
	struct image_file files[ARRAY_SIZE(places)];
	size_t count = choose(media, NETWORK, files);
	int r = 0;

	if (mkdir(output, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "'%s': creating the folder", output);
	for (size_t i = 0; i < count && r == 0; i++)
		r = copy_out(&files[i], output, err);
	return r;
}
