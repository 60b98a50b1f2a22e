/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the plan asks beforehand: will the Windows in the image find the disk? The hive comes
 * from outside, so a child process in the jail of the fix-ups reads it.
 */
#include <restore/boot-driver.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/checked.h>
#include <base/text.h>

#include "evidence/boot-driver.h"
#include "fixup.h"
#include "given-driver.h"
#include "hives/hive-load.h"
#include "jailed-question.h"
#include "system-hive.h"

struct look {
	struct block_source *volume;
	const struct volume_info *info;
	struct controller controller; /* no ids: not known */
	const struct driver_folder *given;
};

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? ", " : "", more);
}

static bool has_file(const struct look *look, const char *path)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;

	return volume_read_file(look->volume, look->info, path, 0, &bytes, &length,
				NULL) == -EFBIG;
}

static void see_service(const struct look *look, const struct boot_service *service,
			struct plan_driver *driver)
{
	char text[128];

	append(driver->services, sizeof(driver->services), service->name);
	if (!has_file(look, service->file)) {
		append(driver->missing, sizeof(driver->missing), service->file);
		driver->serves = false;
	}
	if (service->start) {
		snprintf(text, sizeof(text), "%s: Start %u → 0", service->name,
			 service->start);
		append(driver->change, sizeof(driver->change), text);
	}
	if (service->overridden) {
		snprintf(text, sizeof(text), "%s: StartOverride → 0", service->name);
		append(driver->change, sizeof(driver->change), text);
	}
}

static bool serves(const struct given_driver *driver, const struct controller *controller)
{
	for (size_t i = 0; i < driver->inf.id_count; i++)
		for (size_t j = 0; j < controller->id_count; j++)
			if (strcasecmp(driver->inf.ids[i], controller->ids[j]) == 0)
				return true;
	return false;
}

/* A driver that serves the controller where nothing else did. */
static void use_given(const struct given_driver *given, struct plan_driver *driver)
{
	driver->serves = true;
	driver->missing[0] = '\0';
	snprintf(driver->services, sizeof(driver->services), "%s", given->inf.service);
	snprintf(driver->change, sizeof(driver->change), "%s: absent → given, Start 0",
		 given->inf.service);
}

static void see_given(const struct look *look, const struct driver_file *file,
		      unsigned machine, struct plan_driver *driver)
{
	struct given_driver given;
	struct err reason = { 0 };
	size_t n = driver->given_count;

	if (n == PLAN_GIVEN_MAX || !driver_file_is_inf(file))
		return;
	driver->given_count++;
	driver->given[n].refused =
		given_driver_read(look->given, file, machine, &given, &reason) < 0;
	if (driver->given[n].refused) {
		snprintf(driver->given[n].text, sizeof(driver->given[n].text),
			 "driver left out: %.200s", reason.text);
		return;
	}
	snprintf(driver->given[n].text, sizeof(driver->given[n].text),
		 "driver %s of %s: copied to \\Windows\\System32\\drivers and started at "
		 "boot, unless the image has it",
		 given.inf.service, file->name);
	if (!driver->serves && serves(&given, &look->controller))
		use_given(&given, driver);
}

static int look(const struct look *look, struct plan_driver *ret, struct err *err)
{
	AUTO(hive_freep) struct hive *hive = NULL;
	struct hive_image image = { 0 };
	struct boot_services found = { 0 };
	struct plan_driver driver = { .serves = true };
	int r = hive_load(look->volume, look->info, SYSTEM_HIVE_PATH, &image, err);

	if (r == 0)
		r = hive_open(image.bytes, image.length, "SYSTEM", &hive, err);
	if (r == 0)
		r = boot_services_find(hive, &look->controller, &found, err);
	hive_image_clear(&image);
	if (r < 0)
		return r;
	snprintf(driver.controller, sizeof(driver.controller), "%s",
		 look->controller.name);
	for (size_t i = 0; i < found.count; i++)
		see_service(look, &found.services[i], &driver);
	if (!found.count) {
		driver.serves = false;
		snprintf(driver.missing, sizeof(driver.missing), "%s",
			 look->controller.driver ? look->controller.driver : "");
	}
	for (size_t i = 0; look->given && i < look->given->count; i++)
		see_given(look, &look->given->files[i], windows_machine(hive), &driver);
	*ret = driver;
	return 0;
}

/* Seconds: a hive of 256 MiB is looked through in some. */
#define LOOK_CPU_MAX 120

static int answer_look(const void *question, pid_t engine, void *answer, struct err *err)
{
	int r = fixup_jail(engine, err);

	return r < 0 ? r : look(question, answer, err);
}

_Static_assert(sizeof(struct plan_driver) <= JAILED_ANSWER_MAX, "one answer");

/* Texts of the child end within their room and have nothing that a terminal obeys. */
static void clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

int boot_driver_look(struct block_source *volume, const struct volume_info *info,
		     const char *controller, const struct driver_folder *given,
		     struct plan_driver *ret, struct err *err)
{
	struct look job = { .volume = volume, .info = info, .given = given };
	struct plan_driver driver = { 0 };
	AUTO_FREE char *what =
		text_format("'%s': the process that looks for drivers", volume->name);
	int r = controller ? controller_from_text(controller, &job.controller, err) : 0;

	if (r == 0 && !what)
		r = err_nomem(err);
	if (r == 0)
		r = jailed_ask(&(struct jailed_question){ answer_look, &job, what,
							  LOOK_CPU_MAX },
			       &driver, sizeof(driver), err);
	if (r < 0)
		return r;
	clean(driver.controller, sizeof(driver.controller));
	clean(driver.services, sizeof(driver.services));
	clean(driver.change, sizeof(driver.change));
	clean(driver.missing, sizeof(driver.missing));
	driver.given_count = min_u64(driver.given_count, ARRAY_SIZE(driver.given));
	for (size_t i = 0; i < driver.given_count; i++)
		clean(driver.given[i].text, sizeof(driver.given[i].text));
	*ret = driver;
	return 0;
}

char *boot_driver_controllers(void)
{
	return controller_names();
}

int boot_driver_check(const char *controller, struct err *err)
{
	struct controller unused;

	return controller_from_text(controller, &unused, err);
}
