/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the reader process itself share: reader-process.c (life, volumes, blocks),
 * reader-scan.c, and reader-items.c (files and folders of volumes).
 */
#pragma once

#include "reader-protocol.h"

struct open_volume {
	struct block_source *source; /* NULL: free entry */
	struct volume_info info;
	struct volume_map *map; /* NULL until it is asked for */
	struct block_source
		*cached; /* source, for items; NULL until they are asked for */
	struct items *items;
	bool is_item; /* a file of volume parent */
	uint32_t parent;
};

/* What a folder held when it was listed last: it goes out in parts. */
struct process_listing {
	uint32_t volume;
	uint64_t id;
	char *path; /* NULL: none */
	struct item_list items;
};

struct process {
	const struct reader_options *options;
	int descriptor; /* that came with the request, or -1 */
	uint8_t *memory;
	struct tree *tree;
	struct tree *
		kept; /* over tree, of a remote one (tree-kept.h); NULL: files are read from tree */
	struct open_volume volumes[READER_MAX_VOLUMES];
	struct process_listing listing;
};

typedef int reader_handler(struct process *process, const struct reader_request *request,
			   struct reader_reply *reply, struct err *err);

static inline uint8_t *reader_slot_memory(const struct process *process, uint32_t slot)
{
	return process->memory + (size_t)slot * process->options->slot_size;
}

/* NULL and an error: it is not open. */
struct open_volume *reader_find_volume(struct process *process, uint32_t volume,
				       struct err *err);
void reader_close_open(struct process *process, uint32_t volume);

/* The process ends where it cannot talk, or the engine has closed its end. *ret_descriptor: what came
 * with the request, or -1. */
void reader_send_reply(const struct reader_reply *reply);
void reader_receive_request(struct reader_request *ret, int *ret_descriptor);

reader_handler reader_do_scan; /* of reader-scan.c */

/* Of reader-items.c. */
void reader_items_close(struct process *process, uint32_t volume);
reader_handler reader_do_list, reader_do_find, reader_do_open_item, reader_do_newer;
int reader_item_map(struct open_volume *item, const struct reader_request *request,
		    struct volume_range *ranges, size_t max, size_t *ret_count,
		    struct err *err) MUST_CHECK;
