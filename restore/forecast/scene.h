/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the checks see, inside the child: the volumes that start the machine, their files, and
 * how to say what was found.
 */
#pragma once

#include <base/block-source.h>
#include <base/overlay.h>

#include <restore/forecast.h>

#include "hives/hive-log.h"
#include "volumes/volume-edit.h"

#define SCENE_VOLUMES 16 /* ESP, system and Windows volumes; real machines have two or three */

/* One volume of the plan, where its bytes come from, and who it is. */
struct scene_volume {
	const struct restore_plan *plan;
	size_t index; /* of plan->after */
	enum volume_role role;
	bool active;		     /* what a BIOS starts */
	bool on_disk;		     /* as it is on the disk, not as the backup has it */
	struct block_source *source; /* owned by whoever made the scene */
	int opened;		     /* 1: edit is there; negative: failure tells why not */
	struct err failure;
	struct volume_info info;
	struct overlay *overlay;
	struct volume_edit *edit;
};

struct scene {
	const struct plan_set *set;
	const struct forecast_machine *machine;
	bool uefi;	/* what starts the restored disk */
	bool made_anew; /* its boot files come only with the restore: other firmware */
	size_t count;
	struct scene_volume volumes[SCENE_VOLUMES];
	/* Sends what a check says. */
	int (*say)(struct scene *scene, enum forecast_colour colour, const char *name,
		   const char *fact, struct err *err);
	int (*advise)(struct scene *scene, const char *role, const char *text, struct err *err);
	void *context;
	/* The SYSTEM hive, whole; bytes NULL: there is none that could be read. */
	struct hive_image system;
};

struct scene_file {
	uint8_t *bytes; /* owned */
	size_t length;
};
void scene_file_clear(struct scene_file *file);

/* The first volume of a role, or of what a BIOS starts; NULL: none. */
struct scene_volume *scene_find(struct scene *scene, enum volume_role role);
struct scene_volume *scene_active(struct scene *scene);
const char *scene_name(const struct scene_volume *volume);

/* A path as Windows' people write it: "\Windows\System32\…". Returns text. */
#define SCENE_PATH_SIZE 128
const char *scene_path(const char *path, char text[SCENE_PATH_SIZE]);

/* A file with at most limit bytes, "Windows/System32/…". -ENOENT; else as volume_edit_read(). */
int scene_read(struct scene_volume *volume, const char *path, size_t limit,
	       struct scene_file *ret, struct err *err) MUST_CHECK;
/* Is there such a file, whatever is in it? 0, -ENOENT, or why that is not known. */
int scene_look(struct scene_volume *volume, const char *path, struct err *err) MUST_CHECK;

/* -ENOMEM, or that the other side is gone: no check can go on. */
int scene_say(struct scene *scene, enum forecast_colour colour, const char *name,
	      struct err *err, const char *format, ...) PRINTF(5, 6) MUST_CHECK;

/* One thing between firmware and kernel. Says at least one item each time it applies. */
struct forecast_check {
	const char *name;
	bool (*applies)(const struct scene *scene);
	int (*run)(struct scene *scene, const char *name, struct err *err);
};

/* Of firmware, boot manager and what a BIOS starts; of Windows itself. */
extern const struct forecast_check forecast_firmware_checks[];
extern const size_t forecast_firmware_check_count;
extern const struct forecast_check forecast_windows_checks[];
extern const size_t forecast_windows_check_count;

/* Reads the SYSTEM hive into the scene; says nothing. */
int scene_load_system(struct scene *scene, struct err *err) MUST_CHECK;
/* Windows' registry: path without logs, as check "hives" judges it. */
int scene_recover_hive(struct scene_volume *volume, const char *name, struct hive_image *ret,
		       struct err *err) MUST_CHECK;

int advise(struct scene *scene, struct err *err) MUST_CHECK;
