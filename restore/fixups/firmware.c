/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The firmware's boot entry: see firmware.h. The only file that knows libefivar and
 * libefiboot.
 */
#include "firmware.h"

#include <efiboot.h>
#include <efivar.h>
#include <stdio.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "boot-option.h"

#define ENTRY_NAME  "Windows Boot Manager"
#define LOADER_PATH "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"

#define ENTRY_MAX                                                                        \
	4096 /* bytes of one Boot####: a device path and a name are some hundred */
#define ORDER_MAX 256 /* entries looked at; real firmware has a few dozen */

#define VARIABLE_ATTRIBUTES                                                              \
	(EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS |                   \
	 EFI_VARIABLE_RUNTIME_ACCESS)
#define VARIABLE_MODE 0644

struct boot_entries {
	size_t count;
	uint16_t numbers[ORDER_MAX];
	int same;      /* number of an entry for our loader; -1: none */
	bool is_right; /* it is active, and knows where the partition lies */
	size_t dangling_count;
	uint16_t dangling[ORDER_MAX];
};

static const struct disk_partition *find_esp(const struct restore_plan *plan)
{
	for (size_t i = 0; plan->after && i < plan->after->count; i++)
		if (plan->partitions[i].volume &&
		    plan->partitions[i].volume->role == ROLE_ESP)
			return &plan->after->partitions[i];
	return NULL;
}

/* HD(slot, GPT, partition GUID, start, size)/File(…)/End, in sectors. */
static ssize_t make_path(const struct restore_plan *plan,
			 const struct disk_partition *esp, uint8_t *buffer, size_t size)
{
	char loader[] = LOADER_PATH;
	struct guid id = esp->id;
	uint32_t sector = plan->after->sector_size;
	ssize_t at, n;

	at = efidp_make_hd(buffer, (ssize_t)size, esp->slot, esp->offset / sector,
			   esp->length / sector, id.b, EFIDP_HD_FORMAT_GPT,
			   EFIDP_HD_SIGNATURE_GUID);
	if (at < 0)
		return at;
	n = efidp_make_file(buffer + at, (ssize_t)size - at, loader);
	if (n < 0)
		return n;
	at += n;
	n = efidp_make_end_entire(buffer + at, (ssize_t)size - at);
	return n < 0 ? n : at + n;
}

static ssize_t make_entry(const struct restore_plan *plan,
			  const struct disk_partition *esp, uint8_t *buffer, size_t size)
{
	unsigned char name[] = ENTRY_NAME;
	uint8_t path[1024];
	ssize_t length = make_path(plan, esp, path, sizeof(path));

	if (length < 0)
		return length;
	return efi_loadopt_create(buffer, (ssize_t)size, BOOT_OPTION_ACTIVE, (efidp)path,
				  length, name, NULL, 0);
}

/* Leads to a partition that was on the erased disk and is not in the new table. */
static bool is_dangling(const struct restore_plan *plan, const struct boot_option *option)
{
	const struct disk_layout *before = plan->disk->layout;
	bool was_there = false;

	if (!before || !option->has_partition)
		return false;
	for (size_t i = 0; i < before->count; i++)
		was_there |= guid_equal(&before->partitions[i].id, &option->partition);
	for (size_t i = 0; i < plan->after->count; i++)
		if (guid_equal(&plan->after->partitions[i].id, &option->partition))
			return false;
	return was_there;
}

/* The loader that we want, of the partition that we want. */
static bool is_ours(const struct disk_partition *esp, const struct boot_option *option)
{
	return option->has_partition && guid_equal(&esp->id, &option->partition) &&
	       strcasecmp(option->file, LOADER_PATH) == 0;
}

static void look_at_entry(const struct restore_plan *plan,
			  const struct disk_partition *esp, uint16_t number,
			  const char *variable, struct boot_entries *entries)
{
	uint32_t sector = plan->after->sector_size;
	AUTO_FREE uint8_t *data = NULL;
	struct boot_option option;
	uint32_t attributes;
	size_t size;

	entries->numbers[entries->count++] = number;
	if (efi_get_variable(EFI_GLOBAL_GUID, variable, &data, &size, &attributes) < 0 ||
	    boot_option_parse(data, size, &option, NULL) < 0)
		return;
	if (is_dangling(plan, &option)) {
		entries->dangling[entries->dangling_count++] = number;
	} else if (is_ours(esp, &option) && entries->same < 0) {
		entries->same = number;
		entries->is_right = option.attributes & BOOT_OPTION_ACTIVE &&
				    option.first_lba == esp->offset / sector &&
				    option.sectors == esp->length / sector;
	}
}

static int read_entries(const struct restore_plan *plan, const struct disk_partition *esp,
			struct boot_entries *ret, struct err *err)
{
	efi_guid_t *guid = NULL;
	char *name = NULL;
	int r;

