/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backups as text for people: see backup-print.h. */
#include "backup-print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/text.h>

#define LINE_WIDTH 80

/* Columns that a text takes on a terminal, wide characters counted as one. */
static size_t text_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

/* Control characters (C0, DEL and, in UTF-8, C1) become '?'. */
static void print_plain(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == 0xc2 && (unsigned char)text[1] < 0xa0 && text[1]) {
			putchar('?');
			text++;
		} else {
			putchar(c < 0x20 || c == 0x7f ? '?' : c);
		}
	}
}

/* Pads to width columns; a longer text is printed whole. */
static void print_column(const char *text, size_t width)
{
	size_t columns = text_columns(text);

	print_plain(text);
	printf("%*s", columns < width ? (int)(width - columns) : 0, "");
}

/* Words wrapped at the width of a line; the first line begins behind first, the others
 * below its end. */
static void print_wrapped(const char *first, const char *text)
{
	size_t indent = text_columns(first), column = indent;
	const char *word = text;

	print_plain(first);
	while (*word) {
		size_t length = strcspn(word, " ");
		AUTO_FREE char *copy = strndup(word, length);
		size_t width = copy ? text_columns(copy) : 0;

		if (column > indent && column + 1 + width > LINE_WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			putchar(' ');
			column++;
		}
		print_plain(copy ? copy : "");
		column += width;
		word += length + strspn(word + length, " ");
	}
	putchar('\n');
}

static void print_lines(const char *first, char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_wrapped(first, lines[i]);
}

static void print_time(const struct backup_version *version)
{
	char time[TIME_TEXT_SIZE];

	if (version->time.origin == ORIGIN_NONE)
		printf("time unknown        ");
	else
		printf("%.16s UTC", time_format((int64_t)version->time.value, time));
}

/* -- scan ---- */

static uint64_t stored_bytes(const struct backup_version *version)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < version->volume_count; i++)
		sum += version->volumes[i].image.file_size;
	return sum;
}

static void print_list_entry(const struct backup_version *version)
{
	char size[SIZE_TEXT_SIZE];

	printf("  ");
	print_time(version);
	printf("  %-8s %3zu volume%s %10s\n", health_text(version->health),
	       version->volume_count, version->volume_count == 1 ? " " : "s",
	       size_format(stored_bytes(version), size));
	printf("    ");
	print_plain(version->path[0] ? version->path : ".");
	putchar('\n');
	if (version->health != HEALTH_WHOLE)
		print_lines("    - ", version->reasons, version->reason_count);
}

void print_backup_list(const struct backup *backup)
{
	for (size_t i = 0; i < backup->machine_count; i++) {
		const struct backup_machine *machine = &backup->machines[i];

		if (i)
			putchar('\n');
		print_plain(machine->name);
		putchar('\n');
		for (size_t j = 0; j < machine->version_count; j++)
			print_list_entry(&machine->versions[j]);
	}
}

/* -- show: volumes ---- */

static const char *or_dash(const char *text)
{
	return text && text[0] ? text : "-";
}

static void print_volume(const struct backup_volume *volume, size_t number)
{
	char size[SIZE_TEXT_SIZE], used[SIZE_TEXT_SIZE];
	const char *slash = strrchr(volume->image_path, '/');

	printf("  %2zu  ", number);
	print_column(or_dash(volume->access_path.value), 4);
	printf("  ");
	print_column(or_dash(volume->label.value), 13);
	printf("  %-7s  %-10s  %10s  %10s  %s\n", file_system_text(volume->fs.fs),
	       volume_role_text(volume->role),
	       volume->length ? size_format(volume->length, size) : "-",
	       volume->used ? size_format(volume->used, used) : "-",
	       health_text(volume->health));
	printf("      ");
	print_plain(slash ? slash + 1 : volume->image_path);
	printf("%s%s%s\n", volume->image.format[0] ? ", " : "", volume->image.subformat,
	       volume->image.log_entries ? ", log replayed in memory" : "");
	if (volume->reason)
		print_wrapped("      - ", volume->reason);
}

static void print_volumes(const struct backup_version *version)
{
	printf("\nVolumes\n   #  %-4s  %-13s  %-7s  %-10s  %10s  %10s  %s\n", "", "Label",
	       "System", "Role", "Size", "Used", "Health");
	for (size_t i = 0; i < version->volume_count; i++)
		print_volume(&version->volumes[i], i + 1);
}

/* -- show: disks ---- */

/* The type as the partition library words it; it reads only these members. */
static const char *type_text(const struct source_disk *disk,
			     const struct source_partition *p)
{
	struct disk_layout layout = { .style = (enum table_style)disk->style.value };
	struct disk_partition partition = { .type = p->type.value,
					    .mbr_type = (uint8_t)p->mbr_type.value };

	if (p->type.origin == ORIGIN_NONE && p->mbr_type.origin == ORIGIN_NONE)
		return "?";
	return partition_type_text(&layout, &partition);
}

static void number_text(const struct value_u64 *value, char text[24])
{
	if (value->origin == ORIGIN_NONE)
		snprintf(text, 24, "?");
	else
		snprintf(text, 24, "%" PRIu64, value->value);
}

struct partition_origins {
	enum origin place, length, type, id;
};

