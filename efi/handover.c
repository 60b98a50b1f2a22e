/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Linux gets from the boot application; see handover.h. */
#include "handover.h"

#include <stdbool.h>
#include <string.h>

#include "cpio.h"
#include "text.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *mode_name(enum boot_mode mode)
{
	return mode == BOOT_AUTO ? "auto" : "ask";
}

/* One line; a value with a line end in it must not make a second one. */
static void add_fact(struct text *text, const char *key, const char *value)
{
	text_add(text, "%s=", key);
	for (; value && *value; value++)
		text_add(text, "%c", (unsigned char)*value < 0x20 ? '?' : *value);
	text_add(text, "\n");
}

static int format_facts(const struct boot_facts *facts, struct text *text,
			struct err *err)
{
	char buffer[BOOT_PARTITION_TEXT_SIZE];

	add_fact(text, "version", facts->version);
	add_fact(text, "loader", facts->loader);
	add_fact(text, "device", facts->device);
	add_fact(text, "partition", boot_partition_format(&facts->partition, buffer));
	add_fact(text, "secure_boot", facts->secure_boot);
	add_fact(text, "firmware_vendor", facts->firmware_vendor);
	text_add(text, "firmware_revision=0x%08x\n", facts->firmware_revision);
	add_fact(text, "answer", facts->answer);
	add_fact(text, "mode", mode_name(facts->mode));
	if (text->cut)
		return err_set(err, -ENOSPC, "'boot.txt': longer than %zu bytes",
			       text->size - 1);
	return 0;
}

/* The answer file and what belongs to it. */
static int add_answer(const struct handover *handover, struct cpio *cpio, struct err *err)
{
	const struct {
		const char *name;
		struct bytes content;
		size_t limit;
		unsigned int mode;
	} files[] = {
		{ "openbmr.ini", handover->answer, ANSWER_MAX_SIZE, CPIO_MODE_FILE },
		{ "openbmr.ini.sig", handover->signature, SIGNATURE_MAX_SIZE,
		  CPIO_MODE_FILE },
		{ "openbmr.cred", handover->credentials, CREDENTIALS_MAX_SIZE,
		  CPIO_MODE_SECRET },
	};
	const char *folder = handover->from_network ? "openbmr/network" : "openbmr";
	int r = 0;

	if (handover->from_network)
		r = cpio_add_folder(cpio, folder, err);
	for (size_t i = 0; !r && i < ARRAY_SIZE(files); i++) {
		char name[64];
		struct text text = text_start(name, sizeof(name));

		text_add(&text, "%s/%s", folder, files[i].name);
		if (!files[i].content.data)
			continue;
		if (files[i].content.size > files[i].limit)
			return err_set(err, -ENOSPC, "'%s': %zu bytes, limit is %zu",
				       name, files[i].content.size, files[i].limit);
		r = cpio_add_file(cpio, name, files[i].mode, files[i].content.data,
				  files[i].content.size, err);
	}
	return r;
}

int handover_write(const struct handover *handover, void *buffer, size_t size,
		   size_t *ret_length, struct err *err)
{
	struct cpio cpio = cpio_start(buffer, size);
	char facts[BOOT_FACTS_MAX_SIZE];
	struct text text = text_start(facts, sizeof(facts));
	int r = format_facts(handover->facts, &text, err);

	if (!r)
		r = cpio_add_folder(&cpio, "openbmr", err);
	if (!r)
		r = add_answer(handover, &cpio, err);
	if (!r)
		r = cpio_add_file(&cpio, "openbmr/boot.txt", CPIO_MODE_FILE, facts,
				  text.length, err);
	if (!r)
		r = cpio_end(&cpio, err);
	if (r)
		return r;
	*ret_length = cpio.length;
	return 0;
}

static size_t initrd_padding(const struct initrd *initrd)
{
	return -initrd->initramfs.size & (CPIO_ALIGNMENT - 1);
}

int initrd_size(const struct initrd *initrd, size_t *ret_size, struct err *err)
{
	size_t size = initrd->initramfs.size;

	if (!size || size > INITRAMFS_MAX_SIZE)
		return err_set(err, -EINVAL, "initramfs: %zu bytes, must be 1 to %zu",
			       size, INITRAMFS_MAX_SIZE);
	*ret_size = size + initrd_padding(initrd) + initrd->archive.size;
	return 0;
}

void initrd_copy(const struct initrd *initrd, uint8_t *buffer)
{
	size_t padding = initrd_padding(initrd);

	memcpy(buffer, initrd->initramfs.data, initrd->initramfs.size);
	buffer += initrd->initramfs.size;
	memset(buffer, 0, padding);
	if (initrd->archive.size)
		memcpy(buffer + padding, initrd->archive.data, initrd->archive.size);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Does the argument that starts at this place belong to us? */
static bool is_reserved(const char *argument)
{
	static const char *const reserved[] = { "openbmr.boot=", "openbmr.mode=" };

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (!strncmp(argument, reserved[i], strlen(reserved[i])))
			return true;
	return false;
}

/* The payload's text on one line, without blanks at its ends. */
static int add_payload(struct bytes payload, struct text *text, struct err *err)
{
	bool blank_before = false;

	/* A section or a file may end in NULs. */
	while (payload.size && !payload.data[payload.size - 1])
		payload.size--;
	for (size_t i = 0; i < payload.size; i++) {
		uint8_t c = payload.data[i];

		if (is_blank(c)) {
			blank_before = true;
			continue;
		}
		if (c < 0x20 || c > 0x7e)
			return err_set(
				err, -EINVAL,
				"command line: byte 0x%02x at %zu, must be ASCII text", c,
				i);
		if (blank_before && text->length)
			text_add(text, " ");
		blank_before = false;
		text_add(text, "%c", c);
	}
	return 0;
}

static int check_reserved(const char *line, struct err *err)
{
	for (const char *at = line; *at; at++)
		if ((at == line || at[-1] == ' ') && is_reserved(at))
			return err_set(err, -EINVAL,
				       "command line: '%.*s' is set by the boot "
				       "application only",
				       12, at);
	return 0;
}

int command_line_compose(struct bytes payload, const struct boot_partition *partition,
			 enum boot_mode mode, char ret[COMMAND_LINE_SIZE],
			 struct err *err)
{
	char line[COMMAND_LINE_SIZE], where[BOOT_PARTITION_TEXT_SIZE];
	struct text text = text_start(line, sizeof(line));
	int r;

	r = add_payload(payload, &text, err);
	if (!r)
		r = check_reserved(line, err);
	if (r)
		return r;
	if (text.length)
		text_add(&text, " ");
	if (partition->style != PARTITION_UNKNOWN)
		text_add(&text, "openbmr.boot=%s ",
			 boot_partition_format(partition, where));
	text_add(&text, "openbmr.mode=%s", mode_name(mode));
	if (text.cut)
		return err_set(err, -ENOSPC, "command line: longer than %d characters",
			       COMMAND_LINE_SIZE - 1);
	memcpy(ret, line, text.length + 1);
	return 0;
}
