/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BackupSpecs.xml: which volumes a backup holds and whether all of each (FORMAT.md
 * section 3). Pure.
 */
#pragma once

#include <restore/backup.h>

#include "xml.h"

struct specs_volume {
	struct guid guid;
	bool has_guid;
	char *access_path; /* "C:", "" for a volume without a letter */
	char *label;
	enum completeness completeness;
	char *why; /* why it is partial; NULL otherwise */
};

struct backup_specs {
	size_t count;
	struct specs_volume *volumes;
	bool system_state; /* registry, boot files, catalogues: Windows' own state */
};

void backup_specs_free(struct backup_specs *specs); /* NULL is fine */
DEFINE_FREEP(struct backup_specs, backup_specs, backup_specs_free)

bool backup_specs_matches(const struct xml_element *root);

/* -EBADMSG: a value that cannot be. what names the document in messages. */
int backup_specs_read(const struct xml_element *root, const char *what,
		      struct backup_specs **ret, struct err *err) MUST_CHECK;

/* "\\?\Volume{…}\", "\??\Volume{…}" or "Volume{…}" → the GUID; -EINVAL for other texts.
 */
int volume_name_parse(const char *text, struct guid *ret) MUST_CHECK;
