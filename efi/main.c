/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boot application: shows a menu, then starts Linux with the restore environment, the
 * local disk, the firmware's settings or nothing. It never returns to the firmware: what
 * goes wrong stays on the screen until a key, then the menu comes again.
 *
 * LoadOptions are ignored but for what is ours (load-options.h): boot menus, iPXE and shells
 * put text of their own there.
 */
#include "answer.h"
#include "console.h"
#include "facts.h"
#include "handover.h"
#include "linux.h"
#include "local-disk.h"
#include "medium.h"
#include "menu.h"

#include <string.h>

/* Read by shim, which refuses a program without it (shim's SBAT.md). The last field is an
 * address to turn to: the project has none. */
static const char sbat[] __attribute__((used, section(".sbat"), aligned(4096))) =
	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	"openbmr,1,openbmr,openbmr," OPENBMR_VERSION ",none\n";

#define TEXT_FROM_UTF16 1024 /* bytes of UTF-8 for a path or name of the firmware */

struct app {
	EFI_HANDLE self;
	struct medium medium;
	bool medium_known; /* else medium_err says why not */
	struct err medium_err;
	struct load_options options;
	struct machine_ids ids;
	struct answer answer;
	char answer_name[TEXT_FROM_UTF16];
};

/* One instance, for the life of the program: too big for a firmware's stack. */
static struct app app;
static uint8_t archive_buffer[HANDOVER_MAX_SIZE];

static void copy_utf16(const CHAR16 *units, size_t max_units, char ret[TEXT_FROM_UTF16])
{
	struct text text = text_start(ret, TEXT_FROM_UTF16);

	if (units)
		text_add_utf16(&text, units, max_units);
}

/* -- starting Linux ----------------------------------------------------------------- */

static int write_archive(enum boot_mode mode, size_t *ret_length, struct err *err)
{
	static char loader[TEXT_FROM_UTF16], device[BOOT_FACTS_MAX_SIZE],
		vendor[TEXT_FROM_UTF16];
	struct boot_facts facts = {
		.version = OPENBMR_VERSION,
		.loader = loader,
		.device = device,
		.partition = app.medium.partition,
		.secure_boot = secure_boot_state(),
		.firmware_vendor = vendor,
		.firmware_revision = ST->FirmwareRevision,
		.answer = app.answer_name,
		.mode = mode,
	};
	struct handover handover = { .answer = app.answer.file.content,
				     .credentials = app.answer.credentials.content,
				     .signature = app.answer.signature.content,
				     .from_network = app.answer.from_network,
				     .facts = &facts };
	struct text text = text_start(device, sizeof(device));

	if (app.medium.device_path)
		device_path_text(app.medium.device_path, &text);
	copy_utf16(app.medium.file, FILE_NAME_UNITS, loader);
	copy_utf16(ST->FirmwareVendor, TEXT_FROM_UTF16, vendor);
	return handover_write(&handover, archive_buffer, sizeof(archive_buffer),
			      ret_length, err);
}

static EFI_STATUS start_payload(const struct payload *payload, enum boot_mode mode,
				struct err *err)
{
	struct initrd initrd = { .initramfs = payload->parts[PAYLOAD_INITRAMFS],
				 .archive = { .data = archive_buffer } };
	char command_line[COMMAND_LINE_SIZE];

	if (command_line_compose(payload->parts[PAYLOAD_COMMAND_LINE],
				 &app.medium.partition, mode, command_line, err) ||
	    write_archive(mode, &initrd.archive.size, err))
		return EFI_INVALID_PARAMETER;
	console_clear();
	console_print("openbmr " OPENBMR_VERSION ": starting Linux\n");
	return linux_start(app.self, payload->parts[PAYLOAD_KERNEL], command_line,
			   &initrd, err);
}

static EFI_STATUS find_and_start_payload(enum boot_mode mode, struct err *err)
{
	struct payload payload = { 0 };
	EFI_STATUS status;
	int r;

	r = payload_find(app.medium.image->ImageBase, app.medium.image->ImageSize,
			 &payload, err);
	if (!r)
		return start_payload(&payload, mode, err);
	if (r != -ENOENT)
		return EFI_VOLUME_CORRUPTED;
	status = medium_read_payload(&app.medium, &payload, err);
	if (!EFI_ERROR(status))
		status = start_payload(&payload, mode, err);
	payload_free(&payload);
	return status;
}

static const char *next_step(EFI_STATUS status)
{
	switch (status) {
	case EFI_NOT_FOUND:
		return "copy vmlinuz, initramfs.zst and cmdline into the folder of this "
		       "program, or write the whole image to the boot medium again.";
	case EFI_OUT_OF_RESOURCES:
		return "give the machine more memory.";
	case EFI_SECURITY_VIOLATION:
	case EFI_ACCESS_DENIED:
		return "use a boot medium that is signed for this machine, or switch "
		       "Secure Boot off in the firmware's settings.";
	default:
		return "write the boot medium again, or start from another one.";
	}
}

/* Comes back only with an error, which was shown. */
static void start_linux(enum boot_mode mode)
{
	EFI_STATUS status;
	struct err err;

	if (!app.medium_known) {
		console_error(&app.medium_err,
			      "start from another port or another medium.");
		return;
	}
	status = memory_check(&err);
	if (!EFI_ERROR(status))
		status = find_and_start_payload(mode, &err);
	/* It held the credentials. */
	memset(archive_buffer, 0, sizeof(archive_buffer));
	console_error(&err, next_step(status));
}

