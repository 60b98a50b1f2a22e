/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors, variables and reset; see firmware.h. */
#include "firmware.h"

#define DEVICE_PATH_TEXT_UNITS 8192 /* real ones have some hundred */
#define STATUS_TEXT_UNITS      64   /* the longest name GNU-EFI knows has 24 characters */

EFI_STATUS err_status(struct err *err, EFI_STATUS status, const char *format, ...)
{
	struct text text = text_start(err->text, sizeof(err->text));
	CHAR16 name[STATUS_TEXT_UNITS];
	va_list arguments;

	va_start(arguments, format);
	text_vadd(&text, format, arguments);
	va_end(arguments);
	StatusToString(name, status);
	text_add(&text, ": ");
	text_add_utf16(&text, name, STATUS_TEXT_UNITS);
	err->code = -EIO;
	return status;
}

EFI_STATUS err_fact(struct err *err, EFI_STATUS status, const char *format, ...)
{
	struct text text = text_start(err->text, sizeof(err->text));
	va_list arguments;

	va_start(arguments, format);
	text_vadd(&text, format, arguments);
	va_end(arguments);
	err->code = -EIO;
	return status;
}

void *pool_allocate(size_t size)
{
	void *memory;

	if (EFI_ERROR(BS->AllocatePool(EfiLoaderData, size, &memory)))
		return NULL;
	return memory;
}

/* A global variable of exactly size bytes; false: absent or another size. */
static bool variable_read(const CHAR16 *name, void *ret, UINTN size)
{
	UINTN found = size;

	return !EFI_ERROR(RT->GetVariable((CHAR16 *)name, &EfiGlobalVariable, NULL,
					  &found, ret)) &&
	       found == size;
}

const char *secure_boot_state(void)
{
	UINT8 secure_boot, setup_mode = 0;

	if (!variable_read(L"SecureBoot", &secure_boot, sizeof(secure_boot)))
		return "unsupported";
	if (secure_boot == 1)
		return "enabled";
	if (variable_read(L"SetupMode", &setup_mode, sizeof(setup_mode)) &&
	    setup_mode == 1)
		return "setup";
	return "disabled";
}

bool firmware_settings_offered(void)
{
	UINT64 supported;

	return variable_read(L"OsIndicationsSupported", &supported, sizeof(supported)) &&
	       (supported & EFI_OS_INDICATIONS_BOOT_TO_FW_UI);
}

EFI_STATUS firmware_settings_enter(struct err *err)
{
	UINT64 wanted = 0;
	EFI_STATUS status;

	(void)variable_read(L"OsIndications", &wanted, sizeof(wanted));
	wanted |= EFI_OS_INDICATIONS_BOOT_TO_FW_UI;
	status = RT->SetVariable((CHAR16 *)L"OsIndications", &EfiGlobalVariable,
				 EFI_VARIABLE_NON_VOLATILE |
					 EFI_VARIABLE_BOOTSERVICE_ACCESS |
					 EFI_VARIABLE_RUNTIME_ACCESS,
				 sizeof(wanted), &wanted);
	if (EFI_ERROR(status))
		return err_status(err, status,
				  "variable 'OsIndications': cannot be written");
	RT->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
	return err_fact(err, EFI_DEVICE_ERROR,
			"the firmware does not restart the machine");
}

EFI_STATUS power_off(struct err *err)
{
	RT->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	return err_fact(err, EFI_DEVICE_ERROR,
			"the firmware does not switch the machine off");
}

void device_path_text(const void *path, struct text *text)
{
	EFI_DEVICE_PATH_TO_TEXT_PROTOCOL *converter;
	AUTO_POOL CHAR16 *units = NULL;

	/* The firmware knows newer kinds of nodes than GNU-EFI's library. */
	if (!EFI_ERROR(BS->LocateProtocol(&DevicePathToTextProtocol, NULL,
					  (void **)&converter)))
		units = converter->ConvertDevicePathToText(path, FALSE, FALSE);
	if (!units)
		units = DevicePathToStr((EFI_DEVICE_PATH *)path);
	if (units)
		text_add_utf16(text, units, DEVICE_PATH_TEXT_UNITS);
}

EFI_STATUS image_run(EFI_HANDLE image)
{
	EFI_STATUS status = BS->StartImage(image, NULL, NULL);

	/* An application that exited is gone already; then this answers with an error. */
	BS->UnloadImage(image);
	return status;
}
