/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Appends sections to the boot application: see efi-file.h. Offsets are those of the PE
 * format (Microsoft, "PE Format", COFF file header and section table).
 */
#include "efi-file.h"

#include <string.h>
#include <sys/stat.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/spawn.h>
#include <base/text.h>

#include "sysroot.h"

#define SECTION_ALIGNMENT 4096 /* that of the application's header */
#define PE_OFFSET_FIELD	  0x3c

struct pe_header_disk {
	uint8_t signature[4]; /*  0 "PE\0\0" */
	le16 machine;	      /*  4 */
	le16 section_count;   /*  6 */
	uint8_t skipped[12];  /*  8 time stamp, symbols */
	le16 optional_length; /* 20 */
	le16 characteristics; /* 22 */
};
_Static_assert(sizeof(struct pe_header_disk) == 24, "PE signature and COFF file header");

struct pe_section_disk {
	char name[8];	     /*  0 */
	le32 virtual_size;   /*  8 */
	le32 address;	     /* 12 */
	uint8_t skipped[24]; /* 16 */
};
_Static_assert(sizeof(struct pe_section_disk) == 40, "PE section header");

static int not_pe(const char *name, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG, "'%s': is no EFI application: %s", name, what);
}

int pe_sections_end(const struct content *content, const char *name, uint64_t *ret,
		    struct err *err)
{
	struct pe_header_disk header;
	uint64_t offset, end = 0;
	le32 pe_offset;

	if (content->length < PE_OFFSET_FIELD + sizeof(pe_offset) ||
	    memcmp(content->bytes, "MZ", 2) != 0)
		return not_pe(name, "no MZ header", err);
	memcpy(&pe_offset, content->bytes + PE_OFFSET_FIELD, sizeof(pe_offset));
	offset = get_le32(pe_offset);
	if (!range_within(offset, sizeof(header), content->length))
		return not_pe(name, "PE header beyond the end", err);
	memcpy(&header, content->bytes + offset, sizeof(header));
	if (memcmp(header.signature, "PE\0", sizeof(header.signature)) != 0)
		return not_pe(name, "no PE signature", err);
	offset += sizeof(header) + get_le16(header.optional_length);
	for (unsigned i = 0; i < get_le16(header.section_count); i++) {
		struct pe_section_disk section;

		if (!range_within(offset, sizeof(section), content->length))
			return not_pe(name, "section table beyond the end", err);
		memcpy(&section, content->bytes + offset, sizeof(section));
		offset += sizeof(section);
		end = max_u64(end, (uint64_t)get_le32(section.address) +
					   get_le32(section.virtual_size));
	}
	*ret = end;
	return 0;
}

struct section {
	const char *name;
	const char *file;
	char *options[3]; /* arguments of objcopy */
};

static void section_clear(struct section *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(section->options); i++)
		free(section->options[i]);
}

/* Places the section at *address and moves that behind it. */
static int section_place(struct section *section, uint64_t *address, struct err *err)
{
	struct stat st;

	if (stat(section->file, &st) < 0)
		return err_errno(err, errno, "'%s': for section %s", section->file,
				 section->name);
	if (!checked_align_up(*address, SECTION_ALIGNMENT, address) || st.st_size <= 0 ||
	    *address + (uint64_t)st.st_size > UINT32_MAX)
		return err_set(err, -EFBIG, "'%s': %jd bytes do not fit into a PE file",
			       section->file, (intmax_t)st.st_size);
	section->options[0] =
		text_format("--add-section=%s=%s", section->name, section->file);
	section->options[1] =
		text_format("--set-section-flags=%s=contents,alloc,load,readonly,data",
			    section->name);
	section->options[2] = text_format("--change-section-vma=%s=0x%jx", section->name,
					  (uintmax_t)*address);
	for (size_t i = 0; i < ARRAY_SIZE(section->options); i++)
		if (!section->options[i])
			return err_nomem(err);
	*address += (uint64_t)st.st_size;
	return 0;
}

/* The sections in ascending order of their addresses, which is that of the options. */
static int run_objcopy(const char *objcopy, const struct efi_parts *parts,
		       const struct section *sections, size_t count, const char *output,
		       struct err *err)
{
	/* -p keeps the time stamp of the header, which is 0 */
	const char *argv[16] = { objcopy, "-p" };
	size_t used = 2;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(sections[i].options); k++)
			argv[used++] = sections[i].options[k];
	argv[used++] = parts->application;
	argv[used] = output;
	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

int efi_file_write(const struct efi_parts *parts, const struct architecture *architecture,
		   const char *output, struct err *err)
{
	AUTO_FREE char *objcopy = text_format("%s-objcopy", architecture->triplet);
	AUTO(content_clear) struct content application = { 0 };
	struct section sections[] = {
		{ .name = ".cmdline", .file = parts->command_line },
		{ .name = ".initrd", .file = parts->initramfs },
		{ .name = ".linux", .file = parts->kernel },
	};
	uint64_t address = 0;
	int r = content_map(parts->application, &application, NULL, err);

	if (r == 0)
		r = pe_sections_end(&application, parts->application, &address, err);
	for (size_t i = 0; i < ARRAY_SIZE(sections) && r == 0; i++)
		r = section_place(&sections[i], &address, err);
	if (r == 0)
		r = objcopy ? run_objcopy(objcopy, parts, sections, ARRAY_SIZE(sections),
					  output, err)
			    : err_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		section_clear(&sections[i]);
	return r;
}
