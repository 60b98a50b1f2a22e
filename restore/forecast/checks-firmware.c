/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the firmware to the boot manager: the checks of a UEFI's and of a BIOS' way. */
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "authenticode.h"
#include "pe.h"
#include "scene.h"
#include "volumes/boot-sector.h"

#define PROGRAM_MAX (16u << 20) /* boot managers have 1 to 3 MiB */

#define REPAIR "repair it with 'bcdboot' from a Windows installation medium"

/* Where the boot files come only with the restore there is nothing to look at before it. */
static bool by_uefi(const struct scene *scene)
{
	return scene->uefi && !scene->made_anew;
}

static bool by_bios(const struct scene *scene)
{
	return !scene->uefi && !scene->made_anew;
}

static bool is_uefi(const struct scene *scene)
{
	return scene->uefi;
}

static bool is_bios(const struct scene *scene)
{
	return !scene->uefi;
}

static bool firmware_known(const struct scene *scene)
{
	return scene->machine->known;
}

static int check_firmware(struct scene *scene, const char *name, struct err *err)
{
	bool uefi = scene->machine->uefi;

	if (uefi == scene->uefi)
		return scene_say(scene, FORECAST_GREEN, name, err,
				 "%s, as the disk needs", uefi ? "UEFI" : "BIOS");
	if (scene->uefi)
		return scene_say(
			scene, FORECAST_RED, name, err,
			"the disk starts by UEFI, this machine was started by its "
			"BIOS: switch its firmware to UEFI, or restore with "
			"--firmware convert");
	return scene_say(scene, FORECAST_RED, name, err,
			 "the disk starts by BIOS, this machine was started by UEFI: "
			 "switch its firmware to legacy boot (CSM), or restore with "
			 "--firmware convert");
}

static int check_esp(struct scene *scene, const char *name, struct err *err)
{
	struct scene_volume *esp = scene_find(scene, ROLE_ESP);
	struct err fault = { 0 };
	int r;

	if (!esp)
		return scene_say(
			scene, FORECAST_RED, name, err,
			"the EFI system partition is not restored and not there: "
			"nothing starts Windows");
	r = scene_look(esp, "EFI/Microsoft/Boot/BCD", &fault);
	if (r < 0 && r != -ENOENT)
		return scene_say(scene, FORECAST_RED, name, err, "cannot be read: %s",
				 fault.text);
	return scene_say(scene, FORECAST_GREEN, name, err, "%s, its files can be read",
			 file_system_text(esp->info.fs));
}

/* -- the boot manager ---- */

/* -ENOENT and what pe_parse() gives, in words. */
static int read_program(struct scene_volume *volume, const char *path,
			struct scene_file *ret, struct pe_image *ret_image,
			struct err *err)
{
	int r = scene_read(volume, path, PROGRAM_MAX, ret, err);

	if (r == -ENOENT)
		return err_set(err, r, "absent");
	return r < 0 ? r : pe_parse(ret->bytes, ret->length, ret_image, err);
}

static uint16_t own_machine(void)
{
#if defined(__x86_64__)
	return PE_X64;
#elif defined(__aarch64__)
	return PE_ARM64;
#else
#error "which programs does this firmware start?"
#endif
}

/* Where the boot manager lies, or, for other firmware, what it will be a copy of. */
static struct scene_volume *manager_of(struct scene *scene, const char **ret_path)
{
	*ret_path = scene->made_anew ? "Windows/Boot/EFI/bootmgfw.efi"
				     : "EFI/Microsoft/Boot/bootmgfw.efi";
	return scene_find(scene, scene->made_anew ? ROLE_WINDOWS : ROLE_ESP);
}

