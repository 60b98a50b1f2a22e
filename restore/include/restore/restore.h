/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carrying out a plan, in the order of SAFETY.md section 1, and comparing a disk with a
 * backup afterwards. The process that calls this holds the only writable descriptor of the
 * disk, in the write gate (gate.h), and parses nothing from outside: that is the reader's
 * work.
 */
#pragma once

#include <limits.h>

#include <restore/plan.h>
#include <restore/reader.h>

enum restore_phase {
	PHASE_SCAN,	 /* the source is searched for backups */
	PHASE_MEASURE,	 /* how small volumes can be */
	PHASE_PREFLIGHT, /* every image is opened and mapped; fix-ups are worked out */
	PHASE_PROVE,	 /* the backup is read, all of it or a sample */
	PHASE_COMPARE,	 /* with what the disk holds already */
	PHASE_INVALIDATE,
	PHASE_COPY,
	PHASE_VERIFY,
	PHASE_COMMIT,
	PHASE_DONE,
	PHASE_INDEX, /* index.h */
	PHASE_PACK,  /* pack.h */
	PHASE_PACK_CHECK,
	PHASE_FILES, /* files.h */
};

const char *restore_phase_text(enum restore_phase phase);
const char *restore_phase_id(enum restore_phase phase); /* for machines: "copy" */

/* The two sides of a copy: one of them is the limit. */
enum restore_side { SIDE_SOURCE, SIDE_DISK, RESTORE_SIDES };

#define PROGRESS_UNKNOWN UINT_MAX

/* No byte for so long is worth a word (USERS.md section 2, complaint 15). */
#define PROGRESS_STALL_MS 30000

/* What of a phase belongs to one volume. */
struct restore_volume_progress {
	const char *name; /* "C:", "ESP", … */
	uint64_t bytes_done, bytes_total;
};

struct restore_progress {
	enum restore_phase phase;
	const char *volume;   /* "C:", "ESP", …; NULL between volumes */
	const char *step;     /* what is being done, where bytes do not tell; NULL */
	uint64_t bytes_done;  /* written, in PHASE_COPY; read back, in PHASE_VERIFY */
	uint64_t bytes_total; /* of the phase */
	/* The same of each volume of the disk, in its order; NULL where a phase does not count by
	 * them. Only valid during the report. volume_at: the one that the last bytes were of. */
	const struct restore_volume_progress *volumes;
	size_t volume_count, volume_at;
	uint64_t rate_now;    /* bytes per second over the last seconds */
	uint64_t rate_average;
	uint64_t eta_s;	  /* seconds to the end of the phase; UINT64_MAX: not known yet */
	uint64_t idle_ms; /* since the last byte */
	uint64_t elapsed_ms; /* of the phase */
	/* How much of the last seconds each side was at work, in per cent; PROGRESS_UNKNOWN where it
	 * takes no part in the phase. */
	unsigned busy[RESTORE_SIDES];
	bool waits[RESTORE_SIDES];    /* for whom the engine waits at this moment */
	unsigned retries;	      /* what had to be done again since the start */
	struct reader_trouble server; /* the connection to the source */
	uint64_t folders, files;      /* searched or taken; PHASE_SCAN, PHASE_FILES */
	const char *found;	      /* "SRV01, 2026-08-31 21:00 UTC": just now; NULL */
};

/* The side that is busier, where one is clearly the limit; RESTORE_SIDES: neither. */
enum restore_side restore_progress_limit(const struct restore_progress *progress);

/* One line of JSON without line end, for machines: README.md, "Progress". The caller frees it;
 * NULL: no memory. */
char *restore_progress_json(const struct restore_progress *progress);
/* Called some times a second. Non-zero cancels: -ECANCELED. */
typedef int restore_report(const struct restore_progress *progress, void *context);

/* What is read of the backup before the disk is opened (SAFETY.md section 1, step 1). */
enum restore_prove {
	PROVE_SAMPLE, /* the first, the last and some blocks of every image */
	PROVE_FULL,   /* every stored block */
};

/* "sample", "full". -EINVAL. */
int restore_prove_parse(const char *text, enum restore_prove *ret,
			struct err *err) MUST_CHECK;

struct restore_options {
	enum restore_prove prove;
	restore_report *report; /* may be NULL */
	void *context;
	bool delta; /* first compare, then write what differs; what does not stays */
	bool no_index; /* with delta: a sidecar of hashes beside the images is not looked at */
	bool resume; /* take up the restore of this plan that stopped half-way: -ESTALE, before
			anything is written, where the disk carries no journal of it */
	/* Folder for a copy of the journal, as a rule on the boot medium; NULL: none. */
	const char *journal_mirror;
	/* How this restore was asked for: options, each with a NUL behind it, and without secrets.
	 * restore_find() gives them back. NULL: not known. */
	const char *words;
	size_t words_length; /* bytes, NULs included */
	bool firmware_entry; /* write Boot####, BootOrder and BootNext: only where this
				machine is the one that is being restored */
};

/* One thing that was done, changed or left, in words. */
struct restore_note {
	enum plan_severity severity;
	char *text;
};

#define RESTORE_PHASES (PHASE_FILES + 1)

