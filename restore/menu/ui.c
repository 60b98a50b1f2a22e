/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pages have in common, whatever draws them: see page.h. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "page.h"

#define LOG_SHOWN (64 << 10) /* bytes: the end of the log */

/* -- texts --------------------------------------------------------------------------- */

size_t page_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static size_t columns_of(const char *text, size_t length)
{
	size_t columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

/* One line without its end; lines that were broken go on as far in as it began. */
static void wrap_line(struct text *to, const char *line, size_t length, size_t width)
{
	size_t indent = strspn(line, " "), column = 0;

	if (indent > length || indent > width / 2)
		indent = 0;
	text_add(to, "%*s", (int)indent, "");
	column = indent;
	for (size_t i = indent; i < length;) {
		size_t word = i;
		size_t columns;

		while (word < length && line[word] == ' ')
			word++;
		while (word < length && line[word] != ' ')
			word++;
		columns = columns_of(line + i, word - i);
		if (column > indent && column + columns > width) {
			while (i < word && line[i] == ' ')
				i++;
			columns = columns_of(line + i, word - i);
			text_add(to, "\n%*s", (int)indent, "");
			column = indent;
		}
		text_add(to, "%.*s", (int)(word - i), line + i);
		column += columns;
		i = word;
	}
}

char *page_wrap(const char *text, size_t width)
{
	struct text wrapped = { 0 };

	while (*text) {
		size_t length = strcspn(text, "\n");

		wrap_line(&wrapped, text, length, width);
		text += length;
		if (*text == '\n') {
			text_add(&wrapped, "\n");
			text++;
		}
	}
	return text_take(&wrapped);
}

/* -- items --------------------------------------------------------------------------- */

void page_items_clear(struct page *page)
{
	for (size_t i = 0; i < page->item_count; i++) {
		free(page->items[i].text);
		free(page->items[i].reason);
		free(page->items[i].note);
	}
	free(page->items);
	page->items = NULL;
	page->item_count = 0;
}

bool page_add_item(struct page *page, char *text, char *reason)
{
	struct page_item *items =
		text ? reallocarray(page->items, page->item_count + 1, sizeof(*items))
		     : NULL;

	if (!items) {
		free(text);
		free(reason);
		return false;
	}
	page->items = items;
	items[page->item_count++] = (struct page_item){ .text = text, .reason = reason };
	return true;
}

/* -- the pages that others need ------------------------------------------------------ */

/* A page whose work goes on behind another: a command that nobody reads would wait at the end of
 * its pipe, however long the other is left open. */
struct behind {
	struct page *page;
	bool ended;
};

static bool works(const struct page *page)
{
	return page->fd >= 0;
}

static int keep_reading(struct page *page, void *context)
{
	struct behind *behind = context;
	struct page *worker = behind->page;

	if (!behind->ended)
		behind->ended = worker->ready(worker, worker->context) > 0;
	return 0;
}

/* Where the worker is shown by lines, there is one question at a time. */
static void work_behind(struct ui *ui, struct page *page, struct behind *behind)
{
	if (!works(behind->page) || ui->kind == &ui_plain)
		return;
	page->fd = behind->page->fd;
	page->ready = keep_reading;
	page->context = behind;
}

void ui_message(struct ui *ui, enum text_id title, const char *text)
{
	struct page page = { .id = "message",
			     .title = title,
			     .help = TEXT_HELP_KEYS,
			     .text = text,
			     .buttons = { TEXT_OK },
			     .bar = PAGE_NO_BAR,
			     .fd = -1 };

	ui_show(ui, &page);
}

void ui_text(struct ui *ui, enum text_id title, const char *text)
{
	struct page page = { .id = "text",
			     .title = title,
			     .help = TEXT_HELP_KEYS,
			     .text = text,
			     .scrolls = true,
			     .buttons = { TEXT_OK },
			     .bar = PAGE_NO_BAR,
			     .fd = -1 };

	ui_show(ui, &page);
}

bool ui_confirm(struct ui *ui, enum text_id title, const char *text, enum text_id yes)
{
	struct page page = { .id = "confirm",
			     .title = title,
			     .help = TEXT_HELP_KEYS,
			     .text = text,
			     .buttons = { TEXT_BACK, yes },
			     .bar = PAGE_NO_BAR,
			     .fd = -1 };
	struct page_answer answer = ui_show(ui, &page);

	return answer.end == PAGE_BUTTON && answer.button == 1;
}

/* -- what ui_show() sees to ------------------------------------------------------------ */

/* There is nothing to help with. */
static struct page_answer show_aside(struct ui *ui, struct page *page,
				     struct behind *behind)
{
	struct page_answer answer;

	work_behind(ui, page, behind);
	do {
		ui->kind->show(ui, page, &answer);
	} while (answer.end >= PAGE_HELP);
	return answer;
}

static void show_help(struct ui *ui, struct behind *behind)
{
	struct page page = { .id = "help",
			     .title = TEXT_HELP,
			     .text = text_of(behind->page->help),
			     .scrolls = true,
			     .buttons = { TEXT_OK },
			     .bar = PAGE_NO_BAR,
			     .fd = -1 };

	show_aside(ui, &page, behind);
}

static void show_log(struct ui *ui, struct behind *behind)
{
	AUTO_CLOSE int fd = open(ui->log_path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = calloc(1, LOG_SHOWN + 1);
	struct page page = { .id = "log",
			     .title = TEXT_LOG,
			     .text = text,
			     .scrolls = true,
			     .buttons = { TEXT_OK,
					  ui->save_log ? TEXT_SAVE_LOG : TEXT_NONE },
			     .bar = PAGE_NO_BAR,
			     .fd = -1 };
	struct page_answer answer;
	struct stat st;
	ssize_t length = -1;

	if (fd >= 0 && text && fstat(fd, &st) == 0)
		length = pread(fd, text, LOG_SHOWN,
			       st.st_size > LOG_SHOWN ? st.st_size - LOG_SHOWN : 0);
	if (length <= 0) {
		ui_message(ui, TEXT_LOG, text_of(TEXT_LOG_EMPTY));
		return;
	}
	for (char *c = text; c < text + length; c++)
		if ((unsigned char)*c < ' ' && *c != '\n')
			*c = ' ';
	answer = show_aside(ui, &page, behind);
	if (answer.end == PAGE_BUTTON && answer.button == 1)
		ui->save_log(ui->context);
}

/* Until the child has ended. */
static void wait_and_read(pid_t pid, struct behind *behind)
{
	AUTO_CLOSE int child = pidfd_open(pid, 0);
	struct pollfd polls[] = { { .fd = child, .events = POLLIN },
				  { .fd = behind->page->fd, .events = POLLIN } };

	while (child >= 0 && !polls[0].revents) {
		if (poll(polls, ARRAY_SIZE(polls), -1) < 0 && errno != EINTR)
			break;
		if (polls[1].revents)
			keep_reading(NULL, behind);
	}
	waitpid(pid, NULL, 0);
}

static void run_shell(struct ui *ui, struct behind *behind)
{
	pid_t pid;

	if (!ui->shell) {
		ui_message(ui, TEXT_SHELL, text_of(TEXT_NO_SHELL));
		return;
	}
	ui->kind->suspend(ui);
	printf("%s\n", text_of(TEXT_SHELL_HINT));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl(ui->shell, ui->shell, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		wait_and_read(pid, behind);
	ui->kind->resume(ui);
}

/* -- showing ------------------------------------------------------------------------- */

static bool see_to(struct ui *ui, struct behind *behind, enum page_end end)
{
	if (end == PAGE_HELP)
		show_help(ui, behind);
	else if (end == PAGE_SHELL)
		run_shell(ui, behind);
	else if (end == PAGE_LOG)
		show_log(ui, behind);
	else
		return false;
	return true;
}

struct page_answer ui_show(struct ui *ui, struct page *page)
{
	struct behind behind = { .page = page };
	struct page_answer answer;

	for (;;) {
		const char *reason = NULL;

		ui->kind->show(ui, page, &answer);
		if (see_to(ui, &behind, answer.end)) {
			if (!behind.ended)
				continue;
			answer.end = PAGE_READY;
			return answer;
		}
		if (answer.end == PAGE_BUTTON && answer.button == 0 && !page->several &&
		    page->item < page->item_count)
			reason = page->items[page->item].reason;
		if (!reason)
			return answer;
		ui_message(ui, TEXT_NOT_POSSIBLE, reason);
	}
}
