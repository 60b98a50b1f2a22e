/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TFTP by the firmware's PXE, and which way a file is read; see network.h. */
#include "network.h"

#include <string.h>

#include "boot-url.h"
#include "http.h"

static void keep_name(const char *name, struct medium_file *file)
{
	size_t i = 0;

	for (; name[i] && i < FILE_NAME_UNITS - 1; i++)
		file->name[i] = (CHAR16)name[i];
	file->name[i] = 0;
}

/* Which server told the name of the boot file, in the order of the PXE specification. */
static const EFI_PXE_BASE_CODE_DHCPV4_PACKET *
boot_packet(const EFI_PXE_BASE_CODE_MODE *mode)
{
	if (mode->PxeReplyReceived)
		return &mode->PxeReply.Dhcpv4;
	if (mode->ProxyOfferReceived && mode->ProxyOffer.Dhcpv4.BootpBootFile[0])
		return &mode->ProxyOffer.Dhcpv4;
	return mode->DhcpAckReceived ? &mode->DhcpAck.Dhcpv4 : NULL;
}

/* The server, and the boot file on it as TFTP names it. */
struct boot_file {
	EFI_IP_ADDRESS server;
	char path[URL_SIZE];
};

static EFI_STATUS find_ipv4(const EFI_PXE_BASE_CODE_MODE *mode, struct boot_file *ret,
			    struct err *err)
{
	const EFI_PXE_BASE_CODE_DHCPV4_PACKET *packet = boot_packet(mode);

	if (!packet)
		return err_fact(err, EFI_NOT_FOUND,
				"the firmware does not tell the server's name");
	/* may be without its NUL */
	memcpy(ret->path, packet->BootpBootFile, sizeof(packet->BootpBootFile));
	ret->path[sizeof(packet->BootpBootFile)] = '\0';
	memcpy(ret->server.v4.Addr, packet->BootpSiAddr, sizeof(ret->server.v4.Addr));
	return EFI_SUCCESS;
}

static EFI_STATUS find_ipv6(const EFI_PXE_BASE_CODE_MODE *mode, struct boot_file *ret,
			    struct err *err)
{
	const struct {
		BOOLEAN received;
		const EFI_PXE_BASE_CODE_PACKET *packet;
	} packets[] = {
		{ mode->PxeReplyReceived, &mode->PxeReply },
		{ mode->ProxyOfferReceived, &mode->ProxyOffer },
		{ mode->DhcpAckReceived, &mode->DhcpAck },
	};
	char url[URL_SIZE];

	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		if (packets[i].received &&
		    dhcp6_boot_url(packets[i].packet->Raw, sizeof(packets[i].packet->Raw),
				   url))
			return tftp_url_parse(url, ret->server.v6.Addr, ret->path, err)
				       ? EFI_NOT_FOUND
				       : EFI_SUCCESS;
	return err_fact(err, EFI_NOT_FOUND,
			"the firmware does not tell the URL of the boot file");
}

/* NULL: this program was not loaded by PXE. */
static EFI_PXE_BASE_CODE_PROTOCOL *started_pxe(const struct medium *medium)
{
	EFI_PXE_BASE_CODE_PROTOCOL *pxe;

	if (EFI_ERROR(BS->HandleProtocol(medium->image->DeviceHandle,
					 &PxeBaseCodeProtocol, (void **)&pxe)) ||
	    !pxe->Mode->Started)
		return NULL;
	return pxe;
}

static EFI_STATUS find_boot_file(const EFI_PXE_BASE_CODE_PROTOCOL *pxe,
				 struct boot_file *ret, struct err *err)
{
	*ret = (struct boot_file){ 0 };
	if (!pxe)
		return err_fact(err, EFI_NOT_FOUND, "this program was not loaded by PXE");
	return pxe->Mode->UsingIpv6 ? find_ipv6(pxe->Mode, ret, err)
				    : find_ipv4(pxe->Mode, ret, err);
}

static EFI_STATUS tftp_get(const struct medium *medium, const char *name, size_t limit,
			   struct medium_file *ret, struct err *err)
{
	AUTO_POOL UINT8 *data = pool_allocate(limit + 1);
	EFI_PXE_BASE_CODE_PROTOCOL *pxe = started_pxe(medium);
	struct boot_file boot_file;
	UINT64 size = limit + 1;
	char path[URL_SIZE];
	EFI_STATUS status = find_boot_file(pxe, &boot_file, err);

	if (!pxe || EFI_ERROR(status)) {
		(void)err_add(err, "'%s'", name);
		return status;
	}
	if (!data)
		return err_fact(err, EFI_OUT_OF_RESOURCES, "'%s': no memory", name);
	if (tftp_in_folder(boot_file.path, sizeof(boot_file.path), name, path, err))
		return EFI_INVALID_PARAMETER;
	status = pxe->Mtftp(pxe, EFI_PXE_BASE_CODE_TFTP_READ_FILE, data, FALSE, &size,
			    NULL, &boot_file.server, (UINT8 *)path, NULL, FALSE);
	if (status == EFI_BUFFER_TOO_SMALL || (!EFI_ERROR(status) && size > limit))
		return err_fact(err, EFI_BAD_BUFFER_SIZE, "'%s': limit is %zu bytes",
				path, limit);
	/* servers have many words for it */
	if (status == EFI_TFTP_ERROR)
		return err_fact(err, EFI_NOT_FOUND, "'%s': not on the server", path);
	if (EFI_ERROR(status))
		return err_status(err, status, "'%s': TFTP", path);
	ret->content = (struct bytes){ .data = data, .size = (size_t)size };
	data = NULL;
	keep_name(path, ret);
	return EFI_SUCCESS;
}

EFI_STATUS network_read(const struct medium *medium, const char *name, size_t limit,
			struct medium_file *ret, struct err *err)
{
	char url[URL_SIZE];
	EFI_STATUS status;
	struct err ignored;

	*ret = (struct medium_file){ 0 };
	if (!medium->network.url[0])
		return tftp_get(medium, name, limit, ret, err);
	/* a whole URL stands for itself */
	if (!url_host(name, url, &ignored))
		memcpy(url, name, strlen(name) + 1);
	else if (url_in_folder(medium->network.url, name, url, err))
		return EFI_INVALID_PARAMETER;
	status = http_get(medium, url, limit, &ret->content, err);
	if (!EFI_ERROR(status))
		keep_name(url, ret);
	return status;
}
