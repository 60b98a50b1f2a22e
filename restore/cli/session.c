/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From options to a plan, and from a plan to a report: see session.h. */
#include "session.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <base/block-source.h>
#include <base/log.h>
#include <base/text.h>
#include <restore/boot-driver.h>
#include <restore/layout-file.h>

#include "session-disks.h"
#include "session-drivers.h"
#include "session-forecast.h"
#include "session-firmware.h"
#include "session-report.h"
#include "session-sizes.h"

const char session_help[] =
	"  --from SOURCE         folder, smb://[DOMAIN;]user@host[:port]/share/path,\n"
	"                        \\\\host\\share\\path, disk:auto, disk:SERIAL or an "
	"image\n"
	"                        file, that holds the backup at any depth\n"
	"  --credentials FILE    user name and password for a share; else they are asked "
	"for\n"
	"  --encrypt WHEN        required: a share that is not encrypted is not read;\n"
	"                        if-offered (default): it is signed at least\n"
	"  --unlock FILE         keys of BitLocker disks that hold the backup, as for "
	"'bmr\n"
	"                        scan'; 'prompt' asks\n"
	"  --machine NAME        which machine, if the source holds more than one\n"
	"  --version WHEN        latest (newest whole one; default), 2026-08-31T21:00Z,\n"
	"                        08/31/2026-21:00 (as wbadmin says it), or the folder "
	"as\n"
	"                        'bmr scan' shows it\n"
	"  --disk WHICH          serial:S, wwn:W, size:900G..1100G, or the path of an "
	"image\n"
	"                        file, which is created sparse if it does not exist\n"
	"  --disk N=WHICH        the same for source disk N of several, as 'bmr show' "
	"numbers\n"
	"                        them; without N= it is the one that the machine starts "
	"from.\n"
	"                        One disk may be named for two. A disk that carries the "
	"ids\n"
	"                        of a source disk is taken for it without being named. "
	"One\n"
	"                        that has neither serial nor WWN must be named twice, by "
	"size\n"
	"  --exclude WHICH       a disk that is never a target; as often as needed\n"
	"  --ids same|new        new disk and partition ids, for when the original disk "
	"stays\n"
	"                        in the machine; default: same\n"
	"  --firmware WHICH      what the new disk starts by: match (as the backed-up "
	"machine;\n"
	"                        default), uefi, bios, convert (the other one)\n"
	"  --sector-size N       of an image file: 512 or 4096; default: the source "
	"disk's\n"
	"  --volumes WHICH       critical (what Windows needs to start; default), all, "
	"or "
	"a\n"
	"                        list: C:,ESP,{volume GUID},label. On a disk that is "
	"intact\n"
	"                        (ids, offsets) they are written in place and the rest "
	"stays\n"
	"                        byte for byte; on any other disk the rest is created "
	"empty\n"
	"  --layout FILE         the source's disk as FILE has it: a plan that --json "
	"printed,\n"
	"                        edited by hand; where evidence is lost or contradicts "
	"itself.\n"
	"                        backup:PATH is a file of the source, beside the backup\n"
	"  --dynamic plain       volumes of dynamic disks and Storage Spaces onto plain "
	"partitions\n"
	"  --prove HOW           before the disk is opened: sample reads some blocks of "
	"every\n"
	"                        image (default), full reads all that is stored\n"
	"  --for CONTROLLER      the disk will be in a machine with this storage "
	"controller:\n"
	"                        ahci, nvme, ide, hyper-v, virtio-blk, virtio-scsi, "
	"pvscsi,\n"
	"                        lsi-sas, megasas, or a modalias of the kernel; default: "
	"as\n"
	"                        the disk is now. Are its drivers in the image, and will "
	"they\n"
	"                        start?\n"
	"  --drivers DIR         INF and .sys files of a storage driver that the image "
	"lacks:\n"
	"                        copied, and started at boot\n"
	"  --grow C:             extend this volume to the end of its disk; a recovery "
	"partition\n"
	"                        behind it moves; default: more space stays unused\n"
	"  --no-shrink           refuse a disk that is too small instead of shrinking "
	"NTFS\n"
	"                        volumes\n"
	"  --efivars DIR         who starts the disk, for the forecast: a folder like\n"
	"                        /sys/firmware/efi/efivars; default: this machine, where "
	"the\n"
	"                        target is no image file\n"
	"  --wipe                write zeros where the backup's file systems are "
	"free\n" PROGRESS_FD_HELP "  --json                result for machines\n";

