/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of the work on a volume's state, all in the process without privileges: which files
 * (state-choose.c, state-esp.c, state-store.c), what is put where (state-put.c; by file system:
 * state-volume.h), where there is room (state-room.c), the process itself (state-process.c).
 */
#pragma once

#include <restore/system-state.h>

#include "evidence/writer-files.h"
#include "state-volume.h"

/* A file that the set holds and that was chosen. */
struct state_file {
	char *path; /* owned; with '/', its folder as the rule spells it */
	enum state_class class;
	const char *origin; /* of the rule, which owns it */
	uint64_t size;
	enum item_content content;
	size_t streams;	   /* beside the content */
	struct item facts; /* times and attributes; owns nothing */
};

struct state_files {
	size_t count, room;
	struct state_file *files;
};

void state_files_clear(struct state_files *files);
/* Does a path end as that of a hive's log? */
bool state_is_log(const char *path);

/* Of the set's volume, by rules. A rule without files is none. */
int state_choose(struct items *items, const struct state_rules *rules,
		 struct state_files *ret, struct err *err) MUST_CHECK;

/* More is no state of Windows. */
#define STATE_FILES_MAX 200000

/* Tells a line; formatted. */
typedef int state_tell(void *context, enum plan_severity severity, const char *text,
		       struct err *err);

struct state_put {
	struct items *from;
	struct state_volume *to;
	const char *folder; /* of replaced files, in the root of the volume */
	uint64_t free;	    /* bytes of free clusters */
	uint64_t limit;	    /* bytes that may change */
	state_tell *tell;
	void *context;
	struct state_sum sum;
};

/* One file after the other, and the logs of hives that were replaced. What cannot be replaced is an
 * error: nothing is to be written then. -ENOSPC: the volume is too full; -EFBIG: more than the limit. */
int state_put_all(struct state_put *put, const struct state_files *files,
		  struct err *err) MUST_CHECK;
/* Is each file of the volume what it was to become? Hives are opened, with their logs. */
int state_prove(struct items *from, struct block_source *volume,
		const struct volume_info *info, const struct state_files *files,
		struct err *err) MUST_CHECK;

/* A volume, of the backup or of the disk. */
struct state_side {
	struct block_source *volume;
	const struct volume_info *info;
};

/* Leaves a boot store out where the one of the disk names other partitions: Windows would not
 * start. *ret_why: a line to tell, owned; NULL: all stay among the files. */
int state_check_stores(const struct state_side *from, const struct state_side *to,
		       struct state_files *files, char **ret_why,
		       struct err *err) MUST_CHECK;

/* The rules of an EFI system partition: Windows' own folder, and what firmware without a boot entry
 * starts, where both volumes have it and it is Microsoft's. *ret_why: why that stays, owned; NULL:
 * it does not, or is not there. */
int state_esp_rules(const struct state_side *from, const struct state_side *to,
		    struct state_rules *rules, char **ret_why,
		    struct err *err) MUST_CHECK;

/* What the registry of a volume says of its Windows: the computer's name, "17763". -ENOENT. */
enum state_fact { STATE_COMPUTER, STATE_BUILD };
int state_machine_fact(struct block_source *volume, const struct volume_info *info,
		       enum state_fact fact, char **ret, struct err *err) MUST_CHECK;

/* Which clusters of a volume are free. */
struct state_map;
int state_map_open(struct block_source *volume, const struct volume_info *info,
		   struct state_map **ret, struct err *err) MUST_CHECK;
void state_map_close(struct state_map *map); /* NULL is fine */
DEFINE_FREEP(struct state_map, state_map, state_map_close)

/* Calls visit for each range of whole pages that is free on both, ascending. */
typedef int state_room_visit(uint64_t offset, uint64_t length, void *context,
			     struct err *err);
int state_room(struct state_map *before, struct state_map *after, state_room_visit *visit,
	       void *context, struct err *err) MUST_CHECK;
/* Bytes of free clusters. */
int state_free_bytes(struct state_map *map, uint64_t *ret, struct err *err) MUST_CHECK;
