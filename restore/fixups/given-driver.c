/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drivers that the user gives: see given-driver.h. */
#include "given-driver.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/text.h>
#include <base/utf.h>

#include "evidence/boot-driver.h"
#include "hives/hive-values.h"

static bool has_ending(const char *name, const char *ending)
{
	size_t length = strlen(name), behind = strlen(ending);

	return length > behind && strcasecmp(name + length - behind, ending) == 0;
}

bool driver_file_is_inf(const struct driver_file *file)
{
	return has_ending(file->name, ".inf");
}

unsigned windows_machine(struct hive *hive)
{
	static const struct {
		const char *name;
		enum inf_machine machine;
	} machines[] = { { "AMD64", INF_AMD64 },
			 { "x86", INF_X86 },
			 { "ARM64", INF_ARM64 } };
	AUTO_FREE char *path = NULL, *text = NULL;
	char set[CONTROL_SET_SIZE];

	control_set_name(hive, set);
	path = text_format("%s/Control/Session Manager/Environment", set);
	text = path ? hive_text(hive, hive_find(hive, 0, path), "PROCESSOR_ARCHITECTURE")
		    : NULL;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (strcasecmp(machines[i].name, text) == 0)
			return machines[i].machine;
	return 0;
}

/* -- INF and file ---- */

static const struct driver_file *find_file(const struct driver_folder *folder,
					   const char *name)
{
	for (size_t i = 0; i < folder->count; i++)
		if (strcasecmp(folder->files[i].name, name) == 0)
			return &folder->files[i];
	return NULL;
}

static int read_for(const struct driver_folder *folder, const struct driver_file *inf,
		    enum inf_machine machine, struct given_driver *ret, struct err *err)
{
	struct given_driver driver = { 0 };
	enum inf_machine of_file = INF_AMD64;
	bool is_signed = false;
	int r = inf_read(inf->bytes, inf->length, inf->name, machine, &driver.inf, err);

	if (r < 0)
		return r;
	driver.file = find_file(folder, driver.inf.file);
	if (!driver.file)
		return err_set(err, -ENOENT, "'%s': its file '%s' is not beside it",
			       inf->name, driver.inf.file);
	r = pe_look(driver.file->bytes, driver.file->length, driver.file->name, &of_file,
		    &is_signed, err);
	if (r < 0)
		return r;
	if (of_file != machine)
		return err_set(err, -ENOTSUP,
			       "'%s' is for another kind of machine than the Windows",
			       driver.file->name);
	if (!is_signed && machine != INF_X86)
		return err_set(err, -ENOTSUP,
			       "'%s' has no signature in it: a 64-bit Windows does not "
			       "start it at boot",
			       driver.file->name);
	*ret = driver;
	return 0;
}

int given_driver_read(const struct driver_folder *folder, const struct driver_file *inf,
		      unsigned machine, struct given_driver *ret, struct err *err)
{
	static const enum inf_machine all[] = { INF_AMD64, INF_X86, INF_ARM64 };
	struct err fault = { 0 };
	int r;

	if (machine)
		return read_for(folder, inf, (enum inf_machine)machine, ret, err);
	r = read_for(folder, inf, all[0], ret, err);
	for (size_t i = 1; r < 0 && i < ARRAY_SIZE(all); i++)
		if (read_for(folder, inf, all[i], ret, &fault) == 0)
			return 0;
	return r;
}

char *given_driver_path(const struct given_driver *driver)
{
	return text_format("Windows/System32/drivers/%s", driver->inf.file);
}

/* -- the hive ---- */

/* A place in the hive that is being made. */
struct place {
	struct hive_editor *editor;
	hive_node key;
};

static int go_to(struct hive_editor *editor, const char *path, struct place *ret,
		 struct err *err)
{
	AUTO_FREE char *copy = strdup(path);
	struct hive *hive = NULL;
	hive_node node;
	char *save = NULL, *part = copy ? strtok_r(copy, "/", &save) : NULL;
	int r = copy ? hive_editor_hive(editor, &hive, err) : err_nomem(err);

