/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way through the screens: see menu.h. */
#include "menu.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <base/cleanup.h>

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

/* The line at the bottom: what one would otherwise go back to look up. */
static void write_footer(void *context, char *text, size_t size)
{
	const struct menu *menu = context;
	long seconds = now_s() - menu->start_s;

	snprintf(text, size, " %s | %.40s | %ld:%02ld:%02ld",
		 menu->keyboard[0] ? menu->keyboard : text_of(TEXT_KEYBOARD_KERNEL),
		 menu->choices.source[0] ? menu->choices.source : text_of(TEXT_NO_SOURCE),
		 seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void menu_clear(struct menu *menu)
{
	backup_free(menu->backup);
	disk_items_clear(&menu->disks);
	disk_items_clear(&menu->halves);
	free(menu->result);
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
		menu.ui.kind = &ui_plain;
		r = menu.ui.kind->open(&menu.ui, err);
	}
	if (r < 0)
		return r;
	walk(&menu);
	menu.ui.kind->close(&menu.ui);
	*ret = menu.end;
	menu_clear(&menu);
	return 0;
}
