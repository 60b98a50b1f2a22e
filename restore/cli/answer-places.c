/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The places of this machine: see answer-search.h. Each is one function of the table at the end, in
 * which those that may need a login of others come last. */
#include <dirent.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <string.h>

#include <restore/oem-strings.h>

#include "answer-search.h"
#include "machine-facts.h"
#include "media.h"

#define ANSWER_FILE   "openbmr.ini"
#define SMBIOS_TABLES "/sys/firmware/dmi/tables/DMI"
#define SMBIOS_MAX    (1u << 20) /* real tables have some KiB */
#define FW_CFG	      "/sys/firmware/qemu_fw_cfg/by_name/opt/openbmr"

/* Where the environment keeps what it was told; "" below root. */
#define HANDED_OVER "/openbmr"

static int place_kernel(struct answer_search *search, struct err *err)
{
	AUTO_FREE char *reference =
		kernel_argument(search->wishes->root, "openbmr.answer=");

	return reference ? answer_add_reference(search, ANSWER_KERNEL, reference, err)
			 : 0;
}

static int place_boot(struct answer_search *search, struct err *err)
{
	AUTO_FREE char *folder = text_format("%s" HANDED_OVER, search->wishes->root);
	int r = folder ? answer_take_login(search, folder, err) : err_nomem(err);

	return r < 0 ? r : answer_add_file(search, ANSWER_BOOT, folder, ANSWER_FILE, err);
}

static int place_server(struct answer_search *search, struct err *err)
{
	AUTO_FREE char *folder =
		text_format("%s" HANDED_OVER "/network", search->wishes->root);

	return folder ? answer_add_file(search, ANSWER_SERVER, folder, ANSWER_FILE, err)
		      : err_nomem(err);
}

/* -- virtual machines ---- */

/* A file of sysfs, which does not say how long it is. NULL: not there, or longer. */
static char *read_sysfs(const char *root, const char *path, size_t room,
			size_t *ret_length)
{
	AUTO_FREE char *whole = text_format("%s%s", root, path);
	AUTO_FCLOSE FILE *file = whole ? fopen(whole, "re") : NULL;
	AUTO_FREE char *bytes = file ? malloc(room + 1) : NULL;

	if (!bytes)
		return NULL;
	*ret_length = fread(bytes, 1, room + 1, file);
	return *ret_length <= room ? TAKE_PTR(bytes) : NULL;
}

static int add_base64(struct answer_search *search, const char *text, size_t number,
		      struct err *err)
{
	size_t length = BASE64_DECODE_LENGTH(strlen(text)) + 1;
	AUTO_FREE uint8_t *bytes = malloc(length);
	struct answer_candidate candidate = { .place = ANSWER_FIRMWARE, .trusted = true };
	struct base64_decode_ctx ctx;

	if (!bytes)
		return err_nomem(err);
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &length, bytes, strlen(text), text) ||
	    !base64_decode_final(&ctx))
		return err_set(err, -EINVAL,
			       "SMBIOS string 'openbmr.ini.base64=…': not in base64");
	candidate.name = text_format("SMBIOS string %zu", number + 1);
	candidate.bytes = TAKE_PTR(bytes);
	candidate.length = length;
	return answer_add_bytes(search, &candidate, err);
}

static int add_references(struct answer_search *search, const char *tables, size_t length,
			  struct err *err)
{
	char *reference;
	int r = 0;

	for (size_t i = 0; r == 0 && (reference = oem_string_find(tables, length,
								  "openbmr.answer=", i));
	     i++) {
		r = answer_add_reference(search, ANSWER_FIRMWARE, reference, err);
		free(reference);
	}
	return r;
}

static int add_whole(struct answer_search *search, const char *tables, size_t length,
		     struct err *err)
{
	char *whole;
	int r = 0;

	for (size_t i = 0; r == 0 && (whole = oem_string_find(tables, length,
							      "openbmr.ini.base64=", i));
	     i++) {
		r = add_base64(search, whole, i, err);
		free(whole);
	}
	return r;
}

static int place_smbios(struct answer_search *search, struct err *err)
{
	size_t length = 0;
	AUTO_FREE char *tables =
		read_sysfs(search->wishes->root, SMBIOS_TABLES, SMBIOS_MAX, &length);
	int r;

	if (!tables)
		return 0;
	r = add_references(search, tables, length, err);
	return r < 0 ? r : add_whole(search, tables, length, err);
}

