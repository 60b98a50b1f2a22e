/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MountedDevices and drivers of a SYSTEM hive: read as evidence, then changed as for a new disk.
 * The input is the hive; each mapping in it gets another one, every second is gone.
 */
#include "fixups/mounted-edit.h"
#include "fuzz/fuzz.h"

#include "evidence/boot-driver.h"

static int ignore_change(const char *name, const struct mounted_device *old,
			 const struct mounted_device *new, void *context, struct err *err)
{
	AUTO_FREE char *text = mounted_device_text(old);

	fuzz_require(text && old != new, "a change without a text");
	return 0;
}

static void ask_for_drivers(const struct hive_image *image)
{
	static const char *const names[] = { "ahci", "ide", "virtio-scsi", "hyper-v" };
	AUTO(hive_freep) struct hive *hive = NULL;
	struct err err = { 0 };

	if (hive_open(image->bytes, image->length, "SYSTEM", &hive, &err) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct controller controller;
		struct boot_services found;

		fuzz_require(controller_from_text(names[i], &controller, &err) == 0,
			     "a controller without ids");
		fuzz_require(boot_services_find(hive, &controller, &found, &err) < 0 ||
				     found.count <= BOOT_SERVICES,
			     "more services than there is room for");
	}
}

/* Old names that are new ones of others, too, leave it open what was done already. */
static bool overlap(const struct mounted_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		for (size_t j = 0; j < changes->count; j++)
			if (mounted_device_equal(&changes->changes[i].old,
						 &changes->changes[j].new))
				return true;
	return false;
}

/* Twice the same changes: the second time nothing is left to do. */
static void change(struct hive_image *image, const struct mounted_changes *changes)
{
	AUTO(hive_editor_freep) struct hive_editor *editor = NULL;
	struct hive_image changed = { 0 };
	struct err err = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		if (hive_editor_new(i ? &changed : image, "SYSTEM", &editor, &err) < 0 ||
		    mounted_devices_edit(editor, changes, ignore_change, NULL, &err) <
			    0 ||
		    hive_editor_commit(editor, &changed.bytes, &changed.length, &err) < 0)
			break;
		fuzz_require(i == 0 || overlap(changes) ||
				     !hive_editor_has_changed(editor),
			     "not idempotent");
		hive_editor_free(editor);
		editor = NULL;
	}
	hive_image_clear(&changed);
	fuzz_require(err.code == 0 || err.text[0], "an error without a text");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct hive_files files = { "SYSTEM", { bytes, length }, { { 0 } } };
	AUTO(mounted_devices_freep) struct mounted_devices *mounted = NULL;
	AUTO(mounted_changes_clear) struct mounted_changes changes = { 0 };
	struct hive_image image = { 0 };
	struct err err = { 0 };
	int r = mounted_devices_read(bytes, length, "SYSTEM", &mounted, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	if (r < 0 || hive_recover(&files, &image, &err) < 0)
		return 0;
	changes.changes = calloc(mounted->count + 1, sizeof(*changes.changes));
	for (size_t i = 0; changes.changes && i < mounted->count; i++) {
		struct mounted_change *to = &changes.changes[changes.count++];

		to->old = mounted->devices[i];
		to->gone = i % 2;
		to->new.kind = MOUNTED_GPT;
		to->new.partition_id.b[0] = (uint8_t)(i + 1);
	}
	ask_for_drivers(&image);
	change(&image, &changes);
	return 0;
}
