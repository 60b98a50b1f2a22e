/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses that somebody gives: checked, then made so by the program ip (busybox has it, too).
 * The name servers also go to /etc/resolv.conf.head, from which dhcpcd's hook takes them.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/spawn.h>
#include <base/text.h>
#include <net/links.h>

#include "links-dhcp.h"

/* Names the interface that links_set() gave an address. */
#define STATE_FILE "/run/bmr-network"

#define POLL_MS 200

/* -- what is given ---------------------------------------------------------------- */

bool link_settings_given(const struct link_settings *settings)
{
	return settings->interface || settings->address || settings->gateway ||
	       settings->dns || settings->vlan;
}

struct ip_address {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
	unsigned bits; /* 32, 128 */
};

static bool parse_address(const char *text, struct ip_address *ret)
{
	struct ip_address address = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	address.bits = address.family == AF_INET ? 32 : 128;
	if (inet_pton(address.family, text, address.bytes) != 1)
		return false;
	*ret = address;
	return true;
}

/* ADDRESS/LENGTH */
static int parse_network(const char *text, struct ip_address *ret, unsigned *ret_length,
			 struct err *err)
{
	const char *slash = strchr(text, '/');
	char part[INET6_ADDRSTRLEN];
	unsigned long length;
	char *end = NULL;

	if (!slash || slash - text >= (ptrdiff_t)sizeof(part))
		return err_set(
			err, -EINVAL,
			"address '%s': the length of its network is missing: write "
			"it like 192.0.2.10/24 or 2001:db8::10/64",
			text);
	memcpy(part, text, (size_t)(slash - text));
	part[slash - text] = '\0';
	if (!parse_address(part, ret))
		return err_set(err, -EINVAL,
			       "address '%s': not an address of IPv4 or IPv6", text);
	length = strtoul(slash + 1, &end, 10);
	if (!isdigit((unsigned char)slash[1]) || *end || length < 1 || length > ret->bits)
		return err_set(
			err, -EINVAL,
			"address '%s': the length of its network must be from 1 to %u",
			text, ret->bits);
	*ret_length = (unsigned)length;
	return 0;
}