	*ret = (struct boot_entries){ .same = -1 };
	while ((r = efi_get_next_variable_name(&guid, &name)) > 0) {
		unsigned number;
		int end = 0;

		if (efi_guid_cmp(guid, &EFI_GLOBAL_GUID) != 0 ||
		    sscanf(name, "Boot%4X%n", &number, &end) != 1 || end != 8 || name[8])
			continue;
		if (ret->count == ORDER_MAX)
			return err_set(err, -E2BIG,
				       "the firmware has more than %d boot entries",
				       ORDER_MAX);
		look_at_entry(plan, esp, (uint16_t)number, name, ret);
	}
	if (r < 0)
		return err_errno(err, errno, "the firmware's variables cannot be listed");
	return 0;
}

static int free_number(const struct boot_entries *entries)
{
	for (int number = 0; number < 0x10000; number++) {
		bool taken = false;

		for (size_t i = 0; i < entries->count; i++)
			taken |= entries->numbers[i] == number;
		if (!taken)
			return number;
	}
	return -1;
}

static int set_variable(const char *name, const void *data, size_t size, struct err *err)
{
	if (efi_set_variable(EFI_GLOBAL_GUID, name, (uint8_t *)data, size,
			     VARIABLE_ATTRIBUTES, VARIABLE_MODE) < 0)
		return err_errno(err, errno, "firmware variable '%s' cannot be written",
				 name);
	return 0;
}

static bool is_removed(const struct boot_entries *entries, uint16_t number)
{
	for (size_t i = 0; i < entries->dangling_count; i++)
		if (entries->dangling[i] == number)
			return true;
	return false;
}

/* number first, then what was there, without it and without what is removed. */
static int set_order(const struct boot_entries *entries, uint16_t number, struct err *err)
{
	uint16_t order[ORDER_MAX + 1] = { number };
	AUTO_FREE uint8_t *old = NULL;
	size_t size = 0, count = 1;
	uint32_t attributes;

	if (efi_get_variable(EFI_GLOBAL_GUID, "BootOrder", &old, &size, &attributes) < 0)
		size = 0;
	for (size_t i = 0; i + 1 < size && count <= ORDER_MAX; i += 2) {
		uint16_t entry = (uint16_t)(old[i] | old[i + 1] << 8);

		if (entry != number && !is_removed(entries, entry))
			order[count++] = entry;
	}
	return set_variable("BootOrder", order, count * sizeof(order[0]), err);
}

/* How many of them are gone. */
static size_t remove_dangling(const struct boot_entries *entries)
{
	size_t removed = 0;

	for (size_t i = 0; i < entries->dangling_count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "Boot%04X", entries->dangling[i]);
		removed += efi_del_variable(EFI_GLOBAL_GUID, name) == 0;
	}
	return removed;
}

static int write_all(const struct restore_plan *plan, const struct disk_partition *esp,
		     const struct boot_entries *entries, uint16_t number, struct err *err)
{
	uint8_t entry[ENTRY_MAX];
	char name[16];
	ssize_t size;
	int r = 0;

	if (!entries->is_right) {
		size = make_entry(plan, esp, entry, sizeof(entry));
		if (size < 0)
			return err_errno(err, errno, "the boot entry cannot be composed");
		snprintf(name, sizeof(name), "Boot%04X", number);
		r = set_variable(name, entry, (size_t)size, err);
	}
	if (r == 0)
		r = set_order(entries, number, err);
	return r < 0 ? r : set_variable("BootNext", &number, sizeof(number), err);
}

int firmware_entry_write(const struct restore_plan *plan, char **ret_done,
			 struct err *err)
{
	const struct disk_partition *esp = find_esp(plan);
	struct boot_entries entries;
	size_t removed;
	int r;

	if (!esp)
		return err_set(err, -ENOENT, "the plan has no EFI system partition");
	if (!efi_variables_supported())
		return err_set(err, -ENOTSUP,
			       "this machine was not started by UEFI, or efivarfs "
			       "is not mounted");
	r = read_entries(plan, esp, &entries, err);
	if (r < 0)
		return r;
	r = entries.same >= 0 ? entries.same : free_number(&entries);
	if (r < 0)
		return err_set(err, -ENOSPC, "no Boot#### number is free");
	if (write_all(plan, esp, &entries, (uint16_t)r, err) < 0)
		return err ? err->code : -EIO;
	removed = remove_dangling(&entries);
	*ret_done = text_format(
		"firmware entry Boot%04X \"" ENTRY_NAME "\" %s, first in BootOrder and "
		"next to start; %zu of %zu entries of the erased disk removed",
		(unsigned)r, entries.is_right ? "kept" : "written", removed,
		entries.dangling_count);
	return *ret_done ? 0 : err_nomem(err);
}
