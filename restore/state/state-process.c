/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Working a change of a volume's state out: see state-process.h. */
#include "state-process.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/checked.h>
#include <base/crc32c.h>
#include <base/text.h>
#include <base/utf.h>

#include "volumes/ntfs.h"

/* All that the work needs; what it owns goes with the process. */
struct shop {
	const struct state_question *question;
	int out;
	struct block_source *from, *to; /* the two volumes */
	struct volume_info from_info, to_info;
	struct items *items;	 /* of from */
	struct overlay *overlay; /* over to */
	struct state_rules rules;
	struct state_files files;
	struct state_sum sum;
	char folder[STATE_FOLDER_SIZE];
};

static int tell(void *context, enum plan_severity severity, const char *text,
		struct err *err)
{
	struct shop *shop = context;
	size_t length = strnlen(text, sizeof(err->text) - 1);
	struct message message = { MESSAGE_NOTE, (int32_t)severity, 0, (uint32_t)length };

	return fixup_send(shop->out, &message, text, err);
}

/* -- the volumes --------------------------------------------------------------------- */

static bool is_fat(const struct volume_info *info)
{
	return info->fs == FS_FAT12 || info->fs == FS_FAT16 || info->fs == FS_FAT32;
}

/* may_be_fat: what Windows is started from. */
static int open_volume(struct reader *reader, unsigned number, bool may_be_fat,
		       struct block_source **ret, struct volume_info *ret_info,
		       struct err *err)
{
	struct block_source *plain = NULL;
	uint8_t boot[4096];
	int r = reader_source(reader, number, &plain, err);

	if (r == 0)
		r = source_cached_new(plain, ret, err);
	if (r == 0)
		r = source_read(*ret, boot, 0, sizeof(boot), err);
	if (r == 0 && memcmp(boot + 3, "-FVE-FS-", 8) == 0)
		return err_set(err, -ENOTSUP,
			       "'%s': encrypted by BitLocker: it is not written; switch "
			       "BitLocker off in Windows first",
			       plain->name);
	if (r == 0)
		r = volume_identify(boot, (*ret)->size, ret_info, err);
	if (r == 0 && ret_info->fs != FS_NTFS && !(may_be_fat && is_fat(ret_info)))
		r = err_set(err, -ENOTSUP, "'%s': %s, must be NTFS%s", plain->name,
			    file_system_text(ret_info->fs), may_be_fat ? " or FAT" : "");
	return r < 0 ? r : volume_keep(ret, ret_info, err);
}

static int open_both(struct shop *shop, struct err *err)
{
	const struct state_question *question = shop->question;
	bool may_be_fat = question->options->starts_windows;
	int r = open_volume(question->target->reader, question->target->number,
			    may_be_fat, &shop->to, &shop->to_info, err);

	if (r == 0)
		r = open_volume(question->backup->reader, question->backup->number,
				may_be_fat, &shop->from, &shop->from_info, err);
	if (r == 0 && is_fat(&shop->from_info) != is_fat(&shop->to_info))
		r = err_set(err, -ENOTSUP, "'%s': %s, and %s in the backup",
			    shop->to->name, file_system_text(shop->to_info.fs),
			    file_system_text(shop->from_info.fs));
	if (r == 0)
		r = items_open(shop->from, &shop->from_info, &shop->items, err);
	if (r == 0)
		r = overlay_new(shop->to, false, (size_t)question->limit, &shop->overlay,
				err);
	return r;
}

/* -- is it the same machine? ----------------------------------------------------------- */

static int compare_fact(struct shop *shop, enum state_fact fact, char **ret_backup,
			char **ret_target, struct err *err)
{
	struct err fault = { 0 };
	int r = state_machine_fact(shop->to, &shop->to_info, fact, ret_target, &fault);

	if (r < 0)
		return err_set(err, r, "no Windows whose registry can be read: %s",
			       fault.text);
	r = state_machine_fact(shop->from, &shop->from_info, fact, ret_backup, &fault);
	if (r < 0)
		return err_set(err, r, "the registry of the backup: %s", fault.text);
	return strcasecmp(*ret_backup, *ret_target) != 0;
}

static int check_name(struct shop *shop, struct err *err)
{
	AUTO_FREE char *of_backup = NULL, *of_target = NULL;
	int r = compare_fact(shop, STATE_COMPUTER, &of_backup, &of_target, err);

	if (r <= 0)
		return r;
	if (!shop->question->options->other_machine)
		return err_set(
			err, -EACCES,
			"the backup is of the computer '%s', the Windows on the disk "
			"is '%s': nothing is changed; --other-machine, if that is "
			"meant",
			of_backup, of_target);
	return tell(shop, PLAN_WARNING,
		    "the Windows on the disk is another computer than the one that was "
		    "backed up",
		    err);
}

