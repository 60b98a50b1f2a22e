/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Offsets are those of GRUB 2.06: include/grub/i386/pc/boot.h (GRUB_BOOT_MACHINE_*) and
 * include/grub/offsets.h; what is written there is what util/setup.c writes.
 */
#include "bios-start.h"

#include <string.h>
#include <unistd.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/spawn.h>
#include <base/text.h>

#define SECTOR_SIZE  512
#define GRUB_MODULES "/usr/lib/grub/i386-pc"
#define CORE_LBA     (BIOS_CORE_OFFSET / SECTOR_SIZE)

/* boot.img: one sector */
#define BOOT_KERNEL_SECTOR 0x5c /* le64: where the core begins */
#define BOOT_DRIVE_CHECK   0x66 /* a jump; no operation where the BIOS tells the drive */
#define BOOT_SIGNATURE	   0x1fe

/* The core's first sector loads the others: a list of ranges grows down from its end. */
struct block_list_disk {
	le64 first_lba;	 /* 0x1f4 */
	le16 sectors;	 /* 0x1fc */
	uint8_t load[2]; /* 0x1fe segment, kept */
} __attribute__((packed));
_Static_assert(sizeof(struct block_list_disk) == 12, "grub_pc_bios_boot_blocklist");

void bios_start_clear(struct bios_start *bios)
{
	free(bios->core);
	*bios = (struct bios_start){ 0 };
}

int bios_start_join(const struct content *boot, const struct content *core,
		    struct bios_start *ret, struct err *err)
{
	static const uint8_t signature[] = { 0x55, 0xaa },
			     no_operation[] = { 0x90, 0x90 };
	AUTO(bios_start_clear) struct bios_start bios = { 0 };
	struct block_list_disk list;
	const le64 core_lba = put_le64(CORE_LBA);
	uint64_t length;

	if (boot->length != SECTOR_SIZE ||
	    memcmp(boot->bytes + BOOT_SIGNATURE, signature, sizeof(signature)) != 0)
		return err_set(err, -EBADMSG, "'boot.img': is no boot sector");
	if (core->length <= SECTOR_SIZE)
		return err_set(err, -EBADMSG,
			       "GRUB's core: %zu bytes, must be more than one sector",
			       core->length);
	if (!checked_align_up(core->length, SECTOR_SIZE, &length) ||
	    length > BIOS_CORE_MAX)
		return err_set(err, -ENOSPC, "GRUB's core: %zu bytes, room is for %ju",
			       core->length, (uintmax_t)BIOS_CORE_MAX);
	bios.core = calloc(1, length);
	bios.core_length = length;
	if (!bios.core)
		return err_nomem(err);
	memcpy(bios.core, core->bytes, core->length);
	memcpy(&list, bios.core + SECTOR_SIZE - sizeof(list), sizeof(list));
	list.first_lba = put_le64(CORE_LBA + 1);
	list.sectors = put_le16((uint16_t)(length / SECTOR_SIZE - 1));
	memcpy(bios.core + SECTOR_SIZE - sizeof(list), &list, sizeof(list));
	memcpy(bios.boot_code, boot->bytes, sizeof(bios.boot_code));
	memcpy(bios.boot_code + BOOT_KERNEL_SECTOR, &core_lba, sizeof(core_lba));
	memcpy(bios.boot_code + BOOT_DRIVE_CHECK, no_operation, sizeof(no_operation));
	*ret = bios;
	bios.core = NULL;
	return 0;
}

static int make_core(const struct sysroot *sysroot, const char *commands,
		     const char *output, struct err *err)
{
	AUTO_FREE char *modules = text_format("%s" GRUB_MODULES, sysroot->path);
	/* all that boot/grub.cfg uses: there is no folder of modules on the stick */
	const char *argv[] = { "grub-mkimage",
			       "-Oi386-pc",
			       "-d",
			       modules,
			       "-o",
			       output,
			       "-p",
			       "(,gpt1)/EFI/debian",
			       "-c",
			       commands,
			       "biosdisk",
			       "part_gpt",
			       "part_msdos",
			       "fat",
			       "normal",
			       "configfile",
			       "linux",
			       "test",
			       "echo",
			       "search",
			       "search_fs_file",
			       "serial",
			       "terminal",
			       "probe",
			       "minicmd",
			       "sleep",
			       "true",
			       "halt",
			       "reboot",
			       "chain",
			       NULL };

	if (!modules)
		return err_nomem(err);
	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

int bios_start_make(const struct sysroot *sysroot, const char *commands,
		    const char *scratch, struct bios_start *ret, struct err *err)
{
	AUTO(content_clear) struct content boot = { 0 };
	AUTO(content_clear) struct content core = { 0 };
	int r = sysroot_read(sysroot, GRUB_MODULES "/boot.img", &boot, NULL, err);

	if (r < 0)
		return err_add(err, "for BIOS machines (package grub-pc-bin)");
	r = make_core(sysroot, commands, scratch, err);
	if (r == 0)
		r = content_map(scratch, &core, NULL, err);
	if (r == 0)
		r = bios_start_join(&boot, &core, ret, err);
	(void)unlink(scratch);
	return r;
}
