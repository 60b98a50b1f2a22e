/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings of libsmbclient, as text of its smb.conf. */
#pragma once

extern const char smb_settings[];
