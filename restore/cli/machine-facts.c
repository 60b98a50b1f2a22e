/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See machine-facts.h. */
#include "machine-facts.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/cleanup.h>
#include <base/text.h>

/* "01-" and the MAC with dashes, as PXELINUX and iPXE hand over: 01 is Ethernet. */
#define BOOT_CARD	"BOOTIF="
#define ETHERNET_PREFIX "01-"

/* A line of a file, without blanks at its end; "" where there is none. */
static void read_line(const char *root, const char *path, char *text, size_t size)
{
	AUTO_FREE char *whole = text_format("%s%s", root, path);
	AUTO_FCLOSE FILE *file = whole ? fopen(whole, "re") : NULL;
	size_t length;

	text[0] = '\0';
	if (!file || !fgets(text, (int)size, file))
		text[0] = '\0';
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
}

char *kernel_argument(const char *root, const char *name)
{
	AUTO_FREE char *path = text_format("%s/proc/cmdline", root);
	AUTO_FCLOSE FILE *file = path ? fopen(path, "re") : NULL;
	AUTO_FREE char *line = NULL;
	char *found = NULL, *rest;
	size_t room = 0;

	if (!file || getline(&line, &room, file) < 0)
		return NULL;
	rest = line;
	for (char *word = strsep(&rest, " \n"); word; word = strsep(&rest, " \n"))
		if (strncmp(word, name, strlen(name)) == 0)
			found = word + strlen(name);
	return found ? strdup(found) : NULL;
}

static bool is_zero(const char *mac)
{
	return strspn(mac, "0:") == strlen(mac);
}

/* Where in the list: the card that it was started by, one with a cable, one without. */
static size_t rank(const char *mac, const char *booted_by, const char *carrier)
{
	if (booted_by && strcasecmp(mac, booted_by) == 0)
		return 0;
	return carrier[0] == '1' ? 1 : 2;
}

static void add_mac(struct answer_machine *machine, const char *mac, size_t its_rank,
		    size_t ranks[MACHINE_MACS])
{
	size_t at = machine->mac_count;

	if (machine->mac_count == MACHINE_MACS)
		return;
	for (; at > 0 && ranks[at - 1] > its_rank; at--) {
		memcpy(machine->macs[at], machine->macs[at - 1],
		       sizeof(machine->macs[at]));
		ranks[at] = ranks[at - 1];
	}
	snprintf(machine->macs[at], sizeof(machine->macs[at]), "%.17s", mac);
	ranks[at] = its_rank;
	machine->mac_count++;
}

static char *boot_card(const char *root)
{
	char *card = kernel_argument(root, BOOT_CARD);

	if (!card)
		return NULL;
	if (strncmp(card, ETHERNET_PREFIX, strlen(ETHERNET_PREFIX)) == 0)
		memmove(card, card + strlen(ETHERNET_PREFIX),
			strlen(card + strlen(ETHERNET_PREFIX)) + 1);
	for (char *c = card; *c; c++)
		if (*c == '-')
			*c = ':';
	return card;
}

static void read_macs(const char *root, struct answer_machine *machine)
{
	AUTO_FREE char *booted_by = boot_card(root);
	AUTO_FREE char *folder = text_format("%s/sys/class/net", root);
	struct dirent **entries = NULL;
	size_t ranks[MACHINE_MACS];
	int count = folder ? scandir(folder, &entries, NULL, versionsort) : 0;

	for (int i = 0; i < count; i++) {
		AUTO_FREE char *address =
			text_format("/sys/class/net/%s/address", entries[i]->d_name);
		AUTO_FREE char *cable =
			text_format("/sys/class/net/%s/carrier", entries[i]->d_name);
		char mac[32] = "", carrier[8] = "";

		if (address && cable && entries[i]->d_name[0] != '.') {
			read_line(root, address, mac, sizeof(mac));
			read_line(root, cable, carrier, sizeof(carrier));
		}
		if (strlen(mac) == 17 && !is_zero(mac))
			add_mac(machine, mac, rank(mac, booted_by, carrier), ranks);
		free(entries[i]);
	}
	free(entries);
}

/* Names that stand for none: the kernel's, and that of the environment itself. */
static void read_host(const char *root, char *host, size_t size)
{
	static const char *const none[] = { "(none)", "openbmr", "localhost" };

	read_line(root, "/proc/sys/kernel/hostname", host, size);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (strcmp(host, none[i]) == 0)
			host[0] = '\0';
}

void machine_facts_read(const char *root, struct answer_machine *ret)
{
	struct answer_machine machine = { .uuid = "" };

	read_line(root, "/sys/class/dmi/id/product_uuid", machine.uuid,
		  sizeof(machine.uuid));
	for (char *c = machine.uuid; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	read_line(root, "/sys/class/dmi/id/product_serial", machine.serial,
		  sizeof(machine.serial));
	read_line(root, "/sys/class/dmi/id/sys_vendor", machine.vendor,
		  sizeof(machine.vendor));
	read_line(root, "/sys/class/dmi/id/product_name", machine.model,
		  sizeof(machine.model));
	read_host(root, machine.host, sizeof(machine.host));
	read_macs(root, &machine);
	*ret = machine;
}
