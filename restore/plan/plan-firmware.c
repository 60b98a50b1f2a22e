/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine that starts by other firmware than the backed-up one. From BIOS to UEFI the disk gets
 * a GPT, and an EFI system partition in the place of the system partition, made by a fix-up out of
 * Windows' own files; from UEFI to BIOS it gets an MBR, and Windows' volume starts itself. Here is
 * the layout; whether the files are there is seen when they are read, before the disk is opened.
 */
#include "plan-rules.h"

#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#define RULE "firmware"

#define MBR_TYPE_NTFS	  0x07
#define MBR_TYPE_RECOVERY 0x27

/* What Windows makes; with sectors of 4096 bytes FAT32 needs more (plan-fit.c). */
#define ESP_LENGTH (100 * MiB)

/* Bits of a GPT entry: required by the platform, no drive letter. */
#define ATTRIBUTES_RECOVERY UINT64_C(0x8000000000000001)
#define ATTRIBUTES_ESP	    UINT64_C(0x8000000000000000)

static const struct source_partition made_partition = {
	.offset = { 0, ORIGIN_CONVENTION },
	.length = { 0, ORIGIN_CONVENTION },
	.type = { GUID_INIT(0xc12a7328, 0xf81f, 0x11d2, 0xba, 0x4b, 0x00, 0xa0, 0xc9,
			    0x3e, 0xc9, 0x3b),
		  ORIGIN_CONVENTION },
	.volume = -1,
};

int plan_firmware_parse(const char *text, enum plan_firmware *ret, struct err *err)
{
	static const char *const words[] = {
		[PLAN_FIRMWARE_UNKNOWN] = "match",
		[PLAN_FIRMWARE_BIOS] = "bios",
		[PLAN_FIRMWARE_UEFI] = "uefi",
		[PLAN_FIRMWARE_CONVERT] = "convert",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		*ret = (enum plan_firmware)i;
		return 0;
	}
	return err_set(err, -EINVAL, "'%s': must be match, convert, uefi or bios", text);
}

bool plan_wished_uefi(const struct plan_order *order)
{
	switch (order->wishes->firmware) {
	case PLAN_FIRMWARE_BIOS:
		return false;
	case PLAN_FIRMWARE_UEFI:
		return true;
	case PLAN_FIRMWARE_CONVERT:
		return !order->version->uefi;
	default:
		return order->version->uefi;
	}
}

bool plan_converts_firmware(const struct restore_plan *plan)
{
	return plan->uefi != plan->version->uefi;
}

static bool has_role(const struct restore_plan *plan, const struct disk_layout *layout,
		     enum volume_role role, size_t *ret)
{
	for (size_t i = 0; i < layout->count; i++) {
		if (!plan->partitions[i].volume ||
		    plan->partitions[i].volume->role != role)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool is_extended(const struct disk_partition *p)
{
	return p->mbr_type == 0x05 || p->mbr_type == 0x0f || p->mbr_type == 0x85;
}

static void drop(struct restore_plan *plan, struct disk_layout *layout, size_t index)
{
	layout->count--;
	for (size_t i = index; i < layout->count; i++) {
		layout->partitions[i] = layout->partitions[i + 1];
		plan->partitions[i] = plan->partitions[i + 1];
	}
}

/* 1, 2, 3, … as they lie on the disk. */
static void number_by_place(struct disk_layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		unsigned slot = 1;

		for (size_t j = 0; j < layout->count; j++)
			slot += layout->partitions[j].offset <
				layout->partitions[i].offset;
		layout->partitions[i].slot = slot;
	}
}

static int tell_loss(struct restore_plan *plan, const char *name, const char *why,
		     struct err *err)
{
	return plan_find(plan, PLAN_WARNING, RULE, err, "'%s' is not restored: %s", name,
			 why);
}

/* -- to UEFI ---- */

/* A shell for the volume that is in no image; what it borrows belongs to Windows' volume. */
static int make_esp_volume(struct restore_plan *plan, const struct backup_volume *windows,
			   struct err *err)
{
	struct backup_volume *esp = malloc(sizeof(*esp));