/* As a path can name it: files of sysfs do not say how long they are. */
static int copy_login(const char *root, char **ret, struct err *err)
{
	size_t length = 0;
	AUTO_FREE char *bytes =
		read_sysfs(root, FW_CFG "/openbmr.cred/raw", ANSWER_MAX_BYTES, &length);
	int r;

	if (!bytes)
		return 0;
	r = answer_keep_in_memory(bytes, length, ret, err);
	explicit_bzero(bytes, length);
	return r;
}

static int place_fw_cfg(struct answer_search *search, struct err *err)
{
	struct answer_candidate candidate = { .place = ANSWER_FIRMWARE, .trusted = true };
	char *bytes = read_sysfs(search->wishes->root, FW_CFG "/" ANSWER_FILE "/raw",
				 ANSWER_MAX_BYTES, &candidate.length);
	int r;

	if (!bytes)
		return 0;
	candidate.bytes = (uint8_t *)bytes;
	candidate.name = strdup("fw_cfg opt/openbmr/" ANSWER_FILE);
	r = copy_login(search->wishes->root, &candidate.login, err);
	if (r == 0)
		return answer_add_bytes(search, &candidate, err);
	free(candidate.bytes);
	free(candidate.name);
	return r;
}

/* -- media ---- */

/* Media that are mounted while they are looked at, the boot medium's kind apart. */
struct mounted {
	size_t count;
	char *folders[MEDIA_MAX]; /* owned until they are looked at */
};

static void mounted_clear(struct mounted *mounted)
{
	for (size_t i = 0; i < mounted->count; i++)
		media_release(mounted->folders[i]);
}

/* What bmr-image wrote has this folder. */
static bool boots_openbmr(const char *folder)
{
	AUTO_FREE char *path = text_format("%s/EFI/openbmr", folder);

	return path && access(path, F_OK) == 0;
}

static int mount_media(struct mounted *removable, struct mounted *boot, struct err *err)
{
	struct media media;

	media_find("", &media);
	for (size_t i = 0; i < media.count; i++) {
		struct mounted *kind = removable;
		char *folder = NULL;
		int r = media_mount(media.devices[i], false, &folder, err);

		if (r == -ENOEXEC)
			continue;
		if (r < 0)
			return r;
		if (boots_openbmr(folder))
			kind = boot;
		kind->folders[kind->count++] = folder;
	}
	return 0;
}

/* Those that have an answer file stay mounted: what it names may lie there, too. */
static int look_at(struct answer_search *search, enum answer_place place,
		   struct mounted *mounted, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < mounted->count && r == 0; i++) {
		size_t before = search->count;

		r = answer_take_login(search, mounted->folders[i], err);
		if (r == 0)
			r = answer_add_file(search, place, mounted->folders[i],
					    ANSWER_FILE, err);
		if (search->count > before)
			free(TAKE_PTR(mounted->folders[i]));
	}
	return r;
}

/* Folders that stand for media. */
static int find_folders(const char *root, const char *kind, struct mounted *ret,
			struct err *err)
{
	AUTO_FREE char *all = text_format("%s/media/%s", root, kind);
	struct dirent **entries = NULL;
	int count = all ? scandir(all, &entries, NULL, versionsort) : 0;

	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.' && ret->count < MEDIA_MAX)
			ret->folders[ret->count++] =
				text_format("%s/%s", all, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return all ? 0 : err_nomem(err);
}

static int place_media(struct answer_search *search, struct err *err)
{
	AUTO(mounted_clear) struct mounted removable = { 0 }, boot = { 0 };
	const char *root = search->wishes->root;
	int r = 0;

	if (*root)
		r = find_folders(root, "removable", &removable, err);
	if (r == 0 && *root)
		r = find_folders(root, "boot", &boot, err);
	if (r == 0 && !*root && search->wishes->environment)
		r = mount_media(&removable, &boot, err);
	if (r == 0)
		r = look_at(search, ANSWER_REMOVABLE, &removable, err);
	return r < 0 ? r : look_at(search, ANSWER_MEDIUM, &boot, err);
}

int answer_places_collect(struct answer_search *search, struct err *err)
{
	static int (*const places[])(struct answer_search *, struct err *) = {
		place_boot,   place_server, place_media,
		place_fw_cfg, place_smbios, place_kernel,
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++)
		r = places[i](search, err);
	return r;
}
