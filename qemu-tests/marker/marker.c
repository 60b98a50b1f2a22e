/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for Windows' boot manager (bootmgfw.efi) on the ESP of a generated disk.
 * Started by the firmware from the restored disk, it judges what Windows would need: that
 * the disk's GPT is whole, that its own partition is in it, and that the BCD store beside
 * it points to this disk and to partitions that exist. Prints exactly one line
 *
 *	openbmr-marker: ok disk=<guid> esp=<guid> bcd=<n> elements path=<file> entry="<text>"
 *	openbmr-marker: FAILED <reason>
 *
 * and switches the machine off. path is the file the firmware loaded, entry the
 * description of the boot entry it came by (BootCurrent), "" where the firmware names
 * none.
 *
 * Shares no code and no constants with efi/ and restore/: it must not repeat their
 * mistakes. Sources: UEFI 2.10, chapters 3, 5 and 10; FORMAT.md section 5 for BCD
 * elements.
 */
#include <efi.h>
#include <efilib.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define BCD_FILE     L"\\EFI\\Microsoft\\Boot\\BCD"
#define BCD_MAX_SIZE (16u << 20) /* real ones have 24 to 64 KiB */
#define TABLE_MAX_SIZE                                                                   \
	(1u                                                                              \
	 << 20) /* 128 entries of 128 bytes is what everybody writes                  \
		    */
#define LINE_UNITS 1024
#define STALL_US   500000 /* the serial line must drain before the power goes */

struct gpt_header {
	uint8_t signature[8];
	uint32_t revision, header_size, header_crc, reserved;
	uint64_t my_lba, alternate_lba, first_usable, last_usable;
	uint8_t disk_guid[16];
	uint64_t entries_lba;
	uint32_t entry_count, entry_size, entries_crc;
} __attribute__((packed));

struct gpt_entry {
	uint8_t type[16], guid[16];
	uint64_t first_lba, last_lba, attributes;
	uint16_t name[36];
} __attribute__((packed));

struct hard_drive {
	uint8_t type, subtype;
	uint16_t length;
	uint32_t number;
	uint64_t start, sectors;
	uint8_t signature[16];
	uint8_t format, signature_type;
} __attribute__((packed));

/* From the device type on, that is from offset 0x10 of an element. */
struct bcd_device {
	uint32_t type, flags, length, zero_1;
	uint8_t partition[16];
	uint32_t zero_2, style;
	uint8_t disk[16];
} __attribute__((packed));

static const uint8_t esp_type[16] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
				      0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };

static bool same(const void *a, const void *b, UINTN size)
{
	return CompareMem(a, b, size) == 0;
}

/* Writes a GUID as text into a buffer of 37 units; returns it. */
static const CHAR16 *guid_text(const uint8_t *guid, CHAR16 *out)
{
	static const int8_t order[] = { 3,  2, 1, 0,  -1, 5,  4,  -1, 7,  6,
					-1, 8, 9, -1, 10, 11, 12, 13, 14, 15 };
	UINTN length = 0;

	for (UINTN i = 0; i < sizeof(order); i++) {
		if (order[i] < 0) {
			out[length++] = '-';
			continue;
		}
		out[length++] = L"0123456789abcdef"[guid[order[i]] >> 4];
		out[length++] = L"0123456789abcdef"[guid[order[i]] & 15];
	}
	out[length] = 0;
	return out;
}

/* The one line, and the end. format is that of GNU-EFI's Print. */
static void __attribute__((noreturn)) finish(const CHAR16 *format, ...)
{
	CHAR16 line[LINE_UNITS];
	va_list arguments;

	va_start(arguments, format);
	UnicodeVSPrint(line, sizeof(line), format, arguments);
	va_end(arguments);
	ST->ConOut->OutputString(ST->ConOut, (CHAR16 *)L"\r\nopenbmr-marker: ");
	ST->ConOut->OutputString(ST->ConOut, line);
	ST->ConOut->OutputString(ST->ConOut, (CHAR16 *)L"\r\n");
	BS->Stall(STALL_US);
	RT->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	for (;;)
		BS->Stall(STALL_US);
}