static bool same_network(const struct ip_address *a, const struct ip_address *b,
			 unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		if ((a->bytes[i / 8] ^ b->bytes[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* fe80::/10: every gateway of IPv6 has one, and it is on the cable. */
static bool is_link_local(const struct ip_address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

static int check_gateway(const struct link_settings *settings,
			 const struct ip_address *address, unsigned length,
			 struct err *err)
{
	struct ip_address gateway;

	if (!parse_address(settings->gateway, &gateway))
		return err_set(err, -EINVAL,
			       "gateway '%s': not an address of IPv4 or IPv6",
			       settings->gateway);
	if (gateway.family != address->family)
		return err_set(
			err, -EINVAL,
			"gateway '%s' and address '%s' are of two families, IPv4 and "
			"IPv6",
			settings->gateway, settings->address);
	if (!is_link_local(&gateway) && !same_network(&gateway, address, length))
		return err_set(
			err, -EINVAL,
			"gateway '%s' is not in the network of '%s': check both, and "
			"the length behind '/'",
			settings->gateway, settings->address);
	if (memcmp(gateway.bytes, address->bytes, sizeof(gateway.bytes)) == 0)
		return err_set(err, -EINVAL, "gateway '%s' is this machine's own address",
			       settings->gateway);
	return 0;
}

/* Writes "nameserver A" lines; NULL: only checks. */
static int add_name_servers(const char *dns, struct text *text, struct err *err)
{
	AUTO_FREE char *list = strdup(dns);
	char *rest = list;
	unsigned count = 0;

	if (!list)
		return err_nomem(err);
	for (char *name = strsep(&rest, ", "); name; name = strsep(&rest, ", ")) {
		struct ip_address address;

		if (!name[0])
			continue;
		if (!parse_address(name, &address))
			return err_set(err, -EINVAL,
				       "name server '%s': not an address of IPv4 or IPv6",
				       name);
		if (++count > LINK_DNS_MAX)
			return err_set(err, -EINVAL, "name servers '%s': at most %d", dns,
				       LINK_DNS_MAX);
		if (text)
			text_add(text, "nameserver %s\n", name);
	}
	return 0;
}

int link_settings_check(const struct link_settings *settings, struct err *err)
{
	struct ip_address address = { 0 };
	unsigned length = 0;
	int r = 0;

	if (settings->vlan > LINK_VLAN_MAX)
		return err_set(err, -EINVAL, "VLAN %u: must be from 1 to %d",
			       settings->vlan, LINK_VLAN_MAX);
	if (settings->gateway && !settings->address)
		return err_set(err, -EINVAL, "gateway '%s' without an address",
			       settings->gateway);
	if (settings->address)
		r = parse_network(settings->address, &address, &length, err);
	if (r == 0 && settings->gateway)
		r = check_gateway(settings, &address, length, err);
	if (r == 0 && settings->dns)
		r = add_name_servers(settings->dns, NULL, err);
	return r;
}

/* -- which interface -------------------------------------------------------------- */

static bool is_named(const struct link *link, const char *which)
{
	return strcmp(link->name, which) == 0 || strcasecmp(link->mac, which) == 0;
}

/* *ret is NULL where a cable may still come. */
static int choose(const struct link *links, size_t count, const char *which,
		  const struct link **ret, struct err *err)
{
	const struct link *chosen = NULL;
	size_t cables = 0;

	for (size_t i = 0; i < count; i++) {
		if (which ? is_named(&links[i], which) : links[i].carrier) {
			cables++;
			chosen = &links[i];
		}
	}
	*ret = chosen;
	if (which && !chosen)
		return err_set(
			err, -ENODEV,
			"no wired network interface '%s': 'bmr net show' lists them",
			which);
	if (!which && cables > 1)
		return err_set(err, -EINVAL,
			       "%zu network interfaces have a cable: name one", cables);
	if (!which && count == 1)
		*ret = &links[0];
	return 0;
}

static int find_interface(const char *which, unsigned timeout_ms, char name[IFNAMSIZ],
			  struct err *err)
{
	for (unsigned waited = 0;; waited += POLL_MS) {
		AUTO_FREE struct link *links = NULL;
		const struct link *link = NULL;
		size_t count = 0;
		int r = links_read(&links, &count, err);

		if (r == 0)
			r = choose(links, count, which, &link, err);
		if (r < 0)
			return r;
		if (link) {
			snprintf(name, IFNAMSIZ, "%s", link->name);
			return 0;
		}
		if (waited >= timeout_ms)
			return err_set(err, -ENODEV,
				       "none of %zu network interfaces has a cable: name "
				       "one",
				       count);
		usleep(POLL_MS * 1000);
	}
}

/* -- making it so ----------------------------------------------------------------- */

#define IP_WORDS 12

/* ip with these words, NULL ends them. */
static int run_ip(const char *const words[IP_WORDS], struct err *err)
{
	const char *argv[IP_WORDS + 2] = { "ip" };

	for (size_t i = 0; i < IP_WORDS && words[i]; i++)
		argv[i + 1] = words[i];
	return spawn_run(&(struct spawn){ .argv = argv }, NULL, err);
}

/* name becomes that of the VLAN's interface. */
static int make_vlan(char name[IFNAMSIZ], unsigned vlan, struct err *err)
{
	char number[16], made[2 * IFNAMSIZ];
	int r;

	snprintf(number, sizeof(number), "%u", vlan);
	snprintf(made, sizeof(made), "%s.%u", name, vlan);
	if (strlen(made) >= IFNAMSIZ)
		snprintf(made, sizeof(made), "vlan%u", vlan);
	if (if_nametoindex(made) == 0) {
		r = run_ip((const char *const[IP_WORDS]){ "link", "add", "link", name,
							  "name", made, "type", "vlan",
							  "id", number },
			   err);
		if (r < 0)
			return err_add(err, "VLAN %u on '%s'", vlan, name);
	}
	memcpy(name, made, IFNAMSIZ);
	return run_ip((const char *const[IP_WORDS]){ "link", "set", name, "up" }, err);
}

/* Else the address would be of no use for some seconds while the kernel looks for another one
 * that has it. */
static void skip_duplicate_search(const char *name)
{
	AUTO_FREE char *path = text_format("/proc/sys/net/ipv6/conf/%s/accept_dad", name);
	AUTO_FCLOSE FILE *file = path ? fopen(path, "we") : NULL;

	if (file)
		fputs("0", file);
}

static int set_address(const char *name, const struct link_settings *settings,
		       struct err *err)
{
	const char *family = strchr(settings->address, ':') ? "-6" : "-4";
	int r;

	skip_duplicate_search(name);
	r = run_ip((const char *const[IP_WORDS]){ family, "addr", "flush", "dev", name },
		   err);
	if (r == 0)
		r = run_ip((const char *const[IP_WORDS]){ family, "addr", "add",
							  settings->address, "dev",
							  name },
			   err);
	if (r == 0)
		r = run_ip((const char *const[IP_WORDS]){ "link", "set", name, "up" },
			   err);
	if (r == 0 && settings->gateway)
		r = run_ip((const char *const[IP_WORDS]){ family, "route", "replace",
							  "default", "via",
							  settings->gateway, "dev",
							  name },
			   err);
	return r < 0 ? err_add(err, "'%s': %s", name, settings->address) : 0;
}

static int write_text(const char *path, const char *text, struct err *err)
{
	FILE *file = fopen(path, "we");
	bool written = file && fputs(text, file) >= 0;

	if (file && fclose(file) != 0)
		written = false;
	return written ? 0 : err_errno(err, errno, "'%s'", path);
}

static int set_name_servers(const char *dns, struct err *err)
{
	AUTO(text_clear) struct text text = { 0 };
	AUTO_FREE char *lines = NULL;
	int r = add_name_servers(dns, &text, err);

	if (r < 0)
		return r;
	lines = text_take(&text);
	if (!lines)
		return err_nomem(err);
	r = write_text("/etc/resolv.conf.head", lines, err);
	return r < 0 ? r : write_text("/etc/resolv.conf", lines, err);
}

int links_set(const struct link_settings *settings, unsigned timeout_ms, struct err *err)
{
	char name[IFNAMSIZ] = "";
	int r = link_settings_check(settings, err);

	if (r == 0)
		r = links_up(err);
	if (r == 0)
		r = find_interface(settings->interface, timeout_ms, name, err);
	if (r == 0)
		r = dhcp_stop(err);
	if (r == 0 && settings->vlan)
		r = make_vlan(name, settings->vlan, err);
	if (r == 0 && settings->dns)
		r = set_name_servers(settings->dns, err);
	if (r < 0)
		return r;
	if (!settings->address) {
		unlink(STATE_FILE);
		return dhcp_start(name, err);
	}
	r = set_address(name, settings, err);
	return r < 0 ? r : write_text(STATE_FILE, name, err);
}

int links_dhcp_start(struct err *err)
{
	AUTO_FCLOSE FILE *file = fopen(STATE_FILE, "re");
	char name[IFNAMSIZ] = "";

	if (file && fgets(name, sizeof(name), file) && if_nametoindex(name) != 0)
		return 0;
	return dhcp_start(NULL, err);
}