	node = r == 0 ? hive_find(hive, 0, "") : 0;
	for (; r == 0 && part; part = strtok_r(NULL, "/", &save))
		r = hive_editor_add_key(editor, node, part, &node, err);
	*ret = (struct place){ editor, node };
	return r;
}

static int put_number(const struct place *place, const char *name, uint32_t number,
		      struct err *err)
{
	le32 stored = put_le32(number);
	const struct hive_datum datum = { name, HIVE_DWORD, &stored, sizeof(stored) };

	return hive_editor_set(place->editor, place->key, &datum, err);
}

/* zeros: 2 bytes end a text, 4 a list of one. */
static int put_text(const struct place *place, const char *name,
		    enum hive_value_type type, const char *text, struct err *err)
{
	AUTO_FREE uint8_t *wide = NULL, *bytes = NULL;
	size_t length = 0, zeros = type == HIVE_MULTI_SZ ? 4 : 2;
	int r = utf8_to_utf16le(text, &wide, &length, err);

	if (r < 0)
		return r;
	bytes = calloc(1, length + zeros);
	if (!bytes)
		return err_nomem(err);
	memcpy(bytes, wide, length);
	return hive_editor_set(place->editor, place->key,
			       &(struct hive_datum){ name, type, bytes, length + zeros },
			       err);
}

static int put_bytes(const struct place *place, const char *name, const void *bytes,
		     size_t length, struct err *err)
{
	return hive_editor_set(place->editor, place->key,
			       &(struct hive_datum){ name, HIVE_BINARY, bytes, length },
			       err);
}

static int add_parameter(struct hive_editor *editor, const char *service,
			 const struct inf_value *value, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/%s", service, value->key);
	struct place place;
	int r;

	if (!path)
		return err_nomem(err);
	for (char *c = path; *c; c++)
		if (*c == '\\')
			*c = '/';
	r = go_to(editor, path, &place, err);
	return r < 0 ? r : put_number(&place, value->name, value->number, err);
}

static int add_service(struct hive_editor *editor, const char *set,
		       const struct inf_driver *inf, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/Services/%s", set, inf->service);
	AUTO_FREE char *image = text_format("System32\\drivers\\%s", inf->file);
	struct place place;
	int r = path && image ? go_to(editor, path, &place, err) : err_nomem(err);

	if (r == 0)
		r = put_number(&place, "Type", 1, err);
	if (r == 0)
		r = put_number(&place, "Start", 0, err);
	if (r == 0)
		r = put_number(&place, "ErrorControl", inf->error_control, err);
	if (r == 0)
		r = put_text(&place, "Group", HIVE_SZ, inf->group, err);
	if (r == 0)
		r = put_text(&place, "ImagePath", HIVE_EXPAND_SZ, image, err);
	for (size_t i = 0; r == 0 && i < inf->value_count; i++)
		r = add_parameter(editor, path, &inf->values[i], err);
	return r;
}

/* Before Windows 8: from the id straight to the service. */
static int add_critical_device(struct hive_editor *editor, const char *set,
			       const struct inf_driver *inf, const char *id,
			       struct err *err)
{
	AUTO_FREE char *name = strdup(id), *path = NULL;
	char *slash = name ? strchr(name, '/') : NULL;
	struct place place;
	int r;

	if (!slash)
		return err_nomem(err);
	*slash = '#';
	path = text_format("%s/Control/CriticalDeviceDatabase/%s", set, name);
	r = path ? go_to(editor, path, &place, err) : err_nomem(err);
	if (r == 0)
		r = put_text(&place, "Service", HIVE_SZ, inf->service, err);
	return r < 0 ? r : put_text(&place, "ClassGUID", HIVE_SZ, inf->class_id, err);
}

/* Names of the package that stands for the INF, apart from those of Windows. */
struct package {
	char inf[INF_NAME + 16], name[INF_NAME + 40];
};

#define CONFIGURATION "openbmr_install"

