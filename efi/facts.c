/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables, variables and the memory map of the firmware; see facts.h. */
#include "facts.h"

#include <string.h>

#include <base/boot-needs.h>
#include <base/bytes.h>

#include "console.h"

#define MEMORY_LEAST ((uint64_t)BOOT_MEMORY_LEAST_MIB * 1024 * 1024)
#define MEMORY_SLACK ((uint64_t)BOOT_MEMORY_SLACK_MIB * 1024 * 1024)
#define MAP_ROOM     8 /* descriptors that the map may grow by while it is fetched */
#define LINE_SIZE    79

static EFI_GUID smbios_guid = SMBIOS_TABLE_GUID, smbios3_guid = SMBIOS3_TABLE_GUID;
static EFI_GUID shim_guid = {
	0x605dab50, 0xe046, 0x4300, { 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23 }
};

/* Entry points, DSP0134 section 5.2 */
struct smbios_entry_disk {
	uint8_t anchor[4];    /* 0x00 "_SM_" */
	uint8_t unused[0x12]; /* 0x04 */
	le16 table_length;    /* 0x16 */
	le32 table_address;   /* 0x18 */
};
_Static_assert(sizeof(struct smbios_entry_disk) == 0x1c, "SMBIOS 2 entry point");

struct smbios3_entry_disk {
	uint8_t anchor[5];     /* 0x00 "_SM3_" */
	uint8_t unused[7];     /* 0x05 */
	le32 table_max_length; /* 0x0c */
	le64 table_address;    /* 0x10 */
};
_Static_assert(sizeof(struct smbios3_entry_disk) == 0x18, "SMBIOS 3 entry point");

static const void *find_table(const EFI_GUID *guid)
{
	for (UINTN i = 0; i < ST->NumberOfTableEntries; i++)
		if (!memcmp(&ST->ConfigurationTable[i].VendorGuid, guid, sizeof(*guid)))
			return ST->ConfigurationTable[i].VendorTable;
	return NULL;
}

void machine_ids_read(struct machine_ids *ret)
{
	const struct smbios3_entry_disk *entry3 = find_table(&smbios3_guid);
	const struct smbios_entry_disk *entry = find_table(&smbios_guid);
	uint64_t address = 0;
	size_t size = 0;

	*ret = (struct machine_ids){ 0 };
	if (entry3 && !memcmp(entry3->anchor, "_SM3_", sizeof(entry3->anchor))) {
		address = get_le64(entry3->table_address);
		size = get_le32(entry3->table_max_length);
	} else if (entry && !memcmp(entry->anchor, "_SM_", sizeof(entry->anchor))) {
		address = get_le32(entry->table_address);
		size = get_le16(entry->table_length);
	}
	if (address)
		machine_ids_from_smbios((const void *)(uintptr_t)address,
					size < SMBIOS_MAX_SIZE ? size : SMBIOS_MAX_SIZE,
					ret);
}

/* -- memory --------------------------------------------------------------------------- */

static bool is_usable(const EFI_MEMORY_DESCRIPTOR *descriptor)
{
	switch (descriptor->Type) {
	case EfiLoaderCode:
	case EfiLoaderData:
	case EfiBootServicesCode:
	case EfiBootServicesData:
	case EfiConventionalMemory:
		return true;
	default:
		return false;
	}
}

uint64_t memory_bytes(void)
{
	UINTN size = 0, key, step = 0;
	AUTO_POOL UINT8 *map = NULL;
	UINT32 version;
	uint64_t pages = 0;

	if (BS->GetMemoryMap(&size, NULL, &key, &step, &version) != EFI_BUFFER_TOO_SMALL)
		return 0;
	size += MAP_ROOM * step;
	map = pool_allocate(size);
	if (!map || step < sizeof(EFI_MEMORY_DESCRIPTOR) ||
	    EFI_ERROR(BS->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)map, &key, &step,
				       &version)))
		return 0;
	for (UINTN at = 0; at + step <= size; at += step) {
		EFI_MEMORY_DESCRIPTOR descriptor;

		memcpy(&descriptor, map + at, sizeof(descriptor));
		if (is_usable(&descriptor))
			pages += descriptor.NumberOfPages;
	}
	return pages * EFI_PAGE_SIZE;
}

