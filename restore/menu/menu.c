/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way through the screens: see menu.h. */
#include "menu.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <base/cleanup.h>

#include "../cli/machine-facts.h"
#include "prefill.h"

#define PROGRAM "/proc/self/exe"

static enum step (*const screens[])(struct menu *menu) = {
	screen_start, screen_source,   screen_backup, screen_target,
	screen_plan,  screen_progress, screen_result,
};

#define RESULT_SCREEN	(ARRAY_SIZE(screens) - 1)
#define PROGRESS_SCREEN (ARRAY_SIZE(screens) - 2)

static long now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* The first that others can reach; without one *ret stays. IPv4 is what people compare. */
static void find_address(char ret[INET6_ADDRSTRLEN])
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		const struct sockaddr_in *address = (const void *)i->ifa_addr;

		found = address && address->sin_family == AF_INET &&
			!(i->ifa_flags & IFF_LOOPBACK) &&
			inet_ntop(AF_INET, &address->sin_addr, ret, INET6_ADDRSTRLEN);
	}
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		const struct sockaddr_in6 *address = (const void *)i->ifa_addr;

		found = address && address->sin6_family == AF_INET6 &&
			!(i->ifa_flags & IFF_LOOPBACK) &&
			!IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr) &&
			inet_ntop(AF_INET6, &address->sin6_addr, ret, INET6_ADDRSTRLEN);
	}
	freeifaddrs(all);
}

/* The line at the bottom: what one would otherwise go back to look up. */
static void write_footer(void *context, char *text, size_t size)
{
	const struct menu *menu = context;
	long seconds = now_s() - menu->start_s;
	char address[INET6_ADDRSTRLEN] = "-";

	find_address(address);
	snprintf(text, size, " %s | %.26s | %.30s | %ld:%02ld:%02ld",
		 menu->keyboard[0] ? menu->keyboard : text_of(TEXT_KEYBOARD_KERNEL),
		 address,
		 menu->choices.source[0] ? menu->choices.source : text_of(TEXT_NO_SOURCE),
		 seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/* The screens begin with what an answer file says. */
static void fill_in(struct menu *menu)
{
	const char *path = menu->options->answer_path;
	struct answer_machine machine;
	struct err err = { 0 };

	if (!path || access(path, R_OK) < 0)
		return;
	machine_facts_read("", &machine);
	if (prefill_read(path, &machine, &menu->choices, &menu->answer_missing, &err) < 0)
		menu->answer_wrong = strdup(err.text);
}

static void menu_clear(struct menu *menu)
{
	backup_free(menu->backup);
	disk_items_clear(&menu->disks);
	disk_items_clear(&menu->halves);
	free(menu->result);
	free(menu->answer_missing);
	free(menu->answer_wrong);
	explicit_bzero(&menu->choices, sizeof(menu->choices));
}

static void walk(struct menu *menu)
{
	size_t at = 0;

	for (;;) {
		switch (screens[at](menu)) {
		case STEP_NEXT:
			at += at < RESULT_SCREEN;
			break;
		case STEP_BACK:
			at -= at > 0;
			break;
		case STEP_START:
			at = 0;
			break;
		case STEP_RESULT:
			at = RESULT_SCREEN;
			break;
		case STEP_RESUME:
			menu->resume = true;
			at = PROGRESS_SCREEN;
			break;
		case STEP_LEAVE:
			return;
		}
	}
}

int menu_run(const struct menu_options *options, enum menu_end *ret, struct err *err)
{
	struct menu menu = {
		.options = options,
		.program = PROGRAM,
		.start_s = now_s(),
		.ui = {
			.kind = options->plain ? &ui_plain : &ui_newt,
			.ascii = options->ascii,
			.shell = options->shell,
			.log_path = options->log_path,
			.footer = write_footer,
			.save_log = page_log,
			.context = &menu,
		},
	};
	int r;

	/* a password will lie in this memory */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
		return err_errno(err, errno, "the menu: turning core dumps off");
	r = menu.ui.kind->open(&menu.ui, err);

	/* too small, or not able to draw */
	if (r == -ENOTTY && menu.ui.kind == &ui_newt) {
		printf("%s: the menu asks in lines\n", err->text);
		menu.ui.kind = &ui_plain;
		r = menu.ui.kind->open(&menu.ui, err);
	}
	if (r < 0)
		return r;
	fill_in(&menu);
	walk(&menu);
	menu.ui.kind->close(&menu.ui);
	*ret = menu.end;
	menu_clear(&menu);
	return 0;
}
