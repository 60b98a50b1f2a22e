/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Side rooms about the network: interfaces, addresses by hand, the way to a share. */
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "menu.h"

/* -- the way to a share --------------------------------------------------------------- */

void page_probe(struct menu *menu)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL, *all = NULL;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "net");
	arguments_add(&arguments, NULL, "probe");
	arguments_add(&arguments, NULL, menu->choices.source);
	if (menu->choices.user[0])
		arguments_add(&arguments, "--credentials", TASK_CREDENTIALS);
	if (menu->choices.require_encryption)
		arguments_add(&arguments, "--encrypt", "required");
	if (menu_command(menu, TEXT_PROBE_TITLE, &arguments, &output, &errors) < 0)
		return;
	all = text_format("%s\n%s", output, errors);
	ui_text(&menu->ui, TEXT_PROBE_TITLE, all ? all : "");
}

void menu_show_share_failure(struct menu *menu, const char *errors)
{
	struct page page = {
		.id = "failed",
		.title = TEXT_FAILED,
		.help = TEXT_HELP_NETWORK,
		.text = errors && errors[0] ? errors : text_of(TEXT_NO_REASON),
		.scrolls = true,
		.buttons = { TEXT_OK, TEXT_PROBE },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer = ui_show(&menu->ui, &page);

	if (answer.end == PAGE_BUTTON && answer.button == 1)
		page_probe(menu);
}

/* -- an address by hand --------------------------------------------------------------- */

static void add_settings(const struct choices *choices, struct arguments *arguments)
{
	arguments_add(arguments, "--interface", choices->interface);
	arguments_add(arguments, "--address", choices->address);
	arguments_add(arguments, "--gateway", choices->gateway);
	arguments_add(arguments, "--dns", choices->dns);
	arguments_add(arguments, "--vlan", choices->vlan);
}

void menu_add_network(const struct menu *menu, struct arguments *arguments)
{
	add_settings(&menu->choices, arguments);
}

/* True: it is so now. */
static bool apply(struct menu *menu, const struct choices *wanted)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *errors = NULL;
	int status;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "net");
	arguments_add(&arguments, NULL, "up");
	add_settings(wanted, &arguments);
	status = menu_command(menu, TEXT_NETWORK_UP, &arguments, NULL, &errors);
	if (status > 0)
		menu_show_failure(menu, errors);
	return status == 0;
}

static const struct {
	const char *id;
	enum text_id label;
	size_t offset, size; /* of a text in struct choices */
} settings[] = {
#define SETTING(id, label, member)                                                       \
	{                                                                                \
		id, label, offsetof(struct choices, member),                             \
			sizeof(((struct choices *)0)->member)                            \
	}
	SETTING("network.interface", TEXT_FIELD_INTERFACE, interface),
	SETTING("network.address", TEXT_FIELD_ADDRESS, address),
	SETTING("network.gateway", TEXT_FIELD_GATEWAY, gateway),
	SETTING("network.dns", TEXT_FIELD_DNS, dns),
	SETTING("network.vlan", TEXT_FIELD_VLAN, vlan),
};

static void page_address(struct menu *menu)
{
	AUTO_FREE struct page_field *fields =
		calloc(ARRAY_SIZE(settings), sizeof(*fields));
	struct choices wanted = menu->choices;
	struct page page = {
		.id = "network.set",
		.title = TEXT_ADDRESS_TITLE,
		.help = TEXT_HELP_ADDRESS,
		.text = text_of(TEXT_ADDRESS_TEXT),
		.field_count = ARRAY_SIZE(settings),
		.fields = fields,
		.buttons = { TEXT_APPLY, TEXT_BACK },
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	bool done = !fields;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && fields; i++)
		fields[i] = (struct page_field){
			.id = settings[i].id,
			.label = settings[i].label,
			.value = (char *)&wanted + settings[i].offset,
			.size = settings[i].size,
		};
	while (!done) {
		struct page_answer answer = ui_show(&menu->ui, &page);

		done = answer.end != PAGE_BUTTON || answer.button != 0;
		if (!done && apply(menu, &wanted)) {
			menu->choices = wanted;
			done = true;
		}
	}
	explicit_bzero(&wanted, sizeof(wanted));
}

/* -- the page ------------------------------------------------------------------------- */

enum network_button { NETWORK_BACK, NETWORK_AGAIN, NETWORK_ADDRESS, NETWORK_PROBE };

/* On a machine that runs otherwise the network is not ours. */
static size_t choose_buttons(const struct menu *menu, struct page *page,
			     enum network_button meanings[PAGE_BUTTONS])
{
	size_t count = 0;

	page->buttons[count] = TEXT_BACK;
	meanings[count++] = NETWORK_BACK;
	if (menu->options->environment) {
		page->buttons[count] = TEXT_NETWORK_AGAIN;
		meanings[count++] = NETWORK_AGAIN;
		page->buttons[count] = TEXT_NETWORK_ADDRESS;
		meanings[count++] = NETWORK_ADDRESS;
	}
	if (choices_from_share(&menu->choices) && menu->choices.user[0]) {
		page->buttons[count] = TEXT_PROBE;
		meanings[count++] = NETWORK_PROBE;
	}
	return count;
}

static enum network_button show_network(struct menu *menu, bool up)
{
	AUTO(arguments_clear) struct arguments arguments = { 0 };
	AUTO_FREE char *output = NULL, *errors = NULL, *all = NULL;
	enum network_button meanings[PAGE_BUTTONS];
	struct page page = {
		.id = "network",
		.title = TEXT_NETWORK,
		.help = TEXT_HELP_NETWORK,
		.scrolls = true,
		.bar = PAGE_NO_BAR,
		.fd = -1,
	};
	struct page_answer answer;
	size_t count;

	arguments_add(&arguments, NULL, "bmr");
	arguments_add(&arguments, NULL, "net");
	arguments_add(&arguments, NULL, up ? "up" : "show");
	if (choices_from_share(&menu->choices))
		menu_add_clock(menu, &arguments);
	if (menu_command(menu, TEXT_NETWORK, &arguments, &output, &errors) < 0)
		return NETWORK_BACK;
	all = text_format("%s%s", output, errors);
	page.text = all;
	count = choose_buttons(menu, &page, meanings);
	answer = ui_show(&menu->ui, &page);
	if (answer.end != PAGE_BUTTON || answer.button >= count)
		return NETWORK_BACK;
	return meanings[answer.button];
}

void page_network(struct menu *menu)
{
	enum network_button button = NETWORK_ADDRESS;

	for (bool up = false; button != NETWORK_BACK;) {
		button = show_network(menu, up);
		up = button == NETWORK_AGAIN;
		if (button == NETWORK_ADDRESS)
			page_address(menu);
		else if (button == NETWORK_PROBE)
			page_probe(menu);
	}
}
