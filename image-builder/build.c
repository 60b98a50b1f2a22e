/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of a build, one after the other: see build.h. */
#include "build.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/boot-needs.h>
#include <base/cleanup.h>
#include <base/text.h>

#include "collect.h"
#include "compress.h"
#include "cpio.h"
#include "digest.h"
#include "efi-file.h"
#include "extras.h"
#include "media.h"
#include "padded-file.h"
#include "sbom.h"
#include "sign.h"

#define ANSWER_MAX	 (64 * 1024) /* as efi/handover.h has them */
#define CREDENTIALS_MAX	 (4 * 1024)
#define SIGNATURE_LENGTH 64 /* restore/signature.h; may hold zeros, so it is not padded */

/* What GRUB hands over: padded-file.h. */
#define HEADS 5
static const struct head {
	enum media_part part;
	struct padded_file file;
} heads[HEADS] = {
	{ PART_ANSWER_HEAD, { "openbmr.ini.padded", 0644, ANSWER_MAX } },
	{ PART_CREDENTIALS_HEAD, { "openbmr.cred.padded", 0600, CREDENTIALS_MAX } },
	{ PART_NETWORK_ANSWER_HEAD, { "network/openbmr.ini.padded", 0644, ANSWER_MAX } },
	{ PART_NETWORK_SIGNATURE_HEAD,
	  { "network/openbmr.ini.sig", 0644, SIGNATURE_LENGTH } },
	{ PART_NETWORK_CREDENTIALS_HEAD,
	  { "network/openbmr.cred.padded", 0600, CREDENTIALS_MAX } },
};

/* Names of the results and of what is looked for beside them, each owned. */
struct paths {
	char *scratch, *initramfs, *efi, *stick, *iso, *network, *missing, *sbom;
	char *settings[3]; /* for GRUB, GRUB by network, iPXE; with settings in front */
	char *certificate, *padding;
	char *heads[HEADS];
	char *application, *command_line, *texts;
	char *shim, *mok_manager, *grub, *grub_network, *kernel; /* in the sysroot */
};

static void paths_clear(struct paths *paths)
{
	char **all = (char **)paths;

	/* nothing but pointers in it */
	for (size_t i = 0; i < sizeof(*paths) / sizeof(*all); i++)
		free(all[i]);
}

