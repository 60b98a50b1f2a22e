/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of plan, restore, verify and resume: one table, one row each. See session.h. */
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>

#include "session.h"

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
	"  --retry-for TIME      how long a server that is lost is waited for: 90s, 30m "
	"(default),\n"
	"                        2h, 0 (not at all)\n"
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

/* What an option does: its value goes to a text, it sets a flag, or it has a function of its
 * own, for which getopt's optarg is the value. */
struct session_option {
	const char *name;
	enum { OPTION_TEXT, OPTION_FLAG, OPTION_TAKEN } kind;
	size_t field; /* offset in struct session_options */
	enum exit_status (*take)(const struct command *command,
				 struct session_options *o);
};

static enum exit_status take_encryption(const struct command *command,
					struct session_options *o)
{
	if (source_take_encryption(&o->source, optarg))
		return EXIT_DONE;
	return command_usage(command, "--encrypt '%s': must be required or if-offered",
			     optarg);
}

static enum exit_status take_retry(const struct command *command,
				   struct session_options *o)
{
	if (source_take_retry(&o->source, optarg))
		return EXIT_DONE;
	return command_usage(
		command, "--retry-for '%s': a time such as 90s, 30m, 2h or 0", optarg);
}

static enum exit_status add_disk(const struct command *command, const char **disks,
				 size_t *count)
{
	if (*count == SESSION_DISKS)
		return command_usage(command, "more than %d disks", SESSION_DISKS);
	disks[(*count)++] = optarg;
	return EXIT_DONE;
}

static enum exit_status take_disk(const struct command *command,
				  struct session_options *o)
{
	return add_disk(command, o->disks, &o->disk_count);
}

static enum exit_status take_exclude(const struct command *command,
				     struct session_options *o)
{
	return add_disk(command, o->excludes, &o->exclude_count);
}

/* `ret`: the value is `yes`, not `no`; anything else is refused. */
static enum exit_status take_either(const struct command *command, const char *option,
				    const char *yes, const char *no, bool *ret)
{
	*ret = strcmp(optarg, yes) == 0;
	if (*ret || strcmp(optarg, no) == 0)
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': must be %s or %s", option, optarg, yes,
			     no);
}

static enum exit_status take_ids(const struct command *command, struct session_options *o)
{
	return take_either(command, "ids", "new", "same", &o->new_ids);
}

static enum exit_status take_dynamic(const struct command *command,
				     struct session_options *o)
{
	return take_either(command, "dynamic", "plain", "refuse", &o->dynamic_plain);
}

static enum exit_status take_sector_size(const struct command *command,
					 struct session_options *o)
{
	bool large = false;
	enum exit_status status =
		take_either(command, "sector-size", "4096", "512", &large);

	o->sector_size = large ? 4096 : 512;
	return status;
}

static enum exit_status take_prove(const struct command *command,
				   struct session_options *o)
{
	if (restore_prove_parse(optarg, &o->prove, NULL) == 0)
		return EXIT_DONE;
	return command_usage(command, "--prove '%s': must be sample or full", optarg);
}

static enum exit_status take_controller(const struct command *command,
					struct session_options *o)
{
	struct err err = { 0 };

	o->controller = optarg;
	if (boot_driver_check(optarg, &err) == 0)
		return EXIT_DONE;
	return command_usage(command, "--for %s", err.text);
}

static enum exit_status take_firmware(const struct command *command,
				      struct session_options *o)
{
	if (plan_firmware_parse(optarg, &o->firmware, NULL) == 0)
		return EXIT_DONE;
	return command_usage(
		command, "--firmware '%s': must be match, convert, uefi or bios", optarg);
}

static enum exit_status take_progress_fd(const struct command *command,
					 struct session_options *o)
{
	if (progress_take_fd(optarg, &o->progress_fd))
		return EXIT_DONE;
	return command_usage(command, "--progress-fd '%s': no open descriptor from 1 on",
			     optarg);
}

#define TEXT(name, member)                                                               \
	{                                                                                \
		name, OPTION_TEXT, offsetof(struct session_options, member), NULL        \
	}
#define FLAG(name, member)                                                               \
	{                                                                                \
		name, OPTION_FLAG, offsetof(struct session_options, member), NULL        \
	}
#define TAKEN(name, take)                                                                \
	{                                                                                \
		name, OPTION_TAKEN, 0, take                                              \
	}

static const struct session_option options[] = {
	TEXT("from", source.text),
	TEXT("credentials", source.credentials),
	TAKEN("encrypt", take_encryption),
	TEXT("unlock", source.unlock),
	TAKEN("retry-for", take_retry),
	TEXT("machine", machine),
	TEXT("version", version),
	TAKEN("disk", take_disk),
	TAKEN("exclude", take_exclude),
	TAKEN("ids", take_ids),
	TAKEN("sector-size", take_sector_size),
	TEXT("volumes", volumes),
	TEXT("layout", layout),
	TAKEN("dynamic", take_dynamic),
	TAKEN("prove", take_prove),
	TAKEN("for", take_controller),
	TEXT("drivers", drivers),
	TEXT("grow", grow),
	FLAG("no-shrink", no_shrink),
	FLAG("wipe", wipe),
	FLAG("json", json),
	TEXT("confirm", confirm),
	TEXT("report", report),
	FLAG("qr", qr),
	FLAG("firmware-entry", firmware_entry),
	TAKEN("firmware", take_firmware),
	TEXT("efivars", efivars),
	FLAG("delta", delta),
	FLAG("no-index", no_index),
	TAKEN("progress-fd", take_progress_fd),
	TEXT("journal-mirror", journal_mirror),
};

/* getopt's value of an option: its row, from 1 on */
static enum exit_status take_option(const struct command *command, int value,
				    struct session_options *o)
{
	const struct session_option *option;

	if (value < 1 || value > (int)ARRAY_SIZE(options))
		return command_usage(command, "unknown option, or one without its value");
	option = &options[value - 1];
	if (option->kind == OPTION_TAKEN)
		return option->take(command, o);
	if (option->kind == OPTION_FLAG)
		*(bool *)((char *)o + option->field) = true;
	else
		*(const char **)((char *)o + option->field) = optarg;
	return EXIT_DONE;
}

enum exit_status session_parse_some(const struct command *command, int argc, char **argv,
				    struct session_options *ret)
{
	struct option long_options[ARRAY_SIZE(options) + 1] = { 0 };
	int value;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		long_options[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].kind == OPTION_FLAG ? no_argument
								  : required_argument,
			.val = (int)i + 1,
		};
	*ret = (struct session_options){ .source = { .may_prompt = true,
						     .retry_ms = SOURCE_RETRY_MS } };
	opterr = 0;
	optind = 1;
	while ((value = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		enum exit_status status = take_option(command, value, ret);

		if (status != EXIT_DONE)
			return status;
	}
	if (optind < argc)
		return command_usage(command, "'%s': unexpected", argv[optind]);
	return EXIT_DONE;
}

enum exit_status session_parse(const struct command *command, int argc, char **argv,
			       struct session_options *ret)
{
	enum exit_status status = session_parse_some(command, argc, argv, ret);

	if (status != EXIT_DONE)
		return status;
	if (!ret->source.text)
		return command_usage(command, "--from SOURCE is missing");
	if (!ret->disk_count)
		return command_usage(command,
				     "--disk WHICH is missing; 'bmr disks' lists them");
	return EXIT_DONE;
}
