/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The restore plan: a pure function of what was found in the backup, of the target disk and
 * of the user's wishes. It opens nothing and writes nothing. Every rule (the table in
 * plan-rules.c) answers allow, note, warn or refuse with a text; a plan with a refusal is
 * printed like any other, but restore_run() does not take it.
 */
#pragma once

#include <partition/disks.h>
#include <restore/backup.h>

/* The least size that a volume can be shrunk to, found out by whoever has a reader. */
struct plan_minimum {
	const struct backup_volume *volume;
	uint64_t bytes;	    /* of its partition; the volume's length: cannot be shrunk */
	const char *reason; /* why it cannot; NULL */
};

/* More INF files than one driver has. */
#define PLAN_GIVEN_MAX 6

/* Will the restored Windows find its disk? Found out by whoever has a reader. */
struct plan_driver {
	char controller[64]; /* for people */
	char services[160];  /* "intelide, atapi": in the image; "" none */
	char change[200];    /* "Start 3 → 0": what the fix-up will do; "" nothing */
	char missing[128];   /* a driver's file, or its usual name; "" nothing known */
	bool serves;	     /* it starts at boot, or will after the change */
	/* What becomes of the drivers that the user gave. */
	size_t given_count;
	struct {
		bool refused;
		char text[240];
	} given[PLAN_GIVEN_MAX];
};

struct driver_folder; /* restore/boot-driver.h */

/* What a machine starts by. */
enum plan_firmware {
	PLAN_FIRMWARE_UNKNOWN,
	PLAN_FIRMWARE_BIOS,
	PLAN_FIRMWARE_UEFI,
	PLAN_FIRMWARE_CONVERT, /* a wish: the other one than the backed-up machine's */
};

/* "match" (unknown), "convert", "uefi", "bios". -EINVAL. */
int plan_firmware_parse(const char *text, enum plan_firmware *ret, struct err *err) MUST_CHECK;

struct plan_wishes {
	bool wipe; /* write zeros where the backup's file systems say free */
	/* Which volumes: "critical" (also NULL), "all", or names in a list with commas: drive
	 * letters, ESP, volume GUIDs, labels. */
	const char *volumes;
	bool new_ids; /* fresh disk and partition ids instead of the old ones */
	/* Storage controller of the machine that will start from the disk, as
	 * controller_from_text() takes it; NULL: the one that the disk is behind now. */
	const char *controller;
	const struct driver_folder *drivers; /* given for that machine; NULL. Borrowed. */
	const struct plan_driver *driver; /* of that controller; NULL: not known. Borrowed. */
	/* What the new disk is to start by; unknown: as the backed-up machine. */
	enum plan_firmware firmware;
	const char *no_conversion; /* why the backup's files do not allow it; NULL: they do, or
				      nobody has looked yet. Borrowed. */
	const char *grow; /* drive letter of a volume to extend to the end of its disk; NULL */
	/* Borrowed, for as long as the plan lives; count 0: nothing is shrunk. */
	size_t minimum_count;
	const struct plan_minimum *minimums;
};

enum plan_severity { PLAN_NOTE, PLAN_WARNING, PLAN_REFUSAL };

struct plan_finding {
	enum plan_severity severity;
	const char *rule; /* its name, for tests and for machines */
	char *text;	  /* object, fact, next step */
};

/* What happens in one partition of the new table. Parallel to plan->after->partitions. */
struct plan_partition {
	const struct backup_volume *volume; /* NULL: created empty (MSR, no image) */
	const struct source_partition *source; /* where each value comes from */
	bool kept; /* the partition is on the disk already and no byte of it is written */
	const struct backup_volume *left_out; /* its image, if it is not among the chosen ones */
};

/* A partition whose name in the eyes of others has changed: they name it by the pair of disk
 * id and partition id, on MBR disks by signature and start (FORMAT.md section 5). */
struct id_change {
	size_t partition; /* of plan->after */
	enum table_style old_style, new_style; /* which of the names below count */
	struct guid old_disk_id, new_disk_id; /* GPT */
	struct guid old_id, new_id;
	uint32_t old_signature, new_signature; /* MBR */
	uint64_t old_offset, new_offset;       /* bytes */
};

struct restore_plan {
	const struct backup_machine *machine; /* borrowed from the backup */
	const struct backup_version *version;
	const struct disk *disk;	      /* borrowed from the disk list */
	const struct source_disk *source_disk;
	struct plan_wishes wishes;
	char *source; /* the tree's name */

	bool uefi; /* the machine that the disk is for starts by UEFI, else by BIOS */
	/* An EFI system partition that is in no image: a fix-up makes it out of files of Windows'
	 * volume, whose image it names. Owned, what it points to is borrowed; NULL: none. */
	struct backup_volume *made_esp;

	/* The disk is intact in Windows' sense (FORMAT.md section 6) and keeps its table; only
	 * the chosen volumes are written. */
	bool in_place;

	uint64_t target_size;	     /* bytes; of a file that does not exist yet: its size to be */
	struct disk_layout *after;   /* NULL if it could not be made: then there is a refusal */
	struct plan_partition *partitions;
	uint64_t minimum_size;	     /* bytes a disk must have for this layout */
	bool wants_minimums; /* refused as too small, but shrinking volumes could help: make
				the plan again with minimums */

