/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The boot medium and its files; see medium.h. */
#include "medium.h"

#include <string.h>

/* Some firmware fails on reads of many megabytes at once. */
#define READ_AT_ONCE ((UINTN)1024 * 1024)
#define NAME_SIZE    (3 * FILE_NAME_UNITS) /* UTF-8 of a path */

static int read_device_path(EFI_HANDLE device, struct medium *medium, struct err *err)
{
	const void *path;
	int r;

	if (!device ||
	    EFI_ERROR(BS->HandleProtocol(device, &DevicePathProtocol, (void **)&path)))
		return 0;
	r = device_path_measure(path, DEVICE_PATH_MAX_SIZE, &medium->device_path_size,
				err);
	if (r)
		return r;
	medium->device_path = path;
	r = net_place_read(path, medium->device_path_size, &medium->network, err);
	return r ? r
		 : device_path_partition(path, medium->device_path_size,
					 &medium->partition, err);
}

static int read_names(struct medium *medium, struct err *err)
{
	size_t size;
	int r;

	if (!medium->image->FilePath)
		return 0;
	r = device_path_measure(medium->image->FilePath, DEVICE_PATH_MAX_SIZE, &size,
				err);
	if (!r)
		r = device_path_file(medium->image->FilePath, size, medium->file,
				     FILE_NAME_UNITS, err);
	if (r)
		return r;
	memcpy(medium->folder, medium->file, sizeof(medium->folder));
	file_name_to_folder(medium->folder);
	return 0;
}

static bool has_volume(EFI_HANDLE device)
{
	EFI_FILE_IO_INTERFACE *volume;

	return device && !EFI_ERROR(BS->HandleProtocol(device, &FileSystemProtocol,
						       (void **)&volume));
}

/* GRUB starts this program from the ISO 9660 file system, which firmware cannot read. Then
 * the volume is the FAT image on the same disk, and what was asked for is found there. */
static EFI_STATUS find_volume(EFI_HANDLE *device, struct medium *medium, struct err *err)
{
	AUTO_POOL EFI_HANDLE *handles = NULL;
	UINTN count = 0;
	int r;

	r = read_device_path(*device, medium, err);
	if (r || has_volume(*device) || !medium->device_path ||
	    EFI_ERROR(BS->LocateHandleBuffer(ByProtocol, &FileSystemProtocol, NULL,
					     &count, &handles)))
		return r ? EFI_INVALID_PARAMETER : EFI_SUCCESS;
	for (UINTN i = 0; i < count; i++) {
		struct medium other = { 0 };

		/* a path that cannot be read is that of another disk */
		if (read_device_path(handles[i], &other, err) || !other.device_path ||
		    !device_path_same_disk(medium->device_path, medium->device_path_size,
					   other.device_path, other.device_path_size))
			continue;
		medium->device_path = other.device_path;
		medium->device_path_size = other.device_path_size;
		medium->partition = other.partition;
		*device = handles[i];
		break;
	}
	return EFI_SUCCESS;
}

EFI_STATUS medium_open(EFI_HANDLE image, struct medium *ret, struct err *err)
{
	EFI_FILE_IO_INTERFACE *volume;
	EFI_STATUS status;
	EFI_HANDLE device;
	int r;

	*ret = (struct medium){ 0 };
	status = BS->HandleProtocol(image, &LoadedImageProtocol, (void **)&ret->image);
	if (EFI_ERROR(status))
		return err_status(err, status,
				  "the firmware does not say what it loaded");
	device = ret->image->DeviceHandle;
	status = find_volume(&device, ret, err);
	if (EFI_ERROR(status))
		return status;
	r = read_names(ret, err);
	if (r)
		return EFI_INVALID_PARAMETER;
	if (!device ||
	    EFI_ERROR(BS->HandleProtocol(device, &FileSystemProtocol, (void **)&volume)))
		return EFI_SUCCESS;
	status = volume->OpenVolume(volume, &ret->root);
	if (EFI_ERROR(status))
		return err_status(err, status,
				  "boot medium: its file system cannot be opened");
	return EFI_SUCCESS;
}

static EFI_STATUS file_size(EFI_FILE_HANDLE file, const char *name, UINT64 *ret,
			    struct err *err)
{
	/* The structure ends in the name, which is not needed here, but must fit. */
	UINT8 buffer[sizeof(EFI_FILE_INFO) + sizeof(CHAR16) * FILE_NAME_UNITS]
		__attribute__((aligned(8)));
	const EFI_FILE_INFO *info = (const EFI_FILE_INFO *)buffer;
	UINTN size = sizeof(buffer);
	EFI_STATUS status;

	status = file->GetInfo(file, &GenericFileInfo, &size, buffer);
	if (EFI_ERROR(status))
		return err_status(err, status, "'%s': size cannot be read", name);
	if (info->Attribute & EFI_FILE_DIRECTORY)
		return err_fact(err, EFI_INVALID_PARAMETER, "'%s': is a folder", name);
	*ret = info->FileSize;
	return EFI_SUCCESS;
}

