/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pages in windows on a terminal of 80 × 24: the only file that knows libnewt. A VGA console
 * and a serial line may show the same screen at once.
 */
#include <locale.h>
#include <newt.h>
#include <slang.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "page.h"

#define COLUMNS	      80
#define ROWS	      24
#define WINDOW_LEFT   2
#define WINDOW_TOP    2
#define WINDOW_WIDTH  76
#define WINDOW_HEIGHT 18
#define LABEL_WIDTH   20
#define REASON_ROWS   2
#define TEXT_ROWS_MAX 8 /* above items */
#define FIELD_ROWS    2 /* with what is wrong with it */
#define TICK_MS	      1000
#define FIELDS_MAX    8

/* The parts of a page while it is on the screen. */
struct drawn {
	struct page *page;
	newtComponent form, text, list, reason, bar, entries[FIELDS_MAX],
		buttons[PAGE_BUTTONS];
	size_t items; /* of the list */
};

/* newtInit() ends the program where it does not know the terminal. */
static int check_terminal(struct err *err)
{
	char *name = getenv("TERM");

	if (!name || !*name)
		return err_set(err, -ENOTTY, "TERM does not say which terminal this is");
	if (SLtt_initialize(name) < 0)
		return err_set(err, -ENOTTY,
			       "the terminal '%s' is unknown, or has no cursor", name);
	if (!SLtt_Use_Ansi_Colors)
		return err_set(err, -ENOTTY, "the terminal '%s' has no colours", name);
	return 0;
}

static int open_newt(struct ui *ui, struct err *err)
{
	int columns = 0, rows = 0;
	int r = check_terminal(err);

	if (r < 0)
		return r;

	/* without UTF-8 libslang has ASCII for lines, which every terminal shows */
	setenv("LC_ALL", ui->ascii ? "C" : "C.UTF-8", 1);
	setlocale(LC_CTYPE, "");
	if (newtInit() != 0)
		return err_set(err, -ENOTTY,
			       "no terminal that the menu could be drawn on");
	newtGetScreenSize(&columns, &rows);
	if (columns < COLUMNS || rows < ROWS) {
		newtFinished();
		return err_set(err, -ENOTTY,
			       "the terminal has %d × %d characters, the menu needs "
			       "80 × 24",
			       columns, rows);
	}
	if (ui->ascii) {
		SLtt_Has_Alt_Charset = 0;
		SLsmg_reinit_smg();
	}
	newtCls();
	return 0;
}

static void close_newt(struct ui *ui)
{
	newtFinished();
}

static void suspend_newt(struct ui *ui)
{
	newtSuspend();
}

static void resume_newt(struct ui *ui)
{
	newtResume();
}

static void draw_frame(struct ui *ui)
{
	char footer[COLUMNS + 1] = "";

	ui->footer(ui->context, footer, sizeof(footer));
	newtPopHelpLine();
	newtPushHelpLine(footer);
	newtDrawRootText(1, 0, text_of(TEXT_PRODUCT));
	newtDrawRootText(1, 1, text_of(TEXT_KEYS));
}

/* -- drawing ------------------------------------------------------------------------- */

