/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of plan, restore, verify and resume: one table, one row each. See session.h. */
#include <getopt.h>
#include <string.h>

#include <base/cleanup.h>

#include "options.h"
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
	"  --no-estimate         plan: do not read some of the backup (for a second, 64 "
	"MiB at\n"
	"                        most) to tell how long the restore will take\n"
	"  --wipe                write zeros where the backup's file systems are "
	"free\n" PROGRESS_FD_HELP "  --json                result for machines\n";

static enum exit_status add_disk(const struct command *command, const char *value,
				 const char **disks, size_t *count)
{
	if (*count == SESSION_DISKS)
		return command_usage(command, "more than %d disks", SESSION_DISKS);
	disks[(*count)++] = value;
	return EXIT_DONE;
}

static enum exit_status take_disk(const struct command *command, const char *name,
				  const char *value, void *field)
{
	struct session_options *o = field;

	return add_disk(command, value, o->disks, &o->disk_count);
}

static enum exit_status take_exclude(const struct command *command, const char *name,
				     const char *value, void *field)
{
	struct session_options *o = field;

	return add_disk(command, value, o->excludes, &o->exclude_count);
}

/* `ret`: the value is words[1], not words[0]; anything else is refused. */
static enum exit_status take_either(const struct command *command, const char *name,
				    const char *value, const char *const words[2],
				    bool *ret)
{
	*ret = strcmp(value, words[1]) == 0;
	if (*ret || strcmp(value, words[0]) == 0)
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': must be %s or %s", name, value,
			     words[1], words[0]);
}

static enum exit_status take_ids(const struct command *command, const char *name,
				 const char *value, void *field)
{
	return take_either(command, name, value, (const char *[]){ "same", "new" },
			   field);
}

static enum exit_status take_dynamic(const struct command *command, const char *name,
				     const char *value, void *field)
{
	return take_either(command, name, value, (const char *[]){ "refuse", "plain" },
			   field);
}

static enum exit_status take_sector_size(const struct command *command, const char *name,
					 const char *value, void *field)
{
	bool large = false;
	enum exit_status status = take_either(command, name, value,
					      (const char *[]){ "512", "4096" }, &large);

	*(uint32_t *)field = large ? 4096 : 512;
	return status;
}

static enum exit_status take_prove(const struct command *command, const char *name,
				   const char *value, void *field)
{
	if (restore_prove_parse(value, field, NULL) == 0)
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': must be sample or full", name, value);
}

static enum exit_status take_controller(const struct command *command, const char *name,
					const char *value, void *field)
{
	struct err err = { 0 };

	*(const char **)field = value;
	if (boot_driver_check(value, &err) == 0)
		return EXIT_DONE;
	return command_usage(command, "--%s %s", name, err.text);
}

static enum exit_status take_firmware(const struct command *command, const char *name,
				      const char *value, void *field)
{
	if (plan_firmware_parse(value, field, NULL) == 0)
		return EXIT_DONE;
	return command_usage(command, "--%s '%s': must be match, convert, uefi or bios",
			     name, value);
}

#define AT(member) offsetof(struct session_options, member)

static const struct cli_option options[] = {
	{ "from", option_text, AT(source.text) },
	{ "credentials", option_text, AT(source.credentials) },
	{ "encrypt", option_encrypt, AT(source) },
	{ "unlock", option_text, AT(source.unlock) },
	{ "retry-for", option_retry_for, AT(source) },
	{ "machine", option_text, AT(machine) },
	{ "version", option_text, AT(version) },
	{ "disk", take_disk },
	{ "exclude", take_exclude },
	{ "ids", take_ids, AT(new_ids) },
	{ "sector-size", take_sector_size, AT(sector_size) },
	{ "volumes", option_text, AT(volumes) },
	{ "layout", option_text, AT(layout) },
	{ "dynamic", take_dynamic, AT(dynamic_plain) },
	{ "prove", take_prove, AT(prove) },
	{ "for", take_controller, AT(controller) },
	{ "drivers", option_text, AT(drivers) },
	{ "grow", option_text, AT(grow) },
	{ "no-shrink", option_flag, AT(no_shrink), .is_flag = true },
	{ "no-estimate", option_flag, AT(no_estimate), .is_flag = true },
	{ "wipe", option_flag, AT(wipe), .is_flag = true },
	{ "json", option_flag, AT(json), .is_flag = true },
	{ "confirm", option_text, AT(confirm) },
	{ "report", option_text, AT(report) },
	{ "qr", option_flag, AT(qr), .is_flag = true },
	{ "firmware-entry", option_flag, AT(firmware_entry), .is_flag = true },
	{ "firmware", take_firmware, AT(firmware) },
	{ "efivars", option_text, AT(efivars) },
	{ "delta", option_flag, AT(delta), .is_flag = true },
	{ "no-index", option_flag, AT(no_index), .is_flag = true },
	{ "progress-fd", option_progress_fd, AT(progress_fd) },
	{ "journal-mirror", option_text, AT(journal_mirror) },
};

enum exit_status session_parse_some(const struct command *command, int argc, char **argv,
				    struct session_options *ret)
{
	enum exit_status status;

	*ret = (struct session_options){ .source = { .may_prompt = true,
						     .retry_ms = SOURCE_RETRY_MS } };
	status = options_parse(command, options, ARRAY_SIZE(options), argc, argv, ret);
	if (status != EXIT_DONE)
		return status;
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
