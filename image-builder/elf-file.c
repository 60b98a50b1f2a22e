/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns libelf: see elf-file.h. */
#include "elf-file.h"

#include <gelf.h>
#include <string.h>

static void elf_endp(Elf **elf)
{
	if (*elf)
		elf_end(*elf);
}

void elf_needs_clear(struct elf_needs *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		free(needs->names[i]);
	free(needs->names);
	free(needs->interpreter);
	free(needs->search_path);
	*needs = (struct elf_needs){ 0 };
}

static int elf_failed(const char *name, struct err *err)
{
	return err_set(err, -EBADMSG, "'%s': damaged ELF file: %s", name, elf_errmsg(-1));
}

static int set_string(char **field, const char *string, struct err *err)
{
	free(*field);
	*field = string ? strdup(string) : NULL;
	return *field ? 0 : err_nomem(err);
}

static int add_name(struct elf_needs *needs, const char *name, const char *needed,
		    struct err *err)
{
	if (!needs->names) {
		needs->names = calloc(ELF_NEEDED_MAX, sizeof(*needs->names));
		if (!needs->names)
			return err_nomem(err);
	}
	if (needs->count == ELF_NEEDED_MAX)
		return err_set(err, -EBADMSG, "'%s': needs more than %d libraries", name,
			       ELF_NEEDED_MAX);
	needs->names[needs->count] = strdup(needed);
	return needs->names[needs->count++] ? 0 : err_nomem(err);
}

static int take_entry(struct elf_needs *needs, const char *name, const GElf_Dyn *entry,
		      const char *string, struct err *err)
{
	if (!string)
		return elf_failed(name, err);
	if (entry->d_tag == DT_NEEDED)
		return add_name(needs, name, string, err);
	/* ld.so(8): DT_RPATH counts only where there is no DT_RUNPATH */
	if (entry->d_tag == DT_RUNPATH || !needs->search_path)
		return set_string(&needs->search_path, string, err);
	return 0;
}

static int read_dynamic(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			const char *name, struct elf_needs *needs, struct err *err)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	if (!data || count > INT32_MAX)
		return elf_failed(name, err);
	for (size_t i = 0; i < count; i++) {
		GElf_Dyn entry;
		int r;

		if (!gelf_getdyn(data, (int)i, &entry))
			return elf_failed(name, err);
		if (entry.d_tag != DT_NEEDED && entry.d_tag != DT_RUNPATH &&
		    entry.d_tag != DT_RPATH)
			continue;
		r = take_entry(needs, name, &entry,
			       elf_strptr(elf, header->sh_link, entry.d_un.d_val), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_interpreter(Elf_Scn *section, const char *name, struct elf_needs *needs,
			    struct err *err)
{
	Elf_Data *data = elf_getdata(section, NULL);

	if (!data || data->d_size == 0 || ((const char *)data->d_buf)[data->d_size - 1])
		return err_set(err, -EBADMSG,
			       "'%s': damaged ELF file: no name in .interp", name);
	return set_string(&needs->interpreter, data->d_buf, err);
}

static int read_sections(Elf *elf, const char *name, struct elf_needs *needs,
			 struct err *err)
{
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return elf_failed(name, err);
	for (Elf_Scn *section = elf_nextscn(elf, NULL); section;
	     section = elf_nextscn(elf, section)) {
		GElf_Shdr header;
		const char *title;
		int r = 0;

		if (!gelf_getshdr(section, &header))
			return elf_failed(name, err);
		title = elf_strptr(elf, names, header.sh_name);
		if (header.sh_type == SHT_DYNAMIC)
			r = read_dynamic(elf, section, &header, name, needs, err);
		else if (title && strcmp(title, ".interp") == 0)
			r = read_interpreter(section, name, needs, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int elf_read_needs(const struct content *content, const char *name,
		   const struct architecture *architecture, struct elf_needs *ret,
		   struct err *err)
{
	AUTO(elf_needs_clear) struct elf_needs needs = { 0 };
	AUTO(elf_endp) Elf *elf = NULL;
	GElf_Ehdr header;
	int r;

	if (content->length < SELFMAG || memcmp(content->bytes, ELFMAG, SELFMAG) != 0) {
		*ret = needs;
		return 0;
	}
	needs.is_elf = true;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return elf_failed(name, err);
	elf = elf_memory((char *)content->bytes, content->length);
	if (!elf || !gelf_getehdr(elf, &header))
		return elf_failed(name, err);
	if (header.e_machine != architecture->elf_machine ||
	    gelf_getclass(elf) != ELFCLASS64)
		return err_set(err, -ENOTSUP,
			       "'%s': ELF file for machine %u, must be %s (%u)", name,
			       header.e_machine, architecture->title,
			       architecture->elf_machine);
	r = read_sections(elf, name, &needs, err);
	if (r < 0)
		return r;
	*ret = needs;
	needs = (struct elf_needs){ 0 };
	return 0;
}
