/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of the fix-ups, and the process that runs them. It is forked before any disk is
 * opened for writing, gives up all privileges, and holds the volume only through the reader.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/text.h>
#include <base/process.h>

#include "fixup-wire.h"
#include "reader/reader-protocol.h"

/* In the order in which they run; those that reshape come first. */
static const struct fixup *const fixups[] = {
	&fixup_ntfs_resize, &fixup_esp_remake,	 &fixup_esp_make,
	&fixup_bios_files,  &fixup_efi_fallback, &fixup_system_hive,
	&fixup_boot_store,  &fixup_winre,	 &fixup_catalog,
};

bool fixups_apply(const struct restore_plan *plan, const struct plan_partition *partition)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixups); i++)
		if (fixups[i]->applies(plan, partition))
			return true;
	return false;
}

uint64_t fixup_volume_size(const struct restore_plan *plan,
			   const struct plan_partition *partition,
			   const struct block_source *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixups); i++)
		if (fixups[i]->reshapes && fixups[i]->applies(plan, partition))
			return plan->after->partitions[partition - plan->partitions]
				.length;
	return image->size;
}

/* -- the jail ---- */

static const char *const writable[] = { "/mnt" /* ntfs-view.h */, NULL };
static const char *const programs[] = { "/usr/bin/mtools", "/usr/sbin/mkfs.fat",
					"/usr/sbin/fsck.fat", "/sbin/fsck.fat",
					"/usr/sbin/ntfsresize",
					/* where the two are not one folder */
					"/sbin/mkfs.fat", "/sbin/ntfsresize", NULL };

int fixup_jail(pid_t engine, struct err *err)
{
	struct sandbox sandbox = { .writable = writable, .programs = programs };
	int r = process_limit_processor(FIXUP_CPU_MAX, err);

	if (r == 0)
		r = reader_isolate(err);
	return r < 0 ? r : reader_jail(engine, false, &sandbox, err);
}

/* -- what is sent ---- */

static int send_bytes(int fd, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;

	while (length) {
		ssize_t n = write(fd, next, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		next += n;
		length -= (size_t)n;
	}
	return 0;
}

int fixup_send(int fd, const struct message *message, const void *bytes, struct err *err)
{
	int r = send_bytes(fd, message, sizeof(*message));

	if (r == 0)
		r = send_bytes(fd, bytes, message->length);
	if (r < 0)
		return err_errno(err, -r, "the fix-up process cannot reach the engine");
	return 0;
}

static int send_change(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	struct message message = { MESSAGE_CHANGE, 0, offset, (uint32_t)length };

	return fixup_send(*(int *)context, &message, bytes, err);
}

static int send_moves(int fd, struct shape *shape, struct err *err)
{
	struct message message = { MESSAGE_MOVE, 0, 0, sizeof(struct patch_move) };
	size_t count;
	const struct patch_move *moves = shape_moves(shape, &count);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = fixup_send(fd, &message, &moves[i], err);
	return r;
}

/* -- the work ---- */

struct kept_note {
	enum plan_severity severity;
	char *text;
};

/* The volume, as the fix-ups so far have left it, and the one that runs. */
struct workshop {
	struct fixup_job job; /* first: a job's functions get their workshop by it */
	int out;
	struct block_source *image;
	struct shape *shape;
	struct overlay *state;
	size_t note_count; /* of the fix-up that runs */
	struct kept_note notes[FIXUP_MAX_NOTES];
};

static int keep_note(struct fixup_job *job, enum plan_severity severity, const char *text,
		     struct err *err)
{
	struct workshop *shop = (struct workshop *)job;
	struct kept_note *note = &shop->notes[shop->note_count];

	if (shop->note_count == FIXUP_MAX_NOTES)
		return err_set(err, -E2BIG, "more than %d lines to report",
			       FIXUP_MAX_NOTES);
	*note = (struct kept_note){ severity, strndup(text, sizeof(err->text) - 1) };
	if (!note->text)
		return err_nomem(err);
	shop->note_count++;
	return 0;
}

int fixup_note(struct fixup_job *job, enum plan_severity severity, struct err *err,
	       const char *format, ...)
{
	AUTO_FREE char *text = NULL;
	va_list args;

	va_start(args, format);
	text = text_format_list(format, args);
	va_end(args);
	return text ? job->note(job, severity, text, err) : err_nomem(err);
}

/* For backups whose time is not known: the first day that FAT can say. */
#define FAT_EPOCH INT64_C(315532800)

int64_t fixup_time(const struct fixup_job *job)
{
	const struct backup_version *version = job->plan->version;

	return version->time.origin ? (int64_t)version->time.value : FAT_EPOCH;
}

static int change_volume(struct fixup_job *job, uint64_t offset, const void *bytes,
			 size_t length, struct err *err)
{
	return overlay_write(job->overlay, bytes, offset, length, err);
}

int fixup_take_change(uint64_t offset, const void *bytes, size_t length, void *context,
		      struct err *err)
{
	struct fixup_job *job = context;

	return job->change(job, offset, bytes, length, err);
}

static int move_bytes(struct fixup_job *job, uint64_t to, uint64_t from, uint64_t length,
		      struct err *err)
{
	struct workshop *shop = (struct workshop *)job;
	struct patch_move move = { to, from, length };

	return shape_move(shop->shape, &move, err);
}

static int tell_notes(struct workshop *shop, bool succeeded, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < shop->note_count; i++) {
		struct kept_note *note = &shop->notes[i];
		struct message message = { MESSAGE_NOTE, note->severity, 0,
					   (uint32_t)strlen(note->text) };

		if (succeeded && r == 0)
			r = fixup_send(shop->out, &message, note->text, err);
		free(note->text);
	}
	shop->note_count = 0;
	return r;
}

