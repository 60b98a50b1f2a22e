/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See firmware-state.h. */
#include "firmware-state.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "texts.h"

#define SECURE_BOOT "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SBAT_LEVEL  "SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23"

#define ATTRIBUTES_SIZE 4 /* in front of the value of each variable (efivarfs) */
#define VALUE_MAX	1024

/* Returns the length; -1: there is no such variable. */
static ssize_t read_variable(const char *folder, const char *name, char ret[VALUE_MAX])
{
	AUTO_FREE char *path = text_format("%s/efivars/%s", folder, name);
	AUTO_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char bytes[ATTRIBUTES_SIZE + VALUE_MAX];
	ssize_t length = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (length < ATTRIBUTES_SIZE)
		return -1;
	memcpy(ret, bytes + ATTRIBUTES_SIZE, (size_t)length - ATTRIBUTES_SIZE);
	return length - ATTRIBUTES_SIZE;
}

bool sbat_level_parse(const char *bytes, size_t length, char ret[SBAT_LEVEL_SIZE])
{
	static const char head[] = "sbat,1,";
	size_t digits = 0;

	if (length < sizeof(head) - 1 || memcmp(bytes, head, sizeof(head) - 1) != 0)
		return false;
	bytes += sizeof(head) - 1;
	length -= sizeof(head) - 1;
	while (digits < length && bytes[digits] >= '0' && bytes[digits] <= '9')
		digits++;
	if (digits == 0 || digits >= SBAT_LEVEL_SIZE)
		return false;
	memcpy(ret, bytes, digits);
	ret[digits] = '\0';
	return true;
}

static enum text_id secure_boot(const char *folder)
{
	char value[VALUE_MAX];

	if (access(folder, F_OK) < 0)
		return TEXT_FIRMWARE_BIOS;
	if (read_variable(folder, SECURE_BOOT, value) != 1)
		return TEXT_FIRMWARE_UEFI;
	return value[0] ? TEXT_SECURE_BOOT_ON : TEXT_SECURE_BOOT_OFF;
}

void firmware_state_add(const char *folder, struct text *text)
{
	char value[VALUE_MAX], level[SBAT_LEVEL_SIZE], line[128];
	ssize_t length = read_variable(folder, SBAT_LEVEL, value);

	text_add(text, "%s", text_of(secure_boot(folder)));
	if (length < 0 || !sbat_level_parse(value, (size_t)length, level))
		return;
	text_fill(TEXT_SHIM_LEVEL, level, NULL, line, sizeof(line));
	text_add(text, " %s", line);
}
