/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of the server that this program was loaded from: by TFTP where PXE loaded it, by
 * HTTP where HTTP Boot did. IPv4; nobody says who is at the other end.
 */
#pragma once

#include "medium.h"

/* Reads a whole file from the folder in which this program lies. name: below that folder,
 * with '/'; or a whole URL where HTTP Boot loaded it. ret->name says where it came from.
 * EFI_NOT_FOUND: there is none, or no such server. */
EFI_STATUS network_read(const struct medium *medium, const char *name, size_t limit,
			struct medium_file *ret, struct err *err) MUST_CHECK;
