/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr-image: makes the recovery environment from unpacked Debian packages. */
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "build.h"
#include "compress.h"
#include "install.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

/* 2024-01-01T00:00:00Z: any fixed time does; FAT knows none before 1980. */
#define DEFAULT_MTIME 1704067200

static const char help[] =
	"usage: bmr-image build --sysroot DIR --manifest FILE --output DIR [OPTION...]\n"
	"       bmr-image stick --image FILE {--output FILE | --to WHICH} [--answer "
	"FILE]\n"
	"                 [--credentials FILE]\n"
	"       bmr-image install --image FILE --esp DIR\n"
	"       bmr-image uninstall --esp DIR\n"
	"\n"
	"build  makes in the output folder\n"
	"         openbmr.img        USB stick, starts by UEFI and by BIOS\n"
	"         openbmr.iso        CD, virtual CD or USB stick, starts by UEFI\n"
	"         pxe/               for a TFTP or HTTP server, with examples for "
	"dnsmasq\n"
	"         openbmr.efi        all in a single EFI file; initramfs.zst\n"
	"         *.sha256, openbmr.spdx.json (packages, versions, licences),\n"
	"         missing-firmware.txt\n"
	"stick  makes a copy of an openbmr.img with an answer file on it, or writes it "
	"to "
	"the\n"
	"       stick that --to names, after the checks of a restore, and reads it back\n"
	"install  puts the environment on the EFI system partition that is mounted at "
	"--esp,\n"
	"       with a firmware entry at the end of the boot order; uninstall removes "
	"both\n"
	"\n"
	"  --to WHICH          serial:..., wwn:..., size:... or /dev/disk/by-id/...: "
	"removable\n"
	"                      or on USB, not mounted, large enough\n"
	"  --sysroot DIR       unpacked Debian packages, a kernel among them\n"
	"  --manifest FILE     what goes into the initramfs; the kernel's command line "
	"is\n"
	"                      read from the file 'cmdline' beside it\n"
	"  --programs DIR      init, bmr and openbmr.efi (default: where bmr-image is)\n"
	"  --firmware DIR      firmware that modules ask for is copied from here\n"
	"  --drivers DIR       kernel modules (.ko) and packages of them (.deb), for "
	"devices\n"
	"                      that the kernel has no driver for\n"
	"  --keyboard LAYOUT   of the console: de, fr, se, ... (default: us)\n"
	"  --language ID       of the menu: en (default) or de\n"
	"  --answer-key FILE   answer files that come over the network must be signed "
	"by\n"
	"                      this key (public, Ed25519, PEM)\n"
	"  --ca FILE           certificates (PEM): servers that https:// names must have "
	"one that\n"
	"                      one of these signed; without it there is no https\n"
	"  --trust-network     answer files that come over the network need no "
	"signature\n"
	"  --ssh-keys FILE     whoever has one of these keys may come to the menu by "
	"ssh; "
	"without it\n"
	"                      there is no ssh in the image\n"
	"  --answer FILE       goes to stick and ISO as openbmr.ini\n"
	"  --credentials FILE  goes to stick and ISO as openbmr.cred\n"
	"  --key FILE, --cert FILE  sign openbmr.efi for Secure Boot with an own key "
	"(PEM)\n"
	"  --fast              compresses in a twentieth of the time, a quarter larger\n"
	"\n"
	"SOURCE_DATE_EPOCH sets the time of all files; the same input gives the same "
	"bytes,\n"
	"but for the time in a signature of --key. build writes only below --output and "
	"needs\n"
	"no root. Exit status: 0 done, 1 failed, 2 usage.\n";

enum option_key {
	OPTION_SYSROOT = 256,
	OPTION_MANIFEST,
	OPTION_OUTPUT,
	OPTION_PROGRAMS,
	OPTION_FIRMWARE,
	OPTION_DRIVERS,
	OPTION_KEYBOARD,
	OPTION_LANGUAGE,
	OPTION_ANSWER_KEY,
	OPTION_CA,
	OPTION_TRUST_NETWORK,
	OPTION_SSH_KEYS,
	OPTION_ANSWER,
	OPTION_CREDENTIALS,
	OPTION_IMAGE,
	OPTION_TO,
	OPTION_ESP,
	OPTION_KEY,
	OPTION_CERT,
	OPTION_FAST,
	OPTION_HELP,
	OPTION_END,
};

static const struct option options[] = {
	{ "sysroot", required_argument, NULL, OPTION_SYSROOT },
	{ "manifest", required_argument, NULL, OPTION_MANIFEST },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "programs", required_argument, NULL, OPTION_PROGRAMS },
	{ "firmware", required_argument, NULL, OPTION_FIRMWARE },
	{ "drivers", required_argument, NULL, OPTION_DRIVERS },
	{ "keyboard", required_argument, NULL, OPTION_KEYBOARD },
	{ "language", required_argument, NULL, OPTION_LANGUAGE },
	{ "answer-key", required_argument, NULL, OPTION_ANSWER_KEY },
	{ "ca", required_argument, NULL, OPTION_CA },
	{ "trust-network", no_argument, NULL, OPTION_TRUST_NETWORK },
	{ "ssh-keys", required_argument, NULL, OPTION_SSH_KEYS },
	{ "answer", required_argument, NULL, OPTION_ANSWER },
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{ "image", required_argument, NULL, OPTION_IMAGE },
	{ "to", required_argument, NULL, OPTION_TO },
	{ "esp", required_argument, NULL, OPTION_ESP },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "cert", required_argument, NULL, OPTION_CERT },
	{ "fast", no_argument, NULL, OPTION_FAST },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