	if (!esp)
		return err_nomem(err);
	*esp = *windows;
	esp->role = ROLE_ESP;
	esp->used = 0;
	esp->volume_guid = (struct value_guid){ 0 };
	esp->access_path = (struct value_text){ 0 };
	esp->label = (struct value_text){ 0 };
	esp->fs = (struct volume_info){
		.fs = FS_FAT32,
		.sector_size = plan->disk->sector_size,
	};
	plan->made_esp = esp;
	return 0;
}

static void name_gpt(struct restore_plan *plan, struct disk_layout *layout)
{
	struct guid seed = { 0 };

	memcpy(seed.b, &layout->mbr_signature, sizeof(layout->mbr_signature));
	layout->style = TABLE_GPT;
	layout->slots = PLAN_GPT_SLOTS;
	layout->disk_id = plan_new_guid(plan, &seed);
	for (size_t i = 0; i < layout->count; i++) {
		struct disk_partition *p = &layout->partitions[i];
		bool recovery = p->mbr_type == MBR_TYPE_RECOVERY;

		memcpy(seed.b + 8, &p->offset, sizeof(p->offset));
		p->id = plan_new_guid(plan, &seed);
		p->type = recovery ? partition_type_recovery : partition_type_basic_data;
		p->attributes = recovery ? ATTRIBUTES_RECOVERY : 0;
		strcpy(p->name, "Basic data partition");
		p->mbr_type = 0;
		p->mbr_active = false;
		p->mbr_kind = MBR_PRIMARY;
	}
}

/* In the place of the system partition; else behind all. */
static int place_esp(struct restore_plan *plan, struct disk_layout *layout,
		     struct err *err)
{
	struct disk_partition *p;
	uint64_t end = MiB;
	size_t index;
	int r = 0;

	if (has_role(plan, layout, ROLE_SYSTEM, &index)) {
		r = tell_loss(plan,
			      plan->partitions[index].volume->label.value
				      ? plan->partitions[index].volume->label.value
				      : "system",
			      "an EFI system partition takes its place, and the other "
			      "entries of its boot store are lost",
			      err);
	} else {
		index = layout->count;
		for (size_t i = 0; i < index; i++)
			end = max_u64(end, layout->partitions[i].offset +
						   layout->partitions[i].length);
		p = layout_add(layout);
		if (!p)
			return err_nomem(err);
		if (!checked_align_up(end, MiB, &p->offset))
			return err_set(err, -EINVAL, "the source disk has no end");
		p->length = ESP_LENGTH;
	}
	plan->partitions[index] = (struct plan_partition){
		.volume = plan->made_esp,
		.source = &made_partition,
	};
	return r;
}

static void finish_esp(const struct restore_plan *plan, struct disk_layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		struct disk_partition *p = &layout->partitions[i];

		if (plan->partitions[i].volume != plan->made_esp)
			continue;
		p->type = partition_type_esp;
		p->attributes = ATTRIBUTES_ESP;
		strcpy(p->name, "EFI system partition");
	}
}

static int convert_to_uefi(struct restore_plan *plan, struct disk_layout *layout,
			   const struct backup_volume *windows, struct err *err)
{
	int r = make_esp_volume(plan, windows, err);

	for (size_t i = layout->count; i > 0; i--)
		if (is_extended(&layout->partitions[i - 1]))
			drop(plan, layout, i - 1);
	if (r == 0)
		r = place_esp(plan, layout, err);
	if (r < 0)
		return r;
	name_gpt(plan, layout);
	finish_esp(plan, layout);
	number_by_place(layout);
	return plan_find(
		plan, PLAN_NOTE, RULE, err,
		"the backup is of a BIOS machine, this disk becomes one for UEFI: "
		"a GPT, an EFI system partition with Windows' own "
		"\\Windows\\Boot\\EFI, and a boot store grown from its "
		"BCD-Template; the recovery environment is off until "
		"'reagentc /disable' and '/enable'");
}

/* -- to BIOS ---- */

static bool is_for_uefi(const struct disk_partition *p)
{
	return guid_equal(&p->type, &partition_type_esp) ||
	       guid_equal(&p->type, &partition_type_msr);
}

static int drop_uefi(struct restore_plan *plan, struct disk_layout *layout,
		     struct err *err)
{
	int r = 0;