static int paths_make(const struct build *build, struct paths *paths, struct err *err)
{
	const char *slash = strrchr(build->manifest, '/');
	const int beside = slash ? (int)(slash - build->manifest + 1) : 0;
	const char *folder = build->output;
	const struct {
		char **path;
		const char *folder, *name;
	} all[] = {
		{ &paths->scratch, folder, "scratch.tmp" },
		{ &paths->initramfs, folder, "initramfs.zst" },
		{ &paths->efi, folder, "openbmr.efi" },
		{ &paths->stick, folder, "openbmr.img" },
		{ &paths->iso, folder, "openbmr.iso" },
		{ &paths->network, folder, "pxe" },
		{ &paths->missing, folder, "missing-firmware.txt" },
		{ &paths->sbom, folder, "openbmr.spdx.json" },
		{ &paths->settings[0], folder, "grub.cfg.tmp" },
		{ &paths->settings[1], folder, "network-grub.cfg.tmp" },
		{ &paths->settings[2], folder, "openbmr.ipxe.tmp" },
		{ &paths->certificate, folder, "openbmr.cer.tmp" },
		{ &paths->heads[0], folder, "head-0.tmp" },
		{ &paths->heads[1], folder, "head-1.tmp" },
		{ &paths->heads[2], folder, "head-2.tmp" },
		{ &paths->heads[3], folder, "head-3.tmp" },
		{ &paths->heads[4], folder, "head-4.tmp" },
		{ &paths->padding, folder, "padding.tmp" },
		{ &paths->application, build->programs, "openbmr.efi" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		*all[i].path = text_format("%s/%s", all[i].folder, all[i].name);
		if (!*all[i].path)
			return err_nomem(err);
	}
	paths->command_line = text_format("%.*scmdline", beside, build->manifest);
	paths->texts = text_format("%.*sboot", beside, build->manifest);
	return paths->command_line && paths->texts ? 0 : err_nomem(err);
}

/* The loaders, as Debian signed them. */
static int paths_find(const struct sysroot *sysroot, struct paths *paths, struct err *err)
{
	AUTO_FREE char *kernel = text_format("/boot/vmlinuz-%s", sysroot->kernel);
	const struct architecture *architecture = sysroot->architecture;
	const struct {
		char **path;
		const char *name, *package;
	} all[] = {
		{ &paths->shim, architecture->shim, "shim-signed" },
		{ &paths->mok_manager, architecture->mok_manager,
		  architecture->mok_package },
		{ &paths->grub, architecture->grub, architecture->grub_package },
		{ &paths->grub_network, architecture->grub_network,
		  architecture->grub_package },
		{ &paths->kernel, kernel, architecture->kernel_package },
	};
	int r = kernel ? 0 : err_nomem(err);

	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = sysroot_file(sysroot, all[i].name, all[i].package, all[i].path, err);
	return r;
}

static int read_text(const char *path, char **ret, struct err *err)
{
	AUTO(content_clear) struct content content = { 0 };
	int r = content_map(path, &content, NULL, err);

	if (r < 0)
		return r;
	*ret = strndup(content.length ? (const char *)content.bytes : "", content.length);
	return *ret ? 0 : err_nomem(err);
}

static int read_manifest(const char *path, const struct architecture *architecture,
			 struct manifest *ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	int r = read_text(path, &text, err);

	if (r < 0)
		return r;
	return manifest_parse(path, text, architecture, ret, err);
}

static int write_missing(const char *path, struct text *missing, struct err *err)
{
	AUTO_FREE char *list = text_take(missing);
	AUTO_FCLOSE FILE *file = fopen(path, "we");

	if (!list)
		return err_nomem(err);
	if (!file)
		return err_errno(err, errno, "'%s': creating", path);
	if (fputs(list, file) < 0 || fclose(TAKE_PTR(file)) != 0)
		return err_errno(err, errno, "'%s': writing", path);
	return 0;
}

static int compress_piece(const void *bytes, size_t length, void *context,
			  struct err *err)
{
	return compressor_write(context, bytes, length, err);
}

static int write_initramfs(const struct build *build, const struct root_tree *tree,
			   const char *path, uint64_t *ret_length, struct err *err)
{
	AUTO(compressor_freep) struct compressor *compressor = NULL;
	int r = compressor_open(path, build->level, &compressor, err);

	if (r == 0)
		r = cpio_pack(tree, build->mtime_s, compress_piece, compressor, err);
	return r < 0 ? r : compressor_finish(compressor, ret_length, err);
}

static int make_tree(const struct build *build, const struct sysroot *sysroot,
		     const struct paths *paths, struct root_tree *tree, struct err *err)
{
	AUTO(manifest_clear) struct manifest manifest = { 0 };
	AUTO(text_clear) struct text missing = { 0 };
	struct collection collection = {
		.sysroot = sysroot,
		.manifest = &manifest,
		.programs = build->programs,
		.firmware = build->firmware,
		.scratch = paths->scratch,
	};
	struct extras extras = build->extras;
	int r = read_manifest(build->manifest, sysroot->architecture, &manifest, err);

	extras.scratch = paths->scratch;
	extras.sysroot = sysroot;
	if (r == 0)
		r = collect_tree(&collection, tree, &missing, err);
	if (r == 0)
		r = extras_add(&extras, tree, err);
	if (r == 0)
		r = root_tree_add_end(tree, INITRAMFS_END_PATH, err);
	return r < 0 ? r : write_missing(paths->missing, &missing, err);
}

static void report_size(build_report *report, const char *path, uint64_t size)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %ju bytes", path, (uintmax_t)size);
	report(line);
}

/* Firmware reads the whole file before anything is seen. */
static void report_limit(build_report *report, uint64_t limit)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "warning: the EFI file is larger than %ju MB: slow to load over a "
		 "network",
		 (uintmax_t)(limit / 1000000));
	report(line);
}

static void report_made(build_report *report, const char *path, const char *what)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: for %s", path, what);
	report(line);
}

static int refuse_same_file(const struct paths *paths, struct err *err)
{
	struct stat application, result;

	if (stat(paths->application, &application) == 0 &&
	    stat(paths->efi, &result) == 0 && application.st_dev == result.st_dev &&
	    application.st_ino == result.st_ino)
		return err_set(err, -EINVAL,
			       "'%s': would be overwritten by what is made from it: "
			       "give another folder with --output",
			       paths->application);
	return 0;
}