static int check_manager(struct scene *scene, const char *name, struct err *err)
{
	const char *path;
	struct scene_volume *volume = manager_of(scene, &path);
	AUTO(scene_file_clear) struct scene_file file = { 0 };
	char shown[SCENE_PATH_SIZE];
	struct pe_image image;
	struct err fault = { 0 };

	scene_path(path, shown);
	if (!volume)
		return scene_say(scene, FORECAST_RED, name, err,
				 "there is no partition to hold it");
	if (read_program(volume, path, &file, &image, &fault) < 0)
		return scene_say(scene, FORECAST_RED, name, err, "%s: %s; " REPAIR, shown,
				 fault.text);
	if (image.subsystem != PE_EFI_APPLICATION)
		return scene_say(scene, FORECAST_RED, name, err,
				 "%s is no program for UEFI (subsystem %u); " REPAIR,
				 shown, image.subsystem);
	if (scene->machine->known && image.machine != own_machine())
		return scene_say(scene, FORECAST_RED, name, err,
				 "%s is for %s, this machine is %s", shown,
				 pe_machine_text(image.machine),
				 pe_machine_text(own_machine()));
	return scene_say(scene, FORECAST_GREEN, name, err, "%s, %zu bytes, for %s%s",
			 shown, file.length, pe_machine_text(image.machine),
			 scene->made_anew ? ", will be copied" : "");
}

static int say_accepted(struct scene *scene, const char *name, const char *signer,
			struct err *err)
{
	if (!*signer)
		return scene_say(scene, FORECAST_GREEN, name, err,
				 "this firmware's db names this very program");
	return scene_say(scene, FORECAST_GREEN, name, err,
			 "signed by '%s', accepted by this firmware's db", signer);
}

static int check_with_secure_boot(struct scene *scene, const struct scene_file *file,
				  const char *name, struct err *err)
{
	const struct forecast_machine *m = scene->machine;
	struct authenticode_store store = { { m->db, m->db_length },
					    { m->dbx, m->dbx_length } };
	AUTO_FREE char *signer = NULL;
	struct err fault = { 0 };

	if (authenticode_judge(file->bytes, file->length, &store, &signer, &fault) == 0)
		return say_accepted(scene, name, signer, err);
	return scene_say(scene, FORECAST_RED, name, err,
			 "%s: with Secure Boot the firmware will not start it; switch "
			 "Secure Boot off, or bring db and dbx up to date",
			 fault.text);
}

/* A changed program is damaged, whoever asks. */
static int check_without_secure_boot(struct scene *scene, const struct scene_file *file,
				     const char *name, struct err *err)
{
	AUTO_FREE char *signer = NULL;
	struct err fault = { 0 };
	int r = authenticode_check(file->bytes, file->length, &signer, &fault);

	if (r == 0)
		return scene_say(scene, FORECAST_GREEN, name, err, "signed by '%s'%s",
				 signer,
				 scene->machine->known ? "; Secure Boot is off" : "");
	if (r == -ENODATA)
		return scene_say(scene,
				 scene->machine->known ? FORECAST_GREEN : FORECAST_AMBER,
				 name, err, "%s",
				 scene->machine->known
					 ? "not signed, and Secure Boot is off"
					 : "not signed: with Secure Boot a firmware will "
					   "not start it");
	return scene_say(scene, FORECAST_AMBER, name, err,
			 "%s: the boot manager may be damaged; " REPAIR, fault.text);
}

static int check_signature(struct scene *scene, const char *name, struct err *err)
{
	const char *path;
	struct scene_volume *volume = manager_of(scene, &path);
	AUTO(scene_file_clear) struct scene_file file = { 0 };
	struct pe_image image;
	struct err fault = { 0 };

	if (!volume || read_program(volume, path, &file, &image, &fault) < 0)
		return 0; /* said already */
	if (scene->machine->known && scene->machine->secure_boot)
		return check_with_secure_boot(scene, &file, name, err);
	return check_without_secure_boot(scene, &file, name, err);
}

/* Named after the machine that the boot manager is for. */
static const char *fallback_of(struct scene *scene)
{
	AUTO(scene_file_clear) struct scene_file file = { 0 };
	struct scene_volume *volume;
	struct pe_image image;
	struct err ignored = { 0 };
	const char *path;

	volume = manager_of(scene, &path);
	if (!volume || read_program(volume, path, &file, &image, &ignored) < 0)
		return pe_fallback_name(NULL, 0);
	return pe_fallback_name(file.bytes, file.length);
}