/* -- the menu ----------------------------------------------------------------------- */

static void choose_auto(void)
{
	start_linux(BOOT_AUTO);
}

static void choose_ask(void)
{
	start_linux(BOOT_ASK);
}

static void choose_local(void)
{
	struct err err;

	if (EFI_ERROR(local_disk_start(app.self, &app.medium, &err)))
		console_error(
			&err,
			"restore the disk, or choose it in the firmware's boot menu.");
}

static void choose_firmware(void)
{
	struct err err;

	if (EFI_ERROR(firmware_settings_enter(&err)))
		console_error(&err,
			      "restart the machine and press the key of its settings.");
}

static void choose_power_off(void)
{
	struct err err;

	if (EFI_ERROR(power_off(&err)))
		console_error(&err, "hold the power button.");
}

static void choose_facts(void)
{
	facts_show(&app.medium, &app.ids);
}

static void (*const actions[MENU_CHOICES])(void) = {
	[MENU_AUTO] = choose_auto,	     [MENU_ASK] = choose_ask,
	[MENU_LOCAL] = choose_local,	     [MENU_FIRMWARE] = choose_firmware,
	[MENU_POWER_OFF] = choose_power_off, [MENU_FACTS] = choose_facts,
};

#define MENU_FIRST_ROW 5

/* The whole screen, line by line as on paper: a serial line's log can be read, too. */
static void show_screen(const struct menu *menu)
{
	char buffer[80];
	struct text line;

	console_clear();
	console_print("openbmr " OPENBMR_VERSION " - bare-metal recovery\n\n");
	if (app.answer.file.content.data)
		console_print("Answer file: %s, %zu bytes%s\n", app.answer_name,
			      app.answer.file.content.size,
			      app.answer.from_network ? ", from the network" : "");
	else
		console_print("Answer file: %s\n", app.answer.state);
	console_print("Secure Boot: %s\n\n", secure_boot_state());
	for (unsigned int choice = MENU_NONE + 1; choice < MENU_CHOICES; choice++) {
		line = text_start(buffer, sizeof(buffer));
		if (menu_line(menu, (enum menu_choice)choice, &line))
			console_print("%s\n", line.data);
	}
	line = text_start(buffer, sizeof(buffer));
	menu_footer(menu, &line);
	console_print("\n%s", line.data);
}

/* Writes anew what differs from the menu that is on the screen. */
static void update_screen(const struct menu *old, const struct menu *menu)
{
	char buffer[80];
	unsigned int row = MENU_FIRST_ROW;
	struct text line;

	for (unsigned int choice = MENU_NONE + 1; choice < MENU_CHOICES; choice++) {
		line = text_start(buffer, sizeof(buffer));
		if (!menu_line(menu, (enum menu_choice)choice, &line))
			continue;
		if ((old->selected == choice) != (menu->selected == choice))
			console_line(row, &line);
		row++;
	}
	if (old->seconds_left != menu->seconds_left) {
		line = text_start(buffer, sizeof(buffer));
		menu_footer(menu, &line);
		console_line(row + 1, &line);
	}
}

static void read_options(void)
{
	const EFI_LOADED_IMAGE *image = app.medium.image;

	if (image && image->LoadOptions)
		app.options =
			load_options_read(image->LoadOptions, image->LoadOptionsSize);
}

/* What it is told, and by whom. */
static void look_around(void)
{
	struct err err;

	app.medium_known =
		!EFI_ERROR(medium_open(app.self, &app.medium, &app.medium_err));
	read_options();
	machine_ids_read(&app.ids);
	app.ids.has_mac = app.medium.network.has_mac;
	memcpy(app.ids.mac, app.medium.network.mac, sizeof(app.ids.mac));
	if (app.options.foreign[0]) {
		err_fact(&err, EFI_INVALID_PARAMETER,
			 "'%s': not an option of this program, ignoring",
			 app.options.foreign);
		console_error(&err,
			      "correct the boot entry; options are openbmr.answer=.");
	}
	answer_find(&app.medium, &app.options, &app.ids, &app.answer);
	if (app.answer.file.content.data)
		copy_utf16(app.answer.file.name, FILE_NAME_UNITS, app.answer_name);
}

static enum menu_choice run_menu(struct menu *menu)
{
	enum menu_choice choice = MENU_NONE;

	show_screen(menu);
	while (choice == MENU_NONE) {
		struct menu old = *menu;
		unsigned int key = console_wait(menu->seconds_left ? 1 : 0);

		choice = key == CONSOLE_NO_KEY ? menu_second(menu) : menu_key(menu, key);
		if (choice == MENU_NONE)
			update_screen(&old, menu);
	}
	return choice;
}

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system_table);

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system_table)
{
	struct menu menu;

	InitializeLib(self, system_table);
	/* The firmware resets after five minutes otherwise, in the middle of an error. */
	BS->SetWatchdogTimer(0, 0, 0, NULL);
	app.self = self;
	look_around();
	console_forget_keys();
	menu = menu_start(app.answer.file.content.data != NULL,
			  firmware_settings_offered());
	for (;;) {
		actions[run_menu(&menu)]();
		menu.seconds_left = 0;
	}
}
