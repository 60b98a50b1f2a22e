/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libsmbclient is told in the place of the host's smb.conf: see smb-settings.h. */
#include "smb-settings.h"

/* Everything that is not set here has a default that needs nothing from outside. */
const char smb_settings[] =
	"[global]\n"
	"workgroup = WORKGROUP\n"
	"netbios name = OPENBMR\n"
	"client min protocol = SMB2_02\n"
	"client max protocol = SMB3_11\n"
	"client ipc min protocol = SMB2_02\n"
	"client ipc max protocol = SMB3_11\n"
	"client signing = required\n"
	"client ipc signing = required\n"
	"client use kerberos = off\n"
	"name resolve order = host\n"
	"disable netbios = yes\n"
	"unix charset = UTF-8\n"
	"dos charset = ASCII\n"; /* others need glibc's gconv modules */
