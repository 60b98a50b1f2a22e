/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ASR writer's document: see asr-writer.h. */
#include "asr-writer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "backup-specs.h"

/* Each disk and each volume of a machine is one group. */
#define MAX_GROUPS 4096

void asr_writer_free(struct asr_writer *writer)
{
	if (!writer)
		return;
	free(writer->volumes);
	free(writer->disks);
	free(writer);
}

bool asr_writer_matches(const struct xml_element *root)
{
	const struct xml_element *identity;
	const char *id;

	if (strcmp(root->name, "WRITER_METADATA") != 0)
		return false;
	identity = xml_find(root, "IDENTIFICATION");
	id = identity ? xml_value(identity, "writerId") : NULL;
	return id && strcasecmp(id, ASR_WRITER_ID) == 0;
}

static void read_volume(const struct xml_element *group, struct asr_writer *writer)
{
	const char *name = xml_value(group, "componentName");
	const char *selectable = xml_value(group, "selectable");
	struct asr_writer_volume *volume = &writer->volumes[writer->volume_count];

	if (!name || volume_name_parse(name, &volume->guid) < 0)
		return;
	volume->critical = selectable && strcasecmp(selectable, "no") == 0;
	writer->volume_count++;
}

/* The caption is a sentence in the language of the machine; the disk's id in it is not:
 * "0x########" or a GUID. */
static void read_caption(const char *caption, struct asr_writer_disk *disk)
{
	size_t length = strlen(caption);

	for (size_t i = 0; i < length; i++) {
		size_t digits = 0;

		if (length - i >= GUID_TEXT_SIZE - 1 &&
		    guid_parse(caption + i, GUID_TEXT_SIZE - 1, &disk->id) == 0) {
			disk->has_id = true;
			return;
		}
		if (strncasecmp(caption + i, "0x", 2) != 0)
			continue;
		while (isxdigit((unsigned char)caption[i + 2 + digits]))
			digits++;
		if (digits >= 1 && digits <= 8) {
			disk->mbr_signature =
				(uint32_t)strtoul(caption + i + 2, NULL, 16);
			disk->has_signature = true;
			return;
		}
	}
}

static void read_disk(const struct xml_element *group, struct asr_writer *writer)
{
	static const char prefix[] = "harddisk";
	const char *name = xml_value(group, "componentName");
	const char *caption = xml_value(group, "caption");
	struct asr_writer_disk *disk = &writer->disks[writer->disk_count];
	char *end;

	if (!name || strncasecmp(name, prefix, sizeof(prefix) - 1) != 0 ||
	    !isdigit((unsigned char)name[sizeof(prefix) - 1]))
		return;
	disk->number = (unsigned)strtoul(name + sizeof(prefix) - 1, &end, 10);
	if (*end != '\0')
		return;
	if (caption)
		read_caption(caption, disk);
	writer->disk_count++;
}

/* "\\?\Volume{…}\Boot" or "\\?\Volume{…}\EFI\Microsoft\Boot"; the volume may also be a
 * device without a GUID, then only the folder tells. */
static void read_boot_store(const struct xml_element *group, struct asr_writer *writer)
{
	const struct xml_element *list = xml_find(group, "FILE_LIST");
	const char *path = list ? xml_value(list, "path") : NULL;
	const char *open, *close;

	if (!path)
		return;
	writer->has_boot_path = true;
	writer->uefi = strcasestr(path, "\\EFI\\Microsoft\\Boot") != NULL;
	open = strchr(path, '{');
	close = open ? strchr(open, '}') : NULL;
	if (close &&
	    guid_parse(open, (size_t)(close - open) + 1, &writer->system_volume) == 0)
		writer->has_system_volume = true;
}

static const struct group_kind {
	const char *logical_path;
	void (*read)(const struct xml_element *group, struct asr_writer *writer);
} group_kinds[] = {
	{ "Volumes", read_volume },
	{ "Disks", read_disk },
	{ "BCD", read_boot_store },
};

static void read_group(const struct xml_element *group, struct asr_writer *writer)
{
	const char *path = xml_value(group, "logicalPath");

	for (size_t i = 0; path && i < ARRAY_SIZE(group_kinds); i++)
		if (strcmp(path, group_kinds[i].logical_path) == 0)
			group_kinds[i].read(group, writer);
}

int asr_writer_read(const struct xml_element *root, const char *what,
		    struct asr_writer **ret, struct err *err)
{
	AUTO(asr_writer_freep) struct asr_writer *writer = calloc(1, sizeof(*writer));
	const struct xml_element *element;
	size_t groups = 0;

	if (!writer)
		return err_nomem(err);
	for (element = root; element; element = xml_next(root, element))
		groups += strcmp(element->name, "FILE_GROUP") == 0;
	if (groups > MAX_GROUPS)
		return err_set(err, -EBADMSG, "'%s': %zu file groups, limit %d", what,
			       groups, MAX_GROUPS);
	writer->volumes = calloc(groups + 1, sizeof(*writer->volumes));
	writer->disks = calloc(groups + 1, sizeof(*writer->disks));
	if (!writer->volumes || !writer->disks)
		return err_nomem(err);
	for (element = root; element; element = xml_next(root, element))
		if (strcmp(element->name, "FILE_GROUP") == 0)
			read_group(element, writer);
	*ret = TAKE_PTR(writer);
	return 0;
}
