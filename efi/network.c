/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TFTP by the firmware's PXE, and which way a file is read; see network.h. */
#include "network.h"

#include <string.h>

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

static EFI_STATUS tftp_get(const struct medium *medium, const char *name, size_t limit,
			   struct medium_file *ret, struct err *err)
{
	const EFI_PXE_BASE_CODE_DHCPV4_PACKET *packet = NULL;
	AUTO_POOL UINT8 *data = pool_allocate(limit + 1);
	EFI_PXE_BASE_CODE_PROTOCOL *pxe;
	EFI_IP_ADDRESS server = { 0 };
	UINT64 size = limit + 1;
	char path[URL_SIZE];
	EFI_STATUS status;

	if (!EFI_ERROR(BS->HandleProtocol(medium->image->DeviceHandle,
					  &PxeBaseCodeProtocol, (void **)&pxe)) &&
	    pxe->Mode->Started && !pxe->Mode->UsingIpv6)
		packet = boot_packet(pxe->Mode);
	if (!packet)
		return err_fact(err, EFI_NOT_FOUND,
				"'%s': this program was not loaded by PXE over IPv4",
				name);
	if (!data)
		return err_fact(err, EFI_OUT_OF_RESOURCES, "'%s': no memory", name);
	if (tftp_in_folder((const char *)packet->BootpBootFile,
			   sizeof(packet->BootpBootFile), name, path, err))
		return EFI_INVALID_PARAMETER;
	memcpy(server.v4.Addr, packet->BootpSiAddr, sizeof(server.v4.Addr));
	status = pxe->Mtftp(pxe, EFI_PXE_BASE_CODE_TFTP_READ_FILE, data, FALSE, &size,
			    NULL, &server, (UINT8 *)path, NULL, FALSE);
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
