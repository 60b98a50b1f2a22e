/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections of a PE image in memory; see pe.h. */
#include "pe.h"

#include <stdbool.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>

#define PE_OFFSET_AT 0x3c
#if defined(__aarch64__)
#define PE_MACHINE_OWN 0xaa64
#else
#define PE_MACHINE_OWN 0x8664
#endif
#define PE_OPTIONAL_PE32PLUS 0x20b

struct pe_file_header_disk {
	uint8_t signature[4];	   /* 0x00 "PE\0\0" */
	le16 machine;		   /* 0x04 */
	le16 section_count;	   /* 0x06 */
	le32 time_stamp;	   /* 0x08 */
	le32 symbols_offset;	   /* 0x0c */
	le32 symbol_count;	   /* 0x10 */
	le16 optional_header_size; /* 0x14 */
	le16 characteristics;	   /* 0x16 */
};
_Static_assert(sizeof(struct pe_file_header_disk) == 0x18, "PE file header");

/* PE32+, up to the data directories */
struct pe_optional_header_disk {
	le16 magic;	       /* 0x00 0x20b */
	uint8_t skipped_1[54]; /* 0x02 */
	le32 image_size;       /* 0x38 bytes in memory */
	le32 headers_size;     /* 0x3c bytes of all headers and the section table */
	uint8_t skipped_2[44]; /* 0x40 */
	le32 directory_count;  /* 0x6c, 8 bytes each */
};
_Static_assert(sizeof(struct pe_optional_header_disk) == 0x70, "PE32+ optional header");

struct pe_section_disk {
	char name[PE_NAME_SIZE]; /* 0x00 filled up with NUL */
	le32 virtual_size;	 /* 0x08 bytes in memory */
	le32 virtual_address;	 /* 0x0c from the image's base */
	le32 raw_size;		 /* 0x10 bytes in the file, rounded up */
	le32 raw_offset;	 /* 0x14 */
	uint8_t skipped[16];	 /* 0x18 */
};
_Static_assert(sizeof(struct pe_section_disk) == 0x28, "PE section header");

static struct pe_section_disk section_at(const struct pe *pe, unsigned int i)
{
	struct pe_section_disk section;

	memcpy(&section, pe->sections + i * sizeof(section), sizeof(section));
	return section;
}

/* Sections lie behind the headers and one behind the other, as the format demands. */
static int check_sections(const struct pe *pe, uint32_t headers_size, struct err *err)
{
	uint64_t free_from = headers_size;

	for (unsigned int i = 0; i < pe->section_count; i++) {
		struct pe_section_disk section = section_at(pe, i);
		uint64_t address = get_le32(section.virtual_address);
		uint64_t size = get_le32(section.virtual_size);

		if (address < free_from)
			return err_set(
				err, -EBADMSG,
				"boot file: section %u starts at 0x%llx, inside what "
				"ends at 0x%llx",
				i, (unsigned long long)address,
				(unsigned long long)free_from);
		if (!range_within(address, size, pe->size))
			return err_set(err, -EBADMSG,
				       "boot file: section %u ends at 0x%llx, the image "
				       "at 0x%zx",
				       i, (unsigned long long)(address + size), pe->size);
		free_from = address + size;
	}
	return 0;
}

static int check_file_header(const struct pe_file_header_disk *header, struct err *err)
{
	unsigned int count = get_le16(header->section_count);

	if (memcmp(header->signature, "PE\0\0", 4) != 0)
		return err_set(err, -ENOEXEC, "boot file: no PE signature");
	if (get_le16(header->machine) != PE_MACHINE_OWN)
		return err_set(err, -ENOEXEC,
			       "boot file: machine type 0x%x, must be 0x%x",
			       get_le16(header->machine), PE_MACHINE_OWN);
	if (!count || count > PE_MAX_SECTIONS)
		return err_set(err, -EBADMSG, "boot file: %u sections, must be 1 to %u",
			       count, PE_MAX_SECTIONS);
	return 0;
}

