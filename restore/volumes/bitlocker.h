/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BitLocker volumes as what they hold, decrypted while it is read. Nothing is mapped by the kernel. */
#pragma once

#include <base/block-source.h>
#include <restore/unlock.h>

/* What the volume holds, over the volume, which is borrowed. -ENOEXEC: not BitLocker. -ENOKEY:
 * there are no keys; -EKEYREJECTED: none of them fits; both with what would open it. -EBADMSG,
 * -ENOTSUP. A volume whose protection is suspended needs no key. */
int bitlocker_open(struct block_source *volume, const struct unlock_keys *keys,
		   struct block_source **ret, struct err *err) MUST_CHECK;
