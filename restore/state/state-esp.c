/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of an EFI system partition is Windows': see state-parts.h. */
#include "state-parts.h"

#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#include "forecast/authenticode.h"
#include "forecast/pe.h"

#define MANAGER	    "EFI/Microsoft/Boot/bootmgfw.efi"
#define FALLBACK    "EFI/Boot"
#define PROGRAM_MAX (64 * MiB) /* real ones have 1.5 to 3 MB */

/* Microsoft signs its boot manager by this name, and what others write (shim) by "Microsoft Windows
 * UEFI Driver Publisher". */
#define SIGNER "Microsoft Windows"

struct program {
	uint8_t *bytes; /* owned; NULL: there is none */
	size_t length;
};

static void program_clear(struct program *program)
{
	free(program->bytes);
}

static int read_program(const struct state_side *side, const char *path,
			struct program *ret, struct err *err)
{
	struct err fault = { 0 };
	int r = volume_read_file(side->volume, side->info, path, PROGRAM_MAX, &ret->bytes,
				 &ret->length, &fault);

	return r < 0 && r != -ENOENT ? err_set(err, r, "%s", fault.text) : 0;
}

/* As 'bcdboot' copies it, or by its signature. */
static bool is_microsofts(const struct program *program, const struct program *manager)
{
	AUTO_FREE char *signer = NULL;

	if (program->length == manager->length && program->length &&
	    memcmp(program->bytes, manager->bytes, program->length) == 0)
		return true;
	return authenticode_check(program->bytes, program->length, &signer, NULL) == 0 &&
	       signer && strcmp(signer, SIGNER) == 0;
}

/* *ret_there: it is on that volume; *ret_ours: and is Microsoft's. */
static int look_at_fallback(const struct state_side *side, const struct program *manager,
			    const char *path, bool *ret_there, bool *ret_ours,
			    struct err *err)
{
	AUTO(program_clear) struct program program = { 0 };
	int r = read_program(side, path, &program, err);

	if (r < 0)
		return r;
	*ret_there = program.bytes;
	*ret_ours = program.bytes && is_microsofts(&program, manager);
	return 0;
}

static int judge_fallback(const struct state_side *from, const struct state_side *to,
			  const struct program *of_backup, const char *path, bool *ret,
			  char **ret_why, struct err *err)
{
	AUTO(program_clear) struct program of_disk = { 0 };
	bool there[2] = { false }, ours[2] = { false };
	int r = read_program(to, MANAGER, &of_disk, err);

	if (r == 0)
		r = look_at_fallback(from, of_backup, path, &there[0], &ours[0], err);
	if (r == 0)
		r = look_at_fallback(to, &of_disk, path, &there[1], &ours[1], err);
	if (r < 0 || !there[0] || !there[1])
		return r;
	*ret = ours[0] && ours[1];
	if (*ret)
		return 0;
	*ret_why = text_format("/%s stays as it is on the disk: %s is not Microsoft's",
			       path, ours[1] ? "that of the backup" : "it");
	return *ret_why ? 0 : err_nomem(err);
}

int state_esp_rules(const struct state_side *from, const struct state_side *to,
		    struct state_rules *rules, char **ret_why, struct err *err)
{
	AUTO(program_clear) struct program manager = { 0 };
	AUTO_FREE char *path = NULL;
	bool wanted = false;
	const char *name;
	int r = read_program(from, MANAGER, &manager, err);

	if (r < 0)
		return r;
	name = pe_fallback_name(manager.bytes, manager.length);
	path = text_format(FALLBACK "/%s", name);
	r = path ? judge_fallback(from, to, &manager, path, &wanted, ret_why, err)
		 : err_nomem(err);
	if (r == 0)
		r = state_rules_add_esp(rules, wanted ? name : NULL, err);
	return r;
}
