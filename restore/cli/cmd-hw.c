/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr hw: the devices of this machine, their drivers, and drivers that are brought along. */
#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <base/cleanup.h>

#include "hw.h"

/* What is said of one device's driver; NULL: no memory. */
static char *driver_text(struct hw_modules *modules, const struct hw_device *device)
{
	if (device->driver && device->firmware)
		return text_format("%s, without its firmware %s", device->driver,
				   device->firmware);
	if (device->driver)
		return strdup(device->driver);
	return modules ? hw_why_no_driver(modules, device) : strdup("no driver");
}

static void print_table(struct hw_modules *modules, const struct hw_list *list)
{
	size_t missing = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct hw_device *device = &list->devices[i];
		AUTO_FREE char *text = driver_text(modules, device);

		printf("%-6s %-16s %-18s %s\n", device->bus, device->name, device->kind,
		       text ? text : "");
		missing += device->needed && !device->driver;
	}
	printf("%zu devices, %zu of them without a driver that a restore may need\n",
	       list->count, missing);
}

static int print_json(struct hw_modules *modules, const struct hw_list *list,
		      struct err *err)
{
	json_t *array = json_array();
	AUTO_FREE char *text = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct hw_device *device = &list->devices[i];
		AUTO_FREE char *why =
			device->driver ? NULL : driver_text(modules, device);

		json_array_append_new(
			array,
			json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:b}", "bus",
				  device->bus, "name", device->name, "alias",
				  device->alias, "kind", device->kind, "driver",
				  device->driver, "missing_firmware", device->firmware,
				  "why", why, "needed", device->needed));
	}
	text = json_dumps(array, JSON_INDENT(2));
	json_decref(array);
	if (!text)
		return err_nomem(err);
	puts(text);
	return 0;
}

static enum exit_status list_devices(bool json)
{
	AUTO(hw_modules_freep) struct hw_modules *modules = NULL;
	AUTO(hw_list_clear) struct hw_list list = { 0 };
	AUTO_FREE char *log = hw_kernel_log();
	struct err err = { 0 };
	int r = log ? hw_list_read("", log, &list, &err) : err_nomem(&err);

	/* without an index it can still be said which device has a driver */
	if (r == 0 && hw_modules_open(&modules, &err) < 0)
		modules = NULL;
	if (r == 0 && json)
		r = print_json(modules, &list, &err);
	else if (r == 0)
		print_table(modules, &list);
	return r < 0 ? command_fail(&command_hw, &err) : EXIT_DONE;
}

/* From folder, or from where the environment finds drivers by itself. */
static enum exit_status load_drivers(const char *folder)
{
	size_t failed = 0, more = 0;
	struct err err = { 0 };
	int r = hw_drivers_load(folder ? folder : "/openbmr/drivers", &failed, &err);

	if (r == 0 && !folder)
		r = hw_drivers_load_from_medium(&more, &err);
	if (r < 0)
		return command_fail(&command_hw, &err);
	return failed + more ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status run_hw(int argc, char **argv)
{
	static const struct option long_options[] = { { "json", no_argument, NULL, 'j' },
						      { "load", no_argument, NULL, 'l' },
						      { 0 } };
	bool json = false, load = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'j')
			json = true;
		else if (option == 'l')
			load = true;
		else
			return command_usage(&command_hw, "unknown option");
	}
	if (argc - optind > (load ? 1 : 0) || (json && load))
		return command_usage(&command_hw, "a folder goes with --load only, and "
						  "--json without it");
	return load ? load_drivers(argv[optind]) : list_devices(json);
}

const struct command command_hw = {
	.name = "hw",
	.group = "Environment",
	.usage = "hw [--json | --load [FOLDER]]",
	.summary = "devices and their drivers; load drivers that you bring along",
	.help = "  --json           for programs\n"
		"  --load [FOLDER]  load the kernel modules (.ko, or .deb with such) in "
		"the "
		"folder;\n"
		"                   without one: in openbmr/drivers of the boot medium, "
		"with\n"
		"                   firmware in openbmr/firmware\n",
	.run = run_hw,
};