static int check_fallback(struct scene *scene, const char *name, struct err *err)
{
	struct scene_volume *esp = scene_find(scene, ROLE_ESP);
	AUTO(scene_file_clear) struct scene_file file = { 0 };
	AUTO_FREE char *path = NULL;
	const char *loader;
	struct pe_image image;
	struct err fault = { 0 };
	int r;

	if (!esp)
		return 0;
	loader = fallback_of(scene);
	path = text_format("EFI/Boot/%s", loader);
	if (!path)
		return err_nomem(err);
	r = read_program(esp, path, &file, &image, &fault);
	if (r == 0)
		return scene_say(scene, FORECAST_GREEN, name, err,
				 "\\EFI\\Boot\\%s is there", loader);
	if (r == -ENOENT && !esp->on_disk)
		return scene_say(scene, FORECAST_GREEN, name, err,
				 "\\EFI\\Boot\\%s will be added", loader);
	return scene_say(scene, FORECAST_AMBER, name, err,
			 "\\EFI\\Boot\\%s: %s: a firmware that loses its entries "
			 "finds nothing",
			 loader, fault.text);
}

/* -- BIOS ---- */

static int check_active(struct scene *scene, const char *name, struct err *err)
{
	struct scene_volume *active = scene_active(scene);
	uint8_t boot[512];
	struct err fault = { 0 };
	uint64_t start;

	if (!active)
		return scene_say(
			scene, FORECAST_RED, name, err,
			"no restored partition is active: a BIOS starts nothing");
	if (source_read(active->source, boot, 0, sizeof(boot), &fault) < 0)
		return scene_say(scene, FORECAST_RED, name, err, "cannot be read: %s",
				 fault.text);
	if (boot[510] != 0x55 || boot[511] != 0xaa)
		return scene_say(scene, FORECAST_RED, name, err,
				 "'%s': its boot sector has no signature 55 AA",
				 scene_name(active));
	start = active->plan->after->partitions[active->index].offset /
		active->plan->after->sector_size;
	if (active->on_disk && boot_sector_hidden(boot) != start)
		return scene_say(scene, FORECAST_RED, name, err,
				 "'%s': its boot sector says start %" PRIu32
				 ", it is at %" PRIu64,
				 scene_name(active), boot_sector_hidden(boot), start);
	return scene_say(scene, FORECAST_GREEN, name, err, "'%s' has a boot sector",
			 scene_name(active));
}

static int check_bootmgr(struct scene *scene, const char *name, struct err *err)
{
	struct scene_volume *volume =
		scene->made_anew ? scene_find(scene, ROLE_WINDOWS) : scene_active(scene);
	const char *path = scene->made_anew ? "Windows/Boot/PCAT/bootmgr" : "bootmgr";
	char shown[SCENE_PATH_SIZE];
	struct err fault = { 0 };
	int r;

	scene_path(path, shown);
	if (!volume)
		return 0;
	r = scene_look(volume, path, &fault);
	if (r == 0)
		return scene_say(scene, FORECAST_GREEN, name, err, "%s of '%s'%s", shown,
				 scene_name(volume),
				 scene->made_anew ? ", will be copied" : "");
	return scene_say(scene, FORECAST_RED, name, err, "%s of '%s': %s; " REPAIR, shown,
			 scene_name(volume), r == -ENOENT ? "absent" : fault.text);
}

const struct forecast_check forecast_firmware_checks[] = {
	{ "firmware", firmware_known, check_firmware },
	{ "EFI system partition", by_uefi, check_esp },
	{ "boot manager", is_uefi, check_manager },
	{ "signature", is_uefi, check_signature },
	{ "fallback loader", by_uefi, check_fallback },
	{ "active partition", by_bios, check_active },
	{ "boot manager", is_bios, check_bootmgr },
};

const size_t forecast_firmware_check_count = ARRAY_SIZE(forecast_firmware_checks);
