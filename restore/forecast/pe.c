/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs of Windows and UEFI: see pe.h. */
#include "pe.h"

#include <stdlib.h>
#include <string.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/cleanup.h>

#define NEW_HEADER_AT 0x3c /* e_lfanew of the DOS header */

struct coff_disk {
	uint8_t signature[4]; /* "PE\0\0" */
	le16 machine;	      /* 0x04 */
	le16 sections;	      /* 0x06 */
	uint8_t unused[12];   /* 0x08 */
	le16 optional_size;   /* 0x14 */
	le16 characteristics; /* 0x16 */
};
_Static_assert(sizeof(struct coff_disk) == 24, "PE signature and COFF header");

struct section_disk {
	uint8_t name[8];
	le32 virtual_size, virtual_address; /* 0x08 */
	le32 size, offset;		    /* 0x10, in the file */
	uint8_t rest[16];
};
_Static_assert(sizeof(struct section_disk) == 40, "IMAGE_SECTION_HEADER");

struct directory_disk {
	le32 offset, size;
};

/* Offsets in the optional header; the directories start elsewhere in PE32+. */
#define MAGIC_PE32	 0x10b
#define MAGIC_PE32_PLUS	 0x20b
#define SIZE_OF_HEADERS	 60
#define CHECKSUM	 64
#define SUBSYSTEM	 68
#define DIRECTORIES	 96
#define DIRECTORIES_PLUS 112
#define CERTIFICATES	 4 /* number of the directory */

/* One entry of the certificate table. */
struct certificate_disk {
	le32 length; /* with this header */
	le16 revision;
	le16 type;
};
_Static_assert(sizeof(struct certificate_disk) == 8, "WIN_CERTIFICATE");

#define CERTIFICATE_PKCS7 2

const char *pe_machine_text(uint16_t machine)
{
	switch (machine) {
	case PE_X86:
		return "x86";
	case PE_X64:
		return "x64";
	case PE_ARM64:
		return "ARM64";
	default:
		return "another";
	}
}

/* The file and where its headers are; every offset below lies in the file. */
struct headers {
	const uint8_t *bytes;
	size_t length;
	size_t optional, sections; /* offsets */
	size_t directory;	   /* of the certificates; 0: there is none */
	size_t headers_end;
	unsigned section_count;
};

static int cut_off(struct err *err)
{
	return err_set(err, -EBADMSG, "the program is cut off in its headers");
}

static uint32_t u32_at(const struct headers *h, size_t offset)
{
	le32 value;

	memcpy(&value, h->bytes + offset, sizeof(value));
	return get_le32(value);
}

static uint16_t u16_at(const struct headers *h, size_t offset)
{
	le16 value;

	memcpy(&value, h->bytes + offset, sizeof(value));
	return get_le16(value);
}

static int find_headers(struct headers *h, struct coff_disk *coff, struct err *err)
{
	size_t at, room, directories;
	uint16_t magic;

	if (h->length < 2 || memcmp(h->bytes, "MZ", 2) != 0)
		return err_set(err, -ENOEXEC, "no program: it does not start with MZ");
	if (h->length < NEW_HEADER_AT + 4)
		return cut_off(err);
	at = u32_at(h, NEW_HEADER_AT);
	if (!range_within(at, sizeof(*coff), h->length))
		return cut_off(err);
	memcpy(coff, h->bytes + at, sizeof(*coff));
	if (memcmp(coff->signature, "PE\0\0", 4) != 0)
		return err_set(err, -ENOEXEC, "no program of Windows or UEFI");
	h->optional = at + sizeof(*coff);
	room = get_le16(coff->optional_size);
	h->section_count = get_le16(coff->sections);
	h->sections = h->optional + room;
	if (room < DIRECTORIES || !range_within(h->optional, room, h->length) ||
	    !range_within(h->sections, h->section_count * sizeof(struct section_disk),
			  h->length))
		return cut_off(err);
	magic = u16_at(h, h->optional);
	if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
		return err_set(err, -EBADMSG,
			       "optional header 0x%x, must be 0x10b or 0x20b", magic);
	directories = magic == MAGIC_PE32 ? DIRECTORIES : DIRECTORIES_PLUS;
	if (room >= directories + (CERTIFICATES + 1) * sizeof(struct directory_disk) &&
	    u32_at(h, h->optional + directories - 4) > CERTIFICATES)
		h->directory = h->optional + directories +
			       CERTIFICATES * sizeof(struct directory_disk);
	h->headers_end = u32_at(h, h->optional + SIZE_OF_HEADERS);
	if (h->headers_end < h->sections || h->headers_end > h->length)
		return err_set(err, -EBADMSG, "headers end at %zu of %zu bytes",
			       h->headers_end, h->length);
	if (h->section_count > PE_MAX_SECTIONS)
		return err_set(err, -EBADMSG, "%u sections, at most %d", h->section_count,
			       PE_MAX_SECTIONS);
	return 0;
}

