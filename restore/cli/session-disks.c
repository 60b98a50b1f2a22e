/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what the user says about disks to the plans of all of them. */
#include "session-disks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <partition/boot-medium.h>

/* "1=serial:…" names the target of source disk 1; without a number it is the one that the
 * machine starts from. */
static const char *split_number(const char *text, int *ret_number)
{
	size_t digits = strspn(text, "0123456789");

	*ret_number = -1;
	if (digits == 0 || digits > 4 || text[digits] != '=')
		return text;
	*ret_number = atoi(text);
	return text + digits + 1;
}

/* A file that is to be created has no sectors of its own yet: the source disk's. */
static void adopt_sector_size(const struct session_options *options,
			      const struct backup_version *version, struct disk *disk)
{
	if (!disk->is_file || disk->exists || options->sector_size)
		return;
	for (size_t i = 0; i < version->disk_count; i++)
		if (version->disks[i].sector_size.origin)
			disk->sector_size = disk->physical_sector_size =
				(uint32_t)version->disks[i].sector_size.value;
}

/* A disk that is found may be added to the list, which moves it: the place in it counts. */
static int find_place(const struct session_options *options, struct session *session,
		      const char *which, size_t *ret, struct err *err)
{
	struct disk *disk;
	int r = disk_find(&session->disks, which, options->sector_size, &disk, err);

	if (r < 0)
		return r;
	/* A file is added each time that it is named. */
	*ret = 0;
	while (disk != &session->disks.disks[*ret] &&
	       strcmp(disk->path, session->disks.disks[*ret].path) != 0)
		(*ret)++;
	return 0;
}

struct places {
	size_t named[SESSION_DISKS], excluded[SESSION_DISKS];
	int numbers[SESSION_DISKS];
};

static int find_places(const struct session_options *options, struct session *session,
		       struct places *places, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->disk_count; i++) {
		const char *which = split_number(options->disks[i], &places->numbers[i]);

		r = find_place(options, session, which, &places->named[i], err);
	}
	for (size_t i = 0; r == 0 && i < options->exclude_count; i++) {
		r = find_place(options, session, options->excludes[i],
			       &places->excluded[i], err);
		if (r < 0)
			err_add(err, "exclude '%s'", options->excludes[i]);
	}
	return r;
}

int session_find_disks(const struct session_options *options, struct session *session,
		       struct err *err)
{
	AUTO_FREE char *boot_medium = boot_medium_read();
	AUTO_FREE char *holder = NULL;
	const char *holders[] = { NULL, NULL, NULL };
	struct disk_list_wishes wishes = {
		.boot_medium = boot_medium,
		.source_paths = holders,
	};
	struct places places = { 0 };
	int r = source_holder(&options->source, session->version->path, &holder, err);

	if (r < 0)
		return r;
	if (holder)
		holders[0] = holder;
	if (options->journal_mirror && strcmp(options->journal_mirror, "none") != 0)
		holders[holder ? 1 : 0] = options->journal_mirror;
	r = disk_list_read(&wishes, &session->disks, err);
	if (r == 0)
		r = find_places(options, session, &places, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < options->disk_count; i++) {
		struct disk *disk = &session->disks.disks[places.named[i]];

		adopt_sector_size(options, session->version, disk);
		session->named[i] = (struct plan_named){ places.numbers[i], disk };
	}
	for (size_t i = 0; i < options->exclude_count; i++)
		session->excluded[i] = &session->disks.disks[places.excluded[i]];
	return 0;
}

/* The kernel makes this folder where it was started by UEFI. */
static enum plan_firmware find_firmware(void)
{
	return access("/sys/firmware/efi", F_OK) == 0 ? PLAN_FIRMWARE_UEFI
						      : PLAN_FIRMWARE_BIOS;
}

int session_make_plans(const struct session_options *options,
		       const struct plan_wishes *wishes, struct session *session,
		       struct err *err)
{
	struct plan_order order = { session->backup, session->machine, session->version,
				    &session->disks, wishes };
	struct plan_choices choices = { find_firmware(), options->disk_count,
					session->named, options->exclude_count,
					session->excluded };

	return plan_set_make(&order, &choices, &session->plans, err);
}
