/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writer of newc archives; see cpio.h. */
#include "cpio.h"

#include <string.h>

#include <base/checked.h>

#include "text.h"

#define NEWC_HEADER_SIZE 110
#define NEWC_END_MARK	 "TRAILER!!!"

#define TYPE_FOLDER 0040000u
#define TYPE_FILE   0100000u

struct cpio_entry {
	const char *name;
	unsigned int mode; /* type and permissions; 0 for the end mark */
	const void *data;
	size_t size;
};

struct cpio cpio_start(void *buffer, size_t size)
{
	return (struct cpio){ .data = buffer, .size = size };
}

static void cpio_put(struct cpio *cpio, const void *bytes, size_t length)
{
	size_t padding = -length & (CPIO_ALIGNMENT - 1);

	if (length)
		memcpy(cpio->data + cpio->length, bytes, length);
	memset(cpio->data + cpio->length + length, 0, padding);
	cpio->length += length + padding;
}

static int cpio_add(struct cpio *cpio, const struct cpio_entry *entry, struct err *err)
{
	/* Header and name together are one padded unit: 110 is no multiple of 4. */
	char head[NEWC_HEADER_SIZE + 256];
	struct text text = text_start(head, sizeof(head));
	size_t name_size = strlen(entry->name) + 1;
	uint64_t head_size, data_size;

	text_add(&text, "070701%08x%08x%08x%08x%08x%08x%08x", cpio->last_inode + 1,
		 entry->mode, 0u, 0u, 1u, 0u, (unsigned int)entry->size);
	text_add(&text, "%08x%08x%08x%08x%08x%08x%s", 0u, 0u, 0u, 0u,
		 (unsigned int)name_size, 0u, entry->name);
	if (text.cut || entry->size > UINT32_MAX ||
	    !checked_align_up(NEWC_HEADER_SIZE + name_size, CPIO_ALIGNMENT, &head_size) ||
	    !checked_align_up(entry->size, CPIO_ALIGNMENT, &data_size) ||
	    head_size + data_size > cpio->size - cpio->length)
		return err_set(
			err, -ENOSPC,
			"'%s': %zu bytes do not fit the %zu bytes left for files of the "
			"boot medium",
			entry->name, entry->size, cpio->size - cpio->length);
	cpio_put(cpio, head, text.length + 1);
	cpio_put(cpio, entry->data, entry->size);
	cpio->last_inode++;
	return 0;
}

int cpio_add_folder(struct cpio *cpio, const char *name, struct err *err)
{
	struct cpio_entry entry = { .name = name,
				    .mode = TYPE_FOLDER | CPIO_MODE_FOLDER };

	return cpio_add(cpio, &entry, err);
}

int cpio_add_file(struct cpio *cpio, const char *name, unsigned int mode,
		  const void *data, size_t size, struct err *err)
{
	struct cpio_entry entry = {
		.name = name, .mode = TYPE_FILE | mode, .data = data, .size = size
	};

	return cpio_add(cpio, &entry, err);
}

int cpio_end(struct cpio *cpio, struct err *err)
{
	struct cpio_entry entry = { .name = NEWC_END_MARK };

	return cpio_add(cpio, &entry, err);
}