/* A registry starts no other build's files. */
static int check_build(struct shop *shop, struct err *err)
{
	AUTO_FREE char *of_backup = NULL, *of_target = NULL;
	int r = compare_fact(shop, STATE_BUILD, &of_backup, &of_target, err);

	if (r <= 0)
		return r;
	return err_set(
		err, -EACCES,
		"the backup is of Windows build %s, the one on the disk is build %s: "
		"its files do not fit that registry; restore the whole backup "
		"instead",
		of_backup, of_target);
}

#define NTDS "Windows/NTDS/ntds.dit"

static int check_domain_controller(struct shop *shop, struct err *err)
{
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	AUTO(ntfs_file_freep) struct ntfs_file *database = NULL;
	struct err fault = { 0 };
	int r = ntfs_open(shop->to, &ntfs, err);

	if (r < 0)
		return r;
	r = ntfs_file_open(ntfs, NTDS, &database, &fault);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, r, "%s", fault.text);
	if (!shop->question->options->domain_controller)
		return err_set(
			err, -EACCES,
			"the Windows on the disk is a domain controller: its registry "
			"and its Active Directory belong together, and the "
			"directory is restored by Windows (Directory Services Restore "
			"Mode, 'wbadmin start systemstaterecovery'); "
			"--domain-controller, if that will follow");
	return tell(shop, PLAN_WARNING,
		    "Active Directory (/Windows/NTDS) stays as it is: restore it in "
		    "Directory "
		    "Services Restore Mode before this domain controller meets others",
		    err);
}

/* A machine that starts from the network again and again ends here: what Windows has written since
 * would be lost. */
static int check_once(struct shop *shop, struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	int r = shop->question->options->once ? ntfs_open(shop->to, &ntfs, err) : 0;

	if (ntfs)
		r = ntfs_list(ntfs, "", &listing, err);
	for (size_t i = 0; i < listing.count && r == 0; i++)
		if (strncasecmp(listing.entries[i].name, STATE_FOLDER,
				strlen(STATE_FOLDER)) == 0)
			r = err_set(err, -EALREADY,
				    "already put back: the volume has \\%s; nothing was "
				    "written ('bmr restore-systemstate' would do it "
				    "again)",
				    listing.entries[i].name);
	return r;
}

#define SHADOW_END "{3808876b-c176-4e48-b7ae-04046e6cc752}"

/* A name is two GUIDs; the catalog of them all has only the second. */
static bool is_shadow_copy(const char *name)
{
	return strcasestr(name, SHADOW_END) && strlen(name) > strlen(SHADOW_END);
}

/* Windows, which would keep for them what is overwritten, does not run. */
static int tell_shadow_copies(struct shop *shop, struct err *err)
{
	AUTO(tree_listing_clear) struct tree_listing listing = { 0 };
	AUTO(ntfs_freep) struct ntfs *ntfs = NULL;
	struct err fault = { 0 };
	int r = ntfs_open(shop->to, &ntfs, err);

	if (r < 0)
		return r;
	r = ntfs_list(ntfs, "System Volume Information", &listing, &fault);
	if (r < 0 && r != -ENOENT)
		return err_set(err, r, "%s", fault.text);
	for (size_t i = 0; i < listing.count; i++)
		if (is_shadow_copy(listing.entries[i].name))
			return tell(
				shop, PLAN_WARNING,
				"the volume has shadow copies (restore points, "
				"previous versions): they do not see this change "
				"coming, and are not to be trusted afterwards; delete "
				"them in Windows ('vssadmin delete shadows')",
				err);
	return 0;
}

/* -- which files ----------------------------------------------------------------------- */

static int read_document(struct shop *shop, const char *path, char **ret, struct err *err)
{
	const struct backup_volume file = { .image_path = (char *)path };
	struct reader *reader = shop->question->backup->reader;
	AUTO(source_freep) struct block_source *source = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	unsigned number = 0;
	uint64_t length = 0;
	int r = reader_open_file(reader, &file, &number, &length, err), closed;

	if (r < 0)
		return r;
	if (length > 16 * MiB) /* the longest known has 5 MiB */
		r = err_set(err, -EFBIG, "'%s': %" PRIu64 " bytes, at most %" PRIu64,
			    path, length, 16 * MiB);
	if (r == 0)
		r = reader_source(reader, number, &source, err);
	bytes = r == 0 ? malloc(length + 1) : NULL;
	if (r == 0)
		r = bytes ? source_read(source, bytes, 0, (size_t)length, err)
			  : err_nomem(err);
	if (r == 0)
		r = text_decode(bytes, (size_t)length, ret, err);
	closed = reader_close_volume(reader, number, r < 0 ? NULL : err);
	return r < 0 ? r : closed;
}

