/* SPDX-License-Identifier: GPL-3.0-or-later */
/* INF files of storage drivers: see inf.h. */
#include "inf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/checked.h>
#include <base/text.h>

#include "inf-lines.h"

#define SECTION_SIZE 128

struct inf {
	struct inf_lines lines;
	const char *name;
	const char *machine; /* "NTamd64" */
};

static int refuse(const struct inf *inf, const char *reason, struct err *err)
{
	return err_set(err, -ENOTSUP, "'%s': %s; install it from within Windows",
		       inf->name, reason);
}

/* -- which sections ---- */

static const char *machine_name(enum inf_machine machine)
{
	switch (machine) {
	case INF_X86:
		return "NTx86";
	case INF_AMD64:
		return "NTamd64";
	default:
		return "NTarm64";
	}
}

/* "scsi_inst" as it is for this machine: with its name behind it, with "NT", or alone; each
 * with suffix behind that. False: there is none. */
static bool find_section(const struct inf *inf, const char *base, const char *suffix,
			 char ret[SECTION_SIZE])
{
	const char *const decorations[] = { inf->machine, "NT", NULL };

	for (size_t i = 0; i < ARRAY_SIZE(decorations); i++) {
		const char *d = decorations[i];

		snprintf(ret, SECTION_SIZE, "%s%s%s%s", base, d ? "." : "", d ? d : "",
			 suffix);
		if (inf_has_section(&inf->lines, ret))
			return true;
	}
	return false;
}

/* The section of the models of one maker's line "%VENDOR% = Models, NTamd64, NTx86.6.1". */
static int find_models(const struct inf *inf, char ret[SECTION_SIZE], struct err *err)
{
	const struct inf_line *line = inf_line_find(&inf->lines, "Manufacturer", NULL, 0);
	size_t found = 0, length = strlen(inf->machine);
	char base[64], decoration[40];

	if (!line || !inf_field(&inf->lines, line->value, 0, base, sizeof(base)) ||
	    inf_line_find(&inf->lines, "Manufacturer", NULL, 1))
		return refuse(inf, "it has not one maker", err);
	snprintf(ret, SECTION_SIZE, "%s", base);
	for (size_t i = 1;
	     inf_field(&inf->lines, line->value, i, decoration, sizeof(decoration));
	     i++) {
		if (strncasecmp(decoration, inf->machine, length) != 0 ||
		    (decoration[length] && decoration[length] != '.'))
			continue;
		snprintf(ret, SECTION_SIZE, "%s.%s", base, decoration);
		found++;
	}
	if (found > 1)
		return refuse(inf, "it differs between versions of Windows", err);
	if (!inf_has_section(&inf->lines, ret))
		return refuse(inf, "it has no models for this kind of machine", err);
	return 0;
}

/* -- devices ---- */

