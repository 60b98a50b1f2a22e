/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wired network interfaces: what sysfs, procfs and getifaddrs() say, up by ioctl, and waiting
 * for addresses.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <net/links.h>

#include "links-dhcp.h"

#define SYSFS_NET "/sys/class/net"

#define POLL_MS 200 /* between looks at the interfaces */

/* After the first address: DHCP on other interfaces, IPv4 beside IPv6, and the hook that
 * writes the name servers come a little later. */
#define SETTLE_MS 10000

/* -- one interface ---------------------------------------------------------------- */

/* An attribute of sysfs as a number; -1 where it cannot be read. */
static long read_attribute(const char *name, const char *attribute)
{
	char path[128], value[32] = "";
	AUTO_FCLOSE FILE *file = NULL;

	snprintf(path, sizeof(path), SYSFS_NET "/%s/%s", name, attribute);
	file = fopen(path, "re");
	if (!file || !fgets(value, sizeof(value), file))
		return -1;
	return strtol(value, NULL, 10);
}

static bool has_entry(const char *name, const char *entry)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS_NET "/%s/%s", name, entry);
	return access(path, F_OK) == 0;
}

/* "" where it has none. */
static void read_driver(int fd, struct link *link)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (char *)&info };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", link->name);
	if (ioctl(fd, SIOCETHTOOL, &request) == 0)
		snprintf(link->driver, sizeof(link->driver), "%.31s", info.driver);
}

static void read_mac(int fd, struct link *link)
{
	struct ifreq request = { 0 };
	const uint8_t *mac = (const uint8_t *)request.ifr_hwaddr.sa_data;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", link->name);
	if (ioctl(fd, SIOCGIFHWADDR, &request) == 0)
		snprintf(link->mac, sizeof(link->mac), "%02x:%02x:%02x:%02x:%02x:%02x",
			 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* An Ethernet card, or a container's end of a virtual cable. */
static bool is_wired(const struct link *link)
{
	if (read_attribute(link->name, "type") != ARPHRD_ETHER)
		return false;
	if (has_entry(link->name, "wireless") || has_entry(link->name, "phy80211"))
		return false;
	return has_entry(link->name, "device") || strcmp(link->driver, "veth") == 0 ||
	       strcmp(link->driver, "802.1Q VLAN Support") == 0;
}

/* Does the address lead beyond the cable? Link-local ones do not. */
static bool is_global(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		uint32_t ip =
			ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);

		return ip >> 16 != 0xa9fe; /* 169.254/16 */
	}
	if (address->sa_family == AF_INET6)
		return !IN6_IS_ADDR_LINKLOCAL(
			&((const struct sockaddr_in6 *)address)->sin6_addr);
	return false;
}

static unsigned prefix_length(const struct sockaddr *mask)
{
	const uint8_t *bytes =
		mask->sa_family == AF_INET
			? (const void *)&((const struct sockaddr_in *)mask)->sin_addr
			: (const void *)&((const struct sockaddr_in6 *)mask)->sin6_addr;
	unsigned size = mask->sa_family == AF_INET ? 4 : 16, length = 0;

	for (unsigned i = 0; i < size; i++)
		length += (unsigned)__builtin_popcount(bytes[i]);
	return length;
}

/* The first global address of each family. */
static void take_address(struct link *link, const struct ifaddrs *entry)
{
	const struct sockaddr *address = entry->ifa_addr;
	char text[INET6_ADDRSTRLEN], *to;

	if (!address || !is_global(address) || !entry->ifa_netmask)
		return;
	to = address->sa_family == AF_INET ? link->address : link->address6;
	if (to[0])
		return;
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text,
			  sizeof(text));
	else
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr,
			  text, sizeof(text));
	snprintf(to, sizeof(link->address), "%s/%u", text,
		 prefix_length(entry->ifa_netmask));
}

static void read_addresses(struct link *link, const struct ifaddrs *list)
{
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
		if (strcmp(entry->ifa_name, link->name) == 0)
			take_address(link, entry);
	if (!link->address[0])
		memcpy(link->address, link->address6, sizeof(link->address));
}

/* The default route of IPv4, as in "eth0 00000000 0100000A 0003 …": addresses as the machine
 * keeps them in memory. */
static void read_gateway(struct link *link)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/net/route", "re");
	char line[256], name[16];
	unsigned destination, flags;
	struct in_addr gateway;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%15s %x %x %x", name, &destination, &gateway.s_addr,
			   &flags) == 4 &&
		    destination == 0 && gateway.s_addr && strcmp(name, link->name) == 0) {
			inet_ntop(AF_INET, &gateway, link->gateway,
				  sizeof(link->gateway));
			return;
		}
}

/* The same of IPv6: destination, its length, source, its length, next hop, …, interface. */
static void read_gateway6(struct link *link)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/net/ipv6_route", "re");
	char line[256], name[16], hop[33];
	struct in6_addr gateway;
	unsigned length;

	while (file && fgets(line, sizeof(line), file)) {
		bool good = sscanf(line, "%*32s %x %*32s %*x %32s %*x %*x %*x %*x %15s",
				   &length, hop, name) == 3;

		for (unsigned i = 0; good && i < sizeof(gateway); i++)
			good = sscanf(hop + 2 * i, "%2hhx", &gateway.s6_addr[i]) == 1;
		if (!good || length != 0 || IN6_IS_ADDR_UNSPECIFIED(&gateway) ||
		    strcmp(name, link->name) != 0)
			continue;
		inet_ntop(AF_INET6, &gateway, link->gateway6, sizeof(link->gateway6));
		return;
	}
}