/* -- the disk ----------------------------------------------------------------------- */

struct disk {
	EFI_BLOCK_IO *io;
	struct hard_drive own; /* the partition this program came from */
	struct gpt_header header;
	const uint8_t *entries;
};

/* The hard drive node of the device; *ret_before: bytes of the path in front of it. */
static struct hard_drive find_own_partition(EFI_HANDLE device, UINTN *ret_before)
{
	struct hard_drive node;
	EFI_DEVICE_PATH *path, *at;

	if (EFI_ERROR(BS->HandleProtocol(device, &DevicePathProtocol, (void **)&path)))
		finish(L"FAILED the device has no device path");
	for (at = path; !IsDevicePathEnd(at); at = NextDevicePathNode(at))
		if (DevicePathType(at) == MEDIA_DEVICE_PATH &&
		    DevicePathSubType(at) == MEDIA_HARDDRIVE_DP)
			break;
	if (IsDevicePathEnd(at))
		finish(L"FAILED loaded from '%s', not from a partition",
		       DevicePathToStr(path));
	CopyMem(&node, at, sizeof(node));
	if (node.format != 2 || node.signature_type != 2)
		finish(L"FAILED partition table format %d, must be GPT", node.format);
	*ret_before = (UINTN)((uint8_t *)at - (uint8_t *)path);
	return node;
}

/* Block I/O of the whole disk: the device path without its last node. */
static EFI_BLOCK_IO *open_disk(EFI_HANDLE device, UINTN before)
{
	EFI_DEVICE_PATH *partition = DevicePathFromHandle(device), *path, *end;
	EFI_BLOCK_IO *io;
	EFI_HANDLE disk;

	path = AllocatePool(before + sizeof(*end));
	CopyMem(path, partition, before);
	end = (EFI_DEVICE_PATH *)((uint8_t *)path + before);
	SetDevicePathEndNode(end);
	if (EFI_ERROR(BS->LocateDevicePath(&BlockIoProtocol, &path, &disk)) ||
	    !IsDevicePathEnd(path) ||
	    EFI_ERROR(BS->HandleProtocol(disk, &BlockIoProtocol, (void **)&io)))
		finish(L"FAILED no block device for the disk of '%s'",
		       DevicePathToStr(partition));
	return io;
}

static void *read_blocks(EFI_BLOCK_IO *io, uint64_t lba, UINTN size)
{
	UINTN whole = (size + io->Media->BlockSize - 1) / io->Media->BlockSize *
		      io->Media->BlockSize;
	EFI_PHYSICAL_ADDRESS memory;
	EFI_STATUS status;

	/* Pages, because some devices want aligned memory. */
	if (EFI_ERROR(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, whole / 4096 + 1,
					&memory)))
		finish(L"FAILED no memory for %ld bytes", (UINT64)whole);
	status =
		io->ReadBlocks(io, io->Media->MediaId, lba, whole, (void *)(UINTN)memory);
	if (EFI_ERROR(status))
		finish(L"FAILED block %ld cannot be read: %r", lba, status);
	return (void *)(UINTN)memory;
}

static uint32_t crc32(const void *data, UINTN size)
{
	UINT32 crc = 0;

	if (EFI_ERROR(BS->CalculateCrc32((void *)data, size, &crc)))
		finish(L"FAILED the firmware computes no CRC-32");
	return crc;
}

/* Reads and checks one copy of the table; name says which in the text. */
static const uint8_t *read_table(EFI_BLOCK_IO *io, uint64_t lba, const CHAR16 *name,
				 struct gpt_header *ret)
{
	uint8_t *block = read_blocks(io, lba, sizeof(*ret));
	const uint8_t *entries;
	uint32_t zero = 0;

