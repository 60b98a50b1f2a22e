/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See install.h. Files are complete in a folder of another name before they count. */
#include "install.h"

#include <ctype.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>

#include "disk-image.h"

#define LABEL	   "openbmr"
#define GRUB_MARK  "with-grub" /* a copy of its settings */
#define PATH_SIZE  4096
#define SPACE_ROOM (4 * MiB) /* of a FAT: folders, clusters half full */

/* -- firmware entries ------------------------------------------------------------------ */

bool boot_entry_find(const char *listing, const char *label, char ret[BOOT_NUMBER_SIZE])
{
	const size_t length = strlen(label);

	for (const char *line = listing; *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		const char *number = line + strlen("Boot"), *name;

		if (strncmp(line, "Boot", strlen("Boot")) != 0)
			continue;
		for (size_t i = 0; i < BOOT_NUMBER_SIZE - 1; i++)
			if (!isxdigit((unsigned char)number[i]))
				goto next;
		/* "Boot0003* label<tab>path": older ones end after the label */
		name = number + BOOT_NUMBER_SIZE - 1;
		name += *name == '*';
		name += strspn(name, " ");
		if (strncmp(name, label, length) == 0 &&
		    (name[length] == '\0' || isspace((unsigned char)name[length]))) {
			memcpy(ret, number, BOOT_NUMBER_SIZE - 1);
			ret[BOOT_NUMBER_SIZE - 1] = '\0';
			return true;
		}
next:;
	}
	return false;
}

char *boot_order_with(const char *listing, const char *number)
{
	static const char key[] = "BootOrder: ";
	const char *order = strstr(listing, key);
	int length = 0;

	if (order) {
		order += strlen(key);
		length = (int)strspn(order, "0123456789ABCDEFabcdef,");
	}
	return length ? text_format("%.*s,%s", length, order, number) : strdup(number);
}

static int efibootmgr(const char *const *words, char **ret_listing, struct err *err)
{
	const char *argv[16] = { "efibootmgr" };

	for (size_t i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	return spawn_run(&(struct spawn){ .argv = argv }, ret_listing, err);
}

static int remove_entries(struct err *err)
{
	char number[BOOT_NUMBER_SIZE];

	for (;;) {
		AUTO_FREE char *listing = NULL;
		int r = efibootmgr((const char *[]){ NULL }, &listing, err);

		if (r < 0)
			return r;
		if (!boot_entry_find(listing, LABEL, number))
			return 0;
		r = efibootmgr((const char *[]){ "-q", "-b", number, "-B", NULL }, NULL,
			       err);
		if (r < 0)
			return r;
	}
}

struct partition_place {
	char disk[64]; /* "/dev/nvme0n1" */
	char number[16];
};

static int add_entry(const struct partition_place *place, const char *loader,
		     struct err *err)
{
	AUTO_FREE char *listing = NULL;
	AUTO_FREE char *order = NULL;
	char number[BOOT_NUMBER_SIZE];
	int r = remove_entries(err);

	if (r == 0)
		r = efibootmgr((const char *[]){ "-C", "-d", place->disk, "-p",
						 place->number, "-L", LABEL, "-l", loader,
						 NULL },
			       &listing, err);
	if (r < 0 || !listing)
		return err_negative(r);
	if (!boot_entry_find(listing, LABEL, number))
		return err_set(err, -EIO, "the firmware did not keep the entry '%s'",
			       LABEL);
	order = boot_order_with(listing, number);
	if (!order)
		return err_nomem(err);
	return efibootmgr((const char *[]){ "-q", "-o", order, NULL }, NULL, err);
}

/* -- the partition --------------------------------------------------------------------- */

static int read_line(const char *path, char *line, size_t size, struct err *err)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");

	if (!file || !fgets(line, (int)size, file))
		return err_errno(err, file ? EIO : errno, "'%s'", path);
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

/* Where the mounted partition lies: "/sys/dev/block/8:1/../sda". */
static int find_place(const char *esp, struct partition_place *ret, struct err *err)
{
	struct stat st;
	char link[PATH_SIZE], path[64];
	ssize_t length;
	char *slash;
	int r;

	if (stat(esp, &st) < 0)
		return err_errno(err, errno, "'%s'", esp);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(st.st_dev),
		 minor(st.st_dev));
	r = read_line(path, ret->number, sizeof(ret->number), err);
	if (r < 0)
		return err_add(err, "'%s': is no partition of a disk", esp);
	*strrchr(path, '/') = '\0';
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return err_errno(err, errno, "'%s'", path);
	link[length] = '\0';
	slash = strrchr(link, '/');
	if (slash)
		*slash = '\0';
	slash = strrchr(link, '/');
	snprintf(ret->disk, sizeof(ret->disk), "/dev/%.50s", slash ? slash + 1 : link);
	return 0;
}

