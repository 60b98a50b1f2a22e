/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Previous versions of a share through the program smbclient: see smb-previous.h. It runs in the
 * jail of the process that reads the share, reaches the relay and nothing else, and logs in with
 * what has logged in there before. Measured with 4.17.12: "allinfo" prints the names that the
 * server enumerates ([MS-SMB2] 2.2.32.2), each with times of the folder in that version, and none
 * where the server has none; without -D it cannot take every path, since it splits its command
 * at each ';'.
 */
#include "smb-previous.h"

#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

#include "smb-client.h"

static int add_name(const char *name, struct tree_listing *listing, struct err *err)
{
	char copy[TREE_PREVIOUS_LENGTH + 1];

	snprintf(copy, sizeof(copy), "%s", name);
	for (size_t i = 0; i < listing->count; i++)
		if (strcmp(listing->entries[i].name, copy) == 0)
			return 0;
	return tree_listing_add(
		listing, &(struct tree_entry){ .name = copy, .is_folder = true }, err);
}

int smb_previous_parse(const char *output, struct tree_listing *ret, struct err *err)
{
	int r = 0;

	/* It ends with status 0 all the same. */
	if (strncmp(output, "NT_STATUS_", strlen("NT_STATUS_")) == 0)
		return err_set(err, -EIO, "smbclient: %.*s", (int)strcspn(output, "\r\n"),
			       output);
	while (r == 0 && *output && ret->count <= TREE_MAX_PREVIOUS) {
		size_t length = strcspn(output, "\r\n");

		if (tree_is_previous_name(output, length))
			r = add_name(output, ret, err);
		output += length + strspn(output + length, "\r\n");
	}
	return r;
}

int smb_previous_list(const struct smb_location *relayed,
		      const struct credentials *credentials, unsigned timeout_ms,
		      struct tree_listing *ret, struct err *err)
{
	AUTO_FREE char *output = NULL;
	int r = smb_client_run(relayed, credentials, timeout_ms, "allinfo \"\"", &output,
			       err);

	return r < 0 ? r : smb_previous_parse(output, ret, err);
}