static void add_id(struct inf_driver *driver, char *id)
{
	char *slash = strchr(id, '\\');

	if (!slash || driver->id_count == INF_IDS ||
	    (strncasecmp(id, "PCI\\", 4) != 0 && strncasecmp(id, "VMBUS\\", 6) != 0))
		return;
	*slash = '/';
	for (char *c = id; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	snprintf(driver->ids[driver->id_count++], sizeof(driver->ids[0]), "%s", id);
}

/* "%name% = scsi_inst, PCI\VEN_1AF4&DEV_1048, …": all lines lead to one install section. */
static int read_models(const struct inf *inf, const char *models,
		       struct inf_driver *driver, char install[64], struct err *err)
{
	const struct inf_line *line;

	install[0] = '\0';
	for (size_t i = 0; (line = inf_line_find(&inf->lines, models, NULL, i)); i++) {
		char section[64], id[72];

		if (!inf_field(&inf->lines, line->value, 0, section, sizeof(section)))
			return refuse(inf, "a model's name is too long", err);
		if (install[0] && strcasecmp(install, section) != 0)
			return refuse(inf, "its models are installed differently", err);
		memcpy(install, section, sizeof(section));
		for (size_t f = 1; inf_field(&inf->lines, line->value, f, id, sizeof(id));
		     f++)
			add_id(driver, id);
	}
	if (!driver->id_count)
		return refuse(inf, "it serves no PCI device", err);
	return 0;
}

/* -- the service ---- */

static bool get_text(const struct inf *inf, const char *section, const char *key,
		     char *ret, size_t room)
{
	const struct inf_line *line = inf_line_find(&inf->lines, section, key, 0);

	ret[0] = '\0';
	return line && inf_field(&inf->lines, line->value, 0, ret, room);
}

static bool parse_number(const char *text, uint32_t *ret)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end || number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

static bool get_number(const struct inf *inf, const char *section, const char *key,
		       uint32_t *ret)
{
	char text[40];

	return get_text(inf, section, key, text, sizeof(text)) && parse_number(text, ret);
}

/* FLG_ADDREG_TYPE_DWORD, the only type that the parameters of simple drivers have. */
#define ADD_DWORD 0x00010001u

/* 'HKR, "Parameters\PnpInterface", "5", 0x00010001, 0x00000001' */
static int read_value(const struct inf *inf, const struct inf_line *line,
		      struct inf_driver *driver, struct err *err)
{
	struct inf_value *value = &driver->values[driver->value_count];
	char root[16], type[24], number[24];
	uint32_t flags;

	if (driver->value_count == INF_VALUES)
		return refuse(inf, "its service has many parameters", err);
	if (!inf_field(&inf->lines, line->value, 0, root, sizeof(root)) ||
	    strcasecmp(root, "HKR") != 0 ||
	    !inf_field(&inf->lines, line->value, 1, value->key, sizeof(value->key)) ||
	    !inf_field(&inf->lines, line->value, 2, value->name, sizeof(value->name)) ||
	    !inf_field(&inf->lines, line->value, 3, type, sizeof(type)) ||
	    !parse_number(type, &flags) || flags != ADD_DWORD ||
	    !inf_field(&inf->lines, line->value, 4, number, sizeof(number)) ||
	    !parse_number(number, &value->number))
		return refuse(inf, "its service has parameters that are no numbers", err);
	driver->value_count++;
	return 0;
}

/* All AddReg lines of a section, each with names of sections between commas. */
static int read_parameters(const struct inf *inf, const char *section,
			   struct inf_driver *driver, struct err *err)
{
	const struct inf_line *line, *value;
	char name[64];
	int r = 0;

	for (size_t i = 0;
	     r == 0 && (line = inf_line_find(&inf->lines, section, "AddReg", i)); i++)
		for (size_t f = 0;
		     r == 0 && inf_field(&inf->lines, line->value, f, name, sizeof(name));
		     f++)
			for (size_t v = 0;
			     r == 0 &&
			     (value = inf_line_find(&inf->lines, name, NULL, v));
			     v++)
				r = read_value(inf, value, driver, err);
	return r;
}

/* "%12%\vioscsi.sys": 12 is the folder of drivers, 13 that of the package, which for us is the
 * same. */
static bool take_binary(const struct inf *inf, const char *section,
			struct inf_driver *driver)
{
	char text[128];
	const char *name = text + 5;

	if (!get_text(inf, section, "ServiceBinary", text, sizeof(text)) ||
	    (strncmp(text, "%12%\\", 5) != 0 && strncmp(text, "%13%\\", 5) != 0) ||
	    !*name || strlen(name) >= sizeof(driver->file) || strpbrk(name, "\\/:*?<>|"))
		return false;
	memcpy(driver->file, name, strlen(name) + 1);
	return true;
}

#define SERVICE_KERNEL_DRIVER 1
#define SERVICE_BOOT_START    0

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	return length &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-.") == length;
}

static int read_service(const struct inf *inf, const char *services,
			struct inf_driver *driver, struct err *err)
{
	const struct inf_line *line =
		inf_line_find(&inf->lines, services, "AddService", 0);
	char section[64];
	uint32_t type = 0, start = UINT32_MAX;

	if (!line || inf_line_find(&inf->lines, services, "AddService", 1) ||
	    !inf_field(&inf->lines, line->value, 0, driver->service,
		       sizeof(driver->service)) ||
	    !is_name(driver->service) ||
	    !inf_field(&inf->lines, line->value, 2, section, sizeof(section)))
		return refuse(inf, "it has not one service", err);
	if (!get_number(inf, section, "ServiceType", &type) ||
	    type != SERVICE_KERNEL_DRIVER ||
	    !get_number(inf, section, "StartType", &start) || start != SERVICE_BOOT_START)
		return refuse(inf, "its service is no driver that starts at boot", err);
	if (!take_binary(inf, section, driver) || !is_name(driver->file))
		return refuse(inf, "its driver does not lie in the folder of drivers",
			      err);
	if (!get_number(inf, section, "ErrorControl", &driver->error_control))
		driver->error_control = 1;
	if (!get_text(inf, section, "LoadOrderGroup", driver->group,
		      sizeof(driver->group)))
		snprintf(driver->group, sizeof(driver->group), "SCSI miniport");
	if (inf_line_find(&inf->lines, section, "Dependencies", 0))
		return refuse(inf, "its service needs others", err);
	return read_parameters(inf, section, driver, err);
}

/* -- the whole ---- */

/* Setup classes of storage controllers: SCSIAdapter, HDC. */
static const char *const classes[] = { "{4D36E97B-E325-11CE-BFC1-08002BE10318}",
				       "{4D36E96A-E325-11CE-BFC1-08002BE10318}" };

