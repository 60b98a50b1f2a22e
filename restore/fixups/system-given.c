/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The step "given drivers" of the fix-up "SYSTEM hive": what the user gives for other hardware
 * is copied to the folder of drivers and started at boot. A driver that the image has already
 * is left as it is.
 */
#include <string.h>

#include <base/text.h>

#include "given-driver.h"
#include "system-hive.h"

static bool given_apply(const struct restore_plan *plan,
			const struct plan_partition *partition)
{
	return plan->wishes.drivers != NULL;
}

static bool image_has(struct fixup_job *job, const char *path)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;

	return volume_read_file(job->volume, &job->partition->volume->fs, path, 0, &bytes,
				&length, NULL) == -EFBIG;
}

static int take_driver(struct fixup_job *job, struct hive_editor *editor,
		       const struct given_driver *driver, struct err *err)
{
	AUTO_FREE char *path = given_driver_path(driver);
	int r;

	if (!path)
		return err_nomem(err);
	if (image_has(job, path))
		return fixup_note(job, PLAN_NOTE, err,
				  "driver %s: the image has it already, the given one is "
				  "left",
				  driver->inf.service);
	r = given_driver_register(editor, driver, err);
	return r < 0 ? r
		     : fixup_note(job, PLAN_NOTE, err,
				  "driver %s: absent → \\Windows\\System32\\drivers\\%s, "
				  "started at boot",
				  driver->inf.service, driver->inf.file);
}

static int run_given(struct fixup_job *job, struct hive_editor *editor, struct err *err)
{
	const struct driver_folder *folder = job->plan->wishes.drivers;
	struct hive *hive = NULL;
	unsigned machine;
	int r = hive_editor_hive(editor, &hive, err);

	if (r < 0)
		return r;
	machine = windows_machine(hive);
	for (size_t i = 0; r == 0 && i < folder->count; i++) {
		struct given_driver driver;
		struct err reason = { 0 };

		if (!driver_file_is_inf(&folder->files[i]))
			continue;
		if (given_driver_read(folder, &folder->files[i], machine, &driver,
				      &reason) < 0)
			r = fixup_note(job, PLAN_WARNING, err, "driver left out: %s",
				       reason.text);
		else
			r = take_driver(job, editor, &driver, err);
	}
	return r;
}

static int write_given(struct fixup_job *job, struct hive *hive, struct volume_edit *edit,
		       struct err *err)
{
	const struct driver_folder *folder = job->plan->wishes.drivers;
	unsigned machine = windows_machine(hive);
	int r = 0;

	for (size_t i = 0; r == 0 && i < folder->count; i++) {
		AUTO_FREE char *path = NULL;
		struct given_driver driver;

		if (!driver_file_is_inf(&folder->files[i]) ||
		    given_driver_read(folder, &folder->files[i], machine, &driver, NULL) <
			    0)
			continue;
		path = given_driver_path(&driver);
		if (!path)
			return err_nomem(err);
		if (!image_has(job, path))
			r = volume_edit_write(edit, path, driver.file->bytes,
					      driver.file->length, err);
	}
	return r;
}

const struct system_step system_step_given = {
	.applies = given_apply,
	.run = run_given,
	.write = write_given,
};
