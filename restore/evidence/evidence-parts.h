/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of evidence_merge(), in the order in which they run. */
#pragma once

#include "evidence.h"
#include "value.h"

/* What is found out about one volume besides its values. */
struct merge_volume {
	const struct bcd_device *device; /* its element in the boot store, or NULL */
	const struct mounted_device *mounted; /* its entry in MountedDevices, or NULL */
	bool mounted_is_old; /* from a hive that was not written to its end */
};

struct merge {
	const struct evidence *in;
	struct backup_version *version;
	const struct bcd_store *store; /* the one that started the machine, or NULL */
	struct merge_volume *volumes;  /* parallel to the version's */
};

/* For messages: "C:", else the image's file name. */
const char *volume_title(const struct backup_volume *volume);

/* evidence-join.c: the disks of AsrSif, their partitions joined with the images. */
int merge_asrsif(struct merge *merge, struct err *err) MUST_CHECK;
/* Which element of the boot store belongs to which volume. */
int merge_find_devices(struct merge *merge, struct err *err) MUST_CHECK;

/* evidence-mounted.c: which entry of MountedDevices belongs to which volume, and the volume's
 * GUID; then, where the documents do not say, its drive letter. */
int merge_mounted(struct merge *merge, struct err *err) MUST_CHECK;
int merge_letters(struct merge *merge, struct err *err) MUST_CHECK;

/* evidence-build.c: disks where there is no AsrSif. */
int merge_build_disks(struct merge *merge, struct err *err) MUST_CHECK;

/* evidence-fields.c: every value of disks and partitions from every origin. */
int merge_fields(struct merge *merge, struct err *err) MUST_CHECK;

/* evidence-convention.c: what is left open. */
int merge_conventions(struct merge *merge, struct err *err) MUST_CHECK;

/* evidence-health.c: what is missing, and is it fit for a restore? */
int merge_health(struct merge *merge, struct err *err) MUST_CHECK;
