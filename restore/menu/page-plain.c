/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pages as questions in lines: for terminals that can do no more, for logs, and for people whose
 * screen is read to them. Every question shows its id. An empty answer means what stands in
 * brackets; "<" goes back, "?" helps, "!" is the shell, "log" the log.
 */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "page.h"

#define LINE_SIZE   1024
#define INTERVAL_MS 10000 /* between two lines of progress */

static int open_plain(struct ui *ui, struct err *err)
{
	AUTO_FREE char *keys = page_wrap(text_of(TEXT_PLAIN_KEYS), PAGE_WIDTH);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (keys)
		printf("%s\n", keys);
	return 0;
}

static void do_nothing(struct ui *ui)
{
}

/* False: the input has ended. Not through stdio, which would hide from poll() what it has read
 * ahead. */
static bool read_line(char line[LINE_SIZE])
{
	size_t length = 0;
	char c = '\0';
	ssize_t n;

	fflush(stdout);
	while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		if (length < LINE_SIZE - 1)
			line[length++] = c;
	if (length && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	return n == 1 || length;
}

static bool read_secret(char line[LINE_SIZE])
{
	struct termios before, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0, read;

	fflush(stdout);
	if (terminal) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		quiet.c_lflag |= ECHONL;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	read = read_line(line);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	return read;
}

static const struct word {
	const char *word;
	enum page_end end;
} words[] = {
	{ "<", PAGE_BACK },
	{ "?", PAGE_HELP },
	{ "!", PAGE_SHELL },
	{ "log", PAGE_LOG },
};

/* Is the line one of the words that mean the same everywhere? */
static bool is_word(const char *line, struct page_answer *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(line, words[i].word) == 0) {
			ret->end = words[i].end;
			return true;
		}
	return false;
}

/* True: the page has been answered, if only by a word. */
static bool ask(const char *id, const char *label, const char *value, bool secret,
		char line[LINE_SIZE], struct page_answer *ret)
{
	printf("%s (%s)", label, id);
	if (value[0] && !secret)
		printf(" [%s]", value);
	printf(": ");
	if (secret ? read_secret(line) : read_line(line))
		return is_word(line, ret);
	ret->end = PAGE_GONE;
	return true;
}

/* -- showing ------------------------------------------------------------------------- */

static void print_page(const struct page *page)
{
	AUTO_FREE char *wrapped = page->text ? page_wrap(page->text, PAGE_WIDTH) : NULL;

	printf("\n== %s [%s]\n", text_of(page->title), page->id);
	if (wrapped)
		printf("%s\n", wrapped);
}

static void print_items(const struct page *page, size_t from)
{
	for (size_t i = from; i < page->item_count; i++) {
		const struct page_item *item = &page->items[i];

		printf("%3zu  %s%s\n", i + 1,
		       item->marked	? "* "
		       : !page->several ? ""
		       : item->checked	? "[x] "
					: "[ ] ",
		       item->text);
		if (item->reason)
			printf("     x %s\n", item->reason);
		else if (item->note && item->note[0])
			printf("       %s\n", item->note);
	}
}

/* 0: not a number of this list. */
static size_t item_number(const struct page *page, const char *line)
{
	char *end;
	unsigned long number = strtoul(line, &end, 10);

	return end == line || *end || number > page->item_count ? 0 : number;
}

static bool choose_item(struct page *page, struct page_answer *ret)
{
	char line[LINE_SIZE], now[24];
	size_t number = 0;

	while (!number) {
		snprintf(now, sizeof(now), "%zu", page->item + 1);
		if (ask(page->id, text_of(TEXT_NUMBER), now, false, line, ret))
			return true;
		number = item_number(page, line[0] ? line : now);
		if (!number)
			printf("! %s\n", text_of(TEXT_NO_SUCH_NUMBER));
	}
	page->item = number - 1;
	return false;
}

