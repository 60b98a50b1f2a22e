/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network nodes of device paths, URLs; see net-place.h. */
#include "net-place.h"

#include <string.h>

#include <base/bytes.h>

#include "text.h"

#define TYPE_MESSAGING 0x03
#define NODE_MAC       0x0b
#define NODE_IPV4      0x0c
#define NODE_IPV6      0x0d
#define NODE_URI       0x18

struct node_head_disk {
	uint8_t type;	 /* 0x00 */
	uint8_t subtype; /* 0x01 */
	le16 length;	 /* 0x02 with this head */
};
_Static_assert(sizeof(struct node_head_disk) == 4, "device path node");

struct mac_node_disk {
	struct node_head_disk head; /* 0x00 */
	uint8_t address[32];	    /* 0x04 padded with zeros */
	uint8_t interface_type;	    /* 0x24 */
};
_Static_assert(sizeof(struct mac_node_disk) == 0x25, "MAC node");

struct ipv4_node_disk {
	struct node_head_disk head; /* 0x00 */
	uint8_t local[4];	    /* 0x04 */
	uint8_t remote[4];	    /* 0x08 */
	le16 local_port;	    /* 0x0c */
	le16 remote_port;	    /* 0x0e */
	le16 protocol;		    /* 0x10 */
	uint8_t is_static;	    /* 0x12 */
	uint8_t gateway[4];	    /* 0x13 since UEFI 2.0 */
	uint8_t mask[4];	    /* 0x17 */
};
_Static_assert(sizeof(struct ipv4_node_disk) == 0x1b, "IPv4 node");

static void read_mac(const uint8_t *bytes, size_t length, struct net_place *place)
{
	struct mac_node_disk node;

	if (length < sizeof(node))
		return;
	memcpy(&node, bytes, sizeof(node));
	place->has_mac = true;
	memcpy(place->mac, node.address, sizeof(place->mac));
}

static void read_ipv4(const uint8_t *bytes, size_t length, struct net_place *place)
{
	static const uint8_t none[4];
	struct ipv4_node_disk node;

	if (length < sizeof(node))
		return;
	memcpy(&node, bytes, sizeof(node));
	place->has_ipv4 = memcmp(node.local, none, sizeof(none)) != 0;
	memcpy(place->address, node.local, sizeof(place->address));
	memcpy(place->mask, node.mask, sizeof(place->mask));
}

static int read_uri(const uint8_t *bytes, size_t length, struct net_place *place,
		    struct err *err)
{
	size_t count = length - sizeof(struct node_head_disk);

	if (count >= URL_SIZE)
		return err_set(err, -ENOSPC,
			       "device path: URL of %zu characters, limit is %d", count,
			       URL_SIZE - 1);
	for (size_t i = 0; i < count; i++)
		place->url[i] = (char)bytes[sizeof(struct node_head_disk) + i];
	place->url[count] = '\0';
	return 0;
}

int net_place_read(const void *path, size_t size, struct net_place *ret, struct err *err)
{
	struct net_place place = { 0 };
	const uint8_t *bytes = path;
	int r = 0;

	for (size_t at = 0, length; at < size && !r; at += length) {
		struct node_head_disk node;

		memcpy(&node, bytes + at, sizeof(node));
		length = get_le16(node.length);
		if (node.type != TYPE_MESSAGING)
			continue;
		place.present = place.present || node.subtype == NODE_MAC ||
				node.subtype == NODE_IPV4 || node.subtype == NODE_IPV6 ||
				node.subtype == NODE_URI;
		if (node.subtype == NODE_MAC)
			read_mac(bytes + at, length, &place);
		else if (node.subtype == NODE_IPV4)
			read_ipv4(bytes + at, length, &place);
		else if (node.subtype == NODE_URI)
			r = read_uri(bytes + at, length, &place, err);
	}
	if (r)
		return r;
	*ret = place;
	return 0;
}

/* Where the host starts; 0: no URL of ours. */
static size_t host_start(const char *url)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t length = strlen(schemes[i]);

		if (!strncmp(url, schemes[i], length))
			return length;
	}
	return 0;
}

static size_t host_end(const char *url, size_t start)
{
	size_t end = start;

	while (url[end] && url[end] != '/' && url[end] != '?' && url[end] != '#')
		end++;
	return end;
}

static int bad_url(const char *url, struct err *err)
{
	return err_set(err, -EINVAL, "'%s': no address of http or https", url);
}

static int put(struct text *text, const char *what, struct err *err)
{
	if (text->cut)
		return err_set(err, -ENOSPC, "'%s': longer than %d characters", what,
			       URL_SIZE - 1);
	return 0;
}

int url_in_folder(const char *url, const char *name, char ret[URL_SIZE], struct err *err)
{
	struct text text = text_start(ret, URL_SIZE);
	size_t start = host_start(url), end = host_end(url, start), slash;

	if (!start || start == end)
		return bad_url(url, err);
	slash = end;
	for (size_t i = end; url[i] && url[i] != '?' && url[i] != '#'; i++)
		if (url[i] == '/')
			slash = i;
	text_add(&text, "%.*s/%s", (int)slash, url, name);
	return put(&text, url, err);
}

int url_host(const char *url, char ret[URL_SIZE], struct err *err)
{
	struct text text = text_start(ret, URL_SIZE);
	size_t start = host_start(url), end = host_end(url, start);

	if (!start || start == end)
		return bad_url(url, err);
	text_add(&text, "%.*s", (int)(end - start), url + start);
	return put(&text, url, err);
}

int tftp_in_folder(const char *boot_file, size_t size, const char *name,
		   char ret[URL_SIZE], struct err *err)
{
	struct text text = text_start(ret, URL_SIZE);
	size_t folder = 0;

	for (size_t i = 0; i < size && boot_file[i]; i++)
		if (boot_file[i] == '/' || boot_file[i] == '\\')
			folder = i + 1;
	text_add(&text, "%.*s%s", (int)folder, boot_file, name);
	return put(&text, name, err);
}