static int write_efi(const struct build *build, const struct sysroot *sysroot,
		     const struct paths *paths, build_report *report, struct err *err)
{
	const struct architecture *architecture = sysroot->architecture;
	struct efi_parts parts = {
		.application = paths->application,
		.command_line = paths->command_line,
		.initramfs = paths->initramfs,
		.kernel = paths->kernel,
	};
	struct stat st;
	int r = efi_file_write(&parts, architecture, paths->efi, err);

	if (r == 0 && build->key)
		r = sign_efi(paths->efi, build->key, build->certificate, err);
	if (r == 0 && build->key)
		r = sign_export(build->certificate, paths->certificate, err);
	if (r < 0)
		return r;
	if (stat(paths->efi, &st) < 0)
		return err_errno(err, errno, "'%s'", paths->efi);
	report_size(report, paths->efi, (uint64_t)st.st_size);
	if ((uint64_t)st.st_size > architecture->efi_file_max)
		report_limit(report, architecture->efi_file_max);
	return 0;
}

/* -- settings of the loaders --------------------------------------------------------- */

/* One line without what a loader's script would take for its own. */
static int read_command_line(const char *path, char **ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	int r = read_text(path, &text, err);

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	if (strpbrk(text, "\"'$\\"))
		return err_set(
			err, -EINVAL,
			"'%s': holds a quote, '$' or '\\', which boot loaders take "
			"for their own",
			path);
	*ret = TAKE_PTR(text);
	return 0;
}

static int write_setting(const char *head, const char *source, const char *output,
			 struct err *err)
{
	AUTO(content_clear) struct content content = { 0 };
	AUTO_FCLOSE FILE *file = NULL;
	int r = content_map(source, &content, NULL, err);

	if (r < 0)
		return r;
	file = fopen(output, "we");
	if (!file)
		return err_errno(err, errno, "'%s': creating", output);
	fputs(head, file);
	if (content.length)
		fwrite(content.bytes, 1, content.length, file);
	if (ferror(file) || fclose(TAKE_PTR(file)) != 0)
		return err_errno(err, errno, "'%s': writing", output);
	return 0;
}

static int write_heads(const struct build *build, const struct paths *paths,
		       struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < HEADS && r == 0; i++)
		r = padded_file_write_head(&heads[i].file, build->mtime_s,
					   paths->heads[i], err);
	return r < 0 ? r : padding_write(ANSWER_MAX, paths->padding, err);
}

/* What stands in front of both configurations of GRUB. */
static int grub_head(const struct build *build, const struct paths *paths,
		     const char *options, char **ret, struct err *err)
{
	AUTO_FREE char *source = text_format("%s/grub-common.cfg", paths->texts);
	AUTO(content_clear) struct content common = { 0 };
	int r = source ? content_map(source, &common, NULL, err) : err_nomem(err);

	if (r < 0)
		return r;
	*ret = text_format("set openbmr_options=\"%s\"\nset openbmr_own_key=%s\n"
			   "set openbmr_memory_least=%d\n%.*s",
			   options, build->key ? "yes" : "no", BOOT_MEMORY_LEAST_MIB,
			   (int)common.length, common.bytes ? (char *)common.bytes : "");
	return *ret ? 0 : err_nomem(err);
}

static int write_settings(const struct build *build, const struct paths *paths,
			  struct err *err)
{
	static const char *const names[] = { "grub.cfg", "network-grub.cfg",
					     "openbmr.ipxe" };
	AUTO_FREE char *options = NULL;
	AUTO_FREE char *grub = NULL;
	AUTO_FREE char *ipxe = NULL;
	int r = read_command_line(paths->command_line, &options, err);

	if (r == 0)
		r = grub_head(build, paths, options, &grub, err);
	if (r < 0)
		return r;
	ipxe = text_format("#!ipxe\nset openbmr-options %s\n", options);
	if (!ipxe)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
		AUTO_FREE char *source = text_format("%s/%s", paths->texts, names[i]);

		if (!source)
			return err_nomem(err);
		r = write_setting(i == 2 ? ipxe : grub, source, paths->settings[i], err);
	}
	return r;
}

/* -- the media ----------------------------------------------------------------------- */