static int check_esp(const char *esp, struct err *err)
{
	struct statfs kind;

	if (statfs(esp, &kind) < 0)
		return err_errno(err, errno, "'%s'", esp);
	if (kind.f_type != MSDOS_SUPER_MAGIC)
		return err_set(err, -EINVAL,
			       "'%s': no FAT file system is mounted there: mount the EFI "
			       "system partition",
			       esp);
	return 0;
}

static int check_space(const char *esp, uint64_t needed, struct err *err)
{
	char free_text[SIZE_TEXT_SIZE], needed_text[SIZE_TEXT_SIZE];
	struct statvfs space;
	uint64_t room;

	if (statvfs(esp, &space) < 0)
		return err_errno(err, errno, "'%s'", esp);
	room = (uint64_t)space.f_bavail * space.f_frsize;
	if (room < needed)
		return err_set(err, -ENOSPC, "'%s': %s free, needs %s", esp,
			       size_format(room, free_text),
			       size_format(needed, needed_text));
	return 0;
}

/* -- files ----------------------------------------------------------------------------- */

/* Of the machine that it is installed on, which this program runs on. */
#if defined(__aarch64__)
#define MACHINE "aa64"
#else
#define MACHINE "x64"
#endif

/* What goes where; grub: only together with shim and GRUB, which find kernel and initramfs
 * beside them, and need no openbmr.efi. */
static const struct {
	const char *source, *name;
	bool grub;
} files[] = {
	{ "::/EFI/openbmr/openbmr.efi", "openbmr.efi", false },
	{ "::/EFI/openbmr/vmlinuz", "vmlinuz", true },
	{ "::/EFI/openbmr/initramfs.zst", "initramfs.zst", true },
	{ "::/EFI/openbmr/answer.head", "answer.head", true },
	{ "::/EFI/openbmr/credentials.head", "credentials.head", true },
	{ "::/EFI/openbmr/padding", "padding", true },
	{ "::/EFI/BOOT/BOOT" MACHINE ".EFI", "shim" MACHINE ".efi", true },
	{ "::/EFI/BOOT/grub" MACHINE ".efi", "grub" MACHINE ".efi", true },
	{ "::/EFI/BOOT/mm" MACHINE ".efi", "mm" MACHINE ".efi", true },
	{ "::/EFI/debian/grub.cfg", GRUB_MARK, true },
};

struct installation {
	char *drive;  /* of the image, as mtools take it */
	char *efi;    /* ESP/EFI */
	char *folder; /* EFI/openbmr, and its other names: */
	char *unfinished, *old;
	char *debian;  /* EFI/debian */
	char *mark;    /* is there if EFI/debian is ours */
	char *scratch; /* on this host; removed in the end */
};

