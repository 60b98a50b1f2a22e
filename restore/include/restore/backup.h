/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was found in a tree: machines, their versions, the volumes of each, and the evidence
 * for the layout of the source's disks, every value with its origin.
 *
 * The reader process, which parses bytes from outside, builds a struct backup and sends it
 * as JSON; the engine process reads that JSON back (backup_from_json is strict and bounded).
 * The same JSON is what `bmr show --json` prints.
 */
#pragma once

#include <base/guid.h>
#include <base/tree.h>
#include <partition/layout.h>
#include <restore/image.h>
#include <restore/volume.h>

/* Where a value came from, best first where they disagree without being reported. */
enum origin {
	ORIGIN_NONE,	     /* the value is not known */
	ORIGIN_ASRSIF,	     /* FORMAT.md 4.1 */
	ORIGIN_IMAGE_TABLE,  /* partition table inside the image */
	ORIGIN_BCD,	     /* device elements of a BCD store */
	ORIGIN_IMAGE_NAME,   /* FORMAT.md section 2, "the file name carries the layout" */
	ORIGIN_MOUNTED_DEVICES, /* MountedDevices of the SYSTEM hive in the image */
	ORIGIN_BOOT_SECTOR,  /* boot sector of the volume in the image, HiddenSectors above all */
	ORIGIN_ASR_WRITER,   /* FORMAT.md 4.2 */
	ORIGIN_BACKUP_SPECS, /* BackupSpecs.xml */
	ORIGIN_FOLDER_NAME,
	ORIGIN_FILE_TIME,
	ORIGIN_CONVENTION,   /* our own choice where nothing says otherwise */
	ORIGIN_USER,
	ORIGIN_COUNT
};

const char *origin_text(enum origin origin); /* "AsrSif", "image name", "BCD", … */
const char *origin_id(enum origin origin);   /* the same for JSON: "asrsif", … */

struct value_u64 {
	uint64_t value;
	enum origin origin; /* ORIGIN_NONE: unknown */
};

struct value_guid {
	struct guid value;
	enum origin origin;
};

struct value_text {
	char *value; /* NULL where unknown; owned */
	enum origin origin;
};

enum volume_role { ROLE_DATA, ROLE_ESP, ROLE_WINDOWS, ROLE_SYSTEM, ROLE_RECOVERY };

enum completeness { COMPLETENESS_UNKNOWN, COMPLETENESS_FULL, COMPLETENESS_PARTIAL };

enum health {
	HEALTH_WHOLE,	/* fit for a bare-metal restore as far as metadata tell */
	HEALTH_PARTIAL, /* files only: FORMAT.md section 3, "full-volume test" */
	HEALTH_DAMAGED,
};

const char *volume_role_text(enum volume_role role);
const char *health_text(enum health health);

/* One image, one volume. */
struct backup_volume {
	char *image_path; /* in the tree */
	struct image_info image;
	struct volume_info fs;
	uint64_t length; /* bytes of the volume = of its partition on the source */
	uint64_t used;	 /* bytes of RANGE_DATA and RANGE_ZERO; 0 where not counted */
	struct value_guid volume_guid; /* \\?\Volume{…} */
	struct value_text access_path; /* "C:" or NULL */
	struct value_text label;
	enum volume_role role;
	struct value_u64 critical; /* 1 critical, 0 not */
	enum completeness completeness;
	enum health health;
	char *reason; /* why it is not whole; NULL if it is */
};

struct source_partition {
	struct value_u64 slot;
	struct value_u64 offset, length; /* bytes */
	struct value_guid type, id;	 /* GPT */
	struct value_u64 attributes;	 /* GPT */
	struct value_text name;		 /* GPT */
	struct value_u64 mbr_type, mbr_active; /* MBR */
	int volume; /* index in backup_version.volumes; -1: no image (MSR, empty ones) */
	/* Only by the user's wish, never from a reader: */
	bool plain; /* stands for a volume of a dynamic disk or storage pool */
	uint64_t new_offset, new_length; /* bytes it gets instead of its own; 0: its own */
	struct guid new_id;		 /* zero: its own */
};