/* The argument of each option that was given, "" for those without one; NULL: absent. */
struct arguments {
	const char *of[OPTION_END - OPTION_SYSROOT];
};

static const char *argument(const struct arguments *arguments, enum option_key key)
{
	return arguments->of[key - OPTION_SYSROOT];
}

static int usage(const char *what)
{
	fprintf(stderr, "bmr-image: %s; 'bmr-image --help' tells more\n", what);
	return USAGE;
}

static int failed(const struct err *err)
{
	fprintf(stderr, "bmr-image: %s\n", err->text);
	return FAILED;
}

static void report(const char *line)
{
	puts(line);
	fflush(stdout);
}

static int read_epoch(uint32_t *ret, struct err *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	unsigned long value = DEFAULT_MTIME;
	char *end = NULL;

	if (text)
		value = strtoul(text, &end, 10);
	if (text && (end == text || *end || value > UINT32_MAX))
		return err_set(
			err, -EINVAL,
			"SOURCE_DATE_EPOCH '%s': must be seconds since 1970, at most %u",
			text, UINT32_MAX);
	*ret = (uint32_t)value;
	return 0;
}

static int own_folder(char folder[PATH_MAX], struct err *err)
{
	ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);

	if (length < 0)
		return err_errno(err, errno, "'/proc/self/exe': give --programs");
	folder[length] = '\0';
	dirname(folder);
	return 0;
}

static int command_build(const struct arguments *given)
{
	struct build build = {
		.sysroot = argument(given, OPTION_SYSROOT),
		.manifest = argument(given, OPTION_MANIFEST),
		.output = argument(given, OPTION_OUTPUT),
		.programs = argument(given, OPTION_PROGRAMS),
		.firmware = argument(given, OPTION_FIRMWARE),
		.extras = { .answer_key = argument(given, OPTION_ANSWER_KEY),
			    .ca = argument(given, OPTION_CA),
			    .drivers = argument(given, OPTION_DRIVERS),
			    .keyboard = argument(given, OPTION_KEYBOARD),
			    .language = argument(given, OPTION_LANGUAGE),
			    .ssh_keys = argument(given, OPTION_SSH_KEYS),
			    .trust_network = argument(given, OPTION_TRUST_NETWORK) },
		.answer = argument(given, OPTION_ANSWER),
		.credentials = argument(given, OPTION_CREDENTIALS),
		.key = argument(given, OPTION_KEY),
		.certificate = argument(given, OPTION_CERT),
		.level = argument(given, OPTION_FAST) ? COMPRESS_LEVEL_FAST
						      : COMPRESS_LEVEL_BEST,
	};
	char folder[PATH_MAX] = "";
	struct err err = { 0 };
	int r = read_epoch(&build.mtime_s, &err);

	if (!build.sysroot || !build.manifest || !build.output ||
	    argument(given, OPTION_IMAGE))
		return usage("build needs --sysroot, --manifest and --output and takes "
			     "no --image");
	if (!build.key != !build.certificate)
		return usage("--key and --cert are given together or not at all");
	if (r == 0 && !build.programs) {
		r = own_folder(folder, &err);
		build.programs = folder;
	}
	if (r == 0)
		r = build_run(&build, report, &err);
	return r < 0 ? failed(&err) : DONE;
}

static int command_stick(const struct arguments *given)
{
	struct stick stick = {
		.image = argument(given, OPTION_IMAGE),
		.answer = argument(given, OPTION_ANSWER),
		.credentials = argument(given, OPTION_CREDENTIALS),
	};
	const char *output = argument(given, OPTION_OUTPUT);
	const char *device = argument(given, OPTION_TO);
	struct err err = { 0 };
	int r = read_epoch(&stick.mtime_s, &err);

	if (!stick.image || !output == !device)
		return usage("stick needs --image, and --output or --to");
	if (r == 0 && output)
		r = stick_write(&stick, output, &err);
	else if (r == 0)
		r = stick_write_to(&stick, device, report, &err);
	return r < 0 ? failed(&err) : DONE;
}

static int command_install(const struct arguments *given)
{
	const char *image = argument(given, OPTION_IMAGE);
	const char *esp = argument(given, OPTION_ESP);
	struct err err = { 0 };

	if (!image || !esp)
		return usage("install needs --image and --esp");
	return install_run(image, esp, &err) < 0 ? failed(&err) : DONE;
}

static int command_uninstall(const struct arguments *given)
{
	const char *esp = argument(given, OPTION_ESP);
	struct err err = { 0 };

	if (!esp)
		return usage("uninstall needs --esp");
	return install_remove(esp, &err) < 0 ? failed(&err) : DONE;
}

static const struct {
	const char *name;
	int (*run)(const struct arguments *given);
} commands[] = {
	{ "build", command_build },
	{ "stick", command_stick },
	{ "install", command_install },
	{ "uninstall", command_uninstall },
};

int main(int argc, char **argv)
{
	struct arguments given = { 0 };
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) >= OPTION_SYSROOT)
		given.of[key - OPTION_SYSROOT] = optarg ? optarg : "";
	if (key != -1)
		return USAGE; /* getopt has said why */
	if (argument(&given, OPTION_HELP)) {
		fputs(help, stdout);
		return DONE;
	}
	if (optind != argc - 1)
		return usage("exactly one command is needed: build, stick, install or "
			     "uninstall");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, argv[optind]) == 0)
			return commands[i].run(&given);
	return usage("the command must be build, stick, install or uninstall");
}