	CopyMem(ret, block, sizeof(*ret));
	if (!same(ret->signature, "EFI PART", 8))
		finish(L"FAILED no %s GPT at block %ld", name, lba);
	if (ret->header_size < sizeof(*ret) || ret->header_size > io->Media->BlockSize)
		finish(L"FAILED %s GPT header of %d bytes", name, ret->header_size);
	CopyMem(block + 16, &zero, sizeof(zero));
	if (crc32(block, ret->header_size) != ret->header_crc)
		finish(L"FAILED %s GPT header: wrong CRC", name);
	if (ret->my_lba != lba)
		finish(L"FAILED %s GPT header at block %ld says %ld", name, lba,
		       ret->my_lba);
	if (ret->entry_size < sizeof(struct gpt_entry) || ret->entry_size > 4096 ||
	    !ret->entry_count || ret->entry_count > TABLE_MAX_SIZE / ret->entry_size)
		finish(L"FAILED %s GPT: %d entries of %d bytes", name, ret->entry_count,
		       ret->entry_size);
	entries = read_blocks(io, ret->entries_lba, ret->entry_count * ret->entry_size);
	if (crc32(entries, ret->entry_count * ret->entry_size) != ret->entries_crc)
		finish(L"FAILED %s GPT entries: wrong CRC", name);
	return entries;
}

/* The entry of that unique GUID, or NULL. */
static const struct gpt_entry *find_entry(const struct disk *disk, const uint8_t *guid)
{
	for (uint32_t i = 0; i < disk->header.entry_count; i++) {
		const struct gpt_entry *entry =
			(const struct gpt_entry *)(disk->entries +
						   i * disk->header.entry_size);

		if (same(entry->guid, guid, 16) && entry->last_lba)
			return entry;
	}
	return NULL;
}

static void check_disk(EFI_HANDLE device, struct disk *ret)
{
	const struct gpt_entry *entry;
	struct gpt_header backup;
	CHAR16 text[37];
	UINTN before;

	ret->own = find_own_partition(device, &before);
	ret->io = open_disk(device, before);
	ret->entries = read_table(ret->io, 1, L"primary", &ret->header);
	if (ret->header.alternate_lba != ret->io->Media->LastBlock)
		finish(L"FAILED backup GPT at block %ld, the disk ends at %ld",
		       ret->header.alternate_lba, ret->io->Media->LastBlock);
	read_table(ret->io, ret->header.alternate_lba, L"backup", &backup);
	if (!same(backup.disk_guid, ret->header.disk_guid, 16) ||
	    backup.entries_crc != ret->header.entries_crc)
		finish(L"FAILED primary and backup GPT differ");
	entry = find_entry(ret, ret->own.signature);
	if (!entry)
		finish(L"FAILED partition %s is not in the GPT",
		       guid_text(ret->own.signature, text));
	if (!same(entry->type, esp_type, 16))
		finish(L"FAILED partition %s is no EFI system partition",
		       guid_text(ret->own.signature, text));
	if (entry->first_lba != ret->own.start ||
	    entry->last_lba - entry->first_lba + 1 != ret->own.sectors)
		finish(L"FAILED partition %s: the GPT and the firmware name other blocks",
		       guid_text(ret->own.signature, text));
}

/* -- the BCD store ------------------------------------------------------------------ */

static const uint8_t *read_bcd(EFI_HANDLE device, UINTN *ret_size)
{
	uint8_t info[sizeof(EFI_FILE_INFO) + 512] __attribute__((aligned(8)));
	UINTN size = sizeof(info);
	EFI_FILE_HANDLE root = LibOpenRoot(device), file;
	uint64_t length;
	uint8_t *bytes;

	if (!root ||
	    EFI_ERROR(root->Open(root, &file, (CHAR16 *)BCD_FILE, EFI_FILE_MODE_READ, 0)))
		finish(L"FAILED %s: not found", BCD_FILE);
	if (EFI_ERROR(file->GetInfo(file, &GenericFileInfo, &size, info)))
		finish(L"FAILED %s: size cannot be read", BCD_FILE);
	length = ((EFI_FILE_INFO *)info)->FileSize;
	if (length > BCD_MAX_SIZE)
		finish(L"FAILED %s: %ld bytes", BCD_FILE, length);
	bytes = AllocatePool(length + 1);
	size = length;
	if (!bytes || EFI_ERROR(file->Read(file, &size, bytes)) || size != length)
		finish(L"FAILED %s: cannot be read", BCD_FILE);
	*ret_size = size;
	return bytes;
}