	size_t id_change_count;
	struct id_change *id_changes;
	struct guid *old_ids; /* of the partitions of after; NULL in place: none changes */

	/* All plans of the set that this one belongs to, itself too: one disk's boot store can
	 * name partitions of another. Borrowed from the set; count 0: it is alone. */
	size_t peer_count;
	struct restore_plan *const *peers;

	/* The journal's two slots, in the gap between table and first partition; length 0:
	 * the layout leaves no room (SAFETY.md section 1). In place no journal is kept, but one
	 * of an earlier restore may lie there. */
	uint64_t journal_offset;
	uint64_t journal_slot_length;

	size_t finding_count;
	struct plan_finding *findings;
};

#define PLAN_HASH_SIZE 65
/* SHA-256, in hexadecimal, of the plan's JSON without hash and without findings, which tell of
 * other disks too. Returns text; NULL: no memory. */
const char *plan_hash(const struct restore_plan *plan, char text[PLAN_HASH_SIZE]);

void plan_free(struct restore_plan *plan); /* NULL is fine */
DEFINE_FREEP(struct restore_plan, plan, plan_free)

/* Does a finding refuse it? Then nothing may be written by it. */
bool plan_refused(const struct restore_plan *plan);

/* "C:", "ESP", "Microsoft reserved", … of a partition of plan->after. */
const char *plan_partition_name(const struct restore_plan *plan, size_t index);
/* wishes.controller, or that of the disk; NULL: not known. */
const char *plan_controller(const struct restore_plan *plan);
/* How others name a partition of plan->after: old and new, which may be equal. false: the
 * backup does not know it. */
bool plan_partition_names(const struct restore_plan *plan, size_t index,
			  struct id_change *ret);
/* Gets an EFI system partition of the set another disk, id or offset than it had? */
bool plan_esp_moved(const struct restore_plan *plan);
/* Can its file system be made smaller at all? Its minimum is another question. */
bool plan_may_shrink(const struct backup_volume *volume);
/* Has the partition another length than the volume, by more than rounding to sectors? */
bool plan_resizes(const struct restore_plan *plan, size_t index);
/* Has the volume's file system other sectors than the target? Made anew then: FAT. */
bool plan_converts_sectors(const struct restore_plan *plan,
			   const struct backup_volume *volume);
/* Does it start by other firmware than the backed-up machine? */
bool plan_converts_firmware(const struct restore_plan *plan);
bool plan_remakes(const struct restore_plan *plan, const struct backup_volume *volume);

/* Has the new disk a partition whose image plays that role? */
bool plan_has_role(const struct restore_plan *plan, enum volume_role role);

/* For people, at most 80 columns, and for machines. The caller frees. NULL: no memory. */
char *plan_text(const struct restore_plan *plan);
char *plan_json(const struct restore_plan *plan);

/*
 * A restore of one machine: one plan for each of its disks. All of them are prepared before
 * any disk is touched, and each phase runs on all disks before the next begins, so that the
 * disk which the machine starts from is committed last.
 */
struct plan_set {
	size_t count;
	struct restore_plan **plans; /* owned; the disk that the machine starts from last */
};

/* What all plans of a set have in common. */
struct plan_order {
	const struct backup *backup;
	const struct backup_machine *machine;
	const struct backup_version *version;
	const struct disk_list *disks; /* all of this machine */
	const struct plan_wishes *wishes;
};

struct plan_named {
	int source_disk; /* number in backup_version.disks; -1: what the machine starts from */
	const struct disk *disk;
};

struct plan_choices {
	enum plan_firmware firmware; /* of this machine: tells what Windows' own recovery
					would say */
	size_t named_count; /* at least 1; two source disks may name one disk */
	const struct plan_named *named;
	size_t excluded_count;
	const struct disk *const *excluded;
};

/* One plan for each target. A source disk of which volumes are to be written goes onto the
 * disk that is named for it; else onto the one that carries its ids; else the smallest disk
 * that fits is proposed, and the plan refuses until it is named. The last plan says why each
 * other disk is not used and what Windows' own recovery would have answered.
 * -EINVAL: a choice that cannot be meant. */
int plan_set_make(const struct plan_order *order, const struct plan_choices *choices,
		  struct plan_set *ret, struct err *err) MUST_CHECK;

/* Takes dynamic disks and Storage Spaces out of the version's layout; each volume that was on
 * them gets a plain partition behind the others of the first such disk. Without any: nothing
 * changes. */
int plan_make_plain(struct backup_version *version, struct err *err) MUST_CHECK;

/* The one volume of a version that is called so, as in plan_wishes.volumes, or by the name of its
 * image's file: its index. -ENOENT with the names that there are; -EEXIST. */
int plan_find_volume(const struct backup_version *version, const char *name, size_t *ret,
		     struct err *err) MUST_CHECK;

/* Takes plan over, on failure too. */
int plan_set_add(struct plan_set *set, struct restore_plan *plan, struct err *err) MUST_CHECK;
void plan_set_clear(struct plan_set *set);

bool plan_set_refused(const struct plan_set *set);

/* Of one disk: its plan, as plan_text() and plan_json() give it. Of several: one after the
 * other; {"disks": [...]}. */
char *plan_set_text(const struct plan_set *set);
char *plan_set_json(const struct plan_set *set);