static int tell_writer(struct shop *shop, const struct state_rules *rules,
		       struct err *err)
{
	const char *advice = state_writer_advice(&rules->writer_id);
	AUTO_FREE char *text = NULL;

	if (!rules->writer || !advice[0] || shop->question->options->starts_windows)
		return 0;
	text = text_format("%s: %s", rules->writer, advice);
	return text ? tell(shop, PLAN_WARNING, text, err) : err_nomem(err);
}

static int take_document(struct shop *shop, const char *name,
			 const struct state_place *place, struct err *err)
{
	const struct backup_version *version = shop->question->backup->version;
	AUTO_FREE char *path =
		text_format("%s%s%s", version->path, version->path[0] ? "/" : "", name);
	AUTO(state_rules_clear) struct state_rules rules = { 0 };
	AUTO_FREE char *text = NULL;
	struct err fault = { 0 };
	int r = path ? read_document(shop, path, &text, &fault) : err_nomem(&fault);

	if (r == 0 && text)
		r = state_rules_read(text, strlen(text), name, place, &rules, &fault);
	if (r == -EBADMSG || r == -EFBIG || r == -E2BIG || r == -ENOENT) {
		AUTO_FREE char *line =
			text_format("a document of the set is of no use: %s", fault.text);

		return line ? tell(shop, PLAN_WARNING, line, err) : err_nomem(err);
	}
	if (r < 0)
		return err_set(err, r, "%s", fault.text);
	r = tell_writer(shop, &rules, err);
	return r < 0 ? r : state_rules_move(&shop->rules, &rules, err);
}

static int take_documents(struct shop *shop, struct err *err)
{
	const struct state_backup *backup = shop->question->backup;
	const char *letter = backup->volume->access_path.value;
	/* what Windows is started from has no letter as a rule */
	const char fallback = shop->question->options->starts_windows ? '\0' : 'C';
	const struct state_place place = {
		.letter = letter && letter[0] && letter[1] == ':' ? letter[0] : fallback,
		.volume = backup->volume->volume_guid.value,
	};
	int r = 0;

	for (size_t i = 0; i < backup->version->document_count && r == 0; i++)
		r = take_document(shop, backup->version->documents[i], &place, err);
	return r;
}

static bool is_asked(const struct shop *shop, enum state_class class)
{
	unsigned classes = shop->question->options->classes;

	if (shop->question->options->starts_windows)
		return class == STATE_BOOT;
	return !classes || classes >> class & 1;
}

/* Documents list the folders of the machine; of an EFI system partition Windows' own are known. */
static int make_esp_rules(struct shop *shop, const struct state_side *from,
			  const struct state_side *to, struct err *err)
{
	AUTO_FREE char *why = NULL;
	int r = state_esp_rules(from, to, &shop->rules, &why, err);

	return r < 0 || !why ? r : tell(shop, PLAN_WARNING, why, err);
}

/* Where the documents list none of a kind, the places that every Windows has; of what Windows is
 * started from always: they list its folder, and not the manager beside. */
static int make_rules(struct shop *shop, struct err *err)
{
	struct state_rules wanted = { 0 };
	int r = take_documents(shop, err);

	for (unsigned class = 0; class < STATE_CLASSES && r == 0; class ++)
		if (!state_rules_have(&shop->rules, class) ||
		    shop->question->options->starts_windows)
			r = state_rules_add_known(&shop->rules, class, err);
	for (size_t i = 0; i < shop->rules.count && r == 0; i++) {
		struct state_rules one = { 1, &shop->rules.rules[i] };

		if (is_asked(shop, shop->rules.rules[i].class))
			r = state_rules_move(&wanted, &one, err);
	}
	state_rules_clear(&shop->rules);
	shop->rules = wanted;
	return r;
}

static int check_stores(struct shop *shop, const struct state_side *from,
			const struct state_side *to, struct err *err)
{
	AUTO_FREE char *why = NULL;
	int r = state_check_stores(from, to, &shop->files, &why, err);

	return r < 0 || !why ? r : tell(shop, PLAN_WARNING, why, err);
}

static int choose(struct shop *shop, struct err *err)
{
	const struct state_side from = { shop->from, &shop->from_info };
	const struct state_side to = { shop->to, &shop->to_info };
	int r = is_fat(to.info) ? make_esp_rules(shop, &from, &to, err)
				: make_rules(shop, err);

	if (r == 0)
		r = state_choose(shop->items, &shop->rules, &shop->files, err);
	if (r == 0 && !shop->files.count)
		r = err_set(err, -ENODATA,
			    "the backup holds no such files of the system state");
	if (r == 0 && shop->question->options->starts_windows)
		r = check_stores(shop, &from, &to, err);
	return r;
}