static int find_certificates(const struct headers *h, struct pe_range *ret,
			     struct err *err)
{
	struct directory_disk directory = { 0 };

	if (h->directory)
		memcpy(&directory, h->bytes + h->directory, sizeof(directory));
	*ret = (struct pe_range){ get_le32(directory.offset), get_le32(directory.size) };
	if (!ret->length)
		return 0;
	if (ret->offset < h->headers_end ||
	    !range_within(ret->offset, ret->length, h->length))
		return err_set(
			err, -EBADMSG,
			"its signatures lie at %zu+%zu of %zu bytes: it is cut off",
			ret->offset, ret->length, h->length);
	return 0;
}

static void add_range(struct pe_image *image, size_t from, size_t to)
{
	if (to > from)
		image->signed_ranges[image->signed_count++] =
			(struct pe_range){ from, to - from };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct pe_range *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Sections by their place in the file, and then what is behind them up to the signatures. */
static int add_sections(const struct headers *h, struct pe_image *image, struct err *err)
{
	struct pe_range *first = &image->signed_ranges[image->signed_count];
	size_t hashed = h->headers_end, end = h->length - image->certificates.length;
	size_t count = 0;

	for (unsigned i = 0; i < h->section_count; i++) {
		struct section_disk section;
		size_t offset, size;

		memcpy(&section, h->bytes + h->sections + i * sizeof(section),
		       sizeof(section));
		offset = get_le32(section.offset);
		size = get_le32(section.size);
		if (!size)
			continue;
		if (!range_within(offset, size, h->length))
			return err_set(
				err, -EBADMSG,
				"section %u lies at %zu+%zu of %zu bytes: the program "
				"is cut off",
				i + 1, offset, size, h->length);
		first[count++] = (struct pe_range){ offset, size };
		hashed += size;
	}
	if (count)
		qsort(first, count, sizeof(*first), compare_ranges);
	image->signed_count += count;
	add_range(image, hashed, end);
	return 0;
}

int pe_parse(const uint8_t *bytes, size_t length, struct pe_image *ret, struct err *err)
{
	struct headers h = { .bytes = bytes, .length = length };
	struct pe_image image = { 0 };
	struct coff_disk coff;
	int r = find_headers(&h, &coff, err);

	if (r == 0)
		r = find_certificates(&h, &image.certificates, err);
	if (r < 0)
		return r;
	image.machine = get_le16(coff.machine);
	image.subsystem = u16_at(&h, h.optional + SUBSYSTEM);
	/* checksum and place of the signatures are not covered: signing changes them */
	add_range(&image, 0, h.optional + CHECKSUM);
	if (h.directory) {
		add_range(&image, h.optional + CHECKSUM + 4, h.directory);
		add_range(&image, h.directory + sizeof(struct directory_disk),
			  h.headers_end);
	} else {
		add_range(&image, h.optional + CHECKSUM + 4, h.headers_end);
	}
	r = add_sections(&h, &image, err);
	if (r == 0)
		*ret = image;
	return r;
}

int pe_next_signature(const uint8_t *bytes, const struct pe_image *image, size_t *at,
		      struct pe_range *ret, struct err *err)
{
	const struct pe_range *table = &image->certificates;

	while (table->length - *at >= sizeof(struct certificate_disk)) {
		struct certificate_disk entry;
		size_t start = *at, size, next;

		memcpy(&entry, bytes + table->offset + start, sizeof(entry));
		size = get_le32(entry.length);
		if (size < sizeof(entry) || size > table->length - start)
			return err_set(err, -EBADMSG,
				       "a signature of %zu bytes at %zu of %zu", size,
				       start, table->length);
		next = start + ((size + 7) & ~(size_t)7);
		*at = next < table->length ? next : table->length;
		if (get_le16(entry.type) != CERTIFICATE_PKCS7)
			continue;
		*ret = (struct pe_range){ table->offset + start + sizeof(entry),
					  size - sizeof(entry) };
		return 0;
	}
	return -ENOENT;
}

const char *pe_fallback_name(const uint8_t *bytes, size_t length)
{
	struct pe_image image = { 0 };
	struct err ignored = { 0 };

	if (pe_parse(bytes, length, &image, &ignored) < 0)
		image.machine = PE_X64;
	switch (image.machine) {
	case PE_X86:
		return "bootia32.efi";
	case PE_ARM64:
		return "bootaa64.efi";
	default:
		return "bootx64.efi";
	}
}
