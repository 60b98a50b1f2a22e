/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ASR writer's metadata document (FORMAT.md 4.2): which volumes are critical, which
 * disks there were, where the boot store lies. Pure.
 */
#pragma once

#include <base/guid.h>

#include <stdbool.h>

#include "xml.h"

#define ASR_WRITER_ID "be000cbe-11fe-4426-9c58-531aa6355fc4"

struct asr_writer_volume {
	struct guid guid;
	bool critical;
};

struct asr_writer_disk {
	unsigned number; /* N of harddiskN */
	bool has_signature, has_id;
	uint32_t mbr_signature;
	struct guid id; /* GPT */
};

struct asr_writer {
	size_t volume_count;
	struct asr_writer_volume *volumes;
	size_t disk_count;
	struct asr_writer_disk *disks;
	bool has_system_volume;
	struct guid system_volume; /* that holds the boot store */
	bool has_boot_path, uefi;  /* by the path of the boot store */
};

void asr_writer_free(struct asr_writer *writer); /* NULL is fine */
DEFINE_FREEP(struct asr_writer, asr_writer, asr_writer_free)

bool asr_writer_matches(const struct xml_element *root);

int asr_writer_read(const struct xml_element *root, const char *what,
		    struct asr_writer **ret, struct err *err) MUST_CHECK;
