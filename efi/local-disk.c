/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts the local disk; see local-disk.h. */
#include "local-disk.h"

#include "console.h"

/* What the firmware's own boot manager sets for what it starts (UEFI 2.10, 3.1.2). */
#define WATCHDOG_S 300

#define WINDOWS_LOADER L"\\EFI\\Microsoft\\Boot\\bootmgfw.efi"
#if defined(__aarch64__)
#define FALLBACK_NAME "\\EFI\\Boot\\bootaa64.efi"
#else
#define FALLBACK_NAME "\\EFI\\Boot\\bootx64.efi"
#endif
#define FALLBACK_LOADER L"" FALLBACK_NAME

/* No fallback loader of a removable disk: that is a setup stick, not an installed system.
 */
static const struct loader_place {
	const CHAR16 *file;
	bool removable;
	bool same_disk; /* as this program: it may be installed beside Windows */
} loader_places[] = {
	{ WINDOWS_LOADER, false, true },
	{ FALLBACK_LOADER, false, false },
	{ WINDOWS_LOADER, true, false },
};

/* Firmware that starts fast has touched only the disk it started from. */
static void connect_all_devices(void)
{
	AUTO_POOL EFI_HANDLE *handles = NULL;
	UINTN count = 0;

	if (EFI_ERROR(BS->LocateHandleBuffer(AllHandles, NULL, NULL, &count, &handles)))
		return;
	for (UINTN i = 0; i < count; i++)
		BS->ConnectController(handles[i], NULL, NULL, TRUE);
}

/* Is the volume of the kind that is looked for, on another disk than the boot medium? */
static bool volume_fits(EFI_HANDLE volume, const struct medium *medium,
			const struct loader_place *place)
{
	EFI_BLOCK_IO *block_io;
	struct err ignored;
	const void *path;
	size_t size;

	if (EFI_ERROR(BS->HandleProtocol(volume, &DevicePathProtocol, (void **)&path)) ||
	    device_path_measure(path, DEVICE_PATH_MAX_SIZE, &size, &ignored))
		return false;
	if (!place->same_disk && medium->device_path &&
	    device_path_same_disk(path, size, medium->device_path,
				  medium->device_path_size))
		return false;
	return !EFI_ERROR(BS->HandleProtocol(volume, &BlockIoProtocol,
					     (void **)&block_io)) &&
	       !block_io->Media->RemovableMedia == !place->removable;
}

static bool file_exists(EFI_HANDLE volume, const CHAR16 *name)
{
	AUTO_FILE EFI_FILE_HANDLE root = NULL;
	AUTO_FILE EFI_FILE_HANDLE file = NULL;
	EFI_FILE_IO_INTERFACE *interface;

	if (EFI_ERROR(
		    BS->HandleProtocol(volume, &FileSystemProtocol, (void **)&interface)))
		return false;
	if (EFI_ERROR(interface->OpenVolume(interface, &root))) {
		root = NULL;
		return false;
	}
	if (EFI_ERROR(root->Open(root, &file, (CHAR16 *)name, EFI_FILE_MODE_READ, 0))) {
		file = NULL;
		return false;
	}
	return true;
}

static EFI_STATUS start_loader(EFI_HANDLE self, EFI_HANDLE volume, const CHAR16 *name,
			       struct err *err)
{
	AUTO_POOL EFI_DEVICE_PATH *path = FileDevicePath(volume, (CHAR16 *)name);
	char shown[256] = "";
	struct text text = text_start(shown, sizeof(shown));
	EFI_HANDLE image = NULL;
	EFI_STATUS status;

	if (!path)
		return err_fact(err, EFI_OUT_OF_RESOURCES, "local disk: no memory");
	device_path_text(path, &text);
	console_clear();
	console_print("Starting %s\n", shown);
	status = BS->LoadImage(FALSE, self, path, NULL, 0, &image);
	if (EFI_ERROR(status)) {
		if (image)
			BS->UnloadImage(image);
		return err_status(err, status, "'%s': the firmware cannot load it",
				  shown);
	}
	BS->SetWatchdogTimer(WATCHDOG_S, 0, 0, NULL);
	status = image_run(image);
	BS->SetWatchdogTimer(0, 0, 0, NULL);
	if (EFI_ERROR(status))
		return err_status(err, status, "'%s': came back with an error", shown);
	return EFI_SUCCESS;
}

EFI_STATUS local_disk_start(EFI_HANDLE self, const struct medium *medium, struct err *err)
{
	AUTO_POOL EFI_HANDLE *volumes = NULL;
	UINTN count = 0;

	connect_all_devices();
	if (EFI_ERROR(BS->LocateHandleBuffer(ByProtocol, &FileSystemProtocol, NULL,
					     &count, &volumes)))
		count = 0;
	for (size_t i = 0; i < sizeof(loader_places) / sizeof(loader_places[0]); i++) {
		const struct loader_place *place = &loader_places[i];

		for (UINTN j = 0; j < count; j++)
			if (volume_fits(volumes[j], medium, place) &&
			    file_exists(volumes[j], place->file))
				return start_loader(self, volumes[j], place->file, err);
	}
	return err_fact(err, EFI_NOT_FOUND,
			"local disk: no disk beside the boot medium holds "
			"\\EFI\\Microsoft\\Boot\\bootmgfw.efi or " FALLBACK_NAME);
}
