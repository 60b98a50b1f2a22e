/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The restore while it runs, in a process of its own; and how it ended. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"
#include "progress-text.h"

#define CANCELLED 3 /* exit status of bmr restore */

struct running {
	struct task task;
	struct progress_text progress;
	bool cancelled;
};

static void take_progress(const char *line, void *context)
{
	struct running *running = context;

	progress_text_take(&running->progress, line);
}

static int went_on(struct page *page, void *context)
{
	struct running *running = context;
	bool ended = task_read(&running->task);

	page->text = running->cancelled ? text_of(TEXT_STOPPING) : running->progress.text;
	page->bar = running->progress.bar;
	return ended;
}

/* -- the command --------------------------------------------------------------------- */

/* What stopped half-way is on the disk, all of it. */
static int state_arguments(const struct menu *menu, struct arguments *arguments,
			   struct err *err)
{
	int r;

	if (menu->resume) {
		arguments_add(arguments, NULL, "bmr");
		arguments_add(arguments, NULL, "restore-systemstate");
		arguments_add(arguments, "--disk", menu->choices.disks[0]);
		arguments_add(arguments, "--finish", NULL);
		return 0;
	}
	r = choices_state_arguments(&menu->choices, &menu_secrets, arguments, err);
	arguments_add(arguments, "--confirm", "replace");
	return r;
}

static int make_arguments(const struct menu *menu, struct arguments *ret, struct err *err)
{
	const struct choices *choices = &menu->choices;
	struct arguments arguments = { 0 };
	int r = 0;

	if (choices->system_state) {
		r = state_arguments(menu, &arguments, err);
	} else if (menu->follow_answer) {
		arguments_add(&arguments, NULL, "bmr");
		arguments_add(&arguments, NULL, "auto");
		arguments_add(&arguments, "--answer", menu->options->answer_path);
	} else if (menu->resume && menu->resume_disk[0]) {
		arguments_add(&arguments, NULL, "bmr");
		arguments_add(&arguments, NULL, "resume");
		arguments_add(&arguments, "--disk", menu->resume_disk);
		choices_add_source(choices, &menu_secrets, &arguments);
	} else {
		r = choices_arguments(choices, menu->resume ? "resume" : "restore",
				      &menu_secrets, &arguments, err);
		if (!menu->resume)
			arguments_add(&arguments, "--confirm", "erase");
	}
	if (menu->options->environment && !choices->system_state) {
		arguments_add(&arguments, "--firmware-entry", NULL);
		arguments_add(&arguments, "--qr", NULL);
	}
	arguments_add(&arguments, "--progress-fd", "4");
	if (r == 0 && arguments.failed)
		r = err_nomem(err);
	if (r == 0)
		*ret = arguments;
	else
		arguments_clear(&arguments);
	return r;
}

/* Taken over by the restore, so that it stays taken while that lives. */
static int take_lock(const struct menu *menu, int *ret, struct err *err)
{
	AUTO_CLOSE int fd = -1;

	*ret = -1;
	if (!menu->options->lock_path)
		return 0;
	fd = open(menu->options->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", menu->options->lock_path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "%s", text_of(TEXT_RESTORE_RUNS));
	*ret = TAKE_FD(fd);
	return 0;
}

static int start(struct menu *menu, struct running *running, struct err *err)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_CLOSE int lock = -1;
	struct task_wishes wishes;
	int r = make_arguments(menu, &arguments, err);

	if (r == 0)
		r = take_lock(menu, &lock, err);
	if (r < 0)
		return r;
	wishes = menu_task(menu, &arguments);
	wishes.lock_fd = lock;
	wishes.progress = take_progress;
	wishes.context = running;
	return task_start(&wishes, &running->task, err);
}

/* -- the screen ---------------------------------------------------------------------- */

static void keep_result(struct menu *menu, struct running *running)
{
	AUTO_FREE char *output = text_take(&running->task.output);
	AUTO_FREE char *errors = text_take(&running->task.errors);

	menu->result_status = task_exit_status(&running->task);
	/* before there is anything to bring to an end, the signal ends it */
	if (running->cancelled && !running->progress.writes && menu->result_status < 0)
		menu->result_status = CANCELLED;
	free(menu->result);
	menu->result = text_format("%s\n%s", output ? output : "",
				   menu->result_status == 0 || !errors ? "" : errors);
}

/* It goes on meanwhile, and what stopping it means may change. */
static int went_on_asking(struct page *page, void *context)
{
	struct running *running = context;
	bool ended = task_read(&running->task);

	page->text = text_of(running->progress.writes ? TEXT_STOP_TEXT : TEXT_STOP_EARLY);
	return ended;
}

/* Asks before it stops; True: the person wants it. */
static bool wants_to_stop(struct menu *menu, struct running *running)
{
	bool live = menu->ui.kind != &ui_plain; /* lines take one question at a time */
	struct page page = {
		.id = "stop",
		.title = TEXT_STOP_TITLE,
		.help = TEXT_HELP_PROGRESS,
		.text = text_of(running->progress.writes ? TEXT_STOP_TEXT
							 : TEXT_STOP_EARLY),
		.buttons = { TEXT_BACK, TEXT_STOP_YES },
		.bar = PAGE_NO_BAR,
		.fd = live ? running->task.fd : -1,
		.ready = went_on_asking,
		.context = running,
	};
	struct page_answer answer = ui_show(&menu->ui, &page);

	return answer.end == PAGE_BUTTON && answer.button == 1;
}

/* What it said of BitLocker volumes, where it stopped because of them; NULL: it did not. */
static char *find_locked(const struct menu *menu, const struct running *running)
{
	if (menu->follow_answer || running->progress.writes ||
	    task_exit_status(&running->task) == 0)
		return NULL;
	return unlock_lines(running->task.errors.string);
}

static enum step run(struct menu *menu, char **ret_locked)
{
	struct running running = { .progress = { .bar = 0 } };
	struct page page = {
		.id = "progress",
		.title = TEXT_PROGRESS_TITLE,
		.help = TEXT_HELP_PROGRESS,
		.text = text_of(TEXT_PLEASE_WAIT),
		.buttons = { TEXT_STOP_DOTS },
		.bar = 0,
		.ready = went_on,
		.context = &running,
	};
	struct page_answer answer;
	struct err err = { 0 };
	int r = start(menu, &running, &err);

	menu->resume = false; /* the next restore is a new one */
	menu->looked = false;
	disk_items_clear(&menu->halves);
	if (r < 0) {
		menu_show_failure(menu, err.text);
		return STEP_BACK;
	}
	page.fd = running.task.fd;
	while (!running.task.ended) {
		answer = ui_show(&menu->ui, &page);
		if (answer.end == PAGE_READY)
			break;
		/* a terminal that went away does not stop a restore */
		if (answer.end == PAGE_GONE) {
			task_wait(&running.task);
			break;
		}
		if (!running.cancelled && wants_to_stop(menu, &running)) {
			running.cancelled = true;
			task_cancel(&running.task);
			page.text = text_of(TEXT_STOPPING);
		}
	}
	*ret_locked = find_locked(menu, &running);
	keep_result(menu, &running);
	task_finish(&running.task);
	return STEP_RESULT;
}

/* A restore that is resumed may be the first that reads its source. */
enum step screen_progress(struct menu *menu)
{
	bool resume = menu->resume;

	for (;;) {
		AUTO_FREE char *locked = NULL;
		enum step step;

		menu->resume = resume;
		step = run(menu, &locked);
		if (!locked || page_unlock(menu, locked, false) != UNLOCK_GIVEN)
			return step;
	}
}