static int add_device(struct hive_editor *editor, const struct package *package,
		      const char *id, struct err *err)
{
	static const uint8_t rank[] = { 0x01, 0xff, 0x00, 0x00 };
	AUTO_FREE char *ids = text_format("DriverDatabase/DeviceIds/%s", id);
	AUTO_FREE char *descriptor = text_format(
		"DriverDatabase/DriverPackages/%s/Descriptors/%s", package->name, id);
	struct place place;
	int r = ids && descriptor ? go_to(editor, ids, &place, err) : err_nomem(err);

	if (r == 0)
		r = put_bytes(&place, package->inf, rank, sizeof(rank), err);
	if (r == 0)
		r = go_to(editor, descriptor, &place, err);
	return r < 0 ? r : put_text(&place, "Configuration", HIVE_SZ, CONFIGURATION, err);
}

/* Version of the package as Windows 10 wants it: a head, the class, no date and number. */
static int put_version(const struct place *place, const struct inf_driver *inf,
		       struct err *err)
{
	uint8_t version[48] = { 0x00, 0xff, 0x09 };
	struct guid class;

	if (guid_parse(inf->class_id, strlen(inf->class_id), &class) < 0)
		return err_set(err, -EINVAL, "'%s': no class", inf->service);
	memcpy(version + 8, class.b, sizeof(class.b));
	return put_bytes(place, "Version", version, sizeof(version), err);
}

/* Since Windows 8, the least that its boot-time Plug and Play needs; virt-v2v writes the same
 * keys for its guests. */
static int add_package(struct hive_editor *editor, const struct package *package,
		       const struct inf_driver *inf, struct err *err)
{
	AUTO_FREE char *files =
		text_format("DriverDatabase/DriverInfFiles/%s", package->inf);
	AUTO_FREE char *itself =
		text_format("DriverDatabase/DriverPackages/%s", package->name);
	AUTO_FREE char *configuration = text_format(
		"DriverDatabase/DriverPackages/%s/Configurations/" CONFIGURATION,
		package->name);
	struct place place;
	int r = files && itself && configuration ? go_to(editor, files, &place, err)
						 : err_nomem(err);

	if (r == 0)
		r = put_text(&place, "", HIVE_MULTI_SZ, package->name, err);
	if (r == 0)
		r = put_text(&place, "Active", HIVE_SZ, package->name, err);
	if (r == 0)
		r = put_text(&place, "Configurations", HIVE_MULTI_SZ, CONFIGURATION, err);
	if (r == 0)
		r = go_to(editor, itself, &place, err);
	if (r == 0)
		r = put_version(&place, inf, err);
	if (r == 0)
		r = go_to(editor, configuration, &place, err);
	if (r == 0)
		r = put_number(&place, "ConfigFlags", 0, err);
	if (r == 0)
		r = put_text(&place, "Service", HIVE_SZ, inf->service, err);
	for (size_t i = 0; r == 0 && i < inf->id_count; i++)
		r = add_device(editor, package, inf->ids[i], err);
	return r;
}

int given_driver_register(struct hive_editor *editor, const struct given_driver *driver,
			  struct err *err)
{
	const struct inf_driver *inf = &driver->inf;
	struct hive *hive = NULL;
	struct package package;
	char set[CONTROL_SET_SIZE];
	bool has_database;
	int r = hive_editor_hive(editor, &hive, err);

	if (r < 0)
		return r;
	control_set_name(hive, set);
	has_database = hive_find(hive, 0, "DriverDatabase") != 0;
	snprintf(package.inf, sizeof(package.inf), "openbmr_%s.inf", inf->service);
	snprintf(package.name, sizeof(package.name), "%s_0000000000000000", package.inf);
	r = add_service(editor, set, inf, err);
	if (r == 0 && has_database)
		return add_package(editor, &package, inf, err);
	for (size_t i = 0; r == 0 && i < inf->id_count; i++)
		r = add_critical_device(editor, set, inf, inf->ids[i], err);
	return r;
}
