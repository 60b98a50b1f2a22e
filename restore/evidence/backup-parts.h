/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of backups that only this library handles. */
#pragma once

#include <restore/backup.h>

/* How the reason begins that a fatal contradiction gives. */
#define REASON_CONTRADICTION "contradictory evidence: "

/* Frees what a version owns; it is zeroed afterwards. */
void backup_version_clear(struct backup_version *version);

/* The same for a volume. */
void backup_volume_clear(struct backup_volume *volume);
