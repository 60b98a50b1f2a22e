/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader process's answer to a scan: progress and the JSON text go out in parts, each of which the
 * engine answers.
 */
#include <string.h>

#include <base/checked.h>

#include "reader-process.h"
#include "tree-ahead.h"
#include "tree-kept.h"

struct scan {
	const struct process *process;
	const struct reader_request *request;
};

/* Sends what lies in the control slot and waits for the engine's word. */
static int send_intermediate(const struct scan *scan, enum reader_reply_kind kind,
			     size_t length)
{
	struct reader_request answer;
	int descriptor;

	reader_send_reply(&(struct reader_reply){
		.id = scan->request->id,
		.op = scan->request->op,
		.slot = scan->request->slot,
		.kind = kind,
		.length = (uint32_t)length,
	});
	reader_receive_request(&answer, &descriptor);
	if (answer.op != READER_CONTINUE || answer.id != scan->request->id)
		_exit(2);
	return answer.length ? -ECANCELED : 0;
}

/* Returns where they end. */
static uint8_t *put_bytes(uint8_t *to, const void *from, size_t length)
{
	if (length)
		memcpy(to, from, length);
	return to + length;
}

static int send_progress(const struct scan_progress *progress, void *context)
{
	const struct scan *scan = context;
	uint8_t *memory = reader_slot_memory(scan->process, scan->request->slot);
	const char *folder = progress->folder ? progress->folder : "";
	size_t room = scan->process->options->slot_size - sizeof(struct reader_progress);
	size_t folder_length = min_u64(strlen(folder), room / 2);
	size_t found_length =
		progress->found ? min_u64(strlen(progress->found), room / 2) : 0;
	struct reader_progress out = {
		.folders = progress->folders,
		.files = progress->files,
		.folder_length = (uint32_t)folder_length,
		.found_length =
			progress->found ? (uint32_t)found_length : READER_NOTHING_FOUND,
	};

	memory = put_bytes(memory, &out, sizeof(out));
	memory = put_bytes(memory, folder, folder_length);
	put_bytes(memory, progress->found, found_length);
	return send_intermediate(scan, READER_PROGRESS,
				 sizeof(out) + folder_length + found_length);
}

static int send_json(const struct scan *scan, const char *json, size_t length,
		     struct err *err)
{
	uint8_t *memory = reader_slot_memory(scan->process, scan->request->slot);

	if (length > READER_MAX_JSON)
		return err_set(err, -E2BIG,
			       "'%s': a description of %zu bytes, at most %u",
			       scan->process->tree->name, length, READER_MAX_JSON);
	while (length) {
		size_t part = min_u64(length, scan->process->options->slot_size);

		memcpy(memory, json, part);
		if (send_intermediate(scan, READER_PART, part) < 0)
			return err_set(err, -ECANCELED, "cancelled");
		json += part;
		length -= part;
	}
	return 0;
}

int reader_do_scan(struct process *process, const struct reader_request *request,
		   struct reader_reply *reply, struct err *err)
{
	AUTO(backup_freep) struct backup *backup = NULL;
	AUTO(tree_freep) struct tree *ahead = NULL;
	const struct reader_options *options = process->options;
	struct scan scan = { process, request };
	AUTO_FREE char *json = NULL;
	int r = 0;

	if (process->kept) {
		tree_kept_forget(
			process->kept); /* who scans wants to know what is there now */
		r = tree_ahead_new(process->kept, options->open_tree, options->context,
				   &ahead, err);
	}
	if (r < 0)
		return r;
	r = backup_scan(ahead ? ahead : process->tree, send_progress, &scan, &backup,
			err);
	if (r == 0)
		r = backup_to_json(backup, &json, err);
	if (r < 0 || !json)
		return r;
	reply->value = strlen(json);
	return send_json(&scan, json, reply->value, err);
}