struct source_disk {
	struct value_u64 style; /* enum table_style */
	struct value_u64 size;	/* bytes */
	struct value_u64 sector_size;
	struct value_guid disk_id;	  /* GPT */
	struct value_u64 mbr_signature;	  /* MBR */
	struct value_u64 critical;	  /* 1 or 0 */
	size_t partition_count;
	struct source_partition *partitions; /* by offset where known, else by slot */
	/* By the user's layout, zero: its own */
	struct guid new_disk_id;
	uint32_t new_signature;
};

/* Two origins that say different things; shown with both. */
struct contradiction {
	char *what;  /* "partition 3 of disk 0: length" */
	char *value_a, *value_b;
	enum origin a, b;
	bool fatal; /* a restore must not go on: it would have to guess */
};

struct backup_version {
	char *path;	      /* folder in the tree that holds the images */
	struct value_u64 time; /* seconds since 1970, UTC */
	char id[24];	      /* wbadmin's form: MM/DD/YYYY-HH:MM (UTC); "" if no time */
	bool uefi;	      /* the source started by UEFI */
	struct value_text firmware_origin; /* value: why it is thought so */
	enum health health;
	size_t reason_count;
	char **reasons; /* why it is not whole, one text each */
	size_t note_count;
	char **notes; /* what is odd and does not stop a restore, one text each */
	size_t document_count;
	char **documents; /* names in path of what may be documents of the backup's writers */
	size_t volume_count;
	struct backup_volume *volumes;
	size_t disk_count;
	struct source_disk *disks;
	size_t contradiction_count;
	struct contradiction *contradictions;
};

struct backup_machine {
	char *name;
	enum origin name_origin;
	size_t version_count;
	struct backup_version *versions; /* newest first */
};

struct backup {
	char *source; /* the tree's name */
	size_t machine_count;
	struct backup_machine *machines; /* by name */
};

void backup_free(struct backup *backup); /* NULL is fine */
DEFINE_FREEP(struct backup, backup, backup_free)

/* Searches the whole tree by content, at any depth and under any name, and reads the
 * metadata of all that it finds. report (may be NULL) is told of every folder entered
 * and every version found; non-zero cancels with -ECANCELED.
 * Finding nothing is -ENOENT with the number of folders and files seen and the next step. */
struct scan_progress {
	uint64_t folders, files; /* seen so far */
	const char *folder;	 /* being read */
	const char *found;	 /* "SRV01, 2026-08-31 21:00 UTC", or NULL */
};
typedef int scan_report(const struct scan_progress *progress, void *context);
int backup_scan(struct tree *tree, scan_report *report, void *context, struct backup **ret,
		struct err *err) MUST_CHECK;

/* Picks by name and version. machine NULL: the only one, else -EEXIST with the names.
 * version NULL or "latest": the newest whole one (-ENOENT with each reason if none is);
 * "newest": the newest one, whole or not; else "YYYY-MM-DDTHH:MM[Z]" or wbadmin's
 * "MM/DD/YYYY-HH:MM", or the version's path. -EEXIST where two versions are of the time that is
 * asked for. */
int backup_choose(const struct backup *backup, const char *machine, const char *version,
		  const struct backup_machine **ret_machine,
		  const struct backup_version **ret_version, struct err *err) MUST_CHECK;

/* Opens the volume of an image in a tree: file, image, the one volume in it. Where volume
 * says what the scan saw (size, time and unique id of the image; size 0: it does not), they
 * must be the same now: -ESTALE with what is different. */
int backup_volume_open(struct tree *tree, const struct backup_volume *volume,
		       struct block_source **ret, struct err *err) MUST_CHECK;

/* The shape is described in restore/evidence/backup-json.c. from_json trusts nothing: every count,
 * number and text is bounded, unknown keys are errors. The caller frees *ret_text. */
int backup_to_json(const struct backup *backup, char **ret_text, struct err *err) MUST_CHECK;
int backup_from_json(const char *text, size_t length, struct backup **ret,
		     struct err *err) MUST_CHECK;