/* A partition's device element names this disk and one of its partitions. */
static void check_device(const struct disk *disk, const struct bcd_device *device,
			 UINTN offset)
{
	CHAR16 text[37];

	if (device->style)
		finish(L"FAILED BCD element at 0x%x: style %d, must be 0 for GPT",
		       (UINT32)offset, device->style);
	if (!same(device->disk, disk->header.disk_guid, 16))
		finish(L"FAILED BCD element at 0x%x: disk %s is not this disk",
		       (UINT32)offset, guid_text(device->disk, text));
	if (!find_entry(disk, device->partition))
		finish(L"FAILED BCD element at 0x%x: partition %s is not on this disk",
		       offset, guid_text(device->partition, text));
}

/* Looks at every place of the store that has the shape of a partition's device element,
 * also inside longer elements. Cells of a hive, and so all elements, lie at multiples
 * of 4. Returns how many there are. */
static UINTN check_bcd(const struct disk *disk, const uint8_t *bytes, UINTN size)
{
	UINTN elements = 0, own = 0;

	for (UINTN at = 0; at + sizeof(struct bcd_device) <= size; at += 4) {
		struct bcd_device device;

		CopyMem(&device, bytes + at, sizeof(device));
		if (device.type != 6 || device.flags || device.length != 0x48 ||
		    device.zero_1 || device.zero_2 || device.style > 1)
			continue;
		check_device(disk, &device, at);
		elements++;
		own += same(device.partition, disk->own.signature, 16);
	}
	if (!own)
		finish(L"FAILED none of %d BCD elements names the EFI system partition",
		       elements);
	return elements;
}

/* -- how the firmware came here ----------------------------------------------------- */

/* The description of the boot entry; "" where there is none. */
static const CHAR16 *boot_entry(void)
{
	static const CHAR16 digits[] = L"0123456789ABCDEF";
	uint8_t *option;
	uint16_t *current;
	CHAR16 name[] = L"Boot0000";
	UINTN size;

	current = LibGetVariableAndSize((CHAR16 *)L"BootCurrent", &EfiGlobalVariable,
					&size);
	if (!current || size != sizeof(*current))
		return L"";
	for (UINTN i = 0; i < 4; i++)
		name[4 + i] = digits[*current >> (12 - 4 * i) & 15];
	option = LibGetVariableAndSize(name, &EfiGlobalVariable, &size);
	/* Attributes (4), length of the path list (2), then the description with its NUL.
	 */
	for (UINTN at = 6; option && at + 1 < size; at += 2)
		if (!option[at] && !option[at + 1])
			return (CHAR16 *)(option + 6);
	return L"";
}

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system_table);

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system_table)
{
	CHAR16 disk_text[37], esp_text[37];
	EFI_LOADED_IMAGE *image;
	const uint8_t *bcd;
	struct disk disk;
	UINTN size, elements;

	InitializeLib(self, system_table);
	if (EFI_ERROR(BS->HandleProtocol(self, &LoadedImageProtocol, (void **)&image)))
		finish(L"FAILED the firmware does not say what it loaded");
	check_disk(image->DeviceHandle, &disk);
	bcd = read_bcd(image->DeviceHandle, &size);
	elements = check_bcd(&disk, bcd, size);
	finish(L"ok disk=%s esp=%s bcd=%d elements path=%s entry=\"%s\"",
	       guid_text(disk.header.disk_guid, disk_text),
	       guid_text(disk.own.signature, esp_text), (UINT32)elements,
	       DevicePathToStr(image->FilePath), boot_entry());
}