EFI_STATUS memory_check(struct err *err)
{
	uint64_t bytes = memory_bytes();

	if (!bytes || bytes + MEMORY_SLACK >= MEMORY_LEAST)
		return EFI_SUCCESS;
	return err_fact(err, EFI_OUT_OF_RESOURCES,
			"this machine has %llu MiB of memory, the recovery environment "
			"needs at least %llu MiB",
			(unsigned long long)(bytes >> 20),
			(unsigned long long)(MEMORY_LEAST >> 20));
}

/* -- the page ------------------------------------------------------------------------- */

/* "sbat,1,2024010900": the date is the level. shim copies its variable for everybody. */
static void add_sbat_level(struct text *line)
{
	char level[256] = "";
	UINTN size = sizeof(level) - 1;
	unsigned int commas = 0;

	if (EFI_ERROR(RT->GetVariable((CHAR16 *)L"SbatLevelRT", &shim_guid, NULL, &size,
				      level))) {
		text_add(line, "not told");
		return;
	}
	level[size] = '\0';
	for (const char *at = level; *at >= ' '; at++) {
		commas += *at == ',';
		if (commas >= 2 && *at != ',')
			text_add(line, "%c", *at);
	}
}

static void print_line(const char *label, struct text *value)
{
	char buffer[LINE_SIZE];
	struct text line = text_start(buffer, sizeof(buffer));

	text_add(&line, "  %s", label);
	while (line.length < 20)
		text_add(&line, " ");
	text_add(&line, "%s", value->data);
	console_print("%s\n", buffer);
	*value = text_start(value->data, value->size);
}

static void show_firmware(struct text *value)
{
	void *shim = NULL;

	text_add_utf16(value, ST->FirmwareVendor, LINE_SIZE);
	text_add(value, ", revision 0x%08x, UEFI %u.%u", ST->FirmwareRevision,
		 ST->Hdr.Revision >> 16, (ST->Hdr.Revision & 0xffff) / 10);
	print_line("Firmware", value);
	text_add(value, "%s", secure_boot_state());
	print_line("Secure Boot", value);
	text_add(value, "%s",
		 EFI_ERROR(BS->LocateProtocol(&shim_guid, NULL, &shim)) ? "not loaded"
									: "loaded");
	print_line("shim", value);
	add_sbat_level(value);
	print_line("SBAT level", value);
	text_add(value, "%llu MiB, at least %llu needed",
		 (unsigned long long)(memory_bytes() >> 20),
		 (unsigned long long)(MEMORY_LEAST >> 20));
	print_line("Memory", value);
}

/* As the names of answer files on a server want them. */
static void show_ids(const struct machine_ids *ids, struct text *value)
{
	char name[ANSWER_NAME_SIZE];

	for (unsigned int place = 0; place < ANSWER_PLACES - 1; place++) {
		static const char *const labels[] = { "UUID", "Serial number",
						      "Network card" };
		bool known = answer_place_name(ids, place, name);
		const char *slash = name;

		while (*slash && *slash != '/')
			slash++;
		text_add(value, "%s", known ? slash + 1 : "not told");
		print_line(labels[place], value);
	}
}

void facts_show(const struct medium *medium, const struct machine_ids *ids)
{
	char buffer[1024]; /* a line cuts it to what fits the screen */
	struct text value = text_start(buffer, sizeof(buffer));

	console_clear();
	console_print("openbmr " OPENBMR_VERSION " - this machine\n\n");
	show_firmware(&value);
	show_ids(ids, &value);
	if (medium->network.url[0])
		text_add(&value, "%s", medium->network.url);
	else if (medium->device_path)
		device_path_text(medium->device_path, &value);
	print_line("Started from", &value);
	text_add_utf16(&value, medium->file, FILE_NAME_UNITS);
	print_line("File", &value);
	console_print("\nPress a key to go to the menu.\n");
	console_forget_keys();
	while (console_wait(0) == CONSOLE_NO_KEY)
		;
}
