/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the dynamic section of a program or library says that it needs. */
#pragma once

#include "architecture.h"
#include "root-tree.h"

#define ELF_NEEDED_MAX 256 /* libsmbclient's closure has some 80 */

struct elf_needs {
	bool is_elf;	   /* everything else is empty if not: a script, data */
	char *interpreter; /* path of the loader; NULL: none */
	char *search_path; /* DT_RUNPATH, else DT_RPATH; NULL: none */
	char **names;	   /* DT_NEEDED */
	size_t count;
};

/* -ENOTSUP: ELF for another machine than the architecture's. name is for messages. */
int elf_read_needs(const struct content *content, const char *name,
		   const struct architecture *architecture, struct elf_needs *ret,
		   struct err *err) MUST_CHECK;
void elf_needs_clear(struct elf_needs *needs);