/* What a phase came to; of all disks together. */
struct restore_timing {
	uint64_t ms, bytes;
	uint64_t busy_ms[RESTORE_SIDES];
};

struct restore_result {
	struct restore_timing timings[RESTORE_PHASES]; /* by enum restore_phase */
	uint64_t copied, zeroed,
		skipped;    /* bytes: written data, zeros, free and not stored */
	uint64_t resumed;   /* bytes that were on the disk already */
	uint64_t unchanged; /* the same, of a delta restore: compared and equal */
	uint64_t verified;  /* bytes read back and compared */
	uint64_t writes, write_bytes; /* what the gate counted, all together */
	double seconds;
	bool target_touched; /* something was written: the old content is gone */
	bool resumable; /* it stopped, not by the disk's fault, and its journal is there */
	size_t note_count;
	struct restore_note *notes;
};

/* Runs exactly these plans. Success means: read back, compared, committed. On failure, what is in
 * *ret_result (always valid, to be cleared) tells whether a disk was touched; then it does
 * not boot and nothing recognises it. */
int restore_run(const struct plan_set *set, struct reader *reader,
		const struct restore_options *options, struct restore_result *ret_result,
		struct err *err) MUST_CHECK;
void restore_result_clear(struct restore_result *result);
/* One note more; text is copied. -ENOMEM. */
int restore_result_note(struct restore_result *result, enum plan_severity severity,
			const char *text, struct err *err) MUST_CHECK;

/* For a plan that converts to other firmware: do the backup's files allow it? Reads them, in a
 * process without privileges, and writes nothing. The error of the fix-up that does not work. */
int restore_try_firmware(const struct restore_plan *plan, struct reader *reader,
			 struct err *err) MUST_CHECK;

/* What lies on the disk of a plan. */
enum restore_found_kind {
	RESTORE_FOUND_NONE,
	RESTORE_FOUND_OTHER, /* a journal that does not fit this plan; why tells */
	RESTORE_FOUND_HALF,  /* a restore of this plan that stopped and can be resumed */
	RESTORE_FOUND_WHOLE, /* this plan was carried out, and its table is still there */
};

struct restore_found {
	enum restore_found_kind kind;
	uint64_t done; /* bytes that the journal says are done */
	char why[1024];
};

/* Opens the disk read-only. mirror_folder: as journal_mirror above. */
int restore_look(const struct restore_plan *plan, const char *mirror_folder,
		 struct restore_found *ret, struct err *err) MUST_CHECK;

/* A restore that stopped half-way, as its journal tells of it. The texts have no control
 * characters. */
struct restore_half {
	bool found;
	bool from_mirror; /* the disk's own journal cannot be read, or is older */
	bool committing; /* all is written and read back; boot sectors and table were next */
	char machine[64], version[64]; /* the version's folder */
	char plan[17]; /* the first digits of the hash of what it writes and where */
	uint64_t done, total; /* bytes */
	int64_t backup_time,
		written; /* seconds since 1970; written: the last checkpoint */
	char *words;	 /* as in struct restore_options; owned; NULL: not known */
	size_t words_length;
};

/* Looks at a disk of which nothing is known. Nothing is found where its table or another journal
 * shows that it was used since. Opens it read-only. */
int restore_find(const struct disk *disk, const char *mirror_folder,
		 struct restore_half *ret, struct err *err) MUST_CHECK;
void restore_half_clear(struct restore_half *half);

/* Compares the disks with what a restore would have written: table, boot sectors, every used
 * cluster, after fix-ups. -EBADMSG with the first difference (partition, offset);
 * result->notes has one line per partition. Opens the disks read-only. */
int restore_verify(const struct plan_set *set, struct reader *reader,
		   const struct restore_options *options,
		   struct restore_result *ret_result, struct err *err) MUST_CHECK;

/* Report for people and for machines; error NULL after success. The caller frees. */
char *restore_report_text(const struct plan_set *set, const struct restore_result *result,
			  const struct err *error);
/* All of it, to be kept: the report in short (of restore_report_text(), with what was added to it),
 * how long each phase took, and what was planned, with the origin of each value. */
char *restore_report_whole(const struct plan_set *set,
			   const struct restore_result *result, const char *in_short);
/* After a failure: in what state the disk is, and what to do next; lines for people. */
char *restore_state_text(const struct restore_plan *plan,
			 const struct restore_result *result);
/* One line of at most RESTORE_SUMMARY_MAX bytes, fit for a small QR code. */
#define RESTORE_SUMMARY_MAX 106 /* version 5-L, 37 modules: it fits on 24 lines */
char *restore_report_summary(const struct plan_set *set,
			     const struct restore_result *result,
			     const struct err *error);
/* The same of any other work that writes to a disk; plan is JSON. Texts may be NULL. */
struct restore_about {
	const char *machine, *source, *plan;
	const char *const *next_steps; /* NULL at the end; NULL: none */
};
char *restore_result_json(const struct restore_result *result,
			  const struct restore_about *about, const struct err *error);
char *restore_report_json(const struct plan_set *set, const struct restore_result *result,
			  const struct err *error);