static int check_optional_header(const struct pe_optional_header_disk *header,
				 size_t header_size, size_t size, struct err *err)
{
	uint64_t directories = (uint64_t)get_le32(header->directory_count) * 8;

	if (get_le16(header->magic) != PE_OPTIONAL_PE32PLUS)
		return err_set(err, -ENOEXEC,
			       "boot file: optional header 0x%x, must be 0x%x",
			       get_le16(header->magic), PE_OPTIONAL_PE32PLUS);
	if (directories > header_size - sizeof(*header))
		return err_set(
			err, -EBADMSG,
			"boot file: %u data directories do not fit %zu bytes of header",
			get_le32(header->directory_count), header_size);
	if (get_le32(header->image_size) > size)
		return err_set(
			err, -EBADMSG,
			"boot file: says %u bytes in memory, the firmware loaded %zu",
			get_le32(header->image_size), size);
	if (get_le32(header->headers_size) > get_le32(header->image_size))
		return err_set(err, -EBADMSG, "boot file: headers of %u bytes in %u",
			       get_le32(header->headers_size),
			       get_le32(header->image_size));
	return 0;
}

int pe_open(const void *base, size_t size, struct pe *ret, struct err *err)
{
	struct pe_optional_header_disk optional;
	struct pe_file_header_disk file;
	const uint8_t *bytes = base;
	uint64_t at, table;
	le32 pe_offset;
	struct pe pe;
	int r;

	if (size < PE_OFFSET_AT + sizeof(pe_offset) || memcmp(bytes, "MZ", 2) != 0)
		return err_set(err, -ENOEXEC, "boot file: no MZ signature");
	memcpy(&pe_offset, bytes + PE_OFFSET_AT, sizeof(pe_offset));
	at = get_le32(pe_offset);
	if (!range_within(at, sizeof(file) + sizeof(optional), size))
		return err_set(err, -EBADMSG,
			       "boot file: PE header at 0x%llx, beyond its %zu bytes",
			       (unsigned long long)at, size);
	memcpy(&file, bytes + at, sizeof(file));
	r = check_file_header(&file, err);
	if (r)
		return r;
	if (get_le16(file.optional_header_size) < sizeof(optional))
		return err_set(
			err, -EBADMSG,
			"boot file: optional header of %u bytes, must be at least %zu",
			get_le16(file.optional_header_size), sizeof(optional));
	memcpy(&optional, bytes + at + sizeof(file), sizeof(optional));
	r = check_optional_header(&optional, get_le16(file.optional_header_size), size,
				  err);
	if (r)
		return r;
	table = at + sizeof(file) + get_le16(file.optional_header_size);
	pe = (struct pe){ .base = bytes,
			  .size = get_le32(optional.image_size),
			  .section_count = get_le16(file.section_count) };
	if (!range_within(table, pe.section_count * sizeof(struct pe_section_disk),
			  get_le32(optional.headers_size)))
		return err_set(
			err, -EBADMSG,
			"boot file: %u section headers at 0x%llx do not fit %u bytes of "
			"headers",
			pe.section_count, (unsigned long long)table,
			get_le32(optional.headers_size));
	pe.sections = bytes + table;
	r = check_sections(&pe, get_le32(optional.headers_size), err);
	if (r)
		return r;
	*ret = pe;
	return 0;
}

static bool section_is_called(const struct pe_section_disk *section, const char *name)
{
	return !strncmp(section->name, name, PE_NAME_SIZE);
}

int pe_find(const struct pe *pe, const char *name, struct pe_section *ret,
	    struct err *err)
{
	struct pe_section found = { 0 };

	for (unsigned int i = 0; i < pe->section_count; i++) {
		struct pe_section_disk section = section_at(pe, i);

		if (!section_is_called(&section, name))
			continue;
		if (found.data)
			return err_set(err, -EBADMSG,
				       "boot file: section '%s' occurs twice", name);
		if (!get_le32(section.virtual_size))
			return err_set(err, -EBADMSG, "boot file: section '%s' is empty",
				       name);
		if (get_le32(section.raw_size) < get_le32(section.virtual_size))
			return err_set(err, -EBADMSG,
				       "boot file: section '%s' has %u of its %u bytes",
				       name, get_le32(section.raw_size),
				       get_le32(section.virtual_size));
		found.data = pe->base + get_le32(section.virtual_address);
		found.size = get_le32(section.virtual_size);
	}
	if (!found.data)
		return -ENOENT;
	*ret = found;
	return 0;
}
