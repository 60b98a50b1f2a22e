/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From options to a plan, and from a plan to a report: see session.h. */
#include "session.h"

#include <stdio.h>
#include <string.h>

#include <base/block-source.h>
#include <base/log.h>
#include <base/text.h>
#include <restore/boot-driver.h>
#include <restore/layout-file.h>

#include "boot-stick.h"
#include "session-disks.h"
#include "session-drivers.h"
#include "session-forecast.h"
#include "session-firmware.h"
#include "session-report.h"
#include "session-sizes.h"
#include "session-words.h"

/* What the user knows takes the place of what the backup tells. */
static int apply_layout(const char *path, struct session *session, struct err *err)
{
	size_t prefix = strlen(LAYOUT_BESIDE_BACKUP), length = 0;
	AUTO_FREE uint8_t *text = NULL;
	int r;

	if (strncmp(path, LAYOUT_BESIDE_BACKUP, prefix) == 0)
		r = reader_read_file(session->reader, READER_TREE, path + prefix, &text,
				     &length, err);
	else
		r = source_file_read_whole(path, "a layout", LAYOUT_FILE_MAX, &text,
					   &length, err);
	if (r < 0)
		return r;
	/* the version is part of the session's own backup */
	return layout_file_apply((const char *)text, length, path,
				 (struct backup_version *)session->version, err);
}

int session_open(const struct session_options *options, struct session *ret,
		 struct err *err)
{
	struct session session = { 0 };
	struct plan_wishes wishes = { .wipe = options->wipe,
				      .volumes = options->volumes,
				      .grow = options->grow,
				      .controller = options->controller,
				      .new_ids = options->new_ids,
				      .firmware = options->firmware };
	int r;

	r = source_start(&options->source, &session.reader, err);
	if (r == 0) {
		/* from here on: a key ends a prompt for a password as it always does */
		progress_init(&session.display, source_side(&options->source),
			      options->progress_fd);
		session.display.reader = session.reader;
		reader_on_wait(session.reader, progress_wait, &session.display);
		r = reader_scan(session.reader, progress_scan, &session.display,
				&session.backup, err);
	}
	if (r == 0)
		r = backup_choose(session.backup, options->machine, options->version,
				  &session.machine, &session.version, err);
	if (r == 0 && options->layout)
		r = apply_layout(options->layout, &session, err);
	if (r == 0 && options->dynamic_plain)
		r = plan_make_plain((struct backup_version *)session.version, err);
	if (r == 0)
		r = session_find_disks(options, &session, err);
	if (r == 0)
		r = session_make_plans(options, &wishes, &session, err);
	if (r == 0)
		r = session_fit(options, &wishes, &session, err);
	if (r == 0)
		r = session_look_for_drivers(options, &wishes, &session, err);
	if (r == 0)
		r = session_try_firmware(options, &wishes, &session, err);
	progress_end(&session.display);
	if (session.reader) {
		reader_on_wait(session.reader, NULL, NULL);
		/* what could not be read may have been left out */
		if (reader_check_given_up(session.reader, err) < 0)
			r = err->code;
	}
	if (r < 0) {
		session_close(&session);
		return r;
	}
	*ret = session;
	return 0;
}

void session_close(struct session *session)
{
	plan_set_clear(&session->plans);
	session_sizes_clear(session);
	free(session->no_conversion);
	session_drivers_clear(session);
	disk_list_clear(&session->disks);
	backup_free(session->backup);
	reader_stop(session->reader);
	boot_stick_release(session->stick);
	*session = (struct session){ 0 };
}

/* In the environment the boot medium holds the mirror; not every medium can. */
static void find_mirror(struct session *session, const struct session_options *options)
{
	const char *wanted = options->journal_mirror;
	struct err err = { 0 };
	int r;

	if (session->journal_mirror || (wanted && strcmp(wanted, "none") == 0))
		return;
	session->journal_mirror = wanted;
	if (wanted)
		return;
	r = boot_stick_mount(&session->stick, &err);
	if (r == 0)
		session->journal_mirror = session->stick;
	else if (r != -ENODEV && r != -EROFS)
		fprintf(stderr, "no mirror of the journal is kept: %s\n", err.text);
}

enum exit_status session_restore(const struct command *command, struct session *session,
				 const struct session_options *options)
{
	struct restore_result result = { 0 };
	struct restore_options restore = {
		.report = progress_show,
		.context = &session->display,
		.firmware_entry = options->firmware_entry,
		.prove = options->prove,
		.delta = options->delta,
		.no_index = options->no_index,
		.resume = options->resume,
	};
	AUTO_FREE char *words = NULL;
	struct err err = { 0 };
	bool resumable;
	int r;

	if (plan_set_refused(&session->plans)) {
		fprintf(stderr, "bmr %s: refused by the plan, nothing was written\n",
			command->name);
		session_save_refusal(session, options);
		return EXIT_REFUSED;
	}
	if (session_words(options, session, &words, &restore.words_length, &err) < 0)
		return command_fail(command, &err);
	find_mirror(session, options);
	restore.words = words;
	restore.journal_mirror = session->journal_mirror;
	r = restore_run(&session->plans, session->reader, &restore, &result, &err);
	progress_end(&session->display);
	session_report(session, options, &result, r < 0 ? &err : NULL);
	resumable = result.resumable;
	restore_result_clear(&result);
	if (r == 0)
		return EXIT_DONE;
	/* in which state the disk is matters more than why it stopped */
	if (resumable)
		return EXIT_RESUMABLE;
	return r == -ECANCELED ? EXIT_CANCELLED : EXIT_FAILED;
}

enum exit_status session_look(const struct command *command, struct session *session,
			      const struct session_options *options,
			      enum restore_found_kind *ret)
{
	enum restore_found_kind worst = RESTORE_FOUND_WHOLE;
	struct restore_found found = { 0 };
	struct err err = { 0 };

	find_mirror(session, options);
	for (size_t i = 0; i < session->plans.count; i++) {
		const struct restore_plan *plan = session->plans.plans[i];

		if (restore_look(plan, session->journal_mirror, &found, &err) < 0)
			return command_fail(command, &err);
		if (found.kind == RESTORE_FOUND_OTHER)
			fprintf(stderr,
				"'%s': the journal on it does not fit this restore: %s\n",
				plan->disk->path, found.why);
		if (found.kind < worst)
			worst = found.kind;
	}
	*ret = worst;
	return EXIT_DONE;
}