enum {
	OPTION_FROM = 1,
	OPTION_CREDENTIALS,
	OPTION_ENCRYPT,
	OPTION_UNLOCK,
	OPTION_MACHINE,
	OPTION_VERSION,
	OPTION_DISK,
	OPTION_EXCLUDE,
	OPTION_IDS,
	OPTION_SECTOR_SIZE,
	OPTION_VOLUMES,
	OPTION_LAYOUT,
	OPTION_DYNAMIC,
	OPTION_PROVE,
	OPTION_FOR,
	OPTION_DRIVERS,
	OPTION_GROW,
	OPTION_NO_SHRINK,
	OPTION_WIPE,
	OPTION_JSON,
	OPTION_CONFIRM,
	OPTION_REPORT,
	OPTION_QR,
	OPTION_FIRMWARE_ENTRY,
	OPTION_FIRMWARE,
	OPTION_EFIVARS,
	OPTION_DELTA,
	OPTION_NO_INDEX,
	OPTION_PROGRESS_FD
};

static const struct option long_options[] = {
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{ "encrypt", required_argument, NULL, OPTION_ENCRYPT },
	{ "unlock", required_argument, NULL, OPTION_UNLOCK },
	{ "machine", required_argument, NULL, OPTION_MACHINE },
	{ "version", required_argument, NULL, OPTION_VERSION },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "exclude", required_argument, NULL, OPTION_EXCLUDE },
	{ "ids", required_argument, NULL, OPTION_IDS },
	{ "sector-size", required_argument, NULL, OPTION_SECTOR_SIZE },
	{ "volumes", required_argument, NULL, OPTION_VOLUMES },
	{ "layout", required_argument, NULL, OPTION_LAYOUT },
	{ "dynamic", required_argument, NULL, OPTION_DYNAMIC },
	{ "prove", required_argument, NULL, OPTION_PROVE },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "drivers", required_argument, NULL, OPTION_DRIVERS },
	{ "grow", required_argument, NULL, OPTION_GROW },
	{ "no-shrink", no_argument, NULL, OPTION_NO_SHRINK },
	{ "wipe", no_argument, NULL, OPTION_WIPE },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "confirm", required_argument, NULL, OPTION_CONFIRM },
	{ "report", required_argument, NULL, OPTION_REPORT },
	{ "qr", no_argument, NULL, OPTION_QR },
	{ "firmware-entry", no_argument, NULL, OPTION_FIRMWARE_ENTRY },
	{ "firmware", required_argument, NULL, OPTION_FIRMWARE },
	{ "efivars", required_argument, NULL, OPTION_EFIVARS },
	{ "delta", no_argument, NULL, OPTION_DELTA },
	{ "no-index", no_argument, NULL, OPTION_NO_INDEX },
	{ "progress-fd", required_argument, NULL, OPTION_PROGRESS_FD },
	{ 0 },
};

static enum exit_status take_disk(const struct command *command, const char **disks,
				  size_t *count)
{
	if (*count == SESSION_DISKS)
		return command_usage(command, "more than %d disks", SESSION_DISKS);
	disks[(*count)++] = optarg;
	return EXIT_DONE;
}

static enum exit_status take_option(const struct command *command, int option,
				    struct session_options *o)
{
	struct err err = { 0 };

