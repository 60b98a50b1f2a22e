/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See answer-network.h. */
#include "answer-network.h"

#include <stdio.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <net/smb.h>

#define PROGRAM	  "/proc/self/exe"
#define WORDS_MAX 16

static void add(const char *argv[WORDS_MAX], size_t *count, const char *option,
		const char *value)
{
	if (!value)
		return;
	argv[(*count)++] = option;
	argv[(*count)++] = value;
}

void answer_network_up(const struct answer_network *network, const char *source)
{
	const char *argv[WORDS_MAX] = { PROGRAM, "net", "up" };
	AUTO_FREE char *output = NULL;
	char vlan[16];
	struct err err;
	size_t count = 3;

	snprintf(vlan, sizeof(vlan), "%u", network->vlan);
	add(argv, &count, "--interface", network->interface);
	add(argv, &count, "--address", network->address);
	add(argv, &count, "--gateway", network->gateway);
	add(argv, &count, "--dns", network->dns);
	add(argv, &count, "--vlan", network->vlan ? vlan : NULL);
	add(argv, &count, "--clock-from",
	    source && smb_is_location(source) ? source : NULL);
	if (spawn_run(&(struct spawn){ .argv = argv }, &output, &err) < 0)
		printf("network: %s\n", err.text);
	else
		fputs(output, stdout);
	fflush(stdout);
}
