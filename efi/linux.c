/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linux by its EFI stub; see linux.h. The stub asks for the initrd with LoadFile2 on the
 * vendor media path LINUX_EFI_INITRD_MEDIA_GUID: first for the size, then for the bytes
 * (Linux, Documentation/admin-guide/efi-stub.rst; UEFI 2.10, 13.2).
 */
#include "linux.h"

static EFI_GUID load_file_2_guid = {
	0x4006c0c1, 0xfcb3, 0x403e, { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d }
};

struct load_file_2 {
	EFI_STATUS(EFIAPI *load)
	(struct load_file_2 *this, EFI_DEVICE_PATH *path, BOOLEAN boot, UINTN *size,
	 void *buffer);
};

static const struct {
	VENDOR_DEVICE_PATH media;
	EFI_DEVICE_PATH end;
} __attribute__((packed)) initrd_path = {
	.media = { { MEDIA_DEVICE_PATH,
		     MEDIA_VENDOR_DP,
		     { sizeof(VENDOR_DEVICE_PATH), 0 } },
		   { 0x5568e427,
		     0x68fc,
		     0x4f3d,
		     { 0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68 } } },
	.end = { END_DEVICE_PATH_TYPE,
		 END_ENTIRE_DEVICE_PATH_SUBTYPE,
		 { sizeof(EFI_DEVICE_PATH), 0 } },
};

/* The firmware's view (protocol) comes first, so that it converts to the whole. */
struct initrd_offer {
	struct load_file_2 protocol;
	const struct initrd *initrd;
	size_t size;
	EFI_HANDLE handle;
};

static EFI_STATUS EFIAPI initrd_load(struct load_file_2 *this, EFI_DEVICE_PATH *path,
				     BOOLEAN boot, UINTN *size, void *buffer)
{
	const struct initrd_offer *offer = (const struct initrd_offer *)this;

	if (!offer || !size || !path)
		return EFI_INVALID_PARAMETER;
	if (boot)
		return EFI_UNSUPPORTED;
	if (!buffer || *size < offer->size) {
		*size = offer->size;
		return EFI_BUFFER_TOO_SMALL;
	}
	initrd_copy(offer->initrd, buffer);
	*size = offer->size;
	return EFI_SUCCESS;
}

static EFI_STATUS offer_initrd(struct initrd_offer *offer, struct err *err)
{
	EFI_STATUS status;

	status = BS->InstallMultipleProtocolInterfaces(
		&offer->handle, &DevicePathProtocol, &initrd_path, &load_file_2_guid,
		&offer->protocol, NULL);
	if (EFI_ERROR(status))
		return err_status(err, status,
				  "initramfs: cannot be offered to the kernel");
	return EFI_SUCCESS;
}

static void withdraw_initrd(struct initrd_offer *offer)
{
	if (offer->handle)
		BS->UninstallMultipleProtocolInterfaces(
			offer->handle, &DevicePathProtocol, &initrd_path,
			&load_file_2_guid, &offer->protocol, NULL);
}

/* Where the kernel "file" lies: some firmware refuses an image without any path. */
static EFI_STATUS load_kernel(EFI_HANDLE self, struct bytes kernel, EFI_HANDLE *ret,
			      struct err *err)
{
	struct {
		MEMMAP_DEVICE_PATH memory;
		EFI_DEVICE_PATH end;
	} __attribute__((packed)) path = {
		.memory = { { HARDWARE_DEVICE_PATH,
			      HW_MEMMAP_DP,
			      { sizeof(MEMMAP_DEVICE_PATH), 0 } },
			    EfiLoaderData,
			    (UINTN)kernel.data,
			    (UINTN)kernel.data + kernel.size - 1 },
		.end = initrd_path.end,
	};
	EFI_HANDLE image = NULL;
	EFI_STATUS status;

	status = BS->LoadImage(FALSE, self, (EFI_DEVICE_PATH *)&path, (void *)kernel.data,
			       kernel.size, &image);
	if (!EFI_ERROR(status)) {
		*ret = image;
		return EFI_SUCCESS;
	}
	/* Refused by Secure Boot, an image is loaded all the same. */
	if (image)
		BS->UnloadImage(image);
	if (status == EFI_SECURITY_VIOLATION || status == EFI_ACCESS_DENIED)
		return err_status(err, status,
				  "kernel of %zu bytes: Secure Boot does not trust it",
				  kernel.size);
	return err_status(err, status, "kernel of %zu bytes: the firmware cannot load it",
			  kernel.size);
}

/* The command line is ASCII (command_line_compose); the stub takes UTF-16. */
static EFI_STATUS set_command_line(EFI_HANDLE image, const char *line, CHAR16 *buffer,
				   struct err *err)
{
	EFI_LOADED_IMAGE *loaded;
	EFI_STATUS status;
	UINTN length = 0;

	status = BS->HandleProtocol(image, &LoadedImageProtocol, (void **)&loaded);
	if (EFI_ERROR(status))
		return err_status(err, status, "kernel: takes no command line");
	do
		buffer[length] = (CHAR16)line[length];
	while (line[length++]);
	loaded->LoadOptions = buffer;
	loaded->LoadOptionsSize = (UINT32)(length * sizeof(CHAR16));
	return EFI_SUCCESS;
}

EFI_STATUS linux_start(EFI_HANDLE self, struct bytes kernel, const char *command_line,
		       const struct initrd *initrd, struct err *err)
{
	struct initrd_offer offer = { .protocol.load = initrd_load, .initrd = initrd };
	CHAR16 options[COMMAND_LINE_SIZE];
	EFI_HANDLE image = NULL;
	EFI_STATUS status;

	if (initrd_size(initrd, &offer.size, err))
		return EFI_INVALID_PARAMETER;
	status = load_kernel(self, kernel, &image, err);
	if (EFI_ERROR(status))
		return status;
	status = set_command_line(image, command_line, options, err);
	if (!EFI_ERROR(status))
		status = offer_initrd(&offer, err);
	if (EFI_ERROR(status)) {
		BS->UnloadImage(image);
		return status;
	}
	status = image_run(image);
	withdraw_initrd(&offer);
	return err_status(err, status, "kernel: came back instead of starting");
}