static int count_lines(const char *text)
{
	int lines = 1;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void set_text(struct drawn *drawn)
{
	AUTO_FREE char *wrapped = page_wrap(drawn->page->text, PAGE_WIDTH);

	if (wrapped)
		newtTextboxSetText(drawn->text, wrapped);
}

/* Returns the row behind it. */
static int draw_text(struct drawn *drawn, int rows_left)
{
	struct page *page = drawn->page;
	AUTO_FREE char *wrapped = page->text ? page_wrap(page->text, PAGE_WIDTH) : NULL;
	bool alone = !page->item_count && !page->grows && !page->field_count;
	int rows;

	if (!wrapped)
		return 0;
	rows = count_lines(wrapped);
	if (alone && page->fd >= 0 && !page->scrolls)
		rows = rows_left; /* it may get longer */
	if (page->item_count || page->grows)
		rows_left = TEXT_ROWS_MAX;
	else
		rows_left -= FIELD_ROWS * (int)page->field_count;
	if (rows > rows_left)
		rows = rows_left;
	drawn->text = newtTextbox(
		1, 0, PAGE_WIDTH + 1, rows,
		page->scrolls || count_lines(wrapped) > rows ? NEWT_FLAG_SCROLL : 0);
	newtTextboxSetText(drawn->text, wrapped);
	newtFormAddComponent(drawn->form, drawn->text);
	return rows + 1;
}

static void show_reason(newtComponent list, void *context)
{
	struct drawn *drawn = context;
	size_t item = (size_t)(uintptr_t)newtListboxGetCurrent(list);
	const struct page_item *shown =
		item < drawn->page->item_count ? &drawn->page->items[item] : NULL;
	const char *text = !shown ? NULL : shown->reason ? shown->reason : shown->note;
	AUTO_FREE char *wrapped = text ? page_wrap(text, PAGE_WIDTH) : NULL;

	newtTextboxSetText(drawn->reason, wrapped ? wrapped : "");
}

static void append_items(struct drawn *drawn)
{
	struct page *page = drawn->page;

	for (; drawn->items < page->item_count; drawn->items++) {
		const struct page_item *item = &page->items[drawn->items];
		char line[PAGE_WIDTH * 4];

		/* not by colour alone */
		snprintf(line, sizeof(line), "%s%s",
			 item->reason	? "x "
			 : item->marked ? "* "
					: "  ",
			 item->text);
		newtListboxAppendEntry(drawn->list, line,
				       (void *)(uintptr_t)drawn->items);
	}
}

static int draw_list(struct drawn *drawn, int row, int rows_left)
{
	struct page *page = drawn->page;
	int rows = rows_left - REASON_ROWS - 1;
	bool scrolls;

	if (!page->grows && rows > (int)page->item_count)
		rows = (int)page->item_count;
	scrolls = page->grows || rows < (int)page->item_count;
	drawn->list = newtListbox(
		1, row, rows, NEWT_FLAG_RETURNEXIT | (scrolls ? NEWT_FLAG_SCROLL : 0));
	newtListboxSetWidth(drawn->list, PAGE_WIDTH + 2);
	append_items(drawn);
	newtListboxSetCurrent(drawn->list, (int)page->item);
	drawn->reason = newtTextbox(1, row + rows + 1, PAGE_WIDTH + 2, REASON_ROWS, 0);
	newtComponentAddCallback(drawn->list, show_reason, drawn);
	newtFormAddComponents(drawn->form, drawn->list, drawn->reason, NULL);
	if (page->item_count)
		show_reason(drawn->list, drawn);
	return row + rows + 1 + REASON_ROWS;
}

static int draw_ticks(struct drawn *drawn, int row, int rows_left)
{
	struct page *page = drawn->page;
	int rows = rows_left < (int)page->item_count ? rows_left : (int)page->item_count;

	drawn->list = newtCheckboxTree(
		1, row, rows, rows < (int)page->item_count ? NEWT_FLAG_SCROLL : 0);
	newtCheckboxTreeSetWidth(drawn->list, PAGE_WIDTH + 2);
	for (size_t i = 0; i < page->item_count; i++)
		newtCheckboxTreeAddItem(drawn->list, page->items[i].text,
					(void *)(uintptr_t)(i + 1),
					page->items[i].checked ? NEWT_FLAG_SELECTED : 0,
					NEWT_ARG_APPEND, NEWT_ARG_LAST);
	newtFormAddComponent(drawn->form, drawn->list);
	return row + rows + 1;
}

static void draw_fields(struct drawn *drawn, int row)
{
	struct page *page = drawn->page;
	int labels = page->label_width ? page->label_width : LABEL_WIDTH;

	for (size_t i = 0; i < page->field_count && i < FIELDS_MAX; i++) {
		const struct page_field *field = &page->fields[i];
		int flags = NEWT_FLAG_SCROLL | NEWT_FLAG_RETURNEXIT;

		newtFormAddComponent(drawn->form,
				     newtLabel(1, row, text_of(field->label)));
		drawn->entries[i] = newtEntry(
			labels + 2, row, field->value, PAGE_WIDTH - labels - 1, NULL,
			flags | (field->secret == FIELD_SECRET ? NEWT_FLAG_PASSWORD : 0));
		newtFormAddComponent(drawn->form, drawn->entries[i]);
		row++;
		if (field->wrong) {
			AUTO_FREE char *line = text_format("! %s", field->wrong);

			if (line)
				newtFormAddComponent(drawn->form,
						     newtLabel(labels + 2, row++, line));
		}
	}
}

static void draw_buttons(struct drawn *drawn)
{
	struct page *page = drawn->page;
	int column = 1;

	for (size_t i = 0; i < PAGE_BUTTONS && page->buttons[i] != TEXT_NONE; i++) {
		const char *text = text_of(page->buttons[i]);

		drawn->buttons[i] = newtCompactButton(column, WINDOW_HEIGHT - 1, text);
		newtFormAddComponent(drawn->form, drawn->buttons[i]);
		column += (int)page_columns(text) + 4;
	}
}

static void draw(struct drawn *drawn)
{
	static const int keys[] = { NEWT_KEY_F1, NEWT_KEY_F3, NEWT_KEY_F8,
				    NEWT_KEY_ESCAPE };
	struct page *page = drawn->page;
	int bar_rows = page->bar == PAGE_NO_BAR ? 0 : 2, row;

	newtOpenWindow(WINDOW_LEFT, WINDOW_TOP + 1, WINDOW_WIDTH, WINDOW_HEIGHT,
		       text_of(page->title));
	drawn->form = newtForm(NULL, NULL, NEWT_FLAG_NOF12);
	row = draw_text(drawn, WINDOW_HEIGHT - 2 - bar_rows);
	if (page->several)
		row = draw_ticks(drawn, row, WINDOW_HEIGHT - 2 - row);
	else if (page->item_count || page->grows)
		row = draw_list(drawn, row, WINDOW_HEIGHT - 2 - row);
	draw_fields(drawn, row);
	if (bar_rows) {
		drawn->bar = newtScale(1, WINDOW_HEIGHT - 3, PAGE_WIDTH, 1000);
		newtScaleSet(drawn->bar, (unsigned long long)page->bar);
		newtFormAddComponent(drawn->form, drawn->bar);
	}
	draw_buttons(drawn);
	/* rather than a text above it that is long enough to scroll */
	if (drawn->list || drawn->entries[0])
		newtFormSetCurrent(drawn->form,
				   drawn->list ? drawn->list : drawn->entries[0]);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		newtFormAddHotKey(drawn->form, keys[i]);
	/* a text to scroll through takes no Enter */
	if (drawn->text)
		newtFormAddHotKey(drawn->form, NEWT_KEY_ENTER);
	newtFormSetTimer(drawn->form, TICK_MS);
	if (page->fd >= 0)
		newtFormWatchFd(drawn->form, page->fd, NEWT_FD_READ);
}

/* -- answers ------------------------------------------------------------------------- */

static void take_ticks(struct drawn *drawn)
{
	struct page *page = drawn->page;
	const void **chosen;
	int count = 0;

	for (size_t i = 0; i < page->item_count; i++)
		page->items[i].checked = false;
	chosen = newtCheckboxTreeGetSelection(drawn->list, &count);
	for (int i = 0; i < count; i++) {
		size_t item = (size_t)(uintptr_t)chosen[i];

		if (item && item <= page->item_count)
			page->items[item - 1].checked = true;
	}
	free(chosen);
}

static void take_values(struct drawn *drawn)
{
	struct page *page = drawn->page;

	if (page->several)
		take_ticks(drawn);
	else if (drawn->list && page->item_count)
		page->item = (size_t)(uintptr_t)newtListboxGetCurrent(drawn->list);
	for (size_t i = 0; i < page->field_count && i < FIELDS_MAX; i++) {
		char *typed = newtEntryGetValue(drawn->entries[i]);

		snprintf(page->fields[i].value, page->fields[i].size, "%s", typed);
		if (page->fields[i].secret)
			explicit_bzero(typed, strlen(typed));
	}
}

/* Enter in a list or in a field means the first button; but what work has found so far cannot be
 * chosen yet, and is not meant for <Cancel>. True: the page stays. */
static bool entered(const struct drawn *drawn, newtComponent component,
		    struct page_answer *ret)
{
	if (drawn->page->grows && drawn->page->fd >= 0 && component == drawn->list)
		return true;
	*ret = (struct page_answer){ .end = PAGE_BUTTON };
	for (size_t i = 0; i < PAGE_BUTTONS; i++)
		if (drawn->buttons[i] && drawn->buttons[i] == component)
			ret->button = i;
	return false;
}

static struct page_answer answer_key(int key)
{
	struct page_answer answer = { .end = PAGE_BACK };

	if (key == NEWT_KEY_F1)
		answer.end = PAGE_HELP;
	else if (key == NEWT_KEY_F3)
		answer.end = PAGE_SHELL;
	else if (key == NEWT_KEY_F8)
		answer.end = PAGE_LOG;
	return answer;
}

/* False: the page stays. */
static bool went_on(struct drawn *drawn)
{
	struct page *page = drawn->page;
	bool ended = page->ready(page, page->context) > 0;

	/* one that is scrolled through stays where it is */
	if (drawn->text && page->text && !page->scrolls)
		set_text(drawn);
	if (drawn->bar)
		newtScaleSet(drawn->bar, (unsigned long long)page->bar);
	if (drawn->list && !page->several)
		append_items(drawn);
	return ended;
}

static void show_newt(struct ui *ui, struct page *page, struct page_answer *ret)
{
	struct drawn drawn = { .page = page };
	struct newtExitStruct why;
	bool stays = true;

	draw_frame(ui);
	draw(&drawn);
	while (stays) {
		newtFormRun(drawn.form, &why);
		stays = false;
		if (why.reason == NEWT_EXIT_TIMER) {
			draw_frame(ui);
			stays = true;
		} else if (why.reason == NEWT_EXIT_FDREADY) {
			stays = !went_on(&drawn);
			ret->end = PAGE_READY;
		} else if (why.reason == NEWT_EXIT_HOTKEY) {
			if (why.u.key == NEWT_KEY_ENTER)
				stays = entered(&drawn, newtFormGetCurrent(drawn.form),
						ret);
			else
				*ret = answer_key(why.u.key);
		} else if (why.reason == NEWT_EXIT_COMPONENT) {
			stays = entered(&drawn, why.u.co, ret);
		} else {
			ret->end = PAGE_GONE;
		}
	}
	take_values(&drawn);
	newtFormDestroy(drawn.form);
	newtPopWindow();
}

const struct ui_kind ui_newt = {
	.open = open_newt,
	.close = close_newt,
	.suspend = suspend_newt,
	.resume = resume_newt,
	.show = show_newt,
};