/* -- the change ------------------------------------------------------------------------ */

static int count_free(struct shop *shop, uint64_t *ret, struct err *err)
{
	AUTO(state_map_freep) struct state_map *map = NULL;
	int r = state_map_open(shop->to, &shop->to_info, &map, err);

	return r < 0 ? r : state_free_bytes(map, ret, err);
}

static int put_files(struct shop *shop, struct err *err)
{
	const struct state_volume_ops *ops = NULL;
	struct state_put put = {
		.from = shop->items,
		.folder = shop->folder,
		.limit = shop->question->limit,
		.tell = tell,
		.context = shop,
	};
	int r = count_free(shop, &put.free, err), closed;

	if (r == 0)
		r = state_volume_find(&shop->to_info, &ops, err);
	if (r == 0)
		r = ops->open(shop->overlay, shop->question->options->time, &put.to, err);
	if (r < 0 || !ops)
		return r;
	r = state_put_all(&put, &shop->files, err);
	closed = ops->close(&put.to, r < 0 ? NULL : err);
	shop->sum = put.sum;
	return r < 0 ? r : closed;
}

/* -- what is sent ---------------------------------------------------------------------- */

static int send_change(uint64_t offset, const void *bytes, size_t length, void *context,
		       struct err *err)
{
	struct shop *shop = context;
	struct message message = { MESSAGE_CHANGE, 0, offset, (uint32_t)length };
	AUTO_FREE uint8_t *before = malloc(length);
	int r = before ? source_read(shop->to, before, offset, length, err)
		       : err_nomem(err);

	if (r < 0)
		return r;
	message.value = (int32_t)crc32c(0, before, length);
	shop->sum.bytes += length;
	return fixup_send(shop->out, &message, bytes, err);
}

static int send_room(uint64_t offset, uint64_t length, void *context, struct err *err)
{
	struct shop *shop = context;
	struct patch_move move = { offset, offset, length };
	struct message message = { MESSAGE_MOVE, 0, 0, sizeof(move) };

	return fixup_send(shop->out, &message, &move, err);
}

static int send_rooms(struct shop *shop, struct err *err)
{
	AUTO(state_map_freep) struct state_map *before = NULL, *after = NULL;
	int r = state_map_open(shop->to, &shop->to_info, &before, err);

	if (r == 0)
		r = state_map_open(overlay_source(shop->overlay), &shop->to_info, &after,
				   err);
	return r < 0 ? r : state_room(before, after, send_room, shop, err);
}

static int send_all(struct shop *shop, struct err *err)
{
	struct message answer = { MESSAGE_ANSWER, 0, 0, sizeof(shop->sum) };
	int r = 0;

	/* A volume that was only opened is not written. */
	if (shop->sum.replaced + shop->sum.added + shop->sum.emptied) {
		r = state_prove(shop->items, overlay_source(shop->overlay),
				&shop->to_info, &shop->files, err);
		if (r == 0)
			r = overlay_changes(shop->overlay, send_change, shop, err);
		if (r == 0)
			r = send_rooms(shop, err);
	}
	return r < 0 ? r : fixup_send(shop->out, &answer, &shop->sum, err);
}

static int check_windows(struct shop *shop, struct err *err)
{
	int r = check_once(shop, err);

	if (r == 0)
		r = check_name(shop, err);
	if (r == 0)
		r = check_build(shop, err);
	if (r == 0)
		r = check_domain_controller(shop, err);
	return r < 0 ? r : tell_shadow_copies(shop, err);
}

static int work(struct shop *shop, pid_t engine, struct err *err)
{
	int r = fixup_jail(engine, err);

	if (r == 0)
		r = open_both(shop, err);
	if (r == 0 && !shop->question->options->starts_windows)
		r = check_windows(shop, err);
	if (r == 0)
		r = choose(shop, err);
	if (r == 0)
		r = put_files(shop, err);
	return r < 0 ? r : send_all(shop, err);
}

void state_process(const void *question, pid_t engine, int out)
{
	struct message end = { MESSAGE_DONE, 0, 0, 0 };
	struct err err = { 0 };
	static struct shop shop;
	int r;

	shop = (struct shop){ .question = question, .out = out };
	state_folder_name(shop.question->options->time, shop.folder);
	r = work(&shop, engine, &err);
	if (r < 0)
		end = (struct message){ MESSAGE_ERROR, r, 0, (uint32_t)strlen(err.text) };
	_exit(fixup_send(out, &end, err.text, &err) < 0);
}