	switch (option) {
	case OPTION_FROM:
		o->source.text = optarg;
		return EXIT_DONE;
	case OPTION_CREDENTIALS:
		o->source.credentials = optarg;
		return EXIT_DONE;
	case OPTION_ENCRYPT:
		if (source_take_encryption(&o->source, optarg))
			return EXIT_DONE;
		return command_usage(command,
				     "--encrypt '%s': must be required or if-offered",
				     optarg);
	case OPTION_UNLOCK:
		o->source.unlock = optarg;
		return EXIT_DONE;
	case OPTION_MACHINE:
		o->machine = optarg;
		return EXIT_DONE;
	case OPTION_VERSION:
		o->version = optarg;
		return EXIT_DONE;
	case OPTION_DISK:
		return take_disk(command, o->disks, &o->disk_count);
	case OPTION_EXCLUDE:
		return take_disk(command, o->excludes, &o->exclude_count);
	case OPTION_IDS:
		o->new_ids = strcmp(optarg, "new") == 0;
		if (o->new_ids || strcmp(optarg, "same") == 0)
			return EXIT_DONE;
		return command_usage(command, "--ids '%s': must be same or new", optarg);
	case OPTION_VOLUMES:
		o->volumes = optarg;
		return EXIT_DONE;
	case OPTION_LAYOUT:
		o->layout = optarg;
		return EXIT_DONE;
	case OPTION_DYNAMIC:
		o->dynamic_plain = strcmp(optarg, "plain") == 0;
		if (o->dynamic_plain || strcmp(optarg, "refuse") == 0)
			return EXIT_DONE;
		return command_usage(command, "--dynamic '%s': must be plain or refuse",
				     optarg);
	case OPTION_PROVE:
		if (restore_prove_parse(optarg, &o->prove, NULL) == 0)
			return EXIT_DONE;
		return command_usage(command, "--prove '%s': must be sample or full",
				     optarg);
	case OPTION_NO_SHRINK:
		o->no_shrink = true;
		return EXIT_DONE;
	case OPTION_DRIVERS:
		o->drivers = optarg;
		return EXIT_DONE;
	case OPTION_FOR:
		o->controller = optarg;
		return boot_driver_check(optarg, &err) == 0
			       ? EXIT_DONE
			       : command_usage(command, "--for %s", err.text);
	case OPTION_GROW:
		o->grow = optarg;
		return EXIT_DONE;
	case OPTION_WIPE:
		o->wipe = true;
		return EXIT_DONE;
	case OPTION_JSON:
		o->json = true;
		return EXIT_DONE;
	case OPTION_CONFIRM:
		o->confirm = optarg;
		return EXIT_DONE;
	case OPTION_QR:
		o->qr = true;
		return EXIT_DONE;
	case OPTION_REPORT:
		o->report = optarg;
		return EXIT_DONE;
	case OPTION_DELTA:
		o->delta = true;
		return EXIT_DONE;
	case OPTION_NO_INDEX:
		o->no_index = true;
		return EXIT_DONE;
	case OPTION_FIRMWARE_ENTRY:
		o->firmware_entry = true;
		return EXIT_DONE;
	case OPTION_EFIVARS:
		o->efivars = optarg;
		return EXIT_DONE;
	case OPTION_FIRMWARE:
		if (plan_firmware_parse(optarg, &o->firmware, NULL) == 0)
			return EXIT_DONE;
		return command_usage(command,
				     "--firmware '%s': must be match, convert, uefi or "
				     "bios",
				     optarg);
	case OPTION_PROGRESS_FD:
		if (progress_take_fd(optarg, &o->progress_fd))
			return EXIT_DONE;
		return command_usage(command,
				     "--progress-fd '%s': no open descriptor from 1 on",
				     optarg);
	case OPTION_SECTOR_SIZE:
		o->sector_size = (uint32_t)strtoul(optarg, NULL, 10);
		if (o->sector_size == 512 || o->sector_size == 4096)
			return EXIT_DONE;
		return command_usage(command, "--sector-size '%s': must be 512 or 4096",
				     optarg);
	default:
		return command_usage(command, "unknown option, or one without its value");
	}
}

enum exit_status session_parse(const struct command *command, int argc, char **argv,
			       struct session_options *ret)
{
	int option;

	*ret = (struct session_options){ .source = { .may_prompt = true } };
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		enum exit_status status = take_option(command, option, ret);

		if (status != EXIT_DONE)
			return status;
	}
	if (optind < argc)
		return command_usage(command, "'%s': unexpected", argv[optind]);
	if (!ret->source.text)
		return command_usage(command, "--from SOURCE is missing");
	if (!ret->disk_count)
		return command_usage(command,
				     "--disk WHICH is missing; 'bmr disks' lists them");
	return EXIT_DONE;
}

static int read_layout_file(const char *path, uint8_t **ret, size_t *ret_length,
			    struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	AUTO_FREE uint8_t *text = NULL;
	int r = source_file_open(path, &file, err);

	if (r < 0)
		return r;
	if (file->size > LAYOUT_FILE_MAX)
		return err_set(err, -EFBIG, "'%s': %llu bytes, a layout has at most %d",
			       path, (unsigned long long)file->size, LAYOUT_FILE_MAX);
	text = malloc(file->size + 1);
	if (!text)
		return err_nomem(err);
	r = source_read(file, text, 0, file->size, err);
	if (r < 0)
		return r;
	*ret_length = file->size;
	*ret = TAKE_PTR(text);
	return 0;
}

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
		r = read_layout_file(path, &text, &length, err);
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
	if (session.reader)
		reader_on_wait(session.reader, NULL, NULL);
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
	*session = (struct session){ 0 };
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
	struct err err = { 0 };
	bool resumable;
	int r;

	if (plan_set_refused(&session->plans)) {
		fprintf(stderr, "bmr %s: refused by the plan, nothing was written\n",
			command->name);
		session_save_refusal(session, options);
		return EXIT_REFUSED;
	}
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

enum exit_status session_look(const struct command *command,
			      const struct session *session, enum restore_found_kind *ret)
{
	enum restore_found_kind worst = RESTORE_FOUND_WHOLE;
	struct restore_found found = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < session->plans.count; i++) {
		const struct restore_plan *plan = session->plans.plans[i];

		if (restore_look(plan, &found, &err) < 0)
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