static int remove_folder(const char *path, struct err *err)
{
	const char *argv[] = { "rm", "-rf", "--", path, NULL };

	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

static void installation_clear(struct installation *installation)
{
	char **all = (char **)installation;
	struct err ignored;

	if (installation->scratch && remove_folder(installation->scratch, &ignored) < 0)
		fprintf(stderr, "bmr-image: %s, ignoring\n", ignored.text);
	/* nothing but pointers in it */
	for (size_t i = 0; i < sizeof(*installation) / sizeof(*all); i++)
		free(all[i]);
}

static int installation_make(const char *image, const char *esp, struct installation *ret,
			     struct err *err)
{
	ret->drive = text_format("%s@@%ju", image, (uintmax_t)DISK_IMAGE_FAT_OFFSET);
	ret->efi = text_format("%s/EFI", esp);
	ret->folder = text_format("%s/EFI/openbmr", esp);
	ret->unfinished = text_format("%s/EFI/openbmr.new", esp);
	ret->old = text_format("%s/EFI/openbmr.old", esp);
	ret->debian = text_format("%s/EFI/debian", esp);
	ret->mark = text_format("%s/EFI/openbmr/" GRUB_MARK, esp);
	if (!ret->drive || !ret->efi || !ret->folder || !ret->unfinished || !ret->old ||
	    !ret->debian || !ret->mark)
		return err_nomem(err);
	return 0;
}

/* Out of the image into the scratch folder; *ret_bytes: what they need. */
static int extract(struct installation *where, bool with_grub, uint64_t *ret_bytes,
		   struct err *err)
{
	char folder[] = "/tmp/bmr-image-XXXXXX";
	uint64_t bytes = SPACE_ROOM;
	int r = 0;

	if (!mkdtemp(folder))
		return err_errno(err, errno, "'%s': creating the folder", folder);
	where->scratch = strdup(folder);
	if (!where->scratch)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++) {
		AUTO_FREE char *target = text_format("%s/%s", folder, files[i].name);
		const char *argv[] = { "mcopy",		"-n",	"-i", where->drive,
				       files[i].source, target, NULL };
		struct stat st;

		if (files[i].grub != with_grub)
			continue;
		r = target ? spawn_run(&(struct spawn){ .argv = argv }, NULL, err)
			   : err_nomem(err);
		if (r == 0 && stat(target, &st) == 0)
			bytes += (uint64_t)st.st_size;
	}
	*ret_bytes = bytes;
	return r;
}

static int make_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "'%s': creating the folder", path);
	return 0;
}

static int copy(const char *source, const char *target, struct err *err)
{
	const char *argv[] = { "cp", "-r", "--", source, target, NULL };

	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

/* The new folder takes the place of the one before, which is kept until then. */
static int exchange(const struct installation *where, struct err *err)
{
	int r = remove_folder(where->old, err);

	if (r < 0)
		return r;
	sync();
	if (rename(where->folder, where->old) < 0 && errno != ENOENT)
		return err_errno(err, errno, "'%s': renaming", where->folder);
	if (rename(where->unfinished, where->folder) < 0)
		return err_errno(err, errno, "'%s': renaming", where->unfinished);
	r = remove_folder(where->old, err);
	sync();
	return r;
}

static int copy_files(const struct installation *where, bool with_grub, struct err *err)
{
	AUTO_FREE char *settings = text_format("%s/" GRUB_MARK, where->scratch);
	AUTO_FREE char *target = text_format("%s/grub.cfg", where->debian);
	int r = settings && target ? make_folder(where->efi, err) : err_nomem(err);

	if (r == 0)
		r = remove_folder(where->unfinished, err);
	if (r == 0)
		r = copy(where->scratch, where->unfinished, err);
	if (r == 0)
		r = exchange(where, err);
	if (r == 0 && with_grub)
		r = make_folder(where->debian, err);
	return r == 0 && with_grub ? copy(settings, target, err) : r;
}

int install_run(const char *image, const char *esp, struct err *err)
{
	AUTO(installation_clear) struct installation where = { 0 };
	struct partition_place place = { 0 };
	bool with_grub;
	uint64_t needed = 0;
	int r = check_esp(esp, err);

	if (r == 0)
		r = find_place(esp, &place, err);
	if (r == 0)
		r = installation_make(image, esp, &where, err);
	if (r < 0)
		return r;
	with_grub = access(where.mark, F_OK) == 0 || access(where.debian, F_OK) < 0;
	r = extract(&where, with_grub, &needed, err);
	if (r == 0)
		r = check_space(esp, needed, err);
	if (r == 0)
		r = copy_files(&where, with_grub, err);
	if (r < 0)
		return r;
	r = add_entry(&place,
		      with_grub ? "\\EFI\\openbmr\\shim" MACHINE ".efi"
				: "\\EFI\\openbmr\\openbmr.efi",
		      err);
	return r < 0 ? err_add(err, "the files are in place, the firmware's entry is not")
		     : 0;
}

int install_remove(const char *esp, struct err *err)
{
	AUTO(installation_clear) struct installation where = { 0 };
	int r = installation_make("", esp, &where, err);

	if (r < 0)
		return r;
	if (access(where.folder, F_OK) < 0)
		return err_set(err, -ENOENT, "'%s': nothing is installed there", esp);
	r = remove_entries(err);
	if (r == 0 && access(where.mark, F_OK) == 0)
		r = remove_folder(where.debian, err);
	if (r == 0)
		r = remove_folder(where.folder, err);
	sync();
	return r;
}