static int write_media(const struct build *build, const struct sysroot *sysroot,
		       const struct paths *paths, build_report *report, struct err *err)
{
	AUTO_FREE char *dhcp = text_format("%s/dnsmasq-dhcp.conf", paths->texts);
	AUTO_FREE char *proxy = text_format("%s/dnsmasq-proxydhcp.conf", paths->texts);
	AUTO_FREE char *http = text_format("%s/dnsmasq-http.conf", paths->texts);
	AUTO_FREE char *bios = text_format("%s/bios-start.cfg", paths->texts);
	struct media media = {
		.parts = {
			[PART_SHIM] = paths->shim,
			[PART_MOK_MANAGER] = paths->mok_manager,
			[PART_GRUB] = paths->grub,
			[PART_GRUB_NETWORK] = paths->grub_network,
			[PART_EFI] = paths->efi,
			[PART_KERNEL] = paths->kernel,
			[PART_INITRAMFS] = paths->initramfs,
			[PART_CONFIG] = paths->settings[0],
			[PART_CONFIG_NETWORK] = paths->settings[1],
			[PART_IPXE] = paths->settings[2],
			[PART_DNSMASQ_DHCP] = dhcp,
			[PART_DNSMASQ_PROXY] = proxy,
			[PART_DNSMASQ_HTTP] = http,
			[PART_ANSWER] = build->answer,
			[PART_CREDENTIALS] = build->credentials,
			[PART_PADDING] = paths->padding,
			[PART_CERTIFICATE] = build->key ? paths->certificate : NULL,
		},
		.sysroot = sysroot,
		.bios_commands = bios,
		.scratch = paths->scratch,
		.mtime_s = build->mtime_s,
	};
	const struct {
		int (*write)(const struct media *media, const char *output,
			     struct err *err);
		const char *output;
		const char *what;
	} media_kinds[] = {
		{ media_write_stick, paths->stick,
		  sysroot->architecture->bios ? "USB stick, UEFI and BIOS"
					      : "USB stick, UEFI" },
		{ media_write_iso, paths->iso, "CD or USB stick, UEFI" },
		{ media_write_network, paths->network, "TFTP and HTTP" },
	};
	int r = dhcp && proxy && http && bios ? 0 : err_nomem(err);

	for (size_t i = 0; i < HEADS; i++)
		media.parts[heads[i].part] = paths->heads[i];
	for (size_t i = 0; i < ARRAY_SIZE(media_kinds) && r == 0; i++) {
		r = media_kinds[i].write(&media, media_kinds[i].output, err);
		if (r == 0)
			report_made(report, media_kinds[i].output, media_kinds[i].what);
	}
	return r;
}

static int write_digests(const struct paths *paths, struct err *err)
{
	const char *all[] = { paths->stick, paths->iso, paths->efi, paths->initramfs };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = digest_write(all[i], err);
	return r;
}

static void remove_settings(const struct paths *paths)
{
	const char *all[] = { paths->settings[0], paths->settings[1], paths->settings[2],
			      paths->certificate, paths->padding };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		(void)unlink(all[i]);
	for (size_t i = 0; i < HEADS; i++)
		(void)unlink(paths->heads[i]);
}

/* -- all ----------------------------------------------------------------------------- */

static int write_system(const struct build *build, const struct sysroot *sysroot,
			const struct paths *paths, build_report *report, struct err *err)
{
	AUTO(root_tree_clear) struct root_tree tree = { 0 };
	uint64_t length;
	char line[128];
	int r = make_tree(build, sysroot, paths, &tree, err);

	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "kernel %s, %zu files and folders, %ju bytes",
		 sysroot->kernel, tree.count, (uintmax_t)root_tree_bytes(&tree));
	report(line);
	report("compressing the initramfs");
	r = write_initramfs(build, &tree, paths->initramfs, &length, err);
	if (r < 0)
		return r;
	report_size(report, paths->initramfs, length);
	return write_efi(build, sysroot, paths, report, err);
}

static int write_all(const struct build *build, const struct sysroot *sysroot,
		     struct paths *paths, build_report *report, struct err *err)
{
	AUTO_FREE char *list = NULL;
	int r = refuse_same_file(paths, err);

	if (r == 0)
		r = paths_find(sysroot, paths, err);
	if (r == 0)
		r = write_system(build, sysroot, paths, report, err);
	if (r == 0)
		r = write_settings(build, paths, err);
	if (r == 0)
		r = write_heads(build, paths, err);
	if (r == 0)
		r = write_media(build, sysroot, paths, report, err);
	remove_settings(paths);
	if (r == 0)
		r = write_digests(paths, err);
	if (r < 0)
		return r;
	list = text_take(sysroot->used);
	if (!list)
		return err_nomem(err);
	return sbom_write(sysroot, list, build->mtime_s, paths->sbom, err);
}

int build_run(const struct build *build, build_report *report, struct err *err)
{
	AUTO(text_clear) struct text used = { 0 };
	AUTO(sysroot_clear) struct sysroot sysroot = { .fd = -1 };
	AUTO(paths_clear) struct paths paths = { 0 };
	int r = sysroot_open(build->sysroot, &sysroot, err);

	if (r < 0)
		return r;
	sysroot.used = &used;
	if (mkdir(build->output, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "'%s': creating the folder", build->output);
	r = paths_make(build, &paths, err);
	return r < 0 ? r : write_all(build, &sysroot, &paths, report, err);
}
