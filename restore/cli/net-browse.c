/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bmr net shares, bmr net folders: what is on a server, one level at a time. The reader's jail
 * lists; names come out of it in shared memory, one behind the other, each with its NUL.
 */
#include "net.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/checked.h>
#include <base/cleanup.h>

#include "share.h"

#define NAMES_SIZE (1 << 20) /* bytes: 5,000 names of the longest kind */

struct names {
	bool hidden; /* show names that end in '$', too */
	_Atomic uint32_t length, files, left_out;
	char bytes[NAMES_SIZE];
};

static int take_name(const struct tree_entry *entry, void *context, struct err *err)
{
	struct names *names = context;
	size_t size = strlen(entry->name) + 1, used = names->length;

	if (!entry->is_folder) {
		names->files++;
		return 0;
	}
	if (entry->name[size - 2] == '$' && !names->hidden)
		return 0;
	if (size > sizeof(names->bytes) - used) {
		names->left_out++;
		return 0;
	}
	memcpy(names->bytes + used, entry->name, size);
	names->length = (uint32_t)(used + size);
	return 0;
}

static int list_root(struct tree *tree, void *context, struct err *err)
{
	return tree_list(tree, "", take_name, context, err);
}

/* What the jail wrote is bounded here: it saw bytes from outside. */
static int sort_names(const struct names *names, const char ***ret, size_t *ret_count,
		      struct err *err)
{
	size_t length = min_u64(names->length, sizeof(names->bytes)), count = 0;
	const char **list = calloc(length + 1, sizeof(*list));

	if (!list)
		return err_nomem(err);
	for (size_t at = 0; at < length;) {
		size_t size = strnlen(names->bytes + at, length - at);

		if (at + size == length)
			break; /* no NUL */
		list[count++] = names->bytes + at;
		at += size + 1;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names go to a terminal. */
static void print_name(const char *name)
{
	for (; *name; name++)
		putchar((unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name);
	putchar('\n');
}

static int print_names(const struct names *names, struct err *err)
{
	AUTO_FREE const char **list = NULL;
	size_t count = 0;
	int r = sort_names(names, &list, &count, err);

	if (r < 0)
		return r;
	qsort(list, count, sizeof(*list), compare_names);
	for (size_t i = 0; i < count; i++)
		print_name(list[i]);
	if (names->left_out)
		printf("… and %u more\n", names->left_out);
	return 0;
}

static int browse(const struct net_options *options, struct share *share, struct err *err)
{
	struct names *names = share_memory(sizeof(*names));
	int r;

	if (!names)
		return err_nomem(err);
	names->hidden = options->hidden;
	r = share_start_relay(&options->source, share, err);
	if (r == 0)
		r = share_visit(share, list_root, names, err);
	if (r == 0)
		r = print_names(names, err);
	share_memory_free(names, sizeof(*names));
	return r;
}

int net_shares(const struct net_options *options, struct err *err)
{
	AUTO(share_clear) struct share share = { 0 };
	int r = smb_server_parse(options->source.text, &share.location, err);

	if (r < 0)
		return r;
	share.location.share[0] = '\0';
	share.location.path[0] = '\0';
	r = share_log_in(&options->source, &share, err);
	return r < 0 ? r : browse(options, &share, err);
}

int net_folders(const struct net_options *options, struct err *err)
{
	AUTO(share_clear) struct share share = { 0 };
	int r = smb_location_parse(options->source.text, &share.location, err);

	if (r == 0)
		r = share_log_in(&options->source, &share, err);
	return r < 0 ? r : browse(options, &share, err);
}