static int read_class(const struct inf *inf, struct inf_driver *driver, struct err *err)
{
	char text[64];

	if (!get_text(inf, "Version", "Signature", text, sizeof(text)))
		return err_set(err, -EBADMSG, "'%s': no INF", inf->name);
	(void)get_text(inf, "Version", "ClassGUID", text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (strcasecmp(classes[i], text) == 0) {
			snprintf(driver->class_id, sizeof(driver->class_id), "%s",
				 classes[i]);
			return 0;
		}
	return refuse(inf, "it is not of a storage controller", err);
}

/* What takes more than a service. */
static const struct complication {
	const char *suffix, *key; /* of the install section; one of them */
	const char *reason;
} complications[] = {
	{ "", "Include", "it needs parts of other INF files" },
	{ "", "Needs", "it needs parts of other INF files" },
	{ ".CoInstallers", NULL, "it brings its own installer" },
	{ ".Wdf", NULL, "it needs a version of the driver framework" },
	{ ".Filters", NULL, "it has filters" },
};

static int check_simple(const struct inf *inf, const char *install, struct err *err)
{
	char section[SECTION_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(complications); i++) {
		const struct complication *c = &complications[i];

		if (find_section(inf, install, c->suffix, section) &&
		    (!c->key || inf_line_find(&inf->lines, section, c->key, 0)))
			return refuse(inf, c->reason, err);
	}
	return 0;
}

static int read_driver(const struct inf *inf, struct inf_driver *driver, struct err *err)
{
	char models[SECTION_SIZE], services[SECTION_SIZE], install[64];
	int r = read_class(inf, driver, err);

	if (r == 0)
		r = find_models(inf, models, err);
	if (r == 0)
		r = read_models(inf, models, driver, install, err);
	if (r == 0)
		r = check_simple(inf, install, err);
	if (r == 0 && !find_section(inf, install, ".Services", services))
		r = refuse(inf, "it has not one service", err);
	return r < 0 ? r : read_service(inf, services, driver, err);
}

int inf_read(const void *bytes, size_t length, const char *name, enum inf_machine machine,
	     struct inf_driver *ret, struct err *err)
{
	struct inf inf = { .name = name, .machine = machine_name(machine) };
	struct inf_driver driver = { 0 };
	int r = inf_lines_read(bytes, length, name, &inf.lines, err);

	if (r == 0)
		r = read_driver(&inf, &driver, err);
	inf_lines_clear(&inf.lines);
	if (r == 0)
		*ret = driver;
	return r;
}

/* -- the file ---- */

/* Offsets of the PE format: e_lfanew; within the headers that it leads to: machine, magic of
 * the optional header, and the entry of the certificate table in its list of directories. */
#define PE_HEADERS_AT	 0x3c
#define PE_MACHINE	 4
#define PE_OPTIONAL	 24
#define PE32_DIRECTORIES 96
#define PE64_DIRECTORIES 112
#define PE_CERTIFICATES	 (4 * 8)

static bool get_at(const uint8_t *bytes, size_t length, uint64_t at, uint32_t *ret)
{
	le32 x;

	if (!range_within(at, sizeof(x), length))
		return false;
	memcpy(&x, bytes + at, sizeof(x));
	*ret = get_le32(x);
	return true;
}

int pe_look(const void *bytes, size_t length, const char *name, enum inf_machine *ret,
	    bool *ret_signed, struct err *err)
{
	uint32_t headers, magic, machine, optional, size = 0;

	if (length < 2 || memcmp(bytes, "MZ", 2) != 0 ||
	    !get_at(bytes, length, PE_HEADERS_AT, &headers) ||
	    !get_at(bytes, length, headers, &magic) || magic != 0x4550 ||
	    !get_at(bytes, length, (uint64_t)headers + PE_MACHINE, &machine) ||
	    !get_at(bytes, length, (uint64_t)headers + PE_OPTIONAL, &optional))
		return err_set(err, -EBADMSG, "'%s': no driver of Windows", name);
	machine &= 0xffff;
	if (machine != INF_X86 && machine != INF_AMD64 && machine != INF_ARM64)
		return err_set(err, -ENOTSUP, "'%s': driver for a machine of kind 0x%04x",
			       name, machine);
	*ret_signed = get_at(bytes, length,
			     (uint64_t)headers + PE_OPTIONAL + PE_CERTIFICATES + 4 +
				     ((optional & 0xffff) == 0x20b ? PE64_DIRECTORIES
								   : PE32_DIRECTORIES),
			     &size) &&
		      size > 0;
	*ret = (enum inf_machine)machine;
	return 0;
}