static EFI_STATUS read_all(EFI_FILE_HANDLE file, const char *name, UINT8 *data,
			   UINTN size, struct err *err)
{
	for (UINTN done = 0, length; done < size; done += length) {
		EFI_STATUS status;

		length = size - done < READ_AT_ONCE ? size - done : READ_AT_ONCE;
		status = file->Read(file, &length, data + done);
		if (!EFI_ERROR(status) && !length)
			status = EFI_END_OF_FILE;
		if (EFI_ERROR(status))
			return err_status(
				err, status, "'%s': read fails at byte %llu of %llu",
				name, (unsigned long long)done, (unsigned long long)size);
	}
	return EFI_SUCCESS;
}

static EFI_STATUS read_path(const struct medium *medium,
			    const CHAR16 name[FILE_NAME_UNITS], size_t limit,
			    struct medium_file *ret, struct err *err)
{
	AUTO_FILE EFI_FILE_HANDLE file = NULL;
	AUTO_POOL UINT8 *data = NULL;
	char shown[NAME_SIZE];
	struct text text = text_start(shown, sizeof(shown));
	EFI_STATUS status;
	UINT64 size = 0;

	text_add_utf16(&text, name, FILE_NAME_UNITS);
	if (!medium->root)
		return err_fact(err, EFI_NOT_FOUND,
				"'%s': this program was not loaded from a file system",
				shown);
	status = medium->root->Open(medium->root, &file, (CHAR16 *)name,
				    EFI_FILE_MODE_READ, 0);
	if (EFI_ERROR(status)) {
		file = NULL;
		return err_status(err, status, "'%s'", shown);
	}
	status = file_size(file, shown, &size, err);
	if (EFI_ERROR(status))
		return status;
	if (size > limit)
		return err_fact(err, EFI_BAD_BUFFER_SIZE,
				"'%s': %llu bytes, limit is %zu", shown,
				(unsigned long long)size, limit);
	data = pool_allocate(size + 1);
	if (!data)
		return err_fact(err, EFI_OUT_OF_RESOURCES,
				"'%s': no memory for %llu bytes", shown,
				(unsigned long long)size);
	status = read_all(file, shown, data, size, err);
	if (EFI_ERROR(status))
		return status;
	ret->content = (struct bytes){ .data = data, .size = size };
	memcpy(ret->name, name, FILE_NAME_UNITS * sizeof(*name));
	data = NULL;
	return EFI_SUCCESS;
}

/* folder and an ASCII name. false: too long */
static bool join_name(const CHAR16 *folder, const char *name, CHAR16 ret[FILE_NAME_UNITS])
{
	size_t length = 0;

	for (; *folder && length < FILE_NAME_UNITS - 1; folder++)
		ret[length++] = *folder;
	for (; *name && length < FILE_NAME_UNITS - 1; name++)
		ret[length++] = (CHAR16)*name;
	ret[length] = 0;
	return !*folder && !*name;
}

static EFI_STATUS read_in_folder(const struct medium *medium, const CHAR16 *folder,
				 const char *name, size_t limit, struct medium_file *ret,
				 struct err *err)
{
	CHAR16 path[FILE_NAME_UNITS];

	if (!join_name(folder, name, path))
		return err_fact(err, EFI_INVALID_PARAMETER, "'%s': path too long", name);
	return read_path(medium, path, limit, ret, err);
}

EFI_STATUS medium_read_either(const struct medium *medium, const char *name, size_t limit,
			      struct medium_file *ret, struct err *err)
{
	EFI_STATUS status = read_in_folder(medium, L"\\", name, limit, ret, err);

	if (status != EFI_NOT_FOUND)
		return status;
	return read_in_folder(medium, medium->folder, name, limit, ret, err);
}

EFI_STATUS medium_read_payload(const struct medium *medium, struct payload *ret,
			       struct err *err)
{
	struct payload payload = { 0 };

	for (unsigned int part = 0; part < PAYLOAD_PARTS; part++) {
		const struct payload_kind *kind = &payload_kinds[part];
		struct medium_file file;
		EFI_STATUS status;

		status = read_in_folder(medium, medium->folder, kind->file,
					kind->max_size, &file, err);
		if (EFI_ERROR(status)) {
			payload_free(&payload);
			return status;
		}
		payload.parts[part] = file.content;
	}
	*ret = payload;
	return EFI_SUCCESS;
}

void payload_free(struct payload *payload)
{
	for (unsigned int part = 0; part < PAYLOAD_PARTS; part++)
		if (payload->parts[part].data)
			BS->FreePool((void *)payload->parts[part].data);
	*payload = (struct payload){ 0 };
}
