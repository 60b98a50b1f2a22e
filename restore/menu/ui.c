/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pages have in common, whatever draws them: see page.h. */
#include <fcntl.h>
#include <string.h>
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

/* A text over one or two buttons. */
static struct page_answer show_text(struct ui *ui, struct page *page)
{
	struct page_answer answer;

	page->help = TEXT_HELP_KEYS;
	page->bar = PAGE_NO_BAR;
	page->fd = -1;
	do {
		ui->kind->show(ui, page, &answer);
	} while (answer.end >= PAGE_HELP); /* there is nothing to help with */
	return answer;
}

void ui_message(struct ui *ui, enum text_id title, const char *text)
{
	struct page page = {
		.id = "message", .title = title, .text = text, .buttons = { TEXT_OK }
	};

	show_text(ui, &page);
}

void ui_text(struct ui *ui, enum text_id title, const char *text)
{
	struct page page = { .id = "text",
			     .title = title,
			     .text = text,
			     .scrolls = true,
			     .buttons = { TEXT_OK } };

	show_text(ui, &page);
}

bool ui_confirm(struct ui *ui, enum text_id title, const char *text, enum text_id yes)
{
	struct page page = { .id = "confirm",
			     .title = title,
			     .text = text,
			     .buttons = { TEXT_BACK, yes } };
	struct page_answer answer = show_text(ui, &page);

	return answer.end == PAGE_BUTTON && answer.button == 1;
}

static void show_log(struct ui *ui)
{
	AUTO_CLOSE int fd = open(ui->log_path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = calloc(1, LOG_SHOWN + 1);
	struct page page = { .id = "log",
			     .title = TEXT_LOG,
			     .text = text,
			     .scrolls = true,
			     .buttons = { TEXT_OK,
					  ui->save_log ? TEXT_SAVE_LOG : TEXT_NONE } };
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
	answer = show_text(ui, &page);
	if (answer.end == PAGE_BUTTON && answer.button == 1)
		ui->save_log(ui->context);
}

static void run_shell(struct ui *ui)
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
		waitpid(pid, NULL, 0);
	ui->kind->resume(ui);
}

/* -- showing ------------------------------------------------------------------------- */

static bool see_to(struct ui *ui, const struct page *page, enum page_end end)
{
	if (end == PAGE_HELP)
		ui_text(ui, TEXT_HELP, text_of(page->help));
	else if (end == PAGE_SHELL)
		run_shell(ui);
	else if (end == PAGE_LOG)
		show_log(ui);
	else
		return false;
	return true;
}

struct page_answer ui_show(struct ui *ui, struct page *page)
{
	struct page_answer answer;

	for (;;) {
		const char *reason = NULL;

		ui->kind->show(ui, page, &answer);
		if (see_to(ui, page, answer.end))
			continue;
		if (answer.end == PAGE_BUTTON && answer.button == 0 && !page->several &&
		    page->item < page->item_count)
			reason = page->items[page->item].reason;
		if (!reason)
			return answer;
		ui_message(ui, TEXT_NOT_POSSIBLE, reason);
	}
}