static int take_into_state(uint64_t offset, const void *bytes, size_t length,
			   void *context, struct err *err)
{
	return overlay_write(context, bytes, offset, length, err);
}

/* What a fix-up changes goes to an overlay of its own, which is dropped if it fails. */
static int run_fixup(struct workshop *shop, const struct fixup *fixup, struct err *err)
{
	AUTO(overlay_freep) struct overlay *changes = NULL;
	struct err fault = { 0 };
	int r = overlay_new(overlay_source(shop->state), false, FIXUP_MAX_BYTES, &changes,
			    err);

	if (r < 0)
		return r;
	shop->job.overlay = changes;
	shop->job.volume = fixup->reshapes ? shop->image : overlay_source(changes);
	r = fixup->run(&shop->job, &fault);
	if (r == 0)
		r = overlay_changes(changes, take_into_state, shop->state, &fault);
	if (r == 0)
		return tell_notes(shop, true, err);
	(void)tell_notes(shop, false, NULL);
	if (fixup->reshapes || fixup->essential || r == -ENOMEM)
		return err_set(err, r, "fix-up '%s': %s", fixup->name, fault.text);
	r = fixup_note(
		&shop->job, PLAN_WARNING, err,
		"fix-up '%s' was left, what it looks after stays as in the backup: "
		"%s",
		fixup->name, fault.text);
	return r < 0 ? r : tell_notes(shop, true, err);
}

static int prepare_all(struct fixup_job *job, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixups); i++)
		if (fixups[i]->prepare && fixups[i]->applies(job->plan, job->partition))
			r = fixups[i]->prepare(job, err);
	return r;
}

static int work(struct workshop *shop, pid_t engine, struct err *err)
{
	const struct restore_plan *plan = shop->job.plan;
	const struct plan_partition *partition = shop->job.partition;
	uint64_t size = fixup_volume_size(plan, partition, shop->image);
	bool blank = plan_remakes(plan, partition->volume);
	int r = prepare_all(&shop->job, err);

	if (r == 0)
		r = fixup_jail(engine, err);
	if (r == 0)
		r = shape_new(shop->image, size, blank, &shop->shape, err);
	if (r == 0)
		r = overlay_new(shape_source(shop->shape), false, FIXUP_MAX_BYTES,
				&shop->state, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixups); i++)
		if (fixups[i]->applies(plan, partition))
			r = run_fixup(shop, fixups[i], err);
	if (r == 0)
		r = send_moves(shop->out, shop->shape, err);
	return r < 0 ? r : overlay_changes(shop->state, send_change, &shop->out, err);
}

void fixup_process(const struct restore_plan *plan,
		   const struct plan_partition *partition, struct block_source *image,
		   pid_t engine, int out)
{
	struct message end = { MESSAGE_DONE, 0, 0, 0 };
	struct err err = { 0 };
	static struct workshop shop;
	int r;

	shop = (struct workshop){
		.job = { .plan = plan,
			 .partition = partition,
			 .note = keep_note,
			 .change = change_volume,
			 .move = move_bytes,
			 .fuse_fd = -1 },
		.out = out,
		.image = image,
	};
	r = work(&shop, engine, &err);
	if (r < 0)
		end = (struct message){ MESSAGE_ERROR, r, 0, (uint32_t)strlen(err.text) };
	_exit(fixup_send(out, &end, err.text, &err) < 0);
}