/* Numbers tick and untick until the line is empty. */
static bool tick_items(struct page *page, struct page_answer *ret)
{
	char line[LINE_SIZE];

	for (;;) {
		size_t number;

		if (ask(page->id, text_of(TEXT_TICK), "", false, line, ret))
			return true;
		if (!line[0])
			return false;
		number = item_number(page, line);
		if (number)
			page->items[number - 1].checked =
				!page->items[number - 1].checked;
		else
			printf("! %s\n", text_of(TEXT_NO_SUCH_NUMBER));
		print_items(page, 0);
	}
}

static bool fill_fields(struct page *page, struct page_answer *ret)
{
	char line[LINE_SIZE];

	for (size_t i = 0; i < page->field_count; i++) {
		struct page_field *field = &page->fields[i];
		bool answered;

		if (field->wrong)
			printf("! %s\n", field->wrong);
		answered = ask(field->id, text_of(field->label), field->value,
			       field->secret == FIELD_SECRET, line, ret);
		if (!answered && line[0])
			snprintf(field->value, field->size, "%s", line);
		explicit_bzero(line, sizeof(line));
		if (answered)
			return true;
	}
	return false;
}

static void choose_button(struct page *page, struct page_answer *ret)
{
	char line[LINE_SIZE], key[2] = { 'a' };
	size_t count = 0;

	ret->end = PAGE_BUTTON;
	ret->button = 0;
	while (page->buttons[count] != TEXT_NONE)
		count++;
	if (count < 2)
		return;
	for (size_t i = 0; i < count; i++)
		printf("  %c  %s\n", (char)('a' + i), text_of(page->buttons[i]));
	for (;;) {
		if (ask(page->id, text_of(TEXT_ACTION), key, false, line, ret))
			return;
		if (!line[0])
			return;
		ret->button = (size_t)(tolower((unsigned char)line[0]) - 'a');
		if (!line[1] && ret->button < count)
			return;
		printf("! %s\n", text_of(TEXT_NO_SUCH_NUMBER));
		ret->button = 0;
	}
}

/* -- work that goes on --------------------------------------------------------------- */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_progress(const struct page *page)
{
	size_t length = strcspn(page->text ? page->text : "", "\n");

	if (page->bar != PAGE_NO_BAR)
		printf("%3d %%  ", page->bar / 10);
	printf("%.*s\n", (int)length, page->text ? page->text : "");
}

static void watch(struct page *page, struct page_answer *ret)
{
	struct pollfd polls[] = {
		{ .fd = page->fd, .events = POLLIN },
		/* what is not typed by a person has the answers to later questions */
		{ .fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN },
	};
	long shown = now_ms();
	size_t items = 0;

	printf("%s\n", text_of(TEXT_PLAIN_CANCEL));
	for (;;) {
		char line[LINE_SIZE];

		poll(polls, 2, INTERVAL_MS);
		if (polls[0].revents && page->ready(page, page->context) > 0) {
			print_items(page, items);
			print_progress(page);
			ret->end = PAGE_READY;
			return;
		}
		print_items(page, items);
		items = page->item_count;
		if (now_ms() - shown >= INTERVAL_MS) {
			print_progress(page);
			shown = now_ms();
		}
		if (!polls[1].revents)
			continue;
		/* without input the work goes on to its end */
		if (!read_line(line))
			polls[1].fd = -1;
		else if (is_word(line, ret))
			return;
	}
}

static void show_plain(struct ui *ui, struct page *page, struct page_answer *ret)
{
	*ret = (struct page_answer){ .end = PAGE_BACK };
	print_page(page);
	if (page->fd >= 0) {
		watch(page, ret);
		return;
	}
	print_items(page, 0);
	if (page->several && tick_items(page, ret))
		return;
	if (page->item_count && !page->several && choose_item(page, ret))
		return;
	if (fill_fields(page, ret))
		return;
	choose_button(page, ret);
}

const struct ui_kind ui_plain = {
	.open = open_plain,
	.close = do_nothing,
	.suspend = do_nothing,
	.resume = do_nothing,
	.show = show_plain,
};