static struct partition_origins origins_of(const struct source_disk *disk,
					   const struct source_partition *p)
{
	bool gpt = disk->style.value == TABLE_GPT;

	return (struct partition_origins){
		.place = p->offset.origin,
		.length = p->length.origin,
		.type = gpt ? p->type.origin : p->mbr_type.origin,
		.id = gpt ? p->id.origin : p->offset.origin,
	};
}

static bool one_origin(const struct partition_origins *o)
{
	return o->place == o->length && o->place == o->type && o->place == o->id;
}

static void print_partition_id(const struct source_partition *p)
{
	char id[GUID_TEXT_SIZE];

	printf("      %s", p->id.origin ? guid_format(&p->id.value, id) : "id unknown");
	if (p->name.value && p->name.value[0]) {
		printf("  \"");
		print_plain(p->name.value);
		putchar('"');
	}
	putchar('\n');
	if (p->attributes.origin && p->attributes.value)
		printf("      attributes 0x%016" PRIx64 " (%s)\n", p->attributes.value,
		       origin_text(p->attributes.origin));
}

static void print_partition(const struct source_disk *disk,
			    const struct source_partition *p)
{
	struct partition_origins o = origins_of(disk, p);
	char slot[24], offset[24], length[24], volume[16] = "-";

	number_text(&p->slot, slot);
	number_text(&p->offset, offset);
	number_text(&p->length, length);
	if (p->volume >= 0)
		snprintf(volume, sizeof(volume), "%d", p->volume + 1);
	printf("  %2s  %15s  %15s  %-18.18s  %6s  %s\n", slot, offset, length,
	       type_text(disk, p), volume,
	       one_origin(&o) ? origin_text(o.place) : "mixed");
	if (!one_origin(&o))
		printf("      offset: %s, length: %s, type: %s%s%s\n",
		       origin_text(o.place), origin_text(o.length), origin_text(o.type),
		       disk->style.value == TABLE_GPT ? ", id: " : "",
		       disk->style.value == TABLE_GPT ? origin_text(o.id) : "");
	if (disk->style.value == TABLE_GPT)
		print_partition_id(p);
	else if (p->mbr_active.value)
		printf("      active (%s)\n", origin_text(p->mbr_active.origin));
}

static void print_disk_id(const struct source_disk *disk)
{
	char id[GUID_TEXT_SIZE];

	if (disk->disk_id.origin)
		printf("  id %s (%s)\n", guid_format(&disk->disk_id.value, id),
		       origin_text(disk->disk_id.origin));
	else if (disk->mbr_signature.origin)
		printf("  signature 0x%08" PRIx64 " (%s)\n", disk->mbr_signature.value,
		       origin_text(disk->mbr_signature.origin));
	else
		printf("  id unknown\n");
}

static void print_disk(const struct source_disk *disk, size_t number)
{
	static const char *const styles[] = { "no table", "MBR", "GPT" };
	char size[SIZE_TEXT_SIZE];

	printf("\nDisk %zu: %s", number,
	       disk->style.value < ARRAY_SIZE(styles) ? styles[disk->style.value] : "?");
	if (disk->size.origin)
		printf(", %s (%" PRIu64 " bytes)", size_format(disk->size.value, size),
		       disk->size.value);
	if (disk->sector_size.origin)
		printf(", sectors of %" PRIu64 " bytes", disk->sector_size.value);
	putchar('\n');
	print_disk_id(disk);
	printf("   #  %15s  %15s  %-18s  Volume  Origin\n", "Offset", "Length", "Type");
	for (size_t i = 0; i < disk->partition_count; i++)
		print_partition(disk, &disk->partitions[i]);
}

/* -- show: all ---- */

static void print_contradictions(const struct backup_version *version)
{
	if (version->contradiction_count)
		printf("\nContradictions\n");
	for (size_t i = 0; i < version->contradiction_count; i++) {
		const struct contradiction *c = &version->contradictions[i];
		AUTO_FREE char *line =
			text_format("%s: %s (%s), but %s (%s)%s", c->what, c->value_a,
				    origin_text(c->a), c->value_b, origin_text(c->b),
				    c->fatal ? "" : "; the first is taken");

		print_wrapped(c->fatal ? "  FATAL  " : "  note   ", line ? line : "?");
	}
}

void print_backup_version(const struct backup_machine *machine,
			  const struct backup_version *version)
{
	printf("Machine   ");
	print_plain(machine->name);
	printf(" (%s)\nVersion   ", origin_text(machine->name_origin));
	print_time(version);
	printf(" (%s)%s%s\nFolder    ", origin_text(version->time.origin),
	       version->id[0] ? ", " : "", version->id);
	print_plain(version->path[0] ? version->path : ".");
	printf("\nFirmware  %s", version->firmware_origin.origin
					 ? version->uefi ? "UEFI" : "BIOS"
					 : "unknown");
	if (version->firmware_origin.value)
		printf(" (%s: %s)", origin_text(version->firmware_origin.origin),
		       version->firmware_origin.value);
	printf("\nHealth    %s\n", health_text(version->health));
	print_lines("          - ", version->reasons, version->reason_count);
	print_lines("Note      ", version->notes, version->note_count);
	print_volumes(version);
	for (size_t i = 0; i < version->disk_count; i++)
		print_disk(&version->disks[i], i);
	print_contradictions(version);
}
