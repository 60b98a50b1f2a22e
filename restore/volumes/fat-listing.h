/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What mdir prints of a folder of a FAT volume, understood. Pure. */
#pragma once

#include <restore/items.h>

/* mdir writes times as they are on the volume, without a zone: they are taken for UTC. Lines that
 * are no entries are passed over, as are "." and "..". text is changed. */
int fat_listing_parse(char *text, struct item_list *ret, struct err *err) MUST_CHECK;

/* What mattrib prints of one file: its attributes (ITEM_READONLY, …). -EBADMSG: something else. */
int fat_attributes_parse(const char *text, uint32_t *ret, struct err *err) MUST_CHECK;
