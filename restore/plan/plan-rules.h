/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the plan: what a rule sees and how it answers. plan.c builds the context and
 * runs the rules in order; plan-layout.c turns evidence into a layout; plan-print.c shows it.
 */
#pragma once

#include <restore/plan.h>

struct plan_context {
	const struct backup *backup;
	const struct disk_list *disks; /* all of this machine */
	struct restore_plan *plan;     /* being made */
	/* Onto this disk; the first gives it its ids. count 0: the only one with volumes. */
	size_t source_count;
	const struct source_disk *const *sources;
	bool named_twice; /* the user insists on a disk that has no identity */
};

/* Adds a finding: object, fact, next step. -ENOMEM only. */
int plan_find(struct restore_plan *plan, enum plan_severity severity, const char *rule,
	      struct err *err, const char *format, ...) PRINTF(5, 6) MUST_CHECK;

/* A rule looks at the context and adds findings. 0, or -ENOMEM. */
struct plan_rule {
	const char *name;
	int (*check)(const struct plan_context *context, const char *rule, struct err *err);
};

extern const struct plan_rule plan_rules[];
extern const size_t plan_rule_count;

/* Is the volume among those that are to be written? */
bool plan_chooses(const struct plan_wishes *wishes, const struct backup_volume *volume);
/* The rule that every name in wishes->volumes is one of the backup's. */
int plan_check_volumes(const struct plan_context *context, const char *rule,
		       struct err *err) MUST_CHECK;

/* Tells primary, extended and logical partitions apart and completes what an MBR needs;
 * plan->partitions has room for one more. */
int plan_arrange_mbr(struct restore_plan *plan, struct disk_layout *layout,
		     struct err *err) MUST_CHECK;

bool plan_wished_uefi(const struct plan_order *order);
/* Turns the layout into one for the wished firmware, where that is another one. */
int plan_convert_layout(const struct plan_context *context, struct disk_layout *layout,
			struct err *err) MUST_CHECK;

#define PLAN_GPT_SLOTS 128 /* what Windows and all other tools create */

/* An id that follows from old and from what the target is. */
struct guid plan_new_guid(const struct restore_plan *plan, const struct guid *old);

/* Turns the plan into one that keeps the disk's table, where the disk is intact and has
 * partitions that would be lost otherwise. */
int plan_keep_table(struct restore_plan *plan, struct err *err) MUST_CHECK;

/* Has the disk a volume that is to be written? */
bool plan_chooses_disk(const struct plan_wishes *wishes, const struct backup_version *version,
		       const struct source_disk *disk);

/* What goes onto which disk; source_count 0: the only source disk with volumes. */
struct plan_target {
	const struct disk *disk;
	bool named_twice;
	size_t source_count;
	const struct source_disk *const *sources;
};

/* The plan for one disk; rules look at the others of the order, too. *ret is set where rules refuse
 * it as well: plan_refused(). */
int plan_make_disk(const struct plan_order *order, const struct plan_target *target,
		   struct restore_plan **ret, struct err *err) MUST_CHECK;
/* The plan's JSON without findings and hash: what the hash is made of. NULL: no memory. */
char *plan_deed_json(const struct restore_plan *plan);

/* Adds a partition of a source disk at the place and in the slot that it had. */
int plan_add_partition(const struct plan_context *context, const struct source_disk *source,
		       size_t index, struct disk_layout *layout, struct err *err) MUST_CHECK;
/* Adds all of a second source disk behind what is there. */
int plan_merge_disk(const struct plan_context *context, const struct source_disk *source,
		    struct disk_layout *layout, struct err *err) MUST_CHECK;

/* New ids where wished, and the list of what changes. The rule tells it. */
int plan_choose_ids(struct restore_plan *plan, struct err *err) MUST_CHECK;
int plan_tell_ids(const struct plan_context *context, const char *rule,
		  struct err *err) MUST_CHECK;

/* The rule on the drivers of the target's storage controller. */
int plan_tell_drivers(const struct plan_context *context, const char *rule,
		      struct err *err) MUST_CHECK;

/* Chooses the source disk and makes plan->after, plan->partitions, the sizes and the place of
 * the journal; what is missing becomes a refusal. */
int plan_make_layout(const struct plan_context *context, struct err *err) MUST_CHECK;

/* Fits plan->after, as it was on the source, onto the target; says what changes. */
int plan_fit_layout(struct restore_plan *plan, struct err *err) MUST_CHECK;

/* The rule on volumes whose sectors are not the target's. */
int plan_check_sectors(const struct plan_context *context, const char *rule,
		       struct err *err);

/* "dynamic disk data", "Storage Spaces", …: what the disk has that is not recreated; NULL. */
const char *plan_dynamic_type(const struct source_disk *disk);
/* The rules on that, and on what lies on plain partitions now. */
int plan_check_dynamic(const struct plan_context *context, const char *rule,
		       struct err *err) MUST_CHECK;
int plan_tell_plain(const struct plan_context *context, const char *rule,
		    struct err *err) MUST_CHECK;