	for (size_t i = layout->count; r == 0 && i > 0; i--) {
		const struct disk_partition *p = &layout->partitions[i - 1];

		if (!is_for_uefi(p))
			continue;
		r = tell_loss(plan, partition_type_text(layout, p),
			      "a BIOS machine has no use for it", err);
		drop(plan, layout, i - 1);
	}
	return r;
}

static void name_mbr(struct restore_plan *plan, struct disk_layout *layout)
{
	struct guid seed = plan_new_guid(plan, &layout->disk_id);

	memcpy(&layout->mbr_signature, seed.b, sizeof(layout->mbr_signature));
	layout->style = TABLE_MBR;
	layout->slots = 4;
	layout->disk_id = (struct guid){ 0 };
	for (size_t i = 0; i < layout->count; i++) {
		struct disk_partition *p = &layout->partitions[i];
		const struct backup_volume *volume = plan->partitions[i].volume;

		p->mbr_type = guid_equal(&p->type, &partition_type_recovery)
				      ? MBR_TYPE_RECOVERY
				      : MBR_TYPE_NTFS;
		p->mbr_active = volume && volume->role == ROLE_WINDOWS;
		p->mbr_kind = MBR_PRIMARY;
		p->type =
			(struct guid){ 0 }; /* the old id stays, for plan_choose_ids() */
		p->attributes = 0;
		p->name[0] = '\0';
	}
}

static int convert_to_bios(struct restore_plan *plan, struct disk_layout *layout,
			   struct err *err)
{
	int r;

	if (layout->sector_size != 512)
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"'%s' has sectors of %u bytes, and BIOS starts only from "
			"disks with sectors of 512",
			plan->disk->path, layout->sector_size);
	r = drop_uefi(plan, layout, err);
	if (r < 0)
		return r;
	name_mbr(plan, layout);
	number_by_place(layout);
	return plan_find(
		plan, PLAN_NOTE, RULE, err,
		"the backup is of a UEFI machine, this disk becomes one for BIOS: "
		"an MBR, Windows' volume active, its own \\Windows\\Boot\\PCAT, "
		"and a boot store grown from its BCD-Template; names and "
		"attributes of partitions are lost, Secure Boot is not possible, "
		"the recovery environment is off until 'reagentc /disable' and "
		"'/enable'");
}

/* -- both ---- */

int plan_convert_layout(const struct plan_context *context, struct disk_layout *layout,
			struct err *err)
{
	struct restore_plan *plan = context->plan;
	enum table_style expected = plan->uefi ? TABLE_MBR : TABLE_GPT;
	size_t windows;

	if (!plan_converts_firmware(plan))
		return 0;
	/* A disk that nothing starts from can stay as it is. */
	if (!has_role(plan, layout, ROLE_WINDOWS, &windows)) {
		size_t unused;

		if (!has_role(plan, layout, ROLE_SYSTEM, &unused) &&
		    !has_role(plan, layout, ROLE_ESP, &unused)) {
			plan->uefi = plan->version->uefi;
			return 0;
		}
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"the volume of Windows is not restored to this disk: what "
			"starts it cannot be converted");
	}
	if (plan->wishes.no_conversion)
		return plan_find(plan, PLAN_REFUSAL, RULE, err,
				 "this backup cannot be restored for %s: %s",
				 plan->uefi ? "UEFI" : "BIOS",
				 plan->wishes.no_conversion);
	if (layout->style != expected)
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"the source disk has %s: it is not converted from %s to %s",
			layout->style == TABLE_GPT ? "a GPT" : "an MBR",
			plan->version->uefi ? "UEFI" : "BIOS",
			plan->uefi ? "UEFI" : "BIOS");
	if (plan->partitions[windows].volume->fs.fs != FS_NTFS)
		return plan_find(
			plan, PLAN_REFUSAL, RULE, err,
			"Windows lies on %s: its boot files are only read from "
			"NTFS",
			file_system_text(plan->partitions[windows].volume->fs.fs));
	if (plan->uefi)
		return convert_to_uefi(plan, layout, plan->partitions[windows].volume,
				       err);
	return convert_to_bios(plan, layout, err);
}
