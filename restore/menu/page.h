/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A page of the menu: what is shown, what may be chosen or typed, which buttons there are.
 * Screens make pages and know nothing of the terminal: page-newt.c draws them with libnewt,
 * page-plain.c asks line by line. Pages and fields have ids, the same in both; where the answer
 * file has such a key it is the id ("source.url", USERS.md section 4).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

#include "texts.h"

#define PAGE_WIDTH   72 /* columns of text on a screen of 80 */
#define PAGE_BUTTONS 5
#define PAGE_NO_BAR  (-1)

struct page_item {
	char *text;   /* one line; owned by whoever makes the page */
	char *reason; /* why it cannot be chosen; NULL: it can. Owned as text */
	char *note;   /* about one that can, shown below the list; NULL. Owned as text */
	bool checked; /* where several may be chosen */
	bool marked;  /* with a star, which the page explains */
};

/* secret: it is wiped; typed unseen, or shown because that was asked for. */
struct page_field {
	const char *id;
	enum text_id label;
	char *value; /* of size bytes, NUL-terminated; what is typed replaces it */
	size_t size;
	enum { FIELD_OPEN, FIELD_SECRET, FIELD_SHOWN } secret;
	const char *wrong; /* what is wrong with the value, shown beside it; NULL */
};

struct page {
	const char *id;
	enum text_id title, help;
	const char *text; /* paragraphs; NULL: none */
	bool scrolls;	  /* text is long and has its own lines */
	size_t item_count;
	struct page_item *items;
	size_t item;  /* chosen, or where the cursor stands */
	bool several; /* items are ticked */
	bool grows;   /* the list is there before its first item */
	size_t field_count;
	struct page_field *fields;
	int label_width; /* columns, where values need more room; 0: the usual */
	/* Their texts, TEXT_NONE ends them. The first is what Enter means. */
	enum text_id buttons[PAGE_BUTTONS + 1];
	int bar; /* thousandths, or PAGE_NO_BAR */
	/* Work that goes on meanwhile: when fd can be read, ready is called; it may change text,
	 * bar and selected items' texts, and add items. Above 0: the page ends. fd -1: none. */
	int fd;
	int (*ready)(struct page *page, void *context);
	void *context;
};

enum page_end {
	PAGE_BUTTON, /* with its number */
	PAGE_BACK,   /* Esc */
	PAGE_READY,  /* the work has ended */
	PAGE_GONE,   /* the terminal is gone */
	/* These are answered by ui_show() itself. */
	PAGE_HELP,
	PAGE_SHELL,
	PAGE_LOG,
};

struct page_answer {
	enum page_end end;
	size_t button;
};

struct ui;

struct ui_kind {
	int (*open)(struct ui *ui, struct err *err);
	void (*close)(struct ui *ui);
	/* Gives the terminal to another program, and takes it back. */
	void (*suspend)(struct ui *ui);
	void (*resume)(struct ui *ui);
	void (*show)(struct ui *ui, struct page *page, struct page_answer *ret);
};

extern const struct ui_kind ui_newt;
extern const struct ui_kind ui_plain;

struct ui {
	const struct ui_kind *kind;
	bool ascii;			 /* the terminal shows nothing else */
	const char *shell;		 /* program behind F3; NULL: none */
	const char *log_path;		 /* file behind F8 */
	void (*save_log)(void *context); /* offered behind F8; NULL: it is not */
	/* The line at the bottom of the screen, asked for every second. */
	void (*footer)(void *context, char *text, size_t size);
	void *context;
};

/* Shows a page until it is answered; help, shell and log are seen to here, and an item that
 * cannot be chosen is answered with its reason. */
struct page_answer ui_show(struct ui *ui, struct page *page);

/* A text with a button to go on. */
void ui_message(struct ui *ui, enum text_id title, const char *text);
/* The same, long, to scroll through. */
void ui_text(struct ui *ui, enum text_id title, const char *text);
/* True: yes. */
bool ui_confirm(struct ui *ui, enum text_id title, const char *text, enum text_id yes);

/* Breaks text into lines of at most width columns, in a new string; NULL: no memory. Lines that
 * are there stay. */
char *page_wrap(const char *text, size_t width);
/* Columns of a UTF-8 text. */
size_t page_columns(const char *text);

void page_items_clear(struct page *page);
/* Appends an item; takes text and reason over. False: no memory, both are freed. */
bool page_add_item(struct page *page, char *text, char *reason);
