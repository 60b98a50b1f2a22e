/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The firmware's text console; see console.h. */
#include "console.h"

#define PRINT_SIZE	2048
#define LINE_WIDTH	78	  /* of 80: the last column makes some terminals scroll */
#define SECOND_OF_TIMER 10000000u /* 100 ns units */
#define SECOND_OF_STALL 1000000u  /* us */

/* UTF-8 of ours (always well-formed) to what the console takes; above U+FFFF a '?'. */
static CHAR16 next_unit(const char **at)
{
	const unsigned char *bytes = (const unsigned char *)*at;
	CHAR16 unit = bytes[0];
	unsigned int length = 1;

	if (bytes[0] >= 0xf0) {
		unit = '?';
		length = 4;
	} else if (bytes[0] >= 0xe0) {
		unit = (CHAR16)((bytes[0] & 0x0f) << 12 | (bytes[1] & 0x3f) << 6 |
				(bytes[2] & 0x3f));
		length = 3;
	} else if (bytes[0] >= 0xc0) {
		unit = (CHAR16)((bytes[0] & 0x1f) << 6 | (bytes[1] & 0x3f));
		length = 2;
	}
	*at += length;
	return unit;
}

static void print_text(const char *text)
{
	CHAR16 out[64];
	size_t length = 0;

	if (!ST->ConOut)
		return;
	while (*text) {
		if (*text == '\n')
			out[length++] = '\r';
		out[length++] = next_unit(&text);
		if (length >= sizeof(out) / sizeof(out[0]) - 3 || !*text) {
			out[length] = 0;
			ST->ConOut->OutputString(ST->ConOut, out);
			length = 0;
		}
	}
}

void console_clear(void)
{
	if (!ST->ConOut)
		return;
	/* In the log of a serial line, what follows starts on a line of its own. */
	print_text("\n");
	ST->ConOut->ClearScreen(ST->ConOut);
	ST->ConOut->EnableCursor(ST->ConOut, FALSE);
}

void console_print(const char *format, ...)
{
	char buffer[PRINT_SIZE];
	struct text text = text_start(buffer, sizeof(buffer));
	va_list arguments;

	va_start(arguments, format);
	text_vadd(&text, format, arguments);
	va_end(arguments);
	print_text(buffer);
}

void console_line(unsigned int row, const struct text *line)
{
	if (!ST->ConOut)
		return;
	ST->ConOut->SetCursorPosition(ST->ConOut, 0, row);
	print_text(line->data);
	for (size_t column = line->length; column < LINE_WIDTH; column++)
		print_text(" ");
}

void console_forget_keys(void)
{
	if (ST->ConIn)
		ST->ConIn->Reset(ST->ConIn, FALSE);
}

static unsigned int translate_key(const EFI_INPUT_KEY *key)
{
	if (key->ScanCode == SCAN_UP)
		return MENU_KEY_UP;
	if (key->ScanCode == SCAN_DOWN)
		return MENU_KEY_DOWN;
	if (key->UnicodeChar == '\r' || key->UnicodeChar == '\n')
		return MENU_KEY_ENTER;
	if (key->UnicodeChar >= '1' && key->UnicodeChar <= '9')
		return MENU_KEY_DIGIT + (key->UnicodeChar - '0');
	return MENU_KEY_OTHER;
}

static unsigned int wait_without_keyboard(unsigned int seconds)
{
	for (unsigned int i = 0; !seconds || i < seconds; i++)
		BS->Stall(SECOND_OF_STALL);
	return CONSOLE_NO_KEY;
}

unsigned int console_wait(unsigned int seconds)
{
	EFI_EVENT events[2];
	unsigned int result = CONSOLE_NO_KEY;
	UINTN count = 1, index;
	EFI_INPUT_KEY key;

	if (!ST->ConIn)
		return wait_without_keyboard(seconds);
	events[0] = ST->ConIn->WaitForKey;
	if (seconds) {
		if (EFI_ERROR(BS->CreateEvent(EVT_TIMER, 0, NULL, NULL, &events[1])))
			return wait_without_keyboard(seconds);
		BS->SetTimer(events[1], TimerRelative, (UINT64)seconds * SECOND_OF_TIMER);
		count = 2;
	}
	while (!EFI_ERROR(BS->WaitForEvent(count, events, &index)) && index == 0) {
		/* Half an escape sequence, or a shift key alone: signalled, but no key.
		 */
		if (EFI_ERROR(ST->ConIn->ReadKeyStroke(ST->ConIn, &key)))
			continue;
		result = translate_key(&key);
		break;
	}
	if (seconds)
		BS->CloseEvent(events[1]);
	return result;
}

void console_error(const struct err *err, const char *next_step)
{
	console_clear();
	console_print("openbmr: error\n\n%s\n\nNext step: %s\n\nPress a key to go to the "
		      "menu.\n",
		      err->text, next_step);
	console_forget_keys();
	/* No keyboard at all: the text stays; wait_without_keyboard never ends. */
	while (console_wait(0) == CONSOLE_NO_KEY)
		BS->Stall(SECOND_OF_STALL);
}
