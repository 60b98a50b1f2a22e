/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses for libsmbclient: see smb-url.h. */
#include "smb-url.h"

#include <string.h>

#include <base/text.h>

/* Everything but letters, digits and a few is coded, which keeps libsmbclient's separators and
 * options ('?') out of names, and the colons of IPv6 away from the port. */
static void add_coded(struct text *url, const char *part, const char *also)
{
	for (const char *p = part; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			     (*p >= 'A' && *p <= 'Z') || strchr("-._", *p) ||
			     strchr(also, *p);

		if (plain)
			text_add(url, "%c", *p);
		else
			text_add(url, "%%%02X", (unsigned char)*p);
	}
}

static void add_host(struct text *url, const struct smb_location *location)
{
	text_add(url, "smb://");
	add_coded(url, location->host, "");
	text_add(url, ":%u/", location->port ? location->port : SMB_PORT);
}

static void add_path(struct text *url, const char *path)
{
	if (path[0])
		text_add(url, "/");
	add_coded(url, path, "/");
}

char *smb_url_host(const struct smb_location *location)
{
	struct text url = { 0 };

	add_host(&url, location);
	return text_take(&url);
}

char *smb_url_share(const struct smb_location *location)
{
	struct text url = { 0 };

	add_host(&url, location);
	add_coded(&url, location->share, "");
	return text_take(&url);
}

char *smb_url_path(const struct smb_location *location, const char *path)
{
	struct text url = { 0 };

	add_host(&url, location);
	add_coded(&url, location->share, "");
	add_path(&url, location->path);
	add_path(&url, path);
	return text_take(&url);
}