void links_name_servers(char *text, size_t size)
{
	AUTO_FCLOSE FILE *file = fopen("/etc/resolv.conf", "re");
	char line[256], server[64];
	size_t length = 0;

	text[0] = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "nameserver %63s", server) == 1 && length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s",
						   length ? " " : "", server);
}

/* -- all of them ------------------------------------------------------------------ */

static int compare_links(const void *a, const void *b)
{
	return strverscmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

/* Fills in what there is to know; false where the interface is not wired. */
static bool read_link(int fd, const char *name, const struct ifaddrs *addresses,
		      struct link *ret)
{
	struct link link = { 0 };

	snprintf(link.name, sizeof(link.name), "%.15s", name);
	read_driver(fd, &link);
	if (!is_wired(&link))
		return false;
	read_mac(fd, &link);
	/* The kernel answers this only while the interface is up. */
	link.up = read_attribute(name, "carrier") >= 0;
	link.carrier = read_attribute(name, "carrier") == 1;
	if (link.carrier && read_attribute(name, "speed") > 0)
		link.speed = (unsigned)read_attribute(name, "speed");
	read_addresses(&link, addresses);
	read_gateway(&link);
	read_gateway6(&link);
	*ret = link;
	return true;
}

static void freeifaddrsp(struct ifaddrs **list)
{
	freeifaddrs(*list);
}

static void closedirp(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int links_read(struct link **ret, size_t *ret_count, struct err *err)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	AUTO(closedirp) DIR *folder = opendir(SYSFS_NET);
	AUTO(freeifaddrsp) struct ifaddrs *addresses = NULL;
	AUTO_FREE struct link *links = calloc(MAX_LINKS, sizeof(*links));
	const struct dirent *entry;
	size_t count = 0;

	if (!links)
		return err_nomem(err);
	if (!folder)
		return err_errno(err, errno, "'" SYSFS_NET "'");
	if (fd < 0 || getifaddrs(&addresses) < 0)
		return err_errno(err, errno, "the list of network addresses");
	while (count < MAX_LINKS && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < IFNAMSIZ &&
		    read_link(fd, entry->d_name, addresses, &links[count]))
			count++;
	qsort(links, count, sizeof(*links), compare_links);
	*ret = TAKE_PTR(links);
	*ret_count = count;
	return 0;
}

static int set_up(int fd, const struct link *link, struct err *err)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", link->name);
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return err_errno(err, errno, "network interface '%s'", link->name);
	if (request.ifr_flags & IFF_UP)
		return 0;
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_errno(err, errno, "network interface '%s': setting it up",
				 link->name);
	return 0;
}

int links_up(struct err *err)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	AUTO_FREE struct link *links = NULL;
	size_t count = 0;
	int r;

	if (fd < 0)
		return err_errno(err, errno, "a socket for network interfaces");
	r = links_read(&links, &count, err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = set_up(fd, &links[i], err);
	return r;
}

/* -- waiting ---------------------------------------------------------------------- */

static bool any_address(const struct link *links, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (links[i].address[0])
			return true;
	return false;
}

/* Does every interface with a cable have an address of IPv4, and is there a name server?
 */
static bool is_settled(const struct link *links, size_t count)
{
	char servers[256];

	for (size_t i = 0; i < count; i++)
		if (links[i].carrier &&
		    (!links[i].address[0] || strchr(links[i].address, ':')))
			return false;
	links_name_servers(servers, sizeof(servers));
	return servers[0];
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* What stands between this interface and an address. */
static const char *link_advice(const struct link *link)
{
	if (!link->up)
		return "is down";
	if (!link->carrier)
		return "no cable, or the other end is off";
	return "cable is fine, no DHCP server answers";
}

static int no_address(const struct link *links, size_t count, unsigned timeout_ms,
		      struct err *err)
{
	AUTO(text_clear) struct text text = { 0 };

	for (size_t i = 0; i < count; i++)
		text_add(&text, "%s'%s' (driver %s, %s): %s", i ? "; " : "",
			 links[i].name, links[i].driver[0] ? links[i].driver : "unknown",
			 links[i].mac, link_advice(&links[i]));
	return err_set(
		err, -ETIMEDOUT, "no network address after %u s: %s", timeout_ms / 1000,
		!text.string ? "no wired network interface (no card, or no driver for it)"
			     : text.string);
}

int links_wait(unsigned timeout_ms, struct err *err)
{
	int64_t deadline = now_ms() + timeout_ms, settled = 0;

	for (;;) {
		AUTO_FREE struct link *links = NULL;
		size_t count = 0;
		int64_t now;
		int r = links_read(&links, &count, err);

		if (r < 0)
			return r;
		now = now_ms();
		if (any_address(links, count) && !settled)
			settled = now + SETTLE_MS;
		if (settled && (now >= settled || is_settled(links, count)))
			return 0;
		if (!settled && now >= deadline)
			return no_address(links, count, timeout_ms, err);
		usleep(POLL_MS * 1000);
	}
}
